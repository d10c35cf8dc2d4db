//! A form of the query protocols: lists are numbered from 1, `Tag.1.Key`.

use std::collections::{BTreeMap, HashMap};

use crate::request::form;

/// The fields of a form by their names.
#[derive(Debug)]
pub struct Form(HashMap<String, String>);

impl Form {
    pub fn read(body: &[u8]) -> Self {
        Self(form(body).into_iter().collect())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a field, empty if it is missing.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// The items of a list of texts: `name.1`, `name.2`, ….
    pub fn list(&self, name: &str) -> Vec<&str> {
        (1..).map_while(|at| self.get(&format!("{name}.{at}"))).collect()
    }

    /// Whether a field begins with this name and a point.
    pub fn has(&self, name: &str) -> bool {
        let is_within =
            |key: &String| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        self.0.keys().any(is_within)
    }

    /// The tags in `name.1.Key` and `name.1.Value`, ….
    pub fn tags(&self, name: &str) -> BTreeMap<String, String> {
        let keys = (1..).map_while(|at| Some((at, self.get(&format!("{name}.{at}.Key"))?)));
        keys.map(|(at, key)| (key.to_owned(), self.text(&format!("{name}.{at}.Value")).to_owned()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_tags_are_numbered() {
        let form = Form::read(b"Id.1=a&Id.2=b&Id.4=d&Tag.1.Key=k&Tag.1.Value=v+w&Tag.2.Key=e");
        assert_eq!(form.list("Id"), ["a", "b"]);
        let tags = form.tags("Tag");
        assert_eq!(tags, [("e", ""), ("k", "v w")].map(|(k, v)| (k.into(), v.into())).into());
        assert!(form.has("Tag") && !form.has("Ta"));
    }
}
