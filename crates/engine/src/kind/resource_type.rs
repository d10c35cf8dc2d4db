//! What a kind is, without any cloud: its name, its fields, its checks.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::field::Field;
use super::files::Files;
use super::object::Context;
use super::problem::Problem;
use crate::address::Address;
use crate::change::Path;

/// The static half of a kind. It has no value: everything is known from the type alone, and
/// [`Kind::of`](crate::registry::Kind::of) compiles it once into the form that the engine works with.
pub trait ResourceType: Send + Sync + 'static {
    /// The section's name in the file and the first half of every address.
    const NAME: &'static str;

    /// Names that `${kind.key.OUTPUT}` may use. All are text, and stable until the object is
    /// replaced.
    const OUTPUTS: &'static [&'static str];

    /// Everything about fields that a JSON schema cannot say. A field that is not listed is updated
    /// in place, and only the keys that the file sets are compared.
    const FIELDS: &'static [Field];

    /// How a create of unknown outcome is recovered.
    const CREATE: CreateIdempotency;

    /// Whether the service's id of an object is its name, as for IAM roles and Lambda functions.
    const ID_IS_NAME: bool = false;

    /// Whether two names that differ only in case are one name to the service.
    const IS_NAME_CASE_IGNORED: bool = false;

    /// What dependants need of a new object, so that they may start while it gets ready.
    const USABLE_ONCE: Milestone = Milestone::Complete;

    /// Whether an object is gone once its delete is accepted: the service deletes before it answers, and no read
    /// confirms it. Where a delete takes its time, the engine reads until the object is gone.
    const IS_GONE_ONCE_ACCEPTED: bool = false;

    /// Whether the service deletes an object that others still use. Where it does not, an object with
    /// dependants cannot go before its successor comes, and a plan that needs it is blocked.
    const IS_DELETED_WHILE_USED: bool = true;

    /// What is lost with an object that is deleted or replaced. Completes "lost: …".
    const DELETION_IMPACT: &'static str = "its id";

    /// What a user writes, less the keys that every resource has (`name`, `tags`, `depends_on`…).
    /// Its schema is the only list of fields; a `default` in it is AWS's own default, which is sent
    /// when a user removes the field from the file.
    type Config: DeserializeOwned + JsonSchema + Send;

    /// The normal form: compared, recorded, sent. It has the fields `name` and `tags`, taken from
    /// [`Context`]; field names equal those of `Config`. It serializes canonically: sets are sorted,
    /// and what the user did not set is left out (`skip_serializing_if`).
    type Spec: Serialize + DeserializeOwned + Send + Sync;

    /// Returns what is wrong in a config, as far as the file alone shows it, and where
    /// [`CheckContext::files`] are given, in the files that it names. References stand in `config` as their
    /// text `${…}`.
    fn check(_config: &Self::Config, _context: &CheckContext<'_>) -> Vec<Problem> {
        Vec::new()
    }

    /// Returns what a config adds to other resources of the stack. (A function with `logs: true` adds
    /// the right to write them to its role.)
    fn contributions(_config: &Self::Config, _context: &Context) -> Vec<Contribution> {
        Vec::new()
    }

    /// Tells whether two unequal values of a part of `Spec` mean the same, so that they are no
    /// difference: two spellings of one policy statement.
    fn semantically_equal(_path: &Path, _one: &Value, _other: &Value) -> bool {
        false
    }

    /// Tells whether the service refuses to have both objects at the same time, where names are unique
    /// only in part: among the security groups of one network. A kind of [`CreateIdempotency::UniqueName`]
    /// needs none. It is asked of two objects of one name only.
    fn excludes(_one: &Self::Spec, _other: &Self::Spec) -> bool {
        false
    }

    /// Describes, a phrase each, what this stack has beside an object and what is deleted with it: a log group.
    /// Every plan that deletes the object names it.
    fn lost_parts(_live: &Self::Spec) -> Vec<String> {
        Vec::new()
    }

    /// Describes, a phrase each, what others have attached to an object and this stack does not
    /// manage. Every plan reports it, and it is lost with the object.
    fn unmanaged(_applied: Option<&Self::Spec>, _live: &Self::Spec) -> Vec<String> {
        Vec::new()
    }
}

/// How far the step of a new object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Milestone {
    /// The create call was accepted.
    Created,
    /// Every call was accepted, also those that complete the object: the policies of a role, the rules of a
    /// security group.
    Sent,
    /// The object is seen to be as the file wants it.
    Complete,
}

/// How a create of unknown outcome is recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateIdempotency {
    /// The same request is sent again with the same token: the service makes one object of it.
    Token,
    /// The name is unique: a second create is refused, and the tags tell who owns the object.
    UniqueName,
    /// The name is unique, and the create call takes no tags: `update` sets them afterwards.
    ///
    /// Until then the recorded intent takes the place of the tags. The engine writes it only after it
    /// has seen that nothing bears the name. So an object of that name without an owner, seen while
    /// the outcome of the create is unknown (a lost reply, a killed run) and created while its attempts
    /// were sent ([`Found::created`](super::Found::created)), is the one that this create made. A create
    /// that is refused because the name is taken, though no earlier attempt is open, has met somebody
    /// else's object. What remains is somebody who takes the name within minutes of an attempt that made
    /// nothing and whose reply was lost; where the service reports no time of creation, at any time
    /// until a run recovers the create.
    UniqueNameUntagged,
    /// Neither: the engine looks for the ownership tags until `consistency_window` has passed since
    /// the intent, then creates again.
    LookUp { consistency_window: Duration },
}

/// What a check sees of the file beside the config.
#[derive(Clone, Copy)]
pub struct CheckContext<'a> {
    /// The object's name. Stack, account, region and partition are filled in; no other references can
    /// stand in a name.
    pub name: &'a str,
    /// The tags of the stack and of the resource, with references as their text.
    pub tags: &'a BTreeMap<String, String>,
    /// The config with the values of the environment, and with nothing for what is known after apply.
    /// It contains secrets: its size may be measured, and nothing of it shown.
    pub known: &'a Value,
    pub siblings: Siblings<'a>,
    /// The files that the config names, if they are checked, too.
    pub files: Option<&'a Files>,
}

/// Looks up another resource of the file by its address: what its kind's `Config` reads, references
/// as their text. `None`: the file has no such resource.
pub type Siblings<'a> = &'a dyn Fn(&Address) -> Option<Value>;

/// An item for a list in another resource's config: `to: role.x`, `field: allow`. An address that the
/// stack does not have is passed over.
#[derive(Clone, Debug, PartialEq)]
pub struct Contribution {
    pub to: Address,
    pub field: &'static str,
    pub item: Value,
}
