//! What the file says of a resource beside its fields: how it is compared, and what guards it.

use crate::change::Path;
use crate::guard::Guard;
use crate::ignore::Ignored;
use crate::kind::{Compare, tag};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    pub guard: Guard,
    pub ignored: Ignored,
    /// Tags of others are drift, but for those that a cloud reserves for itself.
    pub tags_exclusive: bool,
}

impl Terms {
    /// How a field is compared, where its kind says `compare`.
    pub fn compare(&self, path: &Path, compare: Compare) -> Compare {
        let is_ours = self.tags_exclusive && path.field() == "tags";
        if is_ours { Compare::Exclusive } else { compare }
    }

    /// A tag that is neither the user's nor a stranger's.
    pub fn is_reserved(path: &Path) -> bool {
        let key = path.0.get(1).filter(|_| path.field() == "tags");
        key.is_some_and(|key| key.starts_with(tag::PREFIX) || key.starts_with("aws:"))
    }
}
