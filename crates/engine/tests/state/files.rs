//! The files of a state: what survives, what is refused, who may look.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;
use stackwright_engine::Address;
use stackwright_engine::lifecycle::Guard;
use stackwright_engine::state::{Entry, Error, Folder, Phase, Place, SCHEMA, Store, Transition};

use crate::support::{
    Home, JOURNAL, SNAPSHOT, accepted, address, completed, deleted, deleting, entry, in_words,
    intent, intent_with, place, updating,
};

#[test]
fn what_was_appended_is_there_again_with_and_without_a_snapshot() {
    let home = Home::with_an_object();
    let store = home.open();
    assert_eq!(in_words(store.state()), "i-1 done");
    let (lineage, serial) = (store.state().lineage.clone(), store.state().serial);
    drop(store);
    let mut store = home.open();
    store.append(&[updating()]).expect("written");
    store.append(&[completed()]).expect("written");
    store.finish().expect("folded");
    drop(store);
    assert_eq!(fs::read_to_string(home.file(JOURNAL)).expect("a journal").lines().count(), 1);
    let mut store = home.open();
    assert_eq!(in_words(store.state()), "i-1 done");
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
        assert_eq!(in_words(&seen), "i-1 partial", "{cut} bytes short");
        let mut store = home.open();
        assert_eq!(in_words(store.state()), "i-1 partial", "{cut} bytes short");
        store.append(&[completed()]).expect("written");
        drop(store);
        assert_eq!(in_words(home.open().state()), "i-1 done", "{cut} bytes short");
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
    assert_eq!(in_words(home.open().state()), "i-1 done");
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
fn a_snapshot_that_was_edited_is_refused() {
    let home = Home::with_an_object();
    home.open().finish().expect("folded");
    let text = fs::read_to_string(home.file(SNAPSHOT)).expect("a snapshot");
    fs::write(home.file(SNAPSHOT), text.replace("i-1", "i-2")).expect("edited");
    home.refuses("its checksum does not match");
    fs::write(home.file(SNAPSHOT), &text[..text.len() / 2]).expect("cut");
    home.refuses("is damaged");
    let format = format!("\"schema\": {SCHEMA}");
    fs::write(home.file(SNAPSHOT), text.replace(&format, "\"schema\": null")).expect("edited");
    home.refuses("it has no format number");
    // A flipped bit of the number makes no snapshot of another build.
    fs::write(home.file(SNAPSHOT), text.replace(&format, "\"schema\": 7")).expect("edited");
    home.refuses("its checksum does not match");
}

#[test]
fn a_snapshot_may_be_indented_otherwise() {
    let home = Home::new();
    let mut store = home.open();
    store.append(&[intent_with("a \" b\\ \\\" { }\\")]).expect("written");
    store.finish().expect("folded");
    let state = store.state().clone();
    drop(store);
    let text = fs::read_to_string(home.file(SNAPSHOT)).expect("a snapshot");
    fs::write(home.file(SNAPSHOT), text.replace('\n', "\r\n\t ")).expect("indented");
    assert_eq!(home.open().state(), &state);
    fs::write(home.file(SNAPSHOT), text.replace("{ }", "{}")).expect("edited");
    home.refuses("its checksum does not match");
}

#[test]
fn a_file_with_the_format_of_another_build_is_refused_with_what_to_do() {
    let (older, newer) = (SCHEMA - 1, 99);
    let rebuild = "`stackwright state rebuild`";
    for (file, format, build, advice) in [
        (SNAPSHOT, older, "an older build", rebuild),
        (SNAPSHOT, newer, "a newer build", "use that build"),
        (JOURNAL, 1, "an older build", rebuild),
        (JOURNAL, newer, "a newer build", "use that build"),
    ] {
        let home = Home::with_an_object();
        home.has_format(file, format);
        let opened = home.try_open().err().expect("refused");
        let seen = Store::peek(&Folder::at(home.path()), &place()).expect_err("refused");
        for error in [opened, seen] {
            let (said, hint) = (error.to_string(), error.hint().expect("a hint"));
            assert!(said.contains(&format!("{file} has format {format} of {build}")), "{said}");
            assert!(hint.contains(advice), "{hint}");
        }
    }
}

#[test]
fn the_state_in_memory_is_what_the_next_run_reads() {
    let [a, b, c] = ["a", "b", "c"].map(|key| Address::new("thing", key));
    let of = |address: &Address, entry: Entry| Entry { address: address.clone(), ..entry };
    let needs_a = Transition::CreateIntent {
        token: "u".to_owned(),
        spec: json!({ "name": "b" }),
        dependencies: [(a.clone(), None)].into(),
        guard: Guard::default(),
    };
    let home = Home::new();
    let mut store = home.open();
    for batch in [
        &[intent(), of(&b, entry(needs_a)), accepted("i-1")][..],
        &[of(&b, accepted("i-2")), completed()],
        &[of(&c, entry(Transition::Moved { from: a.clone() })), of(&c, deleting("i-1"))],
        &[of(&b, updating()), of(&c, deleted("i-1"))],
        &[of(&b, entry(Transition::Released { id: "i-2".to_owned() })), intent()],
    ] {
        store.append(batch).expect("written");
        let read = Store::peek(&Folder::at(home.path()), &place()).expect("readable");
        assert_eq!(read.as_ref(), Some(store.state()), "{batch:?}");
    }
    assert_eq!(store.state().resources.keys().collect::<Vec<_>>(), [&a]);
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
    assert_eq!(in_words(&seen), "i-1 done");
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
    assert_eq!(in_words(home.open().state()), "i-1 done");
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
    let refused = store.append(&[updating(), deleting("i-9")]);
    assert!(matches!(refused, Err(Error::Illegal { .. })), "{refused:?}");
    assert_eq!(in_words(store.state()), "i-1 done");
    assert_eq!(
        store.state().resources[&address()].object.as_ref().map(|o| o.phase),
        Some(Phase::Done)
    );
    assert_eq!(fs::read(home.file(JOURNAL)).expect("a journal"), before);
}

#[test]
fn a_deleted_snapshot_and_nothing_begun_is_no_state() {
    let home = Home::with_an_object();
    home.open().finish().expect("folded");
    let lineage = home.open().state().lineage.clone();
    fs::remove_file(home.file(SNAPSHOT)).expect("removed");
    assert!(Store::peek(&Folder::at(home.path()), &place()).expect("readable").is_none());
    let store = home.open();
    assert_eq!(in_words(store.state()), "nothing");
    assert_ne!(store.state().lineage, lineage, "what the former one made is another's now");
}
