//! What AWS enforces and emulators do not: one rule, one file.
//!
//! A call that the script lets through meets the rules in force, each in its turn. A rule may answer
//! it itself, and it sees and may change what the emulator answered. What the emulator committed
//! counts, whether or not the client ever hears of it. A rule may ask the emulator; what was changed
//! past the proxy, some of them do not know.

mod half_built;
mod hidden;
mod in_progress;
mod invocation;
mod object;
mod one_writer;
mod permission;
mod power;
mod quotas;
mod snapshot;
mod statement_ids;
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

/// Which rules are in force. None by default.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// A ClientToken of RunInstances stands for one launch.
    pub tokens: bool,
    /// API Gateway's fixed quotas, in a time that runs so many times faster.
    pub quotas: Option<f64>,
    /// Writes to one REST API do not overlap.
    pub one_writer: bool,
    /// Reads of a function after a write until the write is done.
    pub in_progress: usize,
    /// By the name of a kind: how many reads miss a new object, in its first three seconds.
    pub hidden: BTreeMap<&'static str, usize>,
    /// Times that Lambda cannot assume a new role.
    pub unassumable: usize,
    /// A stage serves what its deployment froze, and one that is served stays.
    pub snapshot: bool,
    /// Nothing is deployed that has a method without integration, or no method.
    pub half_built: bool,
    /// A deployed route calls only a function that lets it in. Comes with `snapshot`.
    pub permission: bool,
    /// A statement's id is there once in a function's policy.
    pub statement_ids: bool,
    /// An instance changes only as its power allows; reads that a start and a stop last.
    pub power: Option<usize>,
}

impl Rules {
    /// Every rule: each delay lasts `n` looks, and the quotas' time runs `speed` times faster.
    pub fn all(n: usize, speed: f64) -> Self {
        Self {
            tokens: true,
            quotas: Some(speed),
            one_writer: true,
            in_progress: n,
            hidden: KINDS.iter().map(|kind| (kind.name, n)).collect(),
            unassumable: n,
            power: Some(n),
            ..Self::gateway()
        }
    }

    /// What decides whether a deployed API answers: no delay, no quota.
    pub fn gateway() -> Self {
        Self {
            snapshot: true,
            half_built: true,
            permission: true,
            statement_ids: true,
            ..Self::default()
        }
    }

    /// Only new objects of one kind are hidden, for `n` reads.
    #[track_caller]
    pub fn hiding(name: &str, n: usize) -> Self {
        Self { hidden: BTreeMap::from([(kind(name).name, n)]), ..Self::default() }
    }

    pub(super) fn book(self, upstream: &Upstream) -> Book {
        let mut rules: Vec<(&'static str, Arc<dyn Rule>)> = Vec::new();
        if self.unassumable > 0 {
            rules.push(("unassumable", Arc::new(unassumable::Unassumable::new(self.unassumable))));
        }
        if self.in_progress > 0 {
            rules.push(("in progress", Arc::new(in_progress::InProgress::new(self.in_progress))));
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
        if let Some(lasts) = self.power {
            rules.push(("power", Arc::new(power::Power::new(lasts, upstream))));
        }
        // The last to see an answer: what is hidden is hidden whatever the others say of it.
        if !self.hidden.is_empty() {
            rules.push(("hidden", Arc::new(hidden::Hidden::new(self.hidden))));
        }
        Book(rules)
    }
}

/// What a service says to a call.
pub type Answer = Response<Bytes>;

/// A rule with what it remembers.
pub trait Rule: Send + Sync {
    /// An answer keeps the call from the emulator.
    fn before(&self, _: &ApiRequest) -> Option<Answer> {
        None
    }

    /// Sees the emulator's answer; `true` when it changed it.
    fn after(&self, _: &ApiRequest, _: &mut Answer) -> bool {
        false
    }

    /// An answer keeps a call of a deployed API from the emulator.
    fn called(&self, _: &Invocation) -> Option<Answer> {
        None
    }

    /// The answer to a call that this rule let pass has left, or nobody waits for it any more.
    fn over(&self, _: &ApiRequest) {}
}

/// The rules in force.
pub struct Book(Vec<(&'static str, Arc<dyn Rule>)>);

impl Book {
    /// The call may go to the emulator; or the rule that answers it, and the answer.
    pub fn admit(&self, request: ApiRequest) -> Result<Visit, Box<(&'static str, Answer)>> {
        let mut visit = Visit { request, admitted: Vec::new() };
        for (name, rule) in &self.0 {
            if let Some(answer) = rule.before(&visit.request) {
                return Err(Box::new((*name, answer)));
            }
            visit.admitted.push((name, Arc::clone(rule)));
        }
        Ok(visit)
    }

    /// The answer of the first rule that does not let a call of a deployed API pass.
    pub fn called(&self, called: &Invocation) -> Option<Answer> {
        self.0.iter().find_map(|(_, rule)| rule.called(called))
    }
}

/// A call that every rule let pass, until its answer has left.
pub struct Visit {
    request: ApiRequest,
    admitted: Vec<(&'static str, Arc<dyn Rule>)>,
}

impl Visit {
    /// The last rule that changed the answer.
    pub fn answered(&self, answer: &mut Answer) -> Option<&'static str> {
        let changed = self.admitted.iter().filter(|(_, rule)| rule.after(&self.request, answer));
        changed.map(|(name, _)| *name).last()
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        for (_, rule) in &self.admitted {
            rule.over(&self.request);
        }
    }
}
