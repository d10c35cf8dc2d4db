//! Entries of a journal, and a state in a folder of its own.

use std::path::PathBuf;

use serde_json::json;
use stackwright_engine::Address;
use stackwright_engine::state::{
    Data, Entry, Error, Folder, Object, Place, Salvage, State, Step, Store, Verb,
};
use tempfile::TempDir;

pub const JOURNAL: &str = "journal.jsonl";
pub const SNAPSHOT: &str = "state.json";

pub fn address() -> Address {
    Address::new("thing", "a")
}

pub fn entry(verb: Verb, step: Step, data: Data) -> Entry {
    let at = "2026-01-01T00:00:00Z".to_owned();
    Entry { seq: 0, op: 1, address: address(), generation: 1, at, verb, step, data }
}

pub fn id(id: &str) -> Data {
    Data { id: Some(id.to_owned()), ..Data::default() }
}

pub fn intent() -> Entry {
    let data =
        Data { token: Some("t".into()), spec: Some(json!({ "name": "a" })), ..Data::default() };
    entry(Verb::Create, Step::Intent, data)
}

pub fn made() -> [Entry; 2] {
    [intent(), entry(Verb::Create, Step::Result, id("i-1"))]
}

pub fn done() -> Entry {
    entry(Verb::Create, Step::Done, Data { spec: Some(json!({ "name": "a" })), ..Data::default() })
}

/// The one record of a state, in words.
pub fn told(state: &State) -> String {
    let object = |object: &Object| format!("{} {:?}", object.id, object.phase).to_lowercase();
    let Some(record) = state.resources.get(&address()) else { return "nothing".into() };
    let creating = record.creating.as_ref().map(|open| format!("creating {}", open.token));
    let deposed = record.deposed.iter().map(|o| format!("deposed {}", object(o)));
    let parts = record.object.iter().map(object).chain(creating).chain(deposed);
    parts.collect::<Vec<_>>().join(", ")
}

pub fn place() -> Place {
    Place {
        stack: "s".into(),
        cloud: "local".into(),
        region: "us-east-1".into(),
        account: "000000000000".into(),
    }
}

pub struct Home(pub TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub fn path(&self) -> PathBuf {
        self.0.path().join(".stackwright/s/local")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn try_open(&self) -> Result<Store, Error> {
        Store::open(Box::new(Folder::at(self.path())), &place(), "the test")
    }

    #[track_caller]
    pub fn open(&self) -> Store {
        self.try_open().expect("a state")
    }

    #[track_caller]
    pub fn refuses(&self, part: &str) {
        let error = self.try_open().err().expect("refused").to_string();
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }

    #[track_caller]
    pub fn rebuild(&self) -> (Store, Salvage) {
        let disk = Box::new(Folder::at(self.path()));
        Store::rebuild(disk, &place(), "the test", "kept").expect("rebuilt")
    }

    /// A state with one complete object, its journal not folded in.
    pub fn with_an_object() -> Self {
        let home = Self::new();
        let mut store = home.open();
        store.append(&mut made()).expect("written");
        store.append(&mut [done()]).expect("written");
        home
    }
}
