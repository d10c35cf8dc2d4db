//! IAM: roles, their policies and their instance profiles.

mod profiles;
mod roles;

use std::collections::BTreeMap;

use super::answer::{Body, Outcome};
use super::call::Call;
use super::form::Form;
use super::tagged::Tags;
use crate::proxy::Refusal;
use profiles::Profile;
use roles::Role;

/// The namespace of IAM's replies.
const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

const GONE: Refusal = Refusal::new(404, "NoSuchEntity").saying("it does not exist");
const TAKEN: Refusal =
    Refusal::new(409, "EntityAlreadyExists").saying("something of this name exists");
const CONFLICT: Refusal =
    Refusal::new(409, "DeleteConflict").saying("something must be removed from it first");

/// The inside of a result, or an error.
type Answer = Result<String, Refusal>;

#[derive(Default)]
pub struct Iam {
    roles: BTreeMap<String, Role>,
    profiles: BTreeMap<String, Profile>,
    last_id: u64,
}

impl Iam {
    pub fn count(&self) -> usize {
        self.roles.len()
    }

    pub fn answer(&mut self, call: &Call) -> Option<Outcome> {
        let name = call.operation.name.as_str();
        let form = call.form();
        let answer = self.of_roles(name, &form).or_else(|| self.of_policies(name, &form));
        let answer = answer.or_else(|| self.of_profiles(name, &form))?;
        Some(answer.map(|inner| {
            Body::Xml(format!(
                "<{name}Response xmlns=\"{NAMESPACE}\"><{name}Result>{inner}</{name}Result>\
                 <ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></{name}Response>"
            ))
        }))
    }

    fn new_id(&mut self, prefix: &str) -> String {
        self.last_id += 1;
        format!("{prefix}{:017}", self.last_id)
    }
}

/// A whole list: `<name><member>…</member></name>`.
fn list(name: &str, members: impl Iterator<Item = String>) -> String {
    let members: String = members.map(|member| format!("<member>{member}</member>")).collect();
    format!("<{name}>{members}</{name}><IsTruncated>false</IsTruncated>")
}

fn tags(form: &Form) -> Tags {
    form.tags("Tags.member")
}

fn tag_list(tags: &Tags) -> String {
    let member = |(key, value): (&String, &String)| {
        let pair = super::answer::elements(&[("Key", key), ("Value", value)]);
        format!("<member>{pair}</member>")
    };
    format!("<Tags>{}</Tags>", tags.iter().map(member).collect::<String>())
}

fn untag(tags: &mut Tags, form: &Form) {
    for key in form.list("TagKeys.member") {
        tags.remove(key);
    }
}

/// A document as IAM reports it: percent-encoded.
fn encoded(document: &str) -> String {
    let mut text = String::with_capacity(document.len() * 2);
    for byte in document.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(byte));
            }
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}
