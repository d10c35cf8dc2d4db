//! Entries about which no cloud is asked: moves and releases. And guards, from intent to completion.

use std::collections::BTreeMap;

use serde_json::json;
use stackwright_engine::Address;
use stackwright_engine::lifecycle::Guard;
use stackwright_engine::state::{Conflict, Entry, Illegal, State, Transition, fold};

fn entry(address: &str, transition: Transition) -> Entry {
    let address = address.parse().expect("an address");
    let at = "2026-01-01T00:00:00Z".to_owned();
    Entry { op: 1, address, generation: 1, at, transition }
}

fn folded(entries: &[Entry]) -> Result<State, Illegal> {
    let mut state = State::default();
    entries.iter().try_for_each(|entry| fold(&mut state, entry)).map(|()| state)
}

/// `thing.a` and `thing.b`, which depends on it: both protected and created.
fn created() -> Vec<Entry> {
    let a = Address::new("thing", "a");
    let both = [("thing.a", None), ("thing.b", Some((a, None)))].map(|(address, dependency)| {
        let intent = Transition::CreateIntent {
            token: "t".into(),
            spec: json!({ "name": address }),
            dependencies: dependency.into_iter().collect(),
            guard: Guard { protect: true, retain: false },
        };
        let accepted = Transition::CreateAccepted {
            id: format!("id of {address}"),
            outputs: BTreeMap::new(),
            fingerprints: BTreeMap::new(),
            identity: None,
        };
        [entry(address, intent), entry(address, accepted)]
    });
    both.into_iter().flatten().collect()
}

fn to(address: &str, former: &str) -> Entry {
    let from = former.parse().expect("an address");
    entry(address, Transition::Moved { from })
}

fn released(address: &str, id: &str) -> Entry {
    entry(address, Transition::Released { id: id.to_owned() })
}

#[track_caller]
fn refused(last: Entry, conflict: Conflict) {
    let refused = folded(&[created(), vec![last]].concat()).expect_err("it cannot have happened");
    assert_eq!(refused.conflict, conflict);
}

#[test]
fn a_move_takes_everything_along_and_dependents_follow() {
    let state = folded(&[created(), vec![to("thing.c", "thing.a")]].concat()).expect("it is free");
    let known: Vec<&str> = state.resources.keys().map(Address::as_str).collect();
    assert_eq!(known, ["thing.b", "thing.c"]);
    let (b, c) = (Address::new("thing", "b"), Address::new("thing", "c"));
    assert_eq!(state.object(&c).map(|object| object.id.as_str()), Some("id of thing.a"));
    let needs: Vec<&Address> = state.object(&b).expect("created").dependencies.keys().collect();
    assert_eq!(needs, [&c]);
}

#[test]
fn a_move_to_a_taken_address_or_from_an_unknown_one_is_refused() {
    refused(to("thing.b", "thing.a"), Conflict::AddressTaken);
    refused(to("thing.a", "thing.a"), Conflict::AddressTaken);
    refused(to("thing.d", "thing.c"), Conflict::UnknownFormerAddress);
}

#[test]
fn replaced_objects_at_the_new_address_stay_beside_the_moved_one() {
    let mut state = folded(&created()).expect("created");
    let a = state.resources.remove(&Address::new("thing", "a")).expect("created");
    let left = state.resources.entry(Address::new("thing", "c")).or_default();
    left.deposed.extend(a.object);
    let moved = Entry { generation: 2, ..to("thing.c", "thing.b") };
    fold(&mut state, &moved).expect("it is free");
    let c = &state.resources[&Address::new("thing", "c")];
    let known =
        c.object.iter().chain(&c.deposed).map(|object| (object.id.as_str(), object.generation));
    assert_eq!(known.collect::<Vec<_>>(), [("id of thing.b", 2), ("id of thing.a", 1)]);
}

#[test]
fn a_released_object_is_unknown() {
    let gone = released("thing.b", "id of thing.b");
    let state = folded(&[created(), vec![gone]].concat()).expect("it is there");
    let known: Vec<&str> = state.resources.keys().map(Address::as_str).collect();
    assert_eq!(known, ["thing.a"]);
    refused(released("thing.b", "another"), Conflict::NoSuchObject);
}

#[test]
fn a_guard_is_that_of_the_intent_until_the_object_is_complete() {
    let guard = |state: &State| state.object(&Address::new("thing", "a")).expect("created").guard;
    assert!(guard(&folded(&created()).expect("created")).protect);
    let complete = Transition::Completed {
        spec: json!({ "name": "thing.a" }),
        outputs: BTreeMap::new(),
        fingerprints: BTreeMap::new(),
        unapplied: BTreeMap::new(),
        identity: None,
        dependencies: BTreeMap::new(),
        guard: Guard::default(),
    };
    let complete = entry("thing.a", complete);
    assert!(guard(&folded(&[created(), vec![complete]].concat()).expect("complete")).is_none());
}
