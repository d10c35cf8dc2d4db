//! The code of functions, read once per run: what was planned is what is uploaded.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stackwright_engine::kind::{Error, Result};
use tokio::sync::OnceCell;

use super::package::{Contents, Selection, Source};

/// How many bytes of code are kept for the upload, all functions of a run together. Larger code is
/// read again for its upload and compared with its digest.
const BUDGET: u64 = 64 << 20;

/// Which code: which files, and the command that builds them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub selection: Selection,
    pub build: Option<String>,
}

/// Code that was read.
struct Reading {
    contents: Contents,
    /// Kept as far as the budget allows.
    source: Option<Arc<Source>>,
}

/// Every reading of a run. Callers that need the same code at the same time share one reading.
pub struct CodeCache {
    read: fn(&Selection) -> Result<Source>,
    budget: AtomicU64,
    readings: Mutex<BTreeMap<Key, Arc<OnceCell<Reading>>>>,
}

impl Default for CodeCache {
    fn default() -> Self {
        Self::new(Source::read, BUDGET)
    }
}

impl CodeCache {
    fn new(read: fn(&Selection) -> Result<Source>, budget: u64) -> Self {
        Self { read, budget: AtomicU64::new(budget), readings: Mutex::default() }
    }

    /// Returns what identifies the code. Failed readings are not remembered.
    pub async fn contents(&self, key: &Key) -> Result<Contents> {
        let cell = self.lock().entry(key.clone()).or_default().clone();
        let reading = cell.get_or_try_init(|| async {
            let Reading { contents, source } = self.read(&key.selection).await?;
            let source = source.filter(|_| self.is_within_budget(contents.size));
            Ok::<_, Error>(Reading { contents, source })
        });
        Ok(reading.await?.contents.clone())
    }

    /// Returns the selected code if `is_wanted` accepts it: as it was read first, or as it is now.
    pub async fn source(
        &self,
        selection: &Selection,
        is_wanted: impl Fn(&Contents) -> bool,
    ) -> Result<Option<Arc<Source>>> {
        let kept = self.lock().iter().find_map(|(key, cell)| {
            let reading = cell.get().filter(|_| key.selection == *selection)?;
            reading.source.clone().filter(|_| is_wanted(&reading.contents))
        });
        match kept {
            Some(source) => Ok(Some(source)),
            None => {
                let Reading { contents, source } = self.read(selection).await?;
                Ok(source.filter(|_| is_wanted(&contents)))
            }
        }
    }

    /// Returns what this run has read of the selected code, whatever built it.
    pub fn known(&self, selection: &Selection) -> Option<Contents> {
        let readings = self.lock();
        let mut selected = readings.iter().filter(|(key, _)| key.selection == *selection);
        selected.find_map(|(_, cell)| cell.get()).map(|reading| reading.contents.clone())
    }

    /// Reading and digesting take a while: not on a thread that serves calls.
    async fn read(&self, selection: &Selection) -> Result<Reading> {
        let (read, selection) = (self.read, selection.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let source = read(&selection)?;
            Ok(Reading { contents: source.contents(), source: Some(Arc::new(source)) })
        });
        let reading = reading.await;
        reading.unwrap_or_else(|error| Err(Error::terminal(format!("reading code: {error}"))))
    }

    /// Takes `size` bytes from the budget if they are left.
    fn is_within_budget(&self, size: u64) -> bool {
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        self.budget.fetch_update(set, fetch, |left| left.checked_sub(size)).is_ok()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<OnceCell<Reading>>>> {
        // Each critical section leaves the map complete, so that a poisoned lock is harmless.
        self.readings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use tempfile::TempDir;

    use super::*;

    fn folder() -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.py"), "first").expect("written");
        folder
    }

    fn key(folder: &TempDir) -> Key {
        let path = folder.path().to_owned();
        Key { selection: Selection { path, ..Selection::default() }, build: None }
    }

    #[tokio::test]
    async fn concurrent_and_later_callers_share_one_reading() {
        static READS: AtomicUsize = AtomicUsize::new(0);
        let counted = |selection: &Selection| {
            READS.fetch_add(1, Ordering::SeqCst);
            Source::read(selection)
        };
        let (folder, cache) = (folder(), CodeCache::new(counted, BUDGET));
        let key = key(&folder);
        let (one, other) = tokio::join!(cache.contents(&key), cache.contents(&key));
        let (one, other) = (one.expect("read"), other.expect("read"));
        // What is uploaded is what was planned, whatever happens to the folder meanwhile.
        std::fs::write(folder.path().join("a.py"), "second").expect("written");
        let again = cache.contents(&key).await.expect("known");
        let source = cache.source(&key.selection, |contents| *contents == one).await;
        let source = source.expect("known").expect("the first reading");
        assert_eq!((&one, &one), (&other, &again));
        assert_eq!(source.contents(), one);
        assert_eq!(READS.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn code_beyond_the_budget_is_read_again_and_compared() {
        static READS: AtomicUsize = AtomicUsize::new(0);
        let counted = |selection: &Selection| {
            READS.fetch_add(1, Ordering::SeqCst);
            Source::read(selection)
        };
        let (folder, cache) = (folder(), CodeCache::new(counted, 4));
        let key = key(&folder);
        let first = cache.contents(&key).await.expect("read");
        let same = cache.source(&key.selection, |contents| *contents == first).await;
        assert!(same.expect("read").is_some());
        assert_eq!(READS.load(Ordering::SeqCst), 2);
        std::fs::write(folder.path().join("a.py"), "second").expect("written");
        let changed = cache.source(&key.selection, |contents| *contents == first).await;
        assert!(changed.expect("read").is_none());
        assert_eq!(cache.contents(&key).await.expect("known"), first);
    }

    #[tokio::test]
    async fn another_build_is_another_reading() {
        let (folder, cache) = (folder(), CodeCache::default());
        let key = key(&folder);
        let first = cache.contents(&key).await.expect("read");
        std::fs::write(folder.path().join("a.py"), "second").expect("written");
        let built = Key { build: Some("make".to_owned()), ..key };
        assert_ne!(cache.contents(&built).await.expect("read"), first);
    }
}
