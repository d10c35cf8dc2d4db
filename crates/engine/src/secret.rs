//! Secrets in state, journal and plans: a string that contains one is stored as its reference and a
//! salted digest (*sealed*), never as its value.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::digest::hex;
use crate::reference::{MARK, map_texts, readable};

const SEALED: &str = "\u{1}sealed ";

/// Seals and compares strings with the salt of one state.
#[derive(Clone, Debug, Default)]
pub struct Sealer {
    salt: String,
}

impl Sealer {
    pub fn new(salt: &str) -> Self {
        Self { salt: salt.to_owned() }
    }

    /// Returns the value with every string sealed that is a key of `secrets`. Its values are the same
    /// strings with markers in the places of the secrets.
    pub fn seal(&self, value: &Value, secrets: &BTreeMap<String, String>) -> Value {
        map_texts(value, &mut |text| match secrets.get(text) {
            Some(template) => seal(&self.digest(text), template),
            None => text.to_owned(),
        })
    }

    /// Tells whether two values are equal, sealed strings included.
    pub fn same(&self, a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::String(a), Value::String(b)) => match (sealed(a), sealed(b)) {
                (Some((a, _)), Some((b, _))) => a == b,
                (Some((digest, _)), None) => digest == self.digest(b),
                (None, Some((digest, _))) => digest == self.digest(a),
                (None, None) => a == b,
            },
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.same(a, b))
            }
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| self.same(a, b)))
            }
            (a, b) => a == b,
        }
    }

    /// Returns what exists for display: every string of `value` is hidden that is sealed in `like`, or
    /// stands at the place of a sealed string there.
    pub fn hide(&self, value: &Value, like: &[&Value]) -> Value {
        match value {
            Value::String(text) => self.hide_text(text, like),
            Value::Object(map) => map
                .iter()
                .map(|(key, value)| {
                    let like: Vec<&Value> = like.iter().filter_map(|like| like.get(key)).collect();
                    (key.clone(), self.hide(value, &like))
                })
                .collect(),
            // An item of a list may have moved.
            Value::Array(items) => {
                let like: Vec<&Value> =
                    like.iter().filter_map(|like| like.as_array()).flatten().collect();
                items.iter().map(|item| self.hide(item, &like)).collect()
            }
            other => other.clone(),
        }
    }

    fn hide_text(&self, text: &str, like: &[&Value]) -> Value {
        let mut seals =
            like.iter().filter(|like| like.as_str().is_some_and(|t| sealed(t).is_some()));
        let known = like.iter().any(|like| like.as_str() == Some(text));
        let own = Value::from(text);
        match seals.clone().find(|seal| self.same(seal, &own)) {
            Some(seal) => (**seal).clone(),
            None if known || seals.next().is_none() => own,
            None => seal(&self.digest(text), "another value").into(),
        }
    }

    /// Replaces every sealed string by its text in `secrets`; `None` if one of them has no text there
    /// (its variable has another value now).
    pub fn open(&self, value: &Value, secrets: &BTreeMap<String, String>) -> Option<Value> {
        let by_digest: BTreeMap<String, &String> =
            secrets.keys().map(|text| (self.digest(text), text)).collect();
        let mut whole = true;
        let opened = map_texts(value, &mut |text| match sealed(text) {
            None => text.to_owned(),
            Some((digest, _)) => match by_digest.get(digest) {
                Some(text) => (*text).clone(),
                None => {
                    whole = false;
                    text.to_owned()
                }
            },
        });
        whole.then_some(opened)
    }

    /// Returns what a value is recognised by, and cannot be read from.
    pub fn witness(&self, value: &Value) -> String {
        self.digest(&value.to_string())
    }

    fn digest(&self, text: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(self.salt.as_bytes());
        hash.update([0]);
        hash.update(text.as_bytes());
        hex(&hash.finalize())[..32].to_owned()
    }
}

/// The template keeps its markers.
fn seal(digest: &str, template: &str) -> String {
    format!("{SEALED}{digest}{MARK}{template}")
}

/// Returns digest and template of a sealed string.
fn sealed(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix(SEALED)?.split_once(MARK)
}

/// Returns what may be shown of a sealed string: its references, not their values.
pub fn template(text: &str) -> Option<String> {
    sealed(text).map(|(_, template)| readable(template))
}

/// Returns 32 hexadecimal digits from the random generator of the system.
pub fn random() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(hex(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_sealed_string_equals_its_plain_text_and_shows_only_its_reference() {
        let sealer = Sealer::new("salt");
        let secrets = [("hunter2".to_owned(), "${env.PW}".to_owned())].into();
        let plain = json!({ "environment": { "PW": "hunter2", "HOST": "db" } });
        let stored = sealer.seal(&plain, &secrets);
        assert!(!stored.to_string().contains("hunter2"));
        assert!(sealer.same(&plain, &stored));
        assert!(!sealer.same(&json!({ "environment": { "PW": "other", "HOST": "db" } }), &stored));
        assert_eq!(
            template(stored["environment"]["PW"].as_str().expect("text")),
            Some("${env.PW}".to_owned())
        );
        assert_eq!(sealer.open(&stored, &secrets), Some(plain.clone()));
        assert_eq!(sealer.open(&stored, &BTreeMap::new()), None);
        let drifted =
            json!({ "environment": { "PW": "leaked", "HOST": "here" }, "list": ["hunter2"] });
        let hidden = sealer.hide(&drifted, &[&stored, &plain]);
        assert!(!hidden.to_string().contains("leaked"), "{hidden}");
        assert_eq!(hidden["environment"]["HOST"], "here");
        assert_eq!(
            sealer.hide(&json!(["hunter2", "b"]), &[&json!([stored["environment"]["PW"], "b"])])[1],
            "b"
        );
        assert_eq!(sealer.hide(&plain, &[&stored]), stored);
        assert!(!Sealer::new("other salt").same(&json!("hunter2"), &stored["environment"]["PW"]));
    }
}
