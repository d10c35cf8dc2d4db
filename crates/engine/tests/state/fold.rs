//! What a journal's entries make of a state, one after the other.

use stackwright_engine::state::{Conflict, Entry, State, fold};

use crate::support::{
    accepted, adopted, completed, created, delete_refused, deleted, deleting, failed, in_words,
    intent, intent_with, resent, updating,
};

/// Folds all entries, which lead to the state that is `expected`.
#[track_caller]
fn check(entries: &[Entry], expected: &str) {
    assert_eq!(in_words(&folded(entries)), expected);
}

/// Folds all entries but the last, which is refused and changes nothing.
#[track_caller]
fn refused(entries: &[Entry], expected: Conflict) {
    let (last, before) = entries.split_last().expect("entries");
    let mut state = folded(before);
    let known = state.clone();
    let refused = fold(&mut state, last).expect_err("it cannot have happened");
    assert_eq!((refused.conflict, state), (expected, known));
}

#[track_caller]
fn folded(entries: &[Entry]) -> State {
    let mut state = State::default();
    for entry in entries {
        fold(&mut state, entry).unwrap_or_else(|refused| panic!("{refused}"));
    }
    state
}

fn then<const N: usize>(before: impl IntoIterator<Item = Entry>, more: [Entry; N]) -> Vec<Entry> {
    before.into_iter().chain(more).collect()
}

fn complete() -> Vec<Entry> {
    then(created(), [completed()])
}

#[test]
fn a_create_is_open_until_its_outcome_is_known() {
    check(&[intent()], "creating t");
    check(&created(), "i-1 partial");
    check(&complete(), "i-1 done");
    check(&[intent(), failed()], "nothing");
    check(&[intent(), intent_with("u")], "creating u");
    refused(&[intent(), Entry { op: 2, ..intent() }], Conflict::CreateIsOpen);
    refused(&[intent(), Entry { generation: 2, ..intent() }], Conflict::CreateIsOpen);
    refused(&then(created(), [Entry { op: 2, ..intent() }]), Conflict::GenerationExists);
    refused(&[accepted("i-1")], Conflict::NoSuchCreate);
    refused(&[failed()], Conflict::NoSuchCreate);
    refused(&[completed()], Conflict::NoSuchObject);
    refused(&[intent(), Entry { op: 2, ..accepted("i-1") }], Conflict::NoSuchCreate);
}

#[test]
fn a_create_that_is_sent_again_keeps_everything_but_its_time() {
    let later = "2026-01-01T00:01:00Z";
    let again = Entry { at: later.to_owned(), ..resent("t") };
    let mut expected = folded(&[intent()]);
    for creating in expected.resources.values_mut().filter_map(|record| record.creating.as_mut()) {
        creating.at = later.to_owned();
    }
    assert_eq!(folded(&[intent(), again]), expected);
    refused(&[intent(), resent("u")], Conflict::NoSuchCreate);
    refused(&[intent(), Entry { op: 2, ..resent("t") }], Conflict::NoSuchCreate);
    refused(&then(created(), [resent("t")]), Conflict::NoSuchCreate);
    refused(&[resent("t")], Conflict::NoSuchCreate);
}

#[test]
fn an_update_is_open_until_it_is_seen() {
    check(&then(complete(), [updating()]), "i-1 updating");
    check(&then(complete(), [updating(), completed()]), "i-1 done");
    refused(&[updating()], Conflict::NoSuchObject);
    let next = Entry { generation: 2, ..updating() };
    refused(&then(complete(), [next]), Conflict::NoSuchObject);
}

#[test]
fn a_delete_is_open_until_absence_is_confirmed() {
    check(&then(complete(), [deleting("i-1")]), "i-1 deleting");
    check(&then(complete(), [deleted("i-1")]), "nothing");
    refused(&then(complete(), [deleting("i-2")]), Conflict::NoSuchObject);
    refused(&then(complete(), [deleted("i-2")]), Conflict::NoSuchObject);
}

#[test]
fn a_replaced_object_is_kept_until_it_is_deleted() {
    let second = |entry: Entry| Entry { generation: 2, op: 2, ..entry };
    let replaced = then(complete(), [second(intent()), second(accepted("i-2"))]);
    check(&replaced, "i-2 partial, deposed i-1 done");
    check(&then(replaced, [second(completed()), deleted("i-1")]), "i-2 done");
    // With the same name, the generation tells both objects apart.
    let again = then(complete(), [second(intent()), second(accepted("i-1"))]);
    check(&again, "i-1 partial, deposed i-1 done");
    check(&then(again.clone(), [second(completed()), deleted("i-1")]), "i-1 done");
    check(&then(again, [second(deleted("i-1"))]), "deposed i-1 done");
}

#[test]
fn a_refused_delete_leaves_the_object() {
    check(&then(complete(), [deleting("i-1"), delete_refused("i-1")]), "i-1 updating");
}

#[test]
fn an_adopted_object_is_ours_and_not_complete() {
    check(&[adopted("i-7")], "i-7 partial");
    check(&[adopted("i-7"), adopted("i-7")], "i-7 partial");
    check(&[adopted("i-7"), adopted("i-8")], "i-8 partial, deposed i-7 partial");
    let newer = Entry { generation: 2, ..adopted("i-8") };
    let old = [newer, adopted("i-7"), adopted("i-7")];
    check(&old, "i-8 partial, deposed i-7 partial");
}
