//! Rebuilding a state from files that cannot be used.

use std::fs;

use stackwright_engine::Address;
use stackwright_engine::state::{Entry, Error, Folder, SCHEMA, Store};

use crate::support::{Home, JOURNAL, SNAPSHOT, deleting, in_words, intent, place};

#[test]
fn of_damaged_files_what_is_whole_counts_and_copies_are_kept() {
    let home = Home::with_an_object();
    let lineage = home.open().state().lineage.clone();
    let mut store = home.open();
    let other = Entry { address: Address::new("thing", "b"), op: 2, ..intent() };
    store.append(&[deleting("i-1")]).expect("written");
    store.append(&[other]).expect("written");
    drop(store);
    let whole = fs::read_to_string(home.file(JOURNAL)).expect("a journal");
    let damaged = whole.replace("\"delete_intent\"", "\"deleted\"");
    fs::write(home.file(JOURNAL), &damaged).expect("damaged");
    home.refuses("line 2 is not whole");

    let (store, salvage) = home.rebuild();
    assert_eq!(salvage.damage, ["journal.jsonl: line 2 is not whole"]);
    assert_eq!(salvage.kept, ["state.json.kept", "journal.jsonl.kept"]);
    assert!(salvage.knows_lineage);
    assert_eq!(in_words(store.state()), "i-1 done", "the damaged line counts for nothing");
    assert!(store.state().resources[&Address::new("thing", "b")].creating.is_some());
    assert_eq!(store.state().lineage, lineage);
    drop(store);
    assert_eq!(in_words(home.open().state()), "i-1 done");
    assert_eq!(fs::read_to_string(home.file("journal.jsonl.kept")).expect("a copy"), damaged);
}

#[test]
fn without_a_snapshot_an_open_create_and_the_lineage_are_saved() {
    let home = Home::new();
    let mut store = home.open();
    let lineage = store.state().lineage.clone();
    store.append(&[intent()]).expect("written");
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
        assert_eq!(in_words(store.state()), "creating t", "{salvage:?}");
        assert_eq!((&store.state().lineage, salvage.knows_lineage), (&lineage, true));
        drop(store);
        assert_eq!(in_words(home.open().state()), "creating t");
        fs::write(home.file(JOURNAL), journal).expect("put back");
    }
    // Edited: what it says is not believed, but whose state it is.
    fs::write(home.file(JOURNAL), "").expect("damaged");
    fs::write(home.file(SNAPSHOT), snapshot.replace("\"serial\": 1", "\"serial\": 7"))
        .expect("edited");
    let (store, salvage) = home.rebuild();
    assert_eq!((in_words(store.state()), &store.state().lineage), ("nothing".into(), &lineage));
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
        (in_words(store.state()), salvage.damage, salvage.kept),
        ("i-1 done".into(), vec![], vec![])
    );
}

#[test]
fn files_of_an_older_build_are_rebuilt_with_their_lineage() {
    let home = Home::with_an_object();
    let lineage = home.open().state().lineage.clone();
    home.open().append(&[deleting("i-1")]).expect("written");
    home.has_format(SNAPSHOT, SCHEMA - 1);
    home.has_format(JOURNAL, 1);
    // Lines of another format cannot be read at all.
    let journal = fs::read_to_string(home.file(JOURNAL)).expect("a journal");
    fs::write(home.file(JOURNAL), journal + "[{\"verb\":\"create\"}] 0\n").expect("written");
    let older = [SNAPSHOT, JOURNAL].map(|name| fs::read(home.file(name)).expect("a file"));
    let (store, salvage) = home.rebuild();
    assert_eq!(
        salvage.damage,
        [
            format!("state.json: it has format {} of an older build", SCHEMA - 1),
            "journal.jsonl: it has format 1 of an older build".to_owned()
        ]
    );
    let kept = [&salvage.kept[0], &salvage.kept[1]].map(|name| fs::read(home.file(name)).ok());
    assert_eq!(kept, older.map(Some));
    // The objects are found by their tags, which carry the lineage.
    assert_eq!((in_words(store.state()), &store.state().lineage), ("nothing".into(), &lineage));
    assert!(salvage.knows_lineage && !salvage.is_new, "{salvage:?}");
    drop(store);
    assert_eq!(in_words(home.open().state()), "nothing");
}

#[test]
fn files_of_a_newer_build_are_not_rebuilt() {
    for file in [SNAPSHOT, JOURNAL] {
        let home = Home::with_an_object();
        home.has_format(file, 99);
        let files = || [SNAPSHOT, JOURNAL].map(|name| fs::read(home.file(name)).expect("a file"));
        let before = files();
        let disk = Box::new(Folder::at(home.path()));
        let newer = Store::rebuild(disk, &place(), "the test", "kept");
        assert!(matches!(newer.err(), Some(Error::Newer { found: 99, .. })));
        assert_eq!(files(), before);
    }
}
