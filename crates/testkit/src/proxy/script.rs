//! Scripts that decide about each call by a seed, or as a log recorded it.

use std::collections::HashMap;
use std::time::Duration;

use super::{Act, Call, Entry, Point, Refusal};
use crate::Dice;

/// About one call in `one_in` fails, in one of the ways in which networks and services fail. With one
/// seed, the same occurrence of an operation always gets the same fault, whatever else is called.
pub fn by_seed(seed: u64, one_in: usize) -> impl Fn(&Call) -> Act + Send + Sync + 'static {
    move |call| {
        let mut dice = Dice::about(seed, &key(call));
        if dice.one_in(one_in) { fault(&mut dice, &call.operation.service) } else { Act::Pass }
    }
}

fn key(call: &Call) -> String {
    format!("{} {} {}", call.operation.service, call.operation.name, call.occurrence)
}

/// A throttled call is not done, as AWS promises.
fn fault(dice: &mut Dice, service: &str) -> Act {
    match dice.below(8) {
        0 => Act::Drop(Point::Arrived),
        1 => Act::Drop(Point::Committed),
        2 => Act::Refuse(Refusal::throttle(service)),
        3 => Act::Refuse(Refusal::BROKEN),
        4 => Act::Misreport(Refusal::BROKEN),
        5 => Act::Cut([0, 1, 60, 400][dice.below(4)]),
        6 => Act::Break([0, 1, 60, 400][dice.below(4)]),
        _ => Act::Delay(Duration::from_millis(50 + dice.below(450) as u64)),
    }
}

/// Repeats what a log recorded: the nth call of an operation gets what its nth call got then.
pub fn replay(log: &[Entry]) -> impl Fn(&Call) -> Act + Send + Sync + use<> + 'static {
    let acts: HashMap<String, Act> =
        log.iter().map(|entry| (key(&entry.call), entry.act)).collect();
    move |call| acts.get(&key(call)).copied().unwrap_or(Act::Pass)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::{Operation, read_log, write_log};

    fn call(number: usize, name: &str, occurrence: usize) -> Call {
        let operation = Operation { service: "ec2".into(), name: name.into(), writes: true };
        Call { number, operation, occurrence, target: "/".into() }
    }

    #[test]
    fn a_seed_decides_each_occurrence() {
        let (one, again) = (by_seed(7, 3), by_seed(7, 3));
        let acts: Vec<Act> = (0..600).map(|n| one(&call(n, "RunInstances", n))).collect();
        let backwards = (0..600).rev().map(|n| again(&call(600 - n, "RunInstances", n)));
        assert!(backwards.eq(acts.iter().rev().copied()), "the number does not matter");
        let faults = acts.iter().filter(|act| **act != Act::Pass).count();
        assert!((120..280).contains(&faults), "about a third: {faults}");
        let other: Vec<Act> =
            (0..600).map(|n| by_seed(8, 3)(&call(n, "RunInstances", n))).collect();
        assert_ne!(acts, other);
        let names: std::collections::BTreeSet<_> = acts.iter().map(Act::name).collect();
        assert_eq!(names.len(), 7, "{names:?}");
    }

    #[test]
    fn a_log_can_be_replayed() {
        let script = by_seed(1, 2);
        let calls: Vec<Call> = (0..100).map(|n| call(n, ["A", "B"][n % 2], n / 2)).collect();
        let entry = |call: &Call| Entry {
            call: call.clone(),
            act: if call.number == 0 { Act::Say("<a b=\"c\"/>") } else { script(call) },
            rule: (call.number == 3).then(|| "hidden".to_owned()),
            status: Some(200),
            length: Some(7),
        };
        let entries: Vec<Entry> = calls.iter().map(entry).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log.jsonl");
        write_log(&path, &entries).expect("written");
        let read = read_log(&path).expect("read");
        assert_eq!(read, entries);
        let again = replay(&read);
        assert!(calls.iter().rev().all(|call| again(call) == entries[call.number].act));
        assert_eq!(again(&call(0, "A", 999)), Act::Pass);
    }
}
