//! Snapshot and journal: what is folded, what is refused, what survives.

#![expect(clippy::disallowed_methods, reason = "tests look behind the trait")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use stackwright_engine::Address;
use stackwright_engine::state::{
    Data, Entry, Error, Folder, Object, Phase, Place, SCHEMA, Salvage, State, Step, Store, Verb,
    fold,
};
use tempfile::TempDir;

const JOURNAL: &str = "journal.jsonl";
const SNAPSHOT: &str = "state.json";

fn address() -> Address {
    Address::new("thing", "a")
}

fn entry(verb: Verb, step: Step, data: Data) -> Entry {
    let at = "2026-01-01T00:00:00Z".to_owned();
    Entry { seq: 0, op: 1, address: address(), generation: 1, at, verb, step, data }
}

fn id(id: &str) -> Data {
    Data { id: Some(id.to_owned()), ..Data::default() }
}

fn intent() -> Entry {
    let data =
        Data { token: Some("t".into()), spec: Some(json!({ "name": "a" })), ..Data::default() };
    entry(Verb::Create, Step::Intent, data)
}

fn made() -> [Entry; 2] {
    [intent(), entry(Verb::Create, Step::Result, id("i-1"))]
}

fn done() -> Entry {
    entry(Verb::Create, Step::Done, Data { spec: Some(json!({ "name": "a" })), ..Data::default() })
}

/// The one record of a state, in words.
fn told(state: &State) -> String {
    let object = |object: &Object| format!("{} {:?}", object.id, object.phase).to_lowercase();
    let Some(record) = state.resources.get(&address()) else { return "nothing".into() };
    let creating = record.creating.as_ref().map(|open| format!("creating {}", open.token));
    let deposed = record.deposed.iter().map(|o| format!("deposed {}", object(o)));
    let parts = record.object.iter().map(object).chain(creating).chain(deposed);
    parts.collect::<Vec<_>>().join(", ")
}

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

fn place() -> Place {
    Place {
        stack: "s".into(),
        cloud: "local".into(),
        region: "us-east-1".into(),
        account: "000000000000".into(),
    }
}

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join(".stackwright/s/local")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn try_open(&self) -> Result<Store, Error> {
        Store::open(Box::new(Folder::at(self.path())), &place(), "the test")
    }

    #[track_caller]
    fn open(&self) -> Store {
        self.try_open().expect("a state")
    }

    #[track_caller]
    fn refuses(&self, part: &str) {
        let error = self.try_open().err().expect("refused").to_string();
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }

    /// A state with one complete object, its journal not folded in.
    fn with_an_object() -> Self {
        let home = Self::new();
        let mut store = home.open();
        store.append(&mut made()).expect("written");
        store.append(&mut [done()]).expect("written");
        home
    }
}

#[test]
fn what_was_appended_is_there_again_with_and_without_a_snapshot() {
    let home = Home::with_an_object();
    let store = home.open();
    assert_eq!(told(store.state()), "i-1 done");
    let (lineage, serial) = (store.state().lineage.clone(), store.state().serial);
    drop(store);
    let mut store = home.open();
    store.append(&mut [entry(Verb::Update, Step::Intent, Data::default())]).expect("written");
    store.append(&mut [entry(Verb::Update, Step::Done, done().data)]).expect("written");
    store.finish().expect("folded");
    drop(store);
    assert_eq!(fs::read_to_string(home.file(JOURNAL)).expect("a journal").lines().count(), 1);
    let mut store = home.open();
    assert_eq!(told(store.state()), "i-1 done");
    assert_eq!((&store.state().lineage, store.state().serial), (&lineage, serial + 1));
    let before = fs::read(home.file(SNAPSHOT)).expect("a snapshot");
    store.finish().expect("nothing to fold");
    assert_eq!(before, fs::read(home.file(SNAPSHOT)).expect("a snapshot"), "nothing happened");
}

