//! Objects by id, found by their tags without a look at each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The tags of an object.
pub type Tags = BTreeMap<String, String>;

/// Objects by id, with an index of their tags. Ids that were given later sort later.
#[derive(Debug)]
pub struct Tagged<T> {
    objects: BTreeMap<String, Object<T>>,
    /// The ids by key and value.
    index: HashMap<(String, String), BTreeSet<String>>,
}

#[derive(Debug)]
struct Object<T> {
    value: T,
    tags: Tags,
}

/// What a list is asked for.
#[derive(Debug, Default)]
pub struct Selection<'a> {
    /// `None`: all.
    pub ids: Option<Vec<&'a str>>,
    /// Each with its key and the values of which one must be there.
    pub tags: Vec<(&'a str, Vec<&'a str>)>,
}

impl<T> Default for Tagged<T> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), index: HashMap::new() }
    }
}

impl<T> Tagged<T> {
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    pub fn get(&self, id: &str) -> Option<&T> {
        self.objects.get(id).map(|object| &object.value)
    }

    pub fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.objects.get_mut(id).map(|object| &mut object.value)
    }

    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.objects.values().map(|object| &object.value)
    }

    pub fn insert(&mut self, id: &str, value: T, tags: Tags) {
        self.objects.insert(id.to_owned(), Object { value, tags: Tags::new() });
        self.tag(id, tags);
    }

    pub fn remove(&mut self, id: &str) -> Option<T> {
        let keys: Vec<String> = self.objects.get(id)?.tags.keys().cloned().collect();
        self.untag(id, &keys);
        self.objects.remove(id).map(|object| object.value)
    }

    /// Sets tags. Returns whether the object exists.
    pub fn tag(&mut self, id: &str, tags: Tags) -> bool {
        let Some(object) = self.objects.get_mut(id) else { return false };
        for (key, value) in tags {
            let former = object.tags.insert(key.clone(), value.clone());
            if let Some(ids) = former.and_then(|former| self.index.get_mut(&(key.clone(), former)))
            {
                ids.remove(id);
            }
            self.index.entry((key, value)).or_default().insert(id.to_owned());
        }
        true
    }

    /// Removes tags. Returns whether the object exists.
    pub fn untag<K: AsRef<str>>(&mut self, id: &str, keys: &[K]) -> bool {
        let Some(object) = self.objects.get_mut(id) else { return false };
        for key in keys {
            let Some((key, value)) = object.tags.remove_entry(key.as_ref()) else { continue };
            if let Some(ids) = self.index.get_mut(&(key, value)) {
                ids.remove(id);
            }
        }
        true
    }

    /// The selected objects with their ids and tags, in the order of their ids.
    pub fn select<'a>(
        &'a self,
        selection: &Selection<'_>,
    ) -> impl Iterator<Item = (&'a str, &'a T, &'a Tags)> {
        let ids = self.candidates(selection);
        let found = ids.into_iter().filter_map(|id| self.objects.get_key_value(id));
        let found = found.filter(|(_, object)| {
            selection.tags.iter().all(|(key, values)| {
                object.tags.get(*key).is_some_and(|value| values.contains(&value.as_str()))
            })
        });
        let found: Vec<_> =
            found.map(|(id, object)| (id.as_str(), &object.value, &object.tags)).collect();
        found.into_iter()
    }

    /// The ids of which the selected ones are some: those with the rarest tag.
    fn candidates<'a>(&'a self, selection: &Selection<'_>) -> BTreeSet<&'a str> {
        if let Some(ids) = &selection.ids {
            let known = ids.iter().filter_map(|id| self.objects.get_key_value(*id));
            return known.map(|(id, _)| id.as_str()).collect();
        }
        let with = |(key, values): &(&str, Vec<&str>)| -> Vec<&'a BTreeSet<String>> {
            let pairs = values.iter().map(|value| ((*key).to_owned(), (*value).to_owned()));
            pairs.filter_map(|pair| self.index.get(&pair)).collect()
        };
        let tags = selection.tags.iter().map(with);
        let rarest = tags.min_by_key(|sets| sets.iter().map(|set| set.len()).sum::<usize>());
        match rarest {
            Some(sets) => sets.into_iter().flatten().map(String::as_str).collect(),
            None => self.objects.keys().map(String::as_str).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(tags: &[(&str, &str)]) -> Tags {
        tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn selected(objects: &Tagged<u8>, selection: &Selection<'_>) -> Vec<u8> {
        objects.select(selection).map(|(_, value, _)| *value).collect()
    }

    #[test]
    fn objects_are_found_by_their_tags() {
        let mut objects = Tagged::default();
        objects.insert("a", 1, tags(&[("stack", "s"), ("address", "x")]));
        objects.insert("b", 2, tags(&[("stack", "s"), ("address", "y")]));
        objects.insert("c", 3, tags(&[("stack", "t")]));
        let by = |tags: &[(&'static str, &'static str)]| Selection {
            tags: tags.iter().map(|(key, value)| (*key, vec![*value])).collect(),
            ..Selection::default()
        };
        let of_stack = by(&[("stack", "s")]);
        assert_eq!(selected(&objects, &Selection::default()), [1, 2, 3]);
        assert_eq!(selected(&objects, &of_stack), [1, 2]);
        assert_eq!(selected(&objects, &by(&[("stack", "s"), ("address", "y")])), [2]);
        assert_eq!(selected(&objects, &by(&[("stack", "t"), ("address", "y")])), [0; 0]);
        let ids = Some(vec!["c", "a", "z"]);
        assert_eq!(selected(&objects, &Selection { ids, ..by(&[("stack", "s")]) }), [1]);

        objects.tag("c", tags(&[("stack", "s")]));
        objects.untag("a", &["stack"]);
        assert_eq!(selected(&objects, &of_stack), [2, 3]);
        objects.remove("b");
        assert_eq!((selected(&objects, &of_stack), objects.len()), (vec![3], 2));
        assert!(!objects.tag("b", Tags::new()) && !objects.untag("b", &["stack"]));
    }
}
