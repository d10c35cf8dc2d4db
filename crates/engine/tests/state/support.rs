//! Entries of a journal, and a state in a folder of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use stackwright_engine::Address;
use stackwright_engine::digest::hex;
use stackwright_engine::lifecycle::Guard;
use stackwright_engine::state::{
    Entry, Error, Folder, Object, Place, SCHEMA, Salvage, State, Store, Transition,
};
use tempfile::TempDir;

pub const JOURNAL: &str = "journal.jsonl";
pub const SNAPSHOT: &str = "state.json";

/// The checksum of both files, of a value's compact JSON.
fn checksum(value: &Value) -> String {
    hex(&Sha256::digest(value.to_string()))[..16].to_owned()
}

pub fn address() -> Address {
    Address::new("thing", "a")
}

pub fn entry(transition: Transition) -> Entry {
    let at = "2026-01-01T00:00:00Z".to_owned();
    Entry { op: 1, address: address(), generation: 1, at, transition }
}

pub fn intent_with(token: &str) -> Entry {
    entry(Transition::CreateIntent {
        token: token.to_owned(),
        spec: json!({ "name": "a" }),
        dependencies: BTreeMap::new(),
        guard: Guard::default(),
    })
}

pub fn intent() -> Entry {
    intent_with("t")
}

pub fn resent(token: &str) -> Entry {
    entry(Transition::CreateResent { token: token.to_owned() })
}

pub fn accepted(id: &str) -> Entry {
    entry(Transition::CreateAccepted {
        id: id.to_owned(),
        outputs: BTreeMap::new(),
        fingerprints: BTreeMap::new(),
        identity: None,
    })
}

pub fn failed() -> Entry {
    entry(Transition::CreateFailed { message: "refused".to_owned() })
}

pub fn created() -> [Entry; 2] {
    [intent(), accepted("i-1")]
}

pub fn completed() -> Entry {
    entry(Transition::Completed {
        spec: json!({ "name": "a" }),
        outputs: BTreeMap::new(),
        fingerprints: BTreeMap::new(),
        unapplied: BTreeMap::new(),
        identity: None,
        dependencies: BTreeMap::new(),
        guard: Guard::default(),
    })
}

pub fn updating() -> Entry {
    entry(Transition::UpdateIntent { guard: Guard::default() })
}

pub fn deleting(id: &str) -> Entry {
    entry(Transition::DeleteIntent { id: id.to_owned() })
}

pub fn delete_refused(id: &str) -> Entry {
    entry(Transition::DeleteRefused { id: id.to_owned() })
}

pub fn deleted(id: &str) -> Entry {
    entry(Transition::Deleted { id: id.to_owned() })
}

pub fn adopted(id: &str) -> Entry {
    entry(Transition::Adopted {
        id: id.to_owned(),
        outputs: BTreeMap::new(),
        dependencies: BTreeMap::new(),
        guard: Guard::default(),
    })
}

/// The one record of a state, in words.
pub fn in_words(state: &State) -> String {
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

    /// Gives a file another format number.
    pub fn has_format(&self, file: &str, format: u32) {
        if file == SNAPSHOT {
            self.snapshot_has_format(format)
        } else {
            self.journal_has_format(format)
        }
    }

    /// The snapshot gets the checksum that belongs to it.
    fn snapshot_has_format(&self, format: u32) {
        let text = fs::read_to_string(self.file(SNAPSHOT)).expect("a snapshot");
        let mut snapshot: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(snapshot["state"]["schema"], SCHEMA);
        snapshot["state"]["schema"] = format.into();
        snapshot["checksum"] = checksum(&snapshot["state"]).into();
        fs::write(self.file(SNAPSHOT), snapshot.to_string()).expect("written");
    }

    /// The first line gets the checksum that belongs to it.
    fn journal_has_format(&self, format: u32) {
        let text = fs::read_to_string(self.file(JOURNAL)).expect("a journal");
        let (header, entries) = text.split_once('\n').expect("a header");
        let (json, _) = header.rsplit_once(' ').expect("a checksum");
        let mut header: Value = serde_json::from_str(json).expect("a header");
        header["journal"] = format.into();
        let text = format!("{header} {}\n{entries}", checksum(&header));
        fs::write(self.file(JOURNAL), text).expect("written");
    }

    /// A state with one complete object, its journal not folded in.
    pub fn with_an_object() -> Self {
        let home = Self::new();
        let mut store = home.open();
        store.append(&created()).expect("written");
        store.append(&[completed()]).expect("written");
        home
    }
}
