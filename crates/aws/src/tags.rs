//! Tags: one map, and its forms in the SDKs.

use std::collections::BTreeMap;

use aws_sdk_ec2::types as ec2;
use aws_sdk_iam::types as iam;
use serde_json::Value;
use stackwright_engine::change::Change;
use stackwright_engine::kind::{Error, Problems, Result, tag};
use stackwright_engine::reference::is_open;

/// The tags of a resource: the user's and the ownership tags.
pub type Tags = BTreeMap<String, String>;

pub fn to_ec2(tags: &Tags) -> Vec<ec2::Tag> {
    tags.iter().map(|(key, value)| ec2::Tag::builder().key(key).value(value).build()).collect()
}

pub fn from_ec2(tags: &[ec2::Tag]) -> Tags {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    tags.iter().map(|tag| (text(tag.key()), text(tag.value()))).collect()
}

pub fn to_iam(tags: &Tags) -> Result<Vec<iam::Tag>> {
    let tag = |(key, value)| iam::Tag::builder().key(key).value(value).build();
    let made: Result<_, _> = tags.iter().map(tag).collect();
    made.map_err(|error| Error::terminal(format!("a tag is incomplete: {error}")))
}

pub fn from_iam(tags: &[iam::Tag]) -> Tags {
    tags.iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()
}

/// Returns the keys of the ownership tags.
pub fn own() -> Vec<String> {
    tag::OWN.map(str::to_owned).into()
}

/// Adds what IAM, Lambda, API Gateway and CloudWatch Logs refuse of tags. EC2 takes any character.
pub fn check(tags: &Tags, problems: &mut Problems) {
    let is_taken = |c: char| {
        let is_blank = c.is_whitespace() && !c.is_control();
        c.is_alphabetic() || c.is_numeric() || is_blank || "_.:/=+-@".contains(c)
    };
    for (key, value) in tags {
        let texts = [("the key", key), ("the value", value)];
        for (part, text) in texts.into_iter().filter(|(_, text)| !is_open(text)) {
            if let Some(other) = text.chars().find(|&c| !is_taken(c)) {
                let message = format!("{part} of the tag `{key}` has the character {other:?}");
                problems.at(&["tags", key], message).hint("letters, digits, spaces and _.:/=+-@");
            }
        }
    }
}

/// Adds keys that differ only in case, which IAM takes for one.
pub fn check_case(tags: &Tags, problems: &mut Problems) {
    let mut seen: BTreeMap<String, &String> = BTreeMap::new();
    for key in tags.keys() {
        if let Some(first) = seen.insert(key.to_lowercase(), key) {
            let message = format!("IAM takes the tags `{first}` and `{key}` for one");
            problems.at(&["tags", key], message).hint("remove one of them");
        }
    }
}

/// How an object's tags are to be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    pub set: Tags,
    pub remove: Vec<String>,
}

/// Returns the changes of tags among `changes`.
pub fn difference(changes: &[Change]) -> Difference {
    let mut difference = Difference::default();
    for change in changes {
        match (change.path.0.as_slice(), &change.after) {
            ([field, key], Some(value)) if field == "tags" => {
                difference.set.insert(key.clone(), text(value));
            }
            ([field, key], None) if field == "tags" => difference.remove.push(key.clone()),
            // An endpoint that reports no tags makes the field differ as a whole.
            ([field], Some(Value::Object(all))) if field == "tags" => {
                difference.set.extend(all.iter().map(|(key, value)| (key.clone(), text(value))));
            }
            _ => {}
        }
    }
    difference
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_changes::edited;

    fn change(path: &[&str], after: Option<Value>) -> Change {
        Change { after, ..edited(path) }
    }

    #[test]
    fn changes_set_and_remove_tags() {
        let found = difference(&[
            change(&["description"], Some(json!("x"))),
            change(&["tags", "a.b"], Some(json!("1"))),
            change(&["tags", "old"], None),
        ]);
        assert_eq!(found.set, Tags::from([("a.b".into(), "1".into())]));
        assert_eq!(found.remove, ["old"]);
        let whole = difference(&[change(&["tags"], Some(json!({ "a": "b" })))]);
        assert_eq!(whole.set, Tags::from([("a".into(), "b".into())]));
    }

    #[test]
    fn tags_have_the_characters_that_services_take() {
        let paths = |tags: &[(&str, &str)]| -> Vec<String> {
            let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
            let tags = tags.iter().map(pair).collect();
            let mut problems = Problems::default();
            check(&tags, &mut problems);
            check_case(&tags, &mut problems);
            problems.0.into_iter().map(|problem| problem.path.join(".")).collect()
        };
        let right = [("Größe", "1 + 2 = 3"), ("a:b/c@d", "${env.X}#"), ("空 間", "")];
        assert_eq!(paths(&right), [""; 0]);
        assert_eq!(
            paths(&[("a#", ""), ("b", "x&y"), ("c", "a\tb")]),
            ["tags.a#", "tags.b", "tags.c"]
        );
        assert_eq!(paths(&[("Team", ""), ("team", "")]), ["tags.team"]);
    }

    #[test]
    fn tags_are_read_back() {
        let tags = Tags::from([("a".into(), "1".into()), ("b".into(), String::new())]);
        assert_eq!(from_ec2(&to_ec2(&tags)), tags);
        assert_eq!(from_iam(&to_iam(&tags).expect("tags")), tags);
    }
}