#[test]
fn a_torn_last_line_is_as_if_it_had_never_been_begun() {
    let home = Home::with_an_object();
    let whole = fs::read_to_string(home.file(JOURNAL)).expect("a journal");
    let last = whole.lines().last().expect("lines").len() + 1;
    let snapshot = fs::read(home.file(SNAPSHOT)).expect("a snapshot");
    for cut in 1..=last {
        fs::write(home.file(SNAPSHOT), &snapshot).expect("put back");
        fs::write(home.file(JOURNAL), &whole[..whole.len() - cut]).expect("torn");
        let seen =
            Store::peek(&Folder::at(home.path()), &place()).expect("readable").expect("a state");
        assert_eq!(told(&seen), "i-1 partial", "{cut} bytes short");
        let mut store = home.open();
        assert_eq!(told(store.state()), "i-1 partial", "{cut} bytes short");
        store.append(&mut [done()]).expect("written");
        drop(store);
        assert_eq!(told(home.open().state()), "i-1 done", "{cut} bytes short");
    }
}

#[test]
fn damage_before_the_end_is_refused_with_its_line() {
    let home = Home::with_an_object();
    let whole = fs::read_to_string(home.file(JOURNAL)).expect("a journal");
    fs::write(home.file(JOURNAL), whole.replace("\"token\":\"t\"", "\"token\":\"u\""))
        .expect("damaged");
    home.refuses("line 2 is not whole");
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    fs::write(home.file(JOURNAL), [lines[0], lines[2]].concat()).expect("damaged");
    home.refuses("entry 3 follows entry 0");
}

#[test]
fn a_journal_continues_one_snapshot_of_one_lineage() {
    let home = Home::with_an_object();
    let before = [JOURNAL, SNAPSHOT].map(|name| fs::read(home.file(name)).expect("a file"));
    home.open().finish().expect("folded");
    let after = fs::read(home.file(SNAPSHOT)).expect("a snapshot");

    // Killed between the new snapshot and the new journal: the old journal is folded in already.
    fs::write(home.file(JOURNAL), &before[0]).expect("put back");
    assert_eq!(told(home.open().state()), "i-1 done");
    assert_eq!(fs::read_to_string(home.file(JOURNAL)).expect("a journal").lines().count(), 1);

    // An older snapshot was put back: what happened in between is missing.
    fs::write(home.file(SNAPSHOT), &before[1]).expect("put back");
    home.refuses("it continues serial");
    let (store, salvage) = home.rebuild();
    assert!(salvage.damage[0].contains("it continues serial"), "{salvage:?}");
    assert_eq!(salvage.kept.len(), 2, "{salvage:?}");
    drop(store);
    fs::write(home.file(JOURNAL), &before[0]).expect("put back");
    fs::remove_file(home.file(SNAPSHOT)).expect("removed");
    home.refuses("state.json is missing");

    let other = Home::new();
    drop(other.open());
    fs::write(home.file(SNAPSHOT), after).expect("put back");
    fs::copy(other.file(JOURNAL), home.file(JOURNAL)).expect("copied");
    home.refuses("another lineage");
}

#[test]
fn a_snapshot_that_was_edited_or_is_newer_is_refused() {
    let home = Home::with_an_object();
    home.open().finish().expect("folded");
    let text = fs::read_to_string(home.file(SNAPSHOT)).expect("a snapshot");
    fs::write(home.file(SNAPSHOT), text.replace("i-1", "i-2")).expect("edited");
    home.refuses("its checksum does not fit");
    fs::write(home.file(SNAPSHOT), &text[..text.len() / 2]).expect("cut");
    home.refuses("is damaged");
    fs::write(
        home.file(SNAPSHOT),
        text.replace(&format!("\"schema\": {SCHEMA}"), "\"schema\": 99"),
    )
    .expect("newer");
    home.refuses("newer version (schema 99");
}

#[test]
fn one_writer_at_a_time_and_readers_always() {
    let home = Home::with_an_object();
    let held = home.open();
    match home.try_open() {
        Err(Error::Locked { holder, .. }) => assert_eq!(holder, "the test"),
        other => panic!("not locked: {:?}", other.err()),
    }
    let files = |folder: &Path| {
        let names = fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path());
        let mut files: Vec<_> =
            names.map(|path| (fs::read(&path).expect("a file"), path)).collect();
        files.sort();
        files
    };
    let before = files(&home.path());
    let seen = Store::peek(&Folder::at(home.path()), &place()).expect("readable").expect("a state");
    assert_eq!(told(&seen), "i-1 done");
    assert_eq!(files(&home.path()), before, "looking writes nothing");
    drop(held);
    drop(home.open());
}

