//! Counts calls, and how many of them had to wait for one another.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::quotas;
use crate::model::Breach;
use crate::request::Operation;

/// The calls of a while.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// By service and name: `ec2 RunInstances`.
    pub by_operation: BTreeMap<String, u64>,
    /// How many of them change something.
    pub writes: u64,
    /// The length of the longest chain of calls each of which arrived after the one before was answered:
    /// so many round trips a run has at least. It says something only where calls take longer than the
    /// client's work between them.
    pub depth: u64,
    /// The calls by their places in such chains, the first calls first.
    pub by_place: Vec<BTreeMap<String, u64>>,
    /// Operations that the double does not know.
    pub unknown: BTreeSet<String>,
    /// How replies differ from AWS's own description of its services, if they are checked.
    pub deviations: BTreeSet<String>,
    /// Those of them that a quota refused, by service and name.
    pub throttled: BTreeMap<String, u64>,
}

impl Calls {
    pub fn total(&self) -> u64 {
        self.by_operation.values().sum()
    }

    /// How many of them a quota refused.
    pub fn throttled(&self) -> u64 {
        self.throttled.values().sum()
    }

    /// How long the calls that were not refused take at least under AWS's quotas, if all buckets are full
    /// when they begin.
    pub fn least_under_quotas(&self) -> Duration {
        let refused = |operation| self.throttled.get(operation).copied().unwrap_or_default();
        let accepted = self.by_operation.iter();
        quotas::least(
            accepted.map(|(operation, count)| (operation.as_str(), count - refused(operation))),
        )
    }

    /// How often one operation was called.
    pub fn of(&self, operation: &str) -> u64 {
        self.by_operation.get(operation).copied().unwrap_or_default()
    }
}

/// The calls so far.
#[derive(Debug, Default)]
pub struct Ledger(Calls);

/// A call that has arrived: its place in the longest chain that leads to it.
#[derive(Clone, Copy, Debug)]
pub struct Arrived(u64);

impl Ledger {
    pub fn arrives(&mut self, operation: &Operation) -> Arrived {
        *self.0.by_operation.entry(named(operation)).or_default() += 1;
        self.0.writes += u64::from(operation.writes);
        // `depth` is that of the longest chain that is answered: at most one place follows it.
        self.0
            .by_place
            .resize_with(self.0.by_place.len().max(self.0.depth as usize + 1), BTreeMap::new);
        if let Some(place) = self.0.by_place.last_mut() {
            *place.entry(named(operation)).or_default() += 1;
        }
        Arrived(self.0.depth + 1)
    }

    pub fn deviates(&mut self, operation: &Operation, breaches: &[Breach]) {
        let service = &operation.service;
        self.0.deviations.extend(breaches.iter().map(|breach| format!("{service} {breach}")));
    }

    pub fn is_unknown(&mut self, operation: &Operation) {
        self.0.unknown.insert(named(operation));
    }

    pub fn is_throttled(&mut self, operation: &Operation) {
        *self.0.throttled.entry(named(operation)).or_default() += 1;
    }

    pub fn is_answered(&mut self, Arrived(place): Arrived) {
        self.0.depth = self.0.depth.max(place);
    }

    pub fn take(&mut self) -> Calls {
        std::mem::take(&mut self.0)
    }
}

fn named(operation: &Operation) -> String {
    format!("{} {}", operation.service, operation.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_was_refused_takes_no_time_of_a_quota() {
        let run = Operation { service: "ec2".into(), name: "RunInstances".into(), writes: true };
        let mut ledger = Ledger::default();
        for _ in 0..25 {
            ledger.arrives(&run);
        }
        for _ in 0..10 {
            ledger.is_throttled(&run);
        }
        let calls = ledger.take();
        assert_eq!((calls.total(), calls.throttled()), (25, 10));
        assert_eq!(calls.least_under_quotas(), Duration::from_secs(5));
    }

    #[test]
    fn only_calls_that_wait_for_each_other_are_deep() {
        let operation =
            |name: &str, writes| Operation { service: "x".into(), name: name.into(), writes };
        let (read, write) = (operation("Get", false), operation("Put", true));
        let mut ledger = Ledger::default();
        let at_once = [ledger.arrives(&read), ledger.arrives(&read), ledger.arrives(&read)];
        ledger.is_answered(at_once[0]);
        // Follows the first and runs beside the others.
        let second = ledger.arrives(&write);
        at_once[1..].iter().for_each(|call| ledger.is_answered(*call));
        ledger.is_answered(second);
        let third = ledger.arrives(&read);
        ledger.is_answered(third);
        let calls = ledger.take();
        assert_eq!((calls.total(), calls.writes, calls.depth), (5, 1, 3));
        assert_eq!((calls.of("x Get"), calls.of("x Put"), calls.of("x List")), (4, 1, 0));
        let place = |name: &str, count| BTreeMap::from([(format!("x {name}"), count)]);
        assert_eq!(calls.by_place, [place("Get", 3), place("Put", 1), place("Get", 1)]);
        assert_eq!(ledger.take(), Calls::default());
    }
}
