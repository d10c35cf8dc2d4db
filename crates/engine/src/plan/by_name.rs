//! Things of objects, by the name that each object occupies: whoever needs a name finds its holder without
//! looking at all others.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::registry::Kind;
use crate::state::Object;
use crate::work;

pub(super) struct ByName<T>(BTreeMap<(&'static str, Option<String>), Vec<T>>);

impl<T> ByName<T> {
    pub fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub fn add(&mut self, kind: &Kind, object: &Object, thing: T) {
        let name = kind.name_of(object).map(|name| kind.name_form(name).into_owned());
        self.0.entry((kind.name, name)).or_default().push(thing);
    }

    /// Returns the things of objects that have the name of one that is `desired`, in the order in which they
    /// were added.
    pub fn named_as(&self, kind: &Kind, desired: &Value) -> &[T] {
        let name = desired["name"].as_str().map(|name| kind.name_form(name).into_owned());
        let named = self.0.get(&(kind.name, name)).map_or(&[][..], Vec::as_slice);
        named.iter().for_each(|_| work::count());
        named
    }
}
