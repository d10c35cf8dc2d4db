//! The kinds of objects on AWS that tests count and that the strict proxy follows.
//!
//! Each kind is one module with one [`Kind`]: how a census lists its objects, and how the proxy
//! recognizes them in requests and replies. To add a kind, write its module and list it in
//! [`KINDS`]; nothing else here or in the proxy names all kinds.

mod address;
mod api;
mod function;
mod instance;
mod key_pair;
mod log_group;
mod policy;
mod role;
pub(crate) mod security_group;
pub(crate) mod text;

use stackwright_engine::kind::tag;

use crate::request::ApiRequest;

/// Every kind, in the order of their names.
pub const KINDS: &[&Kind] = &[
    &address::KIND,
    &api::KIND,
    &function::KIND,
    &instance::KIND,
    &key_pair::KIND,
    &log_group::KIND,
    &policy::KIND,
    &role::KIND,
    &security_group::KIND,
];

/// The kind of that name.
#[track_caller]
pub fn kind(name: &str) -> &'static Kind {
    let found = KINDS.iter().find(|kind| kind.name == name);
    found.unwrap_or_else(|| panic!("the testkit has no kind `{name}`"))
}

/// What the testkit knows of a kind.
#[derive(Debug)]
pub struct Kind {
    /// As in an address: `instance`.
    pub name: &'static str,
    /// The service that has it, as in a request's signature: `ec2`.
    pub service: &'static str,
    /// Whether a stack file declares objects of this kind, so that the state records each by itself.
    pub is_declared: bool,
    /// The operation that creates an object.
    pub create: &'static str,
    /// The operation that deletes an object.
    pub delete: &'static str,
    pub list: List,
    /// The ids of this kind that a request to its service has.
    pub named: fn(&ApiRequest) -> Vec<String>,
    /// The ids of what a successful create has made, by the request and the body of the reply.
    pub created: fn(&ApiRequest, &str) -> Vec<String>,
    /// What the service answers to a read of an id that does not exist.
    pub not_found: fn(&str) -> NotFound,
    /// The operations of this kind, where the service recognizes them by method and path.
    pub paths: &'static [PathOperation],
}

/// How all objects of a kind are listed.
#[derive(Debug)]
pub struct List {
    pub operation: &'static str,
    /// The request without the credentials.
    pub request: ListRequest,
    /// Whether the reply has the objects' tags.
    pub has_tags: bool,
    /// The objects in a reply.
    pub objects: fn(&str) -> Vec<Object>,
    /// The reply without the objects whose ids the function accepts.
    pub without: fn(&str, Hides<'_>) -> String,
}

/// Accepts the ids of objects that a list must not show.
pub type Hides<'a> = &'a mut dyn FnMut(&str) -> bool;

/// A request for a list, in the protocol of its service.
#[derive(Debug)]
pub enum ListRequest {
    /// A form, without `Action`: `Version=2016-11-15`.
    Form(&'static str),
    /// `GET` of this path.
    Get(&'static str),
    /// An empty JSON document; the operation is in the header `X-Amz-Target`, with this prefix.
    Target(&'static str),
}

/// An object as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// The id, or the name where names are unique.
    pub id: String,
    /// The tags that make it ours, where the list has tags.
    pub owner: Option<OwnerTags>,
    /// `running`, `stopped`, …; only instances have one.
    pub power: Option<String>,
}

/// Address and generation, as they are in the tags of an object of ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnerTags {
    pub address: String,
    pub generation: String,
}

/// A service's error for an id that does not exist.
#[derive(Debug)]
pub struct NotFound {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
}

/// An operation that a service recognizes by method and path.
#[derive(Debug)]
pub struct PathOperation {
    pub method: &'static str,
    /// `functions/*`, where `*` is any one segment. A version before it is left out.
    pub path: &'static str,
    pub name: &'static str,
}

/// One row of [`Kind::paths`].
const fn on(method: &'static str, path: &'static str, name: &'static str) -> PathOperation {
    PathOperation { method, path, name }
}

impl Object {
    /// An object of which the list shows no more than the id.
    fn plain(id: impl Into<String>) -> Self {
        Self { id: id.into(), owner: None, power: None }
    }
}

impl OwnerTags {
    /// The two tags, if both are there.
    fn read(value: impl Fn(&str) -> Option<String>) -> Option<Self> {
        Some(Self { address: value(tag::ADDRESS)?, generation: value(tag::GENERATION)? })
    }
}

/// The objects of a JSON list, by the field that has their ids.
fn plain_items(reply: &str, list: &str, id: &str) -> Vec<Object> {
    let items = text::items(reply, list);
    items.iter().filter_map(|item| item[id].as_str()).map(Object::plain).collect()
}
