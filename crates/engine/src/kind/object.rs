//! What goes between the engine and a provider: handles, what exists, what was found or made.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::tag;
use crate::address::Address;

/// What `normalize` may need besides the config.
#[derive(Clone, Debug)]
pub struct Context {
    pub address: Address,
    /// The object's name in the cloud: `name:` or the key.
    pub name: String,
    /// The stack's tags, the resource's, and the ownership tags.
    pub tags: BTreeMap<String, String>,
    /// The folder of the stack file; relative paths start there.
    pub folder: PathBuf,
    pub region: String,
    /// Twelve digits.
    pub account: String,
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// What is looked up once and kept is taken from it.
    pub prior: PriorState,
}

/// The prior state of the object that a config is for.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum PriorState {
    /// There is none, or the user asked to look things up again.
    #[default]
    None,
    /// The object was found, not created: what exists counts as what was meant.
    Found(Value),
    /// There is no cloud in which anything could be looked up.
    Offline,
    /// The spec as it was last applied, or as the plan has it. Secrets in it are sealed.
    Applied(Value),
}

/// An object that the state knows.
#[derive(Clone, Debug)]
pub struct Handle<S> {
    pub address: Address,
    /// What the service calls it: instance id, role name, function name, REST API id.
    pub id: String,
    pub generation: u64,
    pub outputs: BTreeMap<String, String>,
    /// What was last applied. Secrets in it are sealed: not their values.
    pub applied: Option<S>,
    /// What the last read of the object left, for an update or a delete. Empty at a repetition.
    pub memo: Memo,
}

/// An object as it exists now.
#[derive(Clone, Debug)]
pub struct Live<S> {
    /// A top-level field that the endpoint does not report is left out; one that is known to be
    /// unset is there with its empty value or default, or with `null` where no value means that. A map that is
    /// there is complete.
    pub spec: S,
    pub outputs: BTreeMap<String, String>,
    /// Values that the cloud computes, by the field they witness (`code` -> CodeSha256). They are
    /// recorded when the object is done; one that has changed since is drift of that field.
    pub fingerprints: BTreeMap<String, String>,
    /// A value that changes when the object is re-created under the same name (a role's RoleId).
    /// Dependants that are bound to it are then set again.
    pub identity: Option<String>,
    pub readiness: Readiness,
    /// Sentences for every plan that change nothing.
    pub notes: Vec<String>,
    /// Shown by `show --live` alone: power state, public address.
    pub facts: BTreeMap<String, String>,
    /// What an update or a delete would otherwise read once more.
    pub memo: Memo,
}

/// What a kind saw of an object beside its spec, as the ids of its parts: a note to itself, which saves it a
/// second read of the same. The engine hands it on and never looks into it.
///
/// What it says was so a while ago: the kind must notice where it is not any more, by the service's refusal, and
/// read then.
#[derive(Clone, Default)]
pub struct Memo(Option<Seen>);

#[derive(Clone)]
struct Seen {
    id: String,
    what: Arc<dyn Any + Send + Sync>,
}

impl Memo {
    /// `id`: of the object that was seen.
    pub fn of(id: &str, what: impl Any + Send + Sync) -> Self {
        Self(Some(Seen { id: id.to_owned(), what: Arc::new(what) }))
    }

    /// Returns what was seen of the object with this id.
    pub fn get<T: Any>(&self, id: &str) -> Option<&T> {
        let seen = self.0.as_ref().filter(|seen| seen.id == id)?;
        seen.what.downcast_ref()
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Memo(…)" } else { "Memo" })
    }
}

/// What exists already of the parts that a step would make or use beside its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExistingPart {
    /// Nobody owns it, and the step adopts it. The phrase: `the log group NAME`.
    Adoptable(String),
    /// It hinders nothing, and a plan should report this sentence about it.
    Noted(String),
    /// Somebody else owns it: the plan is blocked.
    Taken {
        /// The field of the file that asks for the part.
        field: &'static str,
        /// A sentence without its end: what exists, and whose it is.
        reason: String,
        hint: String,
    },
}

/// Why the cloud does not let an object be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletionProtection {
    /// A phrase: `termination protection is on`.
    pub reason: String,
    /// What switches it off, where the file does not say it.
    pub hint: String,
}

/// Whether an object can be used and changed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    /// In transition; the text completes "waiting for …": `the function to be active`.
    Pending(String),
    /// It will never work, and is replaced. The text says why.
    Failed(String),
}

/// Whose objects to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// `<region>/<stack>`, the value of the tag [`tag::STACK`].
    pub stack: String,
    /// The value of the tag [`tag::LINEAGE`].
    pub lineage: String,
}

/// The objects that a search is for.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// Whoever has this owner's stack tag.
    pub owner: &'a Owner,
    /// Where names are unique: whoever has one of these names.
    pub names: &'a [String],
    /// Objects whose address tag is another one may be left out, where the service can do so: a search for
    /// one object must not list a whole stack.
    pub address: Option<&'a Address>,
    /// Ids of objects that may be left out, where that saves a call: the state has them.
    pub known: &'a BTreeSet<&'a str>,
}

/// An object that `find` returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub id: String,
    pub name: String,
    /// All of the object's tags; the ownership tags among them tell who owns it.
    pub tags: BTreeMap<String, String>,
    pub outputs: BTreeMap<String, String>,
    /// RFC 3339, where the service reports it.
    pub created: Option<String>,
}

impl Found {
    /// Returns the generation in its tag; 1 for an object without that tag.
    pub fn generation(&self) -> u64 {
        self.tags.get(tag::GENERATION).and_then(|text| text.parse().ok()).unwrap_or(1)
    }
}

/// What is on disk before a create is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    pub address: Address,
    pub generation: u64,
    /// 32 random hexadecimal digits, the same at every repetition of this create.
    pub token: String,
}

/// What request and reply of a create establish.
#[derive(Clone, Debug)]
pub struct Created<S> {
    pub id: String,
    /// Fields that the request set and the reply does not contradict; outputs known at the reply.
    pub live: Live<S>,
}
