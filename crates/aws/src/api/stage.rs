//! The settings of a stage, which need no deployment: variables, throttling, access log.

use aws_sdk_apigateway::types::{Op, PatchOperation};
use stackwright_engine::change::Change;
use stackwright_engine::kind::Result;

use super::access_log::explain_role;
use super::names::Names;
use super::service::Apis;
use super::spec::Spec;

/// The key of the settings for all methods of all paths.
pub const ALL_ROUTES: &str = "*/*";

/// Removes a limit of a stage, so that the account's applies. `remove` would take the whole of the method's
/// settings, those of others too.
const OF_ACCOUNT: &str = "-1";

impl Apis {
    pub(super) async fn set_stage(
        &self,
        names: &Names,
        desired: &Spec,
        changes: &[Change],
    ) -> Result<()> {
        let patches = patches(desired, changes);
        // Without routes there is no stage.
        if patches.is_empty() || desired.deployed.is_empty() {
            return Ok(());
        }
        let request = self.gateway.update_stage().rest_api_id(&names.id);
        let request = request.stage_name(&names.stage).set_patch_operations(Some(patches));
        self.call("UpdateStage", request.send()).await.map(drop).map_err(explain_role)
    }
}

fn patches(desired: &Spec, changes: &[Change]) -> Vec<PatchOperation> {
    let mut patches = Vec::new();
    let patch = |op: Op, path: String| PatchOperation::builder().op(op).path(path);
    for change in changes {
        match change.path.0.as_slice() {
            [field, name] if field == "variables" => {
                let value = desired.variables.as_ref().and_then(|all| all.get(name));
                let op = if value.is_some() { Op::Replace } else { Op::Remove };
                let patch = patch(op, format!("/variables/{name}"));
                patches.push(patch.set_value(value.cloned()).build());
            }
            [field, name] if field == "throttle" => {
                let wanted = desired.throttle.clone().unwrap_or_default();
                let (limit, value) = match name.as_str() {
                    "rate" => ("rateLimit", wanted.rate.map(|rate| rate.to_string())),
                    _ => ("burstLimit", wanted.burst.map(|burst| burst.to_string())),
                };
                let value = value.unwrap_or_else(|| OF_ACCOUNT.to_owned());
                let patch = patch(Op::Replace, format!("/{ALL_ROUTES}/throttling/{limit}"));
                patches.push(patch.value(value).build());
            }
            _ => {}
        }
    }
    if changes.iter().any(|change| change.path.field() == "access_log") {
        // Group and format need each other.
        match &desired.access_log {
            None => patches.push(patch(Op::Remove, "/accessLogSettings".to_owned()).build()),
            Some(log) => {
                let parts = [("destinationArn", &log.group), ("format", &log.format)];
                patches.extend(parts.map(|(part, value)| {
                    let patch = patch(Op::Replace, format!("/accessLogSettings/{part}"));
                    patch.set_value(value.clone()).build()
                }));
            }
        }
    }
    patches
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::test_changes::edited;

    #[test]
    fn each_setting_is_a_patch() {
        let desired: Spec = serde_json::from_value(json!({
            "name": "a", "tags": {}, "routes": {}, "permissions": [], "deployed": "x",
            "variables": { "colour": "red" }, "throttle": { "rate": 12.5 },
        }))
        .expect("a spec");
        let change = |path: [&str; 2]| edited(&path);
        let changes = [
            ["variables", "colour"],
            ["variables", "gone"],
            ["throttle", "rate"],
            ["throttle", "burst"],
            ["tags", "a"],
        ];
        let off =
            patches(&desired, &[["access_log", "group"], ["access_log", "format"]].map(change));
        assert_eq!(off.len(), 1);
        assert_eq!((off[0].op(), off[0].path()), (Some(&Op::Remove), Some("/accessLogSettings")));
        let patches = patches(&desired, &changes.map(change));
        let sent: BTreeMap<_, _> = patches
            .iter()
            .map(|one| (one.path().unwrap_or_default(), (one.op(), one.value())))
            .collect();
        let expected = [
            ("/variables/colour", (Some(&Op::Replace), Some("red"))),
            ("/variables/gone", (Some(&Op::Remove), None)),
            ("/*/*/throttling/rateLimit", (Some(&Op::Replace), Some("12.5"))),
            ("/*/*/throttling/burstLimit", (Some(&Op::Replace), Some("-1"))),
        ];
        assert_eq!(sent, expected.into());
    }
}