#[test]
fn looking_where_nothing_is_makes_nothing() {
    let home = Home::new();
    assert!(Store::peek(&Folder::at(home.path()), &place()).expect("readable").is_none());
    assert!(!home.path().exists());
}

#[test]
fn a_state_serves_one_place() {
    let home = Home::with_an_object();
    let other = "other".to_owned();
    for wanted in [
        Place { stack: other.clone(), ..place() },
        Place { cloud: other.clone(), ..place() },
        Place { region: other.clone(), ..place() },
        Place { account: other.clone(), ..place() },
    ] {
        let opened = Store::open(Box::new(Folder::at(home.path())), &wanted, "");
        assert!(matches!(opened.err(), Some(Error::Elsewhere { .. })), "{wanted:?}");
        let seen = Store::peek(&Folder::at(home.path()), &wanted);
        assert!(matches!(seen.err(), Some(Error::Elsewhere { .. })), "{wanted:?}");
    }
    let unknown = Place { account: String::new(), ..place() };
    let seen = Store::peek(&Folder::at(home.path()), &unknown).expect("the same place");
    assert_eq!(seen.expect("a state").place, place());
}

#[test]
fn what_a_killed_write_left_is_overwritten() {
    let home = Home::with_an_object();
    fs::write(home.file("state.json.new"), "half").expect("left");
    home.open().finish().expect("folded");
    assert_eq!(told(home.open().state()), "i-1 done");
    let files = fs::read_dir(home.path()).expect("a folder").count();
    assert_eq!(files, 3, "snapshot, journal, lock");
}

#[test]
fn others_on_the_machine_cannot_read_it_and_git_does_not_see_it() {
    let home = Home::with_an_object();
    home.open().finish().expect("folded");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&home.path()), 0o700);
    for name in [SNAPSHOT, JOURNAL, "lock"] {
        assert_eq!(mode(&home.file(name)), 0o600, "{name}");
    }
    let ignore = home.0.path().join(".stackwright/.gitignore");
    assert_eq!(fs::read_to_string(ignore).expect("a file"), "*\n");
}

#[test]
fn a_state_behind_a_link_is_refused() {
    let home = Home::with_an_object();
    home.open().finish().expect("folded");
    let elsewhere = home.0.path().join("elsewhere");
    fs::rename(home.file(SNAPSHOT), &elsewhere).expect("moved");
    std::os::unix::fs::symlink(&elsewhere, home.file(SNAPSHOT)).expect("linked");
    home.refuses("symbolic link");
}

#[test]
fn an_illegal_entry_changes_neither_memory_nor_disk() {
    let home = Home::with_an_object();
    let mut store = home.open();
    let before = fs::read(home.file(JOURNAL)).expect("a journal");
    let refused = store.append(&mut [entry(Verb::Delete, Step::Intent, id("i-9"))]);
    assert!(matches!(refused, Err(Error::Illegal { .. })), "{refused:?}");
    assert_eq!(told(store.state()), "i-1 done");
    assert_eq!(
        store.state().resources[&address()].object.as_ref().map(|o| o.phase),
        Some(Phase::Done)
    );
    assert_eq!(fs::read(home.file(JOURNAL)).expect("a journal"), before);
}

impl Home {
    #[track_caller]
    fn rebuild(&self) -> (Store, Salvage) {
        let disk = Box::new(Folder::at(self.path()));
        Store::rebuild(disk, &place(), "the test", "kept").expect("rebuilt")
    }
}

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

#[test]
fn a_deleted_snapshot_and_nothing_begun_is_no_state() {
    let home = Home::with_an_object();
    home.open().finish().expect("folded");
    let lineage = home.open().state().lineage.clone();
    fs::remove_file(home.file(SNAPSHOT)).expect("removed");
    assert!(Store::peek(&Folder::at(home.path()), &place()).expect("readable").is_none());
    let store = home.open();
    assert_eq!(told(store.state()), "nothing");
    assert_ne!(store.state().lineage, lineage, "what the former one made is another's now");
}
