//! The files beside a stack file that a check may read.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use crate::reference::{self, Part, Reference};

/// Where the files are that configs name. It remembers what was made of them: a file is checked once for each
/// cloud, and many functions may share one folder of code.
#[derive(Debug)]
pub struct Files {
    /// Relative paths start here.
    folder: PathBuf,
    pub stack_file: PathBuf,
    readings: RefCell<BTreeMap<String, Rc<dyn Any>>>,
}

impl Files {
    pub fn new(folder: PathBuf, stack_file: PathBuf) -> Self {
        Self { folder, stack_file, readings: RefCell::default() }
    }

    /// Returns the path that a config names. `known` is the same text with its references filled in. `None`: it
    /// is not known before a call, or has been reported.
    pub fn path(&self, written: &str, known: &str) -> Option<PathBuf> {
        let is_of_env = |part: &Part| {
            matches!(part, Part::Literal(_) | Part::Reference { reference: Reference::Env(_), .. })
        };
        let parts = reference::parse(written).ok()?;
        parts.iter().all(is_of_env).then(|| self.folder.join(known))
    }

    /// Returns what `read` makes of the files that `key` stands for. It runs once for each key.
    pub fn once<T: 'static>(&self, key: String, read: impl FnOnce() -> T) -> Rc<T> {
        let known = self.readings.borrow().get(&key).cloned();
        if let Some(known) = known.and_then(|known| known.downcast().ok()) {
            return known;
        }
        let read = Rc::new(read());
        self.readings.borrow_mut().insert(key, read.clone());
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        Files::new("a".into(), "a/stack.yaml".into())
    }

    #[test]
    fn what_a_run_reads_is_read_once() {
        let files = files();
        let twice = [1, 2].map(|value| *files.once("code".to_owned(), || value));
        assert_eq!(twice, [1, 1]);
        assert_eq!(*files.once("other".to_owned(), || 3), 3);
    }

    #[test]
    fn a_path_is_known_if_it_refers_to_nothing_but_the_environment() {
        let files = files();
        assert_eq!(files.path("src", "src"), Some("a/src".into()));
        assert_eq!(files.path("${env.CODE}", "dist"), Some("a/dist".into()));
        for open in ["${aws.account}", "${instance.web.id}/x", "${missing}"] {
            assert_eq!(files.path(open, "x"), None, "{open}");
        }
    }
}
