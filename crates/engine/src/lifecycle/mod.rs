//! What the file says about a resource's life beside its fields: what protects it from deletion, and
//! which differences are not this stack's business.

mod guard;
mod ignore;

use crate::change::Path;
use crate::kind::tag;

pub use self::guard::{Guard, GuardKind};
pub use self::ignore::Ignored;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lifecycle {
    pub guard: Guard,
    pub ignored: Ignored,
    /// Tags that are not in the file are drift, but for those that a cloud reserves for itself.
    pub tags_exclusive: bool,
}

/// Tells whether a path is that of a tag which stackwright or AWS sets, not a user.
pub fn is_reserved_tag(path: &Path) -> bool {
    let key = path.0.get(1).filter(|_| path.field() == "tags");
    key.is_some_and(|key| tag::is_own(key) || key.starts_with("aws:"))
}
