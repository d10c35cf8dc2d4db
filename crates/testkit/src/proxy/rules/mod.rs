//! Restrictions that AWS enforces and emulators do not, one file each.
//!
//! A call that the script lets pass goes through the active rules in turn. A rule may answer the call
//! itself, and it sees and may change the emulator's answer. A rule counts what the emulator has done,
//! whether or not the client gets the reply. A rule may ask the emulator; some rules do not know
//! changes that were made without the proxy.

mod address_in_use;
mod dying;
mod half_built;
mod hidden;
mod in_progress;
mod in_use;
mod invocation;
mod object;
mod one_writer;
mod permission;
mod policy_in_use;
mod power;
mod quotas;
mod recorded;
mod retired_runtime;
mod slow_disks;
mod snapshot;
mod statement_ids;
mod stillborn;
mod tokens;
mod tree;
mod unassumable;
mod upstream;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;

use crate::kinds::{KINDS, kind};
pub use crate::request::ApiRequest;

pub use invocation::Invocation;
pub use upstream::Upstream;

/// Which rules are active; none by default.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// A ClientToken of RunInstances stands for one launch.
    pub tokens: bool,
    /// API Gateway's fixed quotas, in a time that runs so many times faster.
    pub quotas: Option<f64>,
    /// Overlapping writes to one REST API are refused.
    pub one_writer: bool,
    /// How many reads of a function show a write as in progress.
    pub in_progress: usize,
    /// By the name of a kind: how many reads miss a new object, in its first three seconds.
    pub hidden: BTreeMap<&'static str, usize>,
    /// How often Lambda cannot assume a new role.
    pub unassumable: usize,
    /// A function whose runtime is retired takes no code.
    pub retired_runtime: bool,
    /// A stage serves its deployment's snapshot, and a deployment in use cannot be deleted.
    pub snapshot: bool,
    /// An API with a method without integration, or without any method, is not deployed.
    pub half_built: bool,
    /// A deployed route calls only a function whose policy allows it. Includes `snapshot`.
    pub permission: bool,
    /// A statement's id is unique in a function's policy.
    pub statement_ids: bool,
    /// What AWS is recorded to refuse is refused.
    pub recorded: bool,
    /// How many reads show a modified disk as it was.
    pub slow_disks: usize,
    /// The first instance ends at its launch.
    pub dying: bool,
    /// Every function fails at its creation, and cannot be deleted.
    pub stillborn: bool,
    /// A security group that something uses is not deleted; for how many deletes an instance uses its
    /// groups after its end.
    pub in_use: Option<usize>,
    /// An address that leads to an instance is not released; how many associations find an instance pending.
    pub address_in_use: Option<usize>,
    /// A managed policy with several versions, or that something has attached, is not deleted.
    pub policy_in_use: bool,
    /// An instance changes only as its power state allows; how many reads a start or stop lasts.
    pub power: Option<usize>,
}

impl Rules {
    /// Every rule but `dying` and `stillborn`: each delay lasts `n` reads, and the quotas' time runs `speed` times faster.
    pub fn all(n: usize, speed: f64) -> Self {
        Self {
            tokens: true,
            quotas: Some(speed),
            one_writer: true,
            in_progress: n,
            hidden: KINDS.iter().map(|kind| (kind.name, n)).collect(),
            unassumable: n,
            retired_runtime: true,
            in_use: Some(n),
            address_in_use: Some(n),
            policy_in_use: true,
            power: Some(n),
            recorded: true,
            slow_disks: n,
            ..Self::gateway()
        }
    }

    /// The rules that decide whether a deployed API answers, without delays and quotas.
    pub fn gateway() -> Self {
        Self {
            snapshot: true,
            half_built: true,
            permission: true,
            statement_ids: true,
            ..Self::default()
        }
    }

    /// Only what AWS is recorded to refuse is refused.
    pub fn recorded() -> Self {
        Self { recorded: true, ..Self::default() }
    }

    /// Only new objects of one kind are hidden, for `n` reads.
    #[track_caller]
    pub fn hiding(name: &str, n: usize) -> Self {
        Self { hidden: BTreeMap::from([(kind(name).name, n)]), ..Self::default() }
    }

