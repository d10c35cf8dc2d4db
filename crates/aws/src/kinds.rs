//! The list of all kinds.

use std::sync::{Arc, LazyLock};

use stackwright_engine::kind::Provider;
use stackwright_engine::providers::{AnyProvider, Providers, erase};
use stackwright_engine::registry::{Kind, Registry};

use crate::address::Addresses;
use crate::api::Apis;
use crate::cloud::Cloud;
use crate::connect::{Connect, Sources};
use crate::function::Functions;
use crate::instance::Instances;
use crate::key_pair::KeyPairs;
use crate::policy::Policies;
use crate::role::Roles;
use crate::security_group::SecurityGroups;

/// Every kind, in the order in which the file's sections are described. A new kind is one line here.
const KINDS: &[Registration] = &[
    Registration::of::<Instances>(),
    Registration::of::<SecurityGroups>(),
    Registration::of::<KeyPairs>(),
    Registration::of::<Addresses>(),
    Registration::of::<Policies>(),
    Registration::of::<Roles>(),
    Registration::of::<Functions>(),
    Registration::of::<Apis>(),
];

/// What a kind is, and how it is reached.
struct Registration {
    kind: fn() -> Kind,
    connect: Connection,
}

type Connection = fn(Arc<Kind>, &Arc<Cloud>, &Sources) -> Arc<dyn AnyProvider>;

impl Registration {
    const fn of<P: Connect>() -> Self {
        Self {
            kind: Kind::of::<<P as Provider>::Type>,
            connect: |kind, cloud, sources| erase(kind, P::connect(cloud, sources)),
        }
    }
}

/// Compiled once, when it is first needed.
static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    Registry::new(KINDS.iter().map(|registration| (registration.kind)()).collect())
});

/// Returns what all kinds are: for schemas and checks, which need no cloud.
pub fn registry() -> Registry {
    REGISTRY.clone()
}

/// Returns the providers of all kinds, which call `cloud`.
pub fn providers(cloud: &Arc<Cloud>, sources: &Sources) -> Providers {
    let registry = registry();
    let connect = |(registration, kind): (&Registration, &Arc<Kind>)| {
        (registration.connect)(kind.clone(), cloud, sources)
    };
    let providers = KINDS.iter().zip(registry.iter()).map(connect).collect();
    Providers::new(registry, providers)
}
