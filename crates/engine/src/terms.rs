//! What the file says of a resource beside its fields: how it is compared, and what guards it.

use crate::change::Path;
use crate::guard::Guard;
use crate::ignore::Ignored;
use crate::kind::tag;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    pub guard: Guard,
    pub ignored: Ignored,
    /// Tags of others are drift, but for those that a cloud reserves for itself.
    pub tags_exclusive: bool,
}

impl Terms {
    /// A tag that is neither the user's nor a stranger's.
    pub fn is_reserved(path: &Path) -> bool {
        let key = path.0.get(1).filter(|_| path.field() == "tags");
        key.is_some_and(|key| tag::is_own(key) || key.starts_with("aws:"))
    }
}