    pub(super) fn into_set(self, upstream: &Upstream) -> RuleSet {
        let mut rules: Vec<(&'static str, Arc<dyn Rule>)> = Vec::new();
        if self.recorded {
            rules.push(("recorded", Arc::new(recorded::Recorded::new(upstream))));
        }
        if self.unassumable > 0 {
            rules.push(("unassumable", Arc::new(unassumable::Unassumable::new(self.unassumable))));
        }
        if self.in_progress > 0 {
            rules.push(("in progress", Arc::new(in_progress::InProgress::new(self.in_progress))));
        }
        if self.retired_runtime {
            let retired = retired_runtime::RetiredRuntime::new(upstream);
            rules.push(("retired runtime", Arc::new(retired)));
        }
        if self.tokens {
            rules.push(("tokens", Arc::<tokens::Tokens>::default()));
        }
        if let Some(speed) = self.quotas {
            rules.push(("quotas", Arc::new(quotas::Quotas::new(speed))));
        }
        if self.one_writer {
            rules.push(("one writer", Arc::<one_writer::OneWriter>::default()));
        }
        if self.half_built {
            rules.push(("half built", Arc::new(half_built::HalfBuilt::new(upstream))));
        }
        if self.snapshot || self.permission {
            let snapshot = Arc::new(snapshot::Snapshot::new(upstream));
            rules.push(("snapshot", Arc::clone(&snapshot) as Arc<dyn Rule>));
            if self.permission {
                let permission = permission::Permission::new(snapshot, upstream);
                rules.push(("permission", Arc::new(permission)));
            }
        }
        if self.statement_ids {
            rules.push(("statement ids", Arc::new(statement_ids::StatementIds::new(upstream))));
        }
        if self.slow_disks > 0 {
            let rule = slow_disks::SlowDisks::new(self.slow_disks, upstream);
            rules.push(("slow disks", Arc::new(rule)));
        }
        if self.dying {
            rules.push(("dying", Arc::<dying::Dying>::default()));
        }
        if self.stillborn {
            rules.push(("stillborn", Arc::new(stillborn::Stillborn)));
        }
        if let Some(lasts) = self.in_use {
            rules.push(("in use", Arc::new(in_use::InUse::new(lasts, upstream))));
        }
        if let Some(lasts) = self.address_in_use {
            let rule = address_in_use::AddressInUse::new(lasts, upstream);
            rules.push(("address in use", Arc::new(rule)));
        }
        if self.policy_in_use {
            rules.push(("policy in use", Arc::new(policy_in_use::PolicyInUse::new(upstream))));
        }
        if let Some(lasts) = self.power {
            rules.push(("power", Arc::new(power::Power::new(lasts, upstream))));
        }
        // Last, so that a hidden object stays hidden in an answer that another rule has changed.
        if !self.hidden.is_empty() {
            rules.push(("hidden", Arc::new(hidden::Hidden::new(self.hidden))));
        }
        RuleSet(rules)
    }
}

/// The answer of a service to a call.
pub type Answer = Response<Bytes>;

/// A rule and its memory.
pub trait Rule: Send + Sync {
    /// An answer instead of the emulator's, which then does not get the call.
    fn before(&self, _: &ApiRequest) -> Option<Answer> {
        None
    }

    /// Sees the emulator's answer and may change it; `true` when it did.
    fn after(&self, _: &ApiRequest, _: &mut Answer) -> bool {
        false
    }

    /// As [`before`](Self::before), for a call of a deployed API.
    fn invoked(&self, _: &Invocation) -> Option<Answer> {
        None
    }

    /// The answer to a call that this rule let pass was sent, or its client has left.
    fn finished(&self, _: &ApiRequest) {}
}

/// The active rules.
pub struct RuleSet(Vec<(&'static str, Arc<dyn Rule>)>);

impl RuleSet {
    /// The call, if it may go to the emulator; otherwise the rule that answers it, and the answer.
    pub fn admit(&self, request: ApiRequest) -> Result<Admitted, Box<(&'static str, Answer)>> {
        let mut admitted = Admitted { request, rules: Vec::new() };
        for (name, rule) in &self.0 {
            if let Some(answer) = rule.before(&admitted.request) {
                return Err(Box::new((*name, answer)));
            }
            admitted.rules.push((name, Arc::clone(rule)));
        }
        Ok(admitted)
    }

    /// The answer of the first rule that refuses a call of a deployed API.
    pub fn invoked(&self, invocation: &Invocation) -> Option<Answer> {
        self.0.iter().find_map(|(_, rule)| rule.invoked(invocation))
    }
}

/// A call that every rule let pass, until its answer was sent.
pub struct Admitted {
    request: ApiRequest,
    rules: Vec<(&'static str, Arc<dyn Rule>)>,
}

impl Admitted {
    /// The last rule that changed the answer.
    pub fn answered(&self, answer: &mut Answer) -> Option<&'static str> {
        let changed = self.rules.iter().filter(|(_, rule)| rule.after(&self.request, answer));
        changed.map(|(name, _)| *name).last()
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        for (_, rule) in &self.rules {
            rule.finished(&self.request);
        }
    }
}
