//! Fields that are left to others once an object exists.

use serde_json::Value;

use crate::change::Path;
use crate::kind::tag;

/// Paths as a user writes them: `timeout`, `tags.Owner`. A path covers everything below it, except the
/// ownership tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ignored(Vec<String>);

impl Ignored {
    pub fn new(paths: Vec<String>) -> Self {
        Self(paths)
    }

    pub fn covers(&self, path: &Path) -> bool {
        let is_own = path.field() == "tags" && path.0.get(1).is_some_and(|key| tag::is_own(key));
        let text = path.to_string();
        !is_own
            && self.0.iter().any(|ignored| {
                text.strip_prefix(ignored.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
    }

    /// Puts what exists in the place of everything ignored in `desired`, since a call may carry more
    /// fields than those that change. A field that the endpoint does not report stays as it is.
    pub fn keep(&self, desired: &mut Value, live: &Value) {
        let mut at = Path(Vec::new());
        self.keep_under(&mut at, desired, live);
    }

    fn keep_under(&self, at: &mut Path, desired: &mut Value, live: &Value) {
        let (Some(wanted), Some(seen)) = (desired.as_object_mut(), live.as_object()) else {
            return;
        };
        // A map that is reported is complete; some top-level fields are not reported at all.
        let is_complete = !at.0.is_empty();
        let keys: Vec<String> = wanted.keys().chain(seen.keys()).cloned().collect();
        for key in keys {
            at.0.push(key.clone());
            match (self.covers(at), seen.get(&key)) {
                (true, Some(live)) => {
                    wanted.insert(key, live.clone());
                }
                (true, None) if is_complete => {
                    wanted.remove(&key);
                }
                (false, Some(live)) => {
                    if let Some(desired) = wanted.get_mut(&key) {
                        self.keep_under(at, desired, live);
                    }
                }
                _ => {}
            }
            at.0.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ignored_fields_are_sent_as_they_exist() {
        let ignored = Ignored::new(vec!["timeout".into(), "tags.Owner".into(), "word".into()]);
        let mut desired = json!({
            "timeout": 30, "word": "w", "memory": 1,
            "tags": { "Owner": "us", "a": "b", "stackwright:stack": "s" },
        });
        let live = json!({
            "timeout": 9, "memory": 2, "tags": { "Owner": "them", "foreign": "x" },
        });
        ignored.keep(&mut desired, &live);
        assert_eq!(
            desired,
            json!({
                "timeout": 9, "word": "w", "memory": 1,
                "tags": { "Owner": "them", "a": "b", "stackwright:stack": "s" },
            })
        );
        ignored.keep(&mut desired, &json!({ "tags": {} }));
        assert_eq!(desired["tags"], json!({ "a": "b", "stackwright:stack": "s" }));
    }

    #[test]
    fn a_path_covers_everything_below_it() {
        let ignored = Ignored::new(vec!["tags".into(), "environment.A".into()]);
        let covers =
            |path: &[&str]| ignored.covers(&Path(path.iter().map(ToString::to_string).collect()));
        assert!(covers(&["tags", "x"]) && covers(&["tags"]) && covers(&["environment", "A"]));
        assert!(!covers(&["tags", tag::LINEAGE]) && !covers(&["environment", "AB"]));
        assert!(!covers(&["environment"]));
    }
}
