//! Parts of requests, in the SDK's types.

use std::collections::BTreeMap;

use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use aws_sdk_lambda::types::{Environment, EphemeralStorage, TracingConfig, TracingMode, VpcConfig};
use stackwright_engine::change::Change;
use stackwright_engine::kind::{Error, Handle, Result};

use super::config::{Tracing, Vpc};
use super::spec::Spec;

pub fn storage(size: i32) -> Result<EphemeralStorage> {
    let made = EphemeralStorage::builder().size(size).build();
    made.map_err(|error| Error::terminal(format!("ephemeral_storage: {error}")))
}

pub fn tracing(tracing: Tracing) -> TracingConfig {
    let mode = match tracing {
        Tracing::Active => TracingMode::Active,
        Tracing::Passthrough => TracingMode::PassThrough,
    };
    TracingConfig::builder().mode(mode).build()
}

pub fn vpc(Vpc { subnets, security_groups }: Vpc) -> VpcConfig {
    VpcConfig::builder()
        .set_subnet_ids(Some(subnets))
        .set_security_group_ids(Some(security_groups))
        .build()
}

pub fn environment(variables: BTreeMap<String, String>) -> Environment {
    Environment::builder().set_variables(Some(variables.into_iter().collect())).build()
}

/// Returns the environment that a function has now. If it cannot be read, foreign keys would be lost,
/// which is an error.
pub fn variables(live: &GetFunctionConfigurationOutput) -> Result<BTreeMap<String, String>> {
    let Some(environment) = &live.environment else { return Ok(BTreeMap::new()) };
    if let Some(error) = &environment.error {
        let reason = error.message.as_deref().unwrap_or("no reason given");
        return Err(Error::terminal(format!("its environment cannot be read: {reason}")));
    }
    Ok(environment.variables.clone().unwrap_or_default().into_iter().collect())
}

/// Returns the environment to send: live keys that this stack does not manage, and all desired ones.
pub fn merged(
    mut live: BTreeMap<String, String>,
    on: &Handle<Spec>,
    desired: &Spec,
    changes: &[Change],
) -> BTreeMap<String, String> {
    for key in
        on.applied.iter().flat_map(|applied| applied.environment.iter()).flat_map(BTreeMap::keys)
    {
        live.remove(key);
    }
    for change in changes.iter().filter(|change| change.path.field() == "environment") {
        if let (Some(key), None) = (change.path.0.get(1), &change.after) {
            live.remove(key);
        }
    }
    live.extend(desired.environment.clone().unwrap_or_default());
    live
}
