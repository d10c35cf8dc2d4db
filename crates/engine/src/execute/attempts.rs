//! The attempts of one create, and which object without an owner they may have made.

use jiff::{SignedDuration, Timestamp};

use crate::kind::{Found, tag};
use crate::registry::Kind;
use crate::state::Creating;

/// How long before its first attempt an object of a create may seem to be made: the difference of two clocks.
const EARLIEST: SignedDuration = SignedDuration::from_secs(5);
/// How long after its last attempt a create may still make an object: the time limit of a call, and the
/// difference of two clocks.
const LATEST: SignedDuration = SignedDuration::from_mins(10);

/// The attempts of one create, those of earlier runs among them. Times are RFC 3339.
pub(crate) struct Attempts {
    /// The name that the object is to have.
    pub name: String,
    /// When the first was sent.
    pub first: String,
    /// When the last was sent.
    pub last: String,
    /// How many of them have an unknown outcome.
    pub unknown: usize,
}

impl Attempts {
    /// Returns those of a create that an earlier run left open.
    pub fn of(open: &Creating) -> Self {
        Self {
            name: open.spec["name"].as_str().unwrap_or_default().to_owned(),
            first: open.since.clone(),
            last: open.at.clone(),
            unknown: 1,
        }
    }

    /// Tells whether they have made an object without an owner: it has the name, which was free before the
    /// first attempt, and was created while they were sent.
    pub fn made(&self, kind: &Kind, found: &Found) -> bool {
        kind.is_created_untagged()
            && kind.is_same_name(&found.name, &self.name)
            && !found.tags.contains_key(tag::STACK)
            && found.created.as_ref().is_none_or(|created| self.were_sent_at(created))
    }

    /// A time that cannot be read excludes nothing, like one that the service does not report.
    fn were_sent_at(&self, created: &str) -> bool {
        let times = [created, &self.first, &self.last].map(str::parse::<Timestamp>);
        let [Ok(created), Ok(first), Ok(last)] = times else { return true };
        // Many services report whole seconds, and two clocks differ a little. The name was free at `first`.
        first.duration_since(created) <= EARLIEST && created.duration_since(last) <= LATEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_of_a_create_only_if_it_was_created_meanwhile() {
        let attempts = Attempts {
            name: "a".to_owned(),
            first: "2026-03-01T12:00:05.7Z".to_owned(),
            last: "2026-03-01T12:02:00Z".to_owned(),
            unknown: 2,
        };
        for (created, is_of_it) in [
            ("2026-03-01T12:00:00Z", false),
            ("2026-03-01T12:00:01Z", true),
            ("2026-03-01T12:01:00Z", true),
            ("2026-03-01T12:12:00Z", true),
            ("2026-03-01T12:12:01Z", false),
            ("yesterday", true),
        ] {
            assert_eq!(attempts.were_sent_at(created), is_of_it, "{created}");
        }
    }
}
