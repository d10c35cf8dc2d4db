//! What a journal's entries come to, one after the other.

use stackwright_engine::state::{Data, Entry, State, Step, Verb, fold};

use crate::support::{done, entry, id, intent, made, told};

/// Folds entry by entry; the state at the end, or the refusal of the last one.
#[track_caller]
fn check(entries: &[Entry], expected: &str) {
    let mut state = State::default();
    for (at, entry) in entries.iter().enumerate() {
        match fold(state, entry) {
            Ok(folded) => state = folded,
            Err(refused) => {
                assert_eq!(at + 1, entries.len(), "refused early: {refused}");
                assert!(refused.to_string().ends_with(expected), "{refused}");
                return;
            }
        }
    }
    assert_eq!(told(&state), expected);
}

fn then<const N: usize>(before: impl IntoIterator<Item = Entry>, more: [Entry; N]) -> Vec<Entry> {
    before.into_iter().chain(more).collect()
}

#[test]
fn a_create_is_open_until_its_outcome_is_known() {
    check(&[intent()], "creating t");
    check(&made(), "i-1 partial");
    check(&then(made(), [done()]), "i-1 done");
    check(&[intent(), entry(Verb::Create, Step::Failed, Data::default())], "nothing");
    check(&[intent(), intent()], "creating t");
    check(&[intent(), Entry { op: 2, ..intent() }], "another create is open");
    check(&[intent(), Entry { generation: 2, ..intent() }], "another create is open");
    let data = Data { token: Some("u".into()), ..intent().data };
    check(&[intent(), Entry { data, ..intent() }], "creating u");
    check(&[entry(Verb::Create, Step::Intent, Data::default())], "without a token");
    check(&[entry(Verb::Create, Step::Result, id("i-1"))], "no such create is open");
    check(&[entry(Verb::Create, Step::Failed, Data::default())], "no such create is open");
    check(&[intent(), entry(Verb::Create, Step::Result, Data::default())], "without an id");
    check(&[done()], "no such object");
    let other = Entry { op: 2, ..entry(Verb::Create, Step::Result, id("i-1")) };
    check(&[intent(), other], "no such create is open");
}

#[test]
fn an_update_is_open_until_it_is_seen() {
    let update = |step| entry(Verb::Update, step, Data::default());
    let done = || then(made(), [done()]);
    check(&then(done(), [update(Step::Intent)]), "i-1 updating");
    check(&then(done(), [update(Step::Intent), update(Step::Done)]), "i-1 done");
    check(&then(done(), [update(Step::Intent), update(Step::Failed)]), "there is no such step");
    check(&[update(Step::Intent)], "no such object");
    check(&then(done(), [update(Step::Result)]), "there is no such step");
    let next = Entry { generation: 2, ..update(Step::Intent) };
    check(&then(done(), [next]), "no such object");
}

#[test]
fn a_delete_is_open_until_absence_is_confirmed() {
    let delete = |step, which: &str| entry(Verb::Delete, step, id(which));
    let done = || then(made(), [done()]);
    check(&then(done(), [delete(Step::Intent, "i-1")]), "i-1 deleting");
    check(&then(done(), [delete(Step::Result, "i-1")]), "i-1 deleting");
    check(&then(done(), [delete(Step::Done, "i-1")]), "nothing");
    check(&then(done(), [delete(Step::Intent, "i-2")]), "no such object");
    check(&then(done(), [entry(Verb::Delete, Step::Done, Data::default())]), "without an id");
}

#[test]
fn a_replaced_object_is_kept_until_it_is_deleted() {
    let second = |e: Entry| Entry { generation: 2, op: 2, ..e };
    let result = second(entry(Verb::Create, Step::Result, id("i-2")));
    let replaced = then(then(made(), [done()]), [second(intent()), result]);
    check(&replaced, "i-2 partial, deposed i-1 done");
    let gone = entry(Verb::Delete, Step::Done, id("i-1"));
    check(&then(replaced, [second(done()), gone]), "i-2 done");
    // Of the same name: the generation tells them apart.
    let result = second(entry(Verb::Create, Step::Result, id("i-1")));
    let again = then(then(made(), [done()]), [second(intent()), result]);
    check(&again, "i-1 partial, deposed i-1 done");
    let gone = entry(Verb::Delete, Step::Done, id("i-1"));
    check(&then(again.clone(), [second(done()), gone.clone()]), "i-1 done");
    check(&then(again, [second(gone)]), "deposed i-1 done");
}

#[test]
fn a_refused_delete_leaves_the_object() {
    let delete = |step| entry(Verb::Delete, step, id("i-1"));
    let refused = [delete(Step::Intent), delete(Step::Failed)];
    check(&then(then(made(), [done()]), refused), "i-1 updating");
}

#[test]
fn an_adopted_object_is_ours_and_not_complete() {
    check(&[entry(Verb::Adopt, Step::Done, id("i-7"))], "i-7 partial");
    check(&[entry(Verb::Adopt, Step::Done, Data::default())], "without an id");
    let adopt = |which: &str| entry(Verb::Adopt, Step::Done, id(which));
    check(&[adopt("i-7"), adopt("i-7")], "i-7 partial");
    check(&[adopt("i-7"), adopt("i-8")], "i-8 partial, deposed i-7 partial");
    check(&[entry(Verb::Adopt, Step::Intent, id("i-7"))], "there is no such step");
    let newer = Entry { generation: 2, ..adopt("i-8") };
    let old = [newer, adopt("i-7"), adopt("i-7")];
    check(&old, "i-8 partial, deposed i-7 partial");
    check(&then(made(), [Entry { op: 2, ..intent() }]), "that generation is there already");
}
