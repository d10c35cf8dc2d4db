//! What a state learns by word: another address, an object that is let go, a guard.

use serde_json::json;
use stackwright_engine::Address;
use stackwright_engine::lifecycle::Guard;
use stackwright_engine::state::{Data, Entry, State, Step, Verb, fold};

fn entry(address: &str, verb: Verb, step: Step, data: Data) -> Entry {
    let address = address.parse().expect("an address");
    let at = "2026-01-01T00:00:00Z".to_owned();
    Entry { seq: 0, op: 1, address, generation: 1, at, verb, step, data }
}

fn folded(entries: &[Entry]) -> Result<State, String> {
    entries.iter().try_fold(State::default(), fold).map_err(|refused| refused.to_string())
}

/// `thing.b`, which needs `thing.a`: both made.
fn made() -> Vec<Entry> {
    let guard = Guard { protect: true, retain: false };
    let both = ["thing.a", "thing.b"].map(|address| {
        let needs: Vec<Address> = match address {
            "thing.b" => vec![Address::new("thing", "a")],
            _ => Vec::new(),
        };
        let spec = Some(json!({ "name": address }));
        let dependencies = needs.into_iter().map(|need| (need, None)).collect();
        let intent = Data { token: Some("t".into()), spec, dependencies, guard, ..Data::default() };
        let result = Data { id: Some(format!("id of {address}")), ..Data::default() };
        [
            entry(address, Verb::Create, Step::Intent, intent),
            entry(address, Verb::Create, Step::Result, result),
        ]
    });
    both.into_iter().flatten().collect()
}

fn to(address: &str, former: &str) -> Entry {
    let from = Some(former.parse().expect("an address"));
    entry(address, Verb::Move, Step::Done, Data { from, ..Data::default() })
}

fn forgotten(address: &str, id: &str) -> Entry {
    let data = Data { id: Some(id.to_owned()), ..Data::default() };
    entry(address, Verb::Forget, Step::Done, data)
}

#[track_caller]
fn refused(last: Entry, why: &str) {
    let said = folded(&[made(), vec![last]].concat()).expect_err("it cannot have happened");
    assert!(said.ends_with(why), "{said}");
}

#[test]
fn another_address_takes_everything_along_and_what_needs_it_follows() {
    let state = folded(&[made(), vec![to("thing.c", "thing.a")]].concat()).expect("it is free");
    let known: Vec<&str> = state.resources.keys().map(Address::as_str).collect();
    assert_eq!(known, ["thing.b", "thing.c"]);
    let (b, c) = (Address::new("thing", "b"), Address::new("thing", "c"));
    assert_eq!(state.object(&c).map(|object| object.id.as_str()), Some("id of thing.a"));
    let needs: Vec<&Address> = state.object(&b).expect("made").dependencies.keys().collect();
    assert_eq!(needs, [&c]);
}

#[test]
fn an_address_is_given_once_and_nothing_is_moved_that_is_not_there() {
    refused(to("thing.b", "thing.a"), "that address is taken");
    refused(to("thing.d", "thing.c"), "nothing is known by the former address");
    refused(
        Entry { data: Data::default(), ..to("thing.d", "thing.a") },
        "without a former address",
    );
    refused(Entry { step: Step::Intent, ..to("thing.d", "thing.a") }, "there is no such step");
}

#[test]
fn what_replacements_left_stays_beside_what_comes() {
    let mut state = folded(&made()).expect("made");
    let a = state.resources.remove(&Address::new("thing", "a")).expect("made");
    let left = state.resources.entry(Address::new("thing", "c")).or_default();
    left.deposed.extend(a.object);
    let moved = Entry { generation: 2, ..to("thing.c", "thing.b") };
    let state = fold(state, &moved).expect("it is free");
    let c = &state.resources[&Address::new("thing", "c")];
    let known =
        c.object.iter().chain(&c.deposed).map(|object| (object.id.as_str(), object.generation));
    assert_eq!(known.collect::<Vec<_>>(), [("id of thing.b", 2), ("id of thing.a", 1)]);
}

#[test]
fn what_is_let_go_is_known_no_more() {
    let gone = forgotten("thing.b", "id of thing.b");
    let state = folded(&[made(), vec![gone]].concat()).expect("it is there");
    let known: Vec<&str> = state.resources.keys().map(Address::as_str).collect();
    assert_eq!(known, ["thing.a"]);
    refused(forgotten("thing.b", "another"), "no such object");
    refused(Entry { step: Step::Intent, ..forgotten("thing.b", "x") }, "there is no such step");
}

#[test]
fn a_guard_is_that_of_the_intent_until_the_object_is_done() {
    let guard = |state: &State| state.object(&Address::new("thing", "a")).expect("made").guard;
    assert!(guard(&folded(&made()).expect("made")).protect);
    let done = entry("thing.a", Verb::Create, Step::Done, Data::default());
    assert!(guard(&folded(&[made(), vec![done]].concat()).expect("done")).is_none());
}
