//! The contract of a kind: what the engine asks, and what it may rely on.
//!
//! A kind is one sort of object in a cloud (`instance`, `role`…). It translates; it decides
//! nothing. The engine computes differences, orders steps, waits, retries and records. So a kind
//! never sleeps, never retries, never keeps state, and never compares what is with what should be.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::address::Address;
use crate::change::{Change, Path};
pub use crate::fault::{Error, Fault};
pub use crate::field::{Compare, Cost, Field};
pub use crate::problem::{Problem, Problems};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Four verbs, all repeatable (observe, create, update, delete), and what surrounds them.
///
/// Implementations write plain `async fn`.
pub trait Kind: Send + Sync + 'static {
    /// The section's name in the file and the first half of every address.
    const NAME: &'static str;

    /// Names that `${kind.key.OUTPUT}` may use. All text; stable until the object is replaced.
    const OUTPUTS: &'static [&'static str];

    /// Only fields that are not "changed in place, foreign keys left alone". Longest prefix wins.
    const FIELDS: &'static [Field];

    /// How a create of unknown outcome is settled.
    const CREATE: Repeat;

    /// Fields of `Spec` that follow from others: no news to a person, unless nothing else changes.
    const DERIVED: &'static [&'static str] = &[];

    /// Fields of `Spec`, or places in one, with the field of the file that they follow from: who
    /// ignores that one ignores them.
    const FOLLOWS: &'static [(&'static str, &'static str)] = &[];

    /// Fields that calls need to find the object's parts by: recorded as they are, also when they
    /// come from the environment. `name` is one.
    const PLAIN: &'static [&'static str] = &[];

    /// What goes with an object that is deleted or replaced, for a person: completes "lost: …".
    const LOST: &'static str = "its id";

    /// What a user writes, less the keys every resource has (`name`, `tags`, `depends_on`).
    /// Its schema is the parser's only list of fields; a `default` in it is AWS's own default,
    /// which is sent when a user takes a field out of the file again. A text field that the schema
    /// marks `x-address: KIND` accepts the address of that kind and means its ARN; one marked
    /// `x-literal: HELP` takes no reference.
    type Config: DeserializeOwned + JsonSchema + Send;

    /// The normal form: compared, recorded, sent. It has the fields `name` and `tags`, taken from
    /// [`Context`]; field names equal those of `Config`. Serializes canonically: sets sorted, what
    /// the user did not set left out (`skip_serializing_if`).
    type Spec: Serialize + DeserializeOwned + Send + Sync;

    /// What the file alone shows to be wrong. References stand in `config` as their text `${…}`.
    fn check(_config: &Self::Config) -> Vec<Problem> {
        Vec::new()
    }

    /// What only shows beside another resource of the file: a reference to one that cannot serve.
    fn check_against(_config: &Self::Config, _siblings: Siblings<'_>) -> Vec<Problem> {
        Vec::new()
    }

    /// Whether two values of a part of `Spec` that are not equal mean the same: spellings of it. They
    /// are no difference.
    fn alike(_path: &Path, _this: &Value, _that: &Value) -> bool {
        false
    }

    /// What others have put on an object, a phrase each: said in every plan, and lost with the object.
    fn others(_applied: Option<&Self::Spec>, _live: &Self::Spec) -> Vec<String> {
        Vec::new()
    }

    /// What a config asks of another resource of the stack, from the file alone; references stand
    /// as their text. (A function with `logs: true` asks its role for the right to write them.)
    fn contribute(_config: &Self::Config, _at: &Context) -> Vec<Contribution> {
        Vec::new()
    }

    /// Config to normal form: reads files, digests code. Reads the cloud at most, never writes to
    /// it. Outputs that are not known yet stand in the text as opaque markers, and must survive.
    fn normalize(
        &self,
        config: Self::Config,
        at: &Context,
    ) -> impl Future<Output = Result<Self::Spec>> + Send;

    /// What exists now, many at once, answers in the order of `handles`. Never writes. An object
    /// that is gone is `None`.
    fn observe(
        &self,
        handles: &[Handle<Self::Spec>],
    ) -> impl Future<Output = Vec<Result<Option<Live<Self::Spec>>>>> + Send;

    /// Objects that carry `owner`'s stack tag, whatever their lineage (all pages), and objects that
    /// bear one of `names` where names are unique, whoever owns them. (A service that lists no tags
    /// finds by name alone.) Never writes. Called only
    /// with an open intent, for an address that the state does not know, or for a name that is taken.
    fn find(
        &self,
        owner: &Owner,
        names: &[String],
    ) -> impl Future<Output = Result<Vec<Found>>> + Send;

    /// One call with everything that call accepts, tags and token in it. No waiting, no follow-up
    /// calls (what the call does not take, `update` brings), and nothing behind it that can fail: an
    /// error is about this call alone. A reply without an id is
    /// [`Fault::Unknown`]. An SDK's own retry is off unless the call takes the token.
    fn create(
        &self,
        intent: &Intent,
        spec: &Self::Spec,
    ) -> impl Future<Output = Result<Created<Self::Spec>>> + Send;

    /// Towards `desired`, as much as the object's present condition allows; the engine observes
    /// and asks again, until nothing differs. `changes` names what differs.
    fn update(
        &self,
        on: &Handle<Self::Spec>,
        desired: &Self::Spec,
        changes: &[Change],
    ) -> impl Future<Output = Result<()>> + Send;

    /// Starts the removal, of the object and of what was made for it. Gone already is success.
    /// Repeated after an interruption, also when `observe` finds the object gone.
    fn delete(&self, handle: &Handle<Self::Spec>) -> impl Future<Output = Result<()>> + Send;

    /// Why the cloud would refuse its deletion now. Never writes. Asked before anything is done, of what
    /// is to be deleted.
    fn locked(
        &self,
        _handle: &Handle<Self::Spec>,
    ) -> impl Future<Output = Result<Option<Locked>>> + Send {
        async { Ok(None) }
    }

    /// Before an object is let go of, or after it is gone: takes the tags that make it ours off what
    /// was made beside it and stays (a log group, disks). Its own go afterwards, by `update`.
    fn let_go(
        &self,
        _handle: &Handle<Self::Spec>,
        _owner: &Owner,
    ) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// After the object itself is gone by somebody else's hand: removes what was made for it beside
    /// it and means no other object (the right to call a function).
    fn forget(&self, _handle: &Handle<Self::Spec>) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }
}

