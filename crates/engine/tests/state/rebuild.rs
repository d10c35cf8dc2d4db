//! Damaged files made anew.

use std::fs;

use stackwright_engine::Address;
use stackwright_engine::state::{Entry, Error, Folder, SCHEMA, Step, Store, Verb};

use crate::support::{Home, JOURNAL, SNAPSHOT, entry, id, intent, place, told};

#[test]
fn of_damaged_files_what_is_whole_counts_and_copies_are_kept() {
    let home = Home::with_an_object();
    let lineage = home.open().state().lineage.clone();
    let mut store = home.open();
    let other = Entry { address: Address::new("thing", "b"), op: 2, ..intent() };
    store.append(&mut [entry(Verb::Delete, Step::Intent, id("i-1"))]).expect("written");
    store.append(&mut [other]).expect("written");
    drop(store);
    let whole = fs::read_to_string(home.file(JOURNAL)).expect("a journal");
    let damaged = whole.replace("\"delete\"", "\"update\"");
    fs::write(home.file(JOURNAL), &damaged).expect("damaged");
    home.refuses("line 2 is not whole");

    let (store, salvage) = home.rebuild();
    assert_eq!(salvage.damage, ["journal.jsonl: line 2 is not whole"]);
    assert_eq!(salvage.kept, ["state.json.kept", "journal.jsonl.kept"]);
    assert!(salvage.knows_lineage);
    assert_eq!(told(store.state()), "i-1 done", "the damaged line counts for nothing");
    assert!(store.state().resources[&Address::new("thing", "b")].creating.is_some());
    assert_eq!(store.state().lineage, lineage);
    drop(store);
    assert_eq!(told(home.open().state()), "i-1 done");
    assert_eq!(fs::read_to_string(home.file("journal.jsonl.kept")).expect("a copy"), damaged);
}

#[test]
fn without_a_snapshot_an_open_create_and_the_lineage_are_saved() {
    let home = Home::new();
    let mut store = home.open();
    let lineage = store.state().lineage.clone();
    store.append(&mut [intent()]).expect("written");
    drop(store);
    let snapshot = fs::read_to_string(home.file(SNAPSHOT)).expect("a snapshot");
    for damage in [None, Some("{"), Some("")] {
        match damage {
            None => fs::remove_file(home.file(SNAPSHOT)).expect("removed"),
            Some(text) => fs::write(home.file(SNAPSHOT), text).expect("damaged"),
        }
        let journal = fs::read(home.file(JOURNAL)).expect("a journal");
        assert!(home.try_open().is_err());
        let (store, salvage) = home.rebuild();
        assert_eq!(told(store.state()), "creating t", "{salvage:?}");
        assert_eq!((&store.state().lineage, salvage.knows_lineage), (&lineage, true));
        drop(store);
        assert_eq!(told(home.open().state()), "creating t");
        fs::write(home.file(JOURNAL), journal).expect("put back");
    }
    // Edited: what it says is not believed, but whose state it is.
    fs::write(home.file(JOURNAL), "").expect("damaged");
    fs::write(home.file(SNAPSHOT), snapshot.replace("\"serial\": 1", "\"serial\": 7"))
        .expect("edited");
    let (store, salvage) = home.rebuild();
    assert_eq!((told(store.state()), &store.state().lineage), ("nothing".into(), &lineage));
    assert_eq!(salvage.damage.len(), 1, "{salvage:?}");
    drop(store);

    fs::write(home.file(JOURNAL), "x\n").expect("damaged");
    fs::write(home.file(SNAPSHOT), "x").expect("damaged");
    let (store, salvage) = home.rebuild();
    assert!(!salvage.knows_lineage && store.state().lineage != lineage, "{salvage:?}");
}

#[test]
fn a_state_that_is_whole_is_rebuilt_as_it_is() {
    let home = Home::with_an_object();
    let (store, salvage) = home.rebuild();
    assert_eq!(
        (told(store.state()), salvage.damage, salvage.kept),
        ("i-1 done".into(), vec![], vec![])
    );
    drop(store);
    let text = fs::read_to_string(home.file(SNAPSHOT)).expect("a snapshot");
    fs::write(
        home.file(SNAPSHOT),
        text.replace(&format!("\"schema\": {SCHEMA}"), "\"schema\": 99"),
    )
    .expect("newer");
    let disk = Box::new(Folder::at(home.path()));
    let newer = Store::rebuild(disk, &place(), "the test", "kept");
    assert!(matches!(newer.err(), Some(Error::Newer { .. })));
}
