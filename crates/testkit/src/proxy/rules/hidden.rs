//! A new object does not show itself to its first reads.
//!
//! Reads that name it are answered as if it were not there, and lists leave it out; each counts. A
//! write passes, and so does a second create of the same name: what makes names unique knows it. It
//! is a matter of time as well: nobody may look for long, and then it must be there.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::object::{Object, Sort, ended, made, named, texts};
use super::{Answer, Asked, Rule};
use crate::proxy::refusal::error;

/// Nothing is hidden longer; less than programs under test are told to wait.
const LONGEST: Duration = Duration::from_secs(3);

pub struct Hidden {
    reads: BTreeMap<Sort, usize>,
    /// How many reads still miss an object, and since when it is there.
    left: Mutex<HashMap<Object, (usize, Instant)>>,
}

impl Hidden {
    pub fn new(reads: BTreeMap<Sort, usize>) -> Self {
        Self { reads, left: Mutex::default() }
    }
}

impl Rule for Hidden {
    fn after(&self, asked: &Asked, answer: &mut Answer) -> bool {
        let mut all = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        for object in ended(asked, answer) {
            all.remove(&object);
        }
        for object in made(asked, answer) {
            if let Some(&reads) = self.reads.get(&object.sort).filter(|reads| **reads > 0) {
                all.insert(object, (reads, Instant::now()));
            }
        }
        if asked.operation.writes || !answer.status().is_success() {
            return false;
        }
        all.retain(|_, (_, since)| since.elapsed() < LONGEST);
        let mut hides = |object: &Object| match all.get_mut(object) {
            Some((left, _)) => {
                *left -= 1;
                if *left == 0 {
                    all.remove(object);
                }
                true
            }
            None => false,
        };
        let named = named(asked);
        if named.is_empty() {
            return leave_out(asked, answer, &mut hides);
        }
        let hidden: Vec<&Object> = named.iter().filter(|object| hides(object)).collect();
        if let Some(object) = hidden.first() {
            *answer = unknown(asked, object);
        }
        !hidden.is_empty()
    }
}

fn unknown(asked: &Asked, object: &Object) -> Answer {
    let id = &object.id;
    let (status, code, said) = match object.sort {
        Sort::Instance => {
            let said = format!("The instance ID '{id}' does not exist");
            (400, "InvalidInstanceID.NotFound", said)
        }
        Sort::Role => (404, "NoSuchEntity", format!("The role with name {id} cannot be found.")),
        Sort::Function => {
            let said =
                format!("Function not found: arn:aws:lambda:us-east-1:000000000000:function:{id}");
            (404, "ResourceNotFoundException", said)
        }
        Sort::Api => (404, "NotFoundException", "Invalid API identifier specified".to_owned()),
        Sort::LogGroup => {
            (400, "ResourceNotFoundException", "The specified log group does not exist.".to_owned())
        }
    };
    error(&asked.operation, status, code, &said)
}

/// Takes what is hidden out of a list; `true` when something was.
fn leave_out(asked: &Asked, answer: &mut Answer, hides: &mut dyn FnMut(&Object) -> bool) -> bool {
    let (sort, list, id) = match asked.operation.name.as_str() {
        "DescribeInstances" => (Sort::Instance, "item", "instanceId"),
        "ListRoles" => (Sort::Role, "member", "RoleName"),
        "ListFunctions" => (Sort::Function, "Functions", "FunctionName"),
        "GetRestApis" => (Sort::Api, "item", "id"),
        "DescribeLogGroups" => (Sort::LogGroup, "logGroups", "logGroupName"),
        _ => return false,
    };
    let mut any = false;
    let mut hides = |id: &str| {
        let is_hidden = hides(&Object { sort, id: id.to_owned() });
        any |= is_hidden;
        is_hidden
    };
    let left = match sort {
        // A reservation is left out with its instances: they are of one launch.
        Sort::Instance | Sort::Role => {
            let hides = |part: &str| texts(part, id).iter().any(|id| hides(id));
            without(&String::from_utf8_lossy(answer.body()), list, hides)
        }
        _ => {
            let mut body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
            // API Gateway's list is `item` on the wire, and `items` on some emulators.
            for list in [list, "items"] {
                if let Some(items) = body.get_mut(list).and_then(Value::as_array_mut) {
                    items.retain(|item| !item[id].as_str().is_some_and(&mut hides));
                }
            }
            body.to_string()
        }
    };
    if any {
        *answer.body_mut() = left.into();
    }
    any
}

/// An XML text without the outermost `element`s that `goes` says.
fn without(xml: &str, element: &str, mut goes: impl FnMut(&str) -> bool) -> String {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let mut left = String::new();
    let mut rest = xml;
    while let Some(start) = rest.find(&open) {
        left.push_str(&rest[..start]);
        rest = &rest[start..];
        let (mut depth, mut end) = (0, 0);
        loop {
            let next = |tag: &str| rest[end..].find(tag).map(|at| end + at);
            match (next(&open), next(&close)) {
                (Some(opens), Some(closes)) if opens < closes => {
                    depth += 1;
                    end = opens + open.len();
                }
                (_, Some(closes)) => {
                    depth -= 1;
                    end = closes + close.len();
                }
                (_, None) => end = rest.len(),
            }
            if depth <= 0 || end == rest.len() {
                break;
            }
        }
        let part = &rest[..end];
        if !goes(part) {
            left.push_str(part);
        }
        rest = &rest[end..];
    }
    left + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_outermost_elements_go() {
        let xml = "<r><item><a>1</a><s><item>x</item></s></item><item><a>2</a></item></r>";
        let left = |gone: &str| without(xml, "item", |part| part.contains(gone));
        assert_eq!(left("<a>1</a>"), "<r><item><a>2</a></item></r>");
        assert_eq!(left("<a>2</a>"), "<r><item><a>1</a><s><item>x</item></s></item></r>");
        assert_eq!(left("nothing"), xml);
        assert_eq!(without("<r/>", "item", |_| true), "<r/>");
    }
}