/// How a create of unknown outcome is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// The same request with the same token again: the service makes one object of it.
    Token,
    /// The name is unique: a second create is refused, and the tags tell whose the object is.
    UniqueName,
    /// Neither: look for our tags until `settle` has passed since the intent, then create again.
    LookUp { settle: Duration },
}

/// The file's other resources: what their kinds' `Config` read, by address, references as their text.
/// `None`: there is no such resource.
pub type Siblings<'a> = &'a dyn Fn(&Address) -> Option<Value>;

/// An item for a list in another resource's config: `to: role.x`, `field: allow`. An address that the
/// stack does not have is passed over.
#[derive(Clone, Debug, PartialEq)]
pub struct Contribution {
    pub to: Address,
    pub field: &'static str,
    pub item: Value,
}

/// What `normalize` may need besides the config.
#[derive(Clone, Debug)]
pub struct Context {
    pub address: Address,
    /// The object's name in the cloud: `name:` or the key.
    pub name: String,
    /// The stack's tags, the resource's, and those that say whose the object is.
    pub tags: BTreeMap<String, String>,
    /// The folder of the stack file; relative paths start there.
    pub folder: PathBuf,
    pub region: String,
    /// Twelve digits.
    pub account: String,
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// What is looked up once and kept is taken from it.
    pub former: Former,
}

/// What is on record of the object that a config is for.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Former {
    /// Nothing; or it shall be looked up anew.
    #[default]
    Nothing,
    /// The object was found, not made: what exists is what was meant.
    Found(Value),
    /// There is no cloud in which anything could be looked up.
    Offline,
    /// The spec as it was last applied, or as the plan has it. Secrets in it are sealed.
    Known(Value),
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
}

/// What exists.
#[derive(Clone, Debug)]
pub struct Live<S> {
    /// A top-level field that the endpoint does not report is left out; one that is known to be
    /// unset is there with its empty value or default. A map that is there is complete.
    pub spec: S,
    pub outputs: BTreeMap<String, String>,
    /// Values the cloud decides, by the field they witness (`code` -> CodeSha256). Recorded when
    /// the object is done; one that has moved since is drift of that field.
    pub pins: BTreeMap<String, String>,
    /// Changes when the object is made anew under the same name (a role's RoleId). Dependants bound to
    /// it are then set again.
    pub identity: Option<String>,
    pub settled: Settled,
    /// Said in every plan, never a change: "an inline policy `x` that is not in the file".
    pub notes: Vec<String>,
    /// For `show --live` alone: power state, public address.
    pub facts: BTreeMap<String, String>,
}

/// Why the cloud does not let an object be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// Completes "… , and it would be deleted": `termination protection is on`.
    pub why: String,
    /// What takes it off, where the file does not say it.
    pub hint: String,
}

/// Whether an object can be used and changed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    Ready,
    /// In transition; the text completes "waiting for …": `the function to be active`.
    Waiting(String),
    /// It will never work; it is replaced. The text says why.
    Broken(String),
}

/// Whose objects to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// `<region>/<stack>`, the value of the tag [`tag::STACK`].
    pub stack: String,
    /// The value of the tag [`tag::LINEAGE`].
    pub lineage: String,
}

/// The tags that say whose an object is. They are in the create call itself.
pub mod tag {
    pub const PREFIX: &str = "stackwright:";
    pub const STACK: &str = "stackwright:stack";
    pub const LINEAGE: &str = "stackwright:lineage";
    pub const ADDRESS: &str = "stackwright:address";
    /// From 1, one more at each re-creation.
    pub const GENERATION: &str = "stackwright:generation";
    /// All of them.
    pub const OWN: [&str; 4] = [STACK, LINEAGE, ADDRESS, GENERATION];

    /// Whether a key is one of ours.
    pub fn is_own(key: &str) -> bool {
        key.starts_with(PREFIX)
    }
}

/// An object that `find` came upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub id: String,
    pub name: String,
    /// All of the object's tags; ours say whose it is.
    pub tags: BTreeMap<String, String>,
    pub outputs: BTreeMap<String, String>,
    /// RFC 3339 where the service tells.
    pub created: Option<String>,
}

/// What is on disk before a create is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    pub address: Address,
    pub generation: u64,
    /// 32 hexadecimal digits, random, the same at every repetition of this create.
    pub token: String,
}

/// What request and reply of a create establish.
#[derive(Clone, Debug)]
pub struct Created<S> {
    pub id: String,
    /// Fields that the request set and the reply does not contradict; outputs known at the reply.
    pub live: Live<S>,
}

impl Found {
    /// By its tag; 1 for one that has none.
    pub fn generation(&self) -> u64 {
        self.tags.get(tag::GENERATION).and_then(|text| text.parse().ok()).unwrap_or(1)
    }
}
