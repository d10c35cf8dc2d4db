//! A disk in memory that can fail at any operation, and lose what a crash may lose.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stackwright_engine::state::Disk;

/// What happens at one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// The power goes after so many bytes of an append, or before (0) or after (else) a replacement.
    Crash(usize),
    /// No space: an error after so many bytes.
    Full(usize),
}

#[derive(Default)]
struct Files {
    files: BTreeMap<String, Vec<u8>>,
    /// Writing operations so far.
    operations: usize,
    fault: Option<(usize, DiskFault)>,
    /// After a crash nothing works until [`MemoryDisk::reboot`].
    down: bool,
    locked: bool,
}

/// One folder; clones are the same folder.
#[derive(Clone, Default)]
pub struct MemoryDisk {
    files: Arc<Mutex<Files>>,
    holds: bool,
}

impl MemoryDisk {
    /// Lets the writing operation `number` (from 0, counted from now) fail.
    pub fn fail(&self, number: usize, fault: DiskFault) {
        let mut files = self.files();
        files.operations = 0;
        files.fault = Some((number, fault));
    }

    /// Writing operations since the last [`fail`](Self::fail).
    pub fn operations(&self) -> usize {
        self.files().operations
    }

    pub fn is_down(&self) -> bool {
        self.files().down
    }

    /// The machine is up again: locks are free, nothing fails.
    pub fn reboot(&self) {
        let mut files = self.files();
        (files.down, files.locked, files.fault) = (false, false, None);
    }

    /// Names and contents.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        self.files().files.clone()
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A writing operation: `work` gets the contents and how many bytes it may write.
    fn write(
        &self,
        length: usize,
        work: impl FnOnce(&mut BTreeMap<String, Vec<u8>>, usize),
    ) -> io::Result<()> {
        let mut files = self.files();
        if files.down {
            return Err(io::Error::other("the machine is down"));
        }
        let number = files.operations;
        files.operations += 1;
        let fault = files.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        match fault {
            None => {
                work(&mut files.files, length);
                Ok(())
            }
            Some(DiskFault::Crash(bytes)) => {
                work(&mut files.files, bytes.min(length));
                files.down = true;
                Err(io::Error::other("the power went"))
            }
            Some(DiskFault::Full(bytes)) => {
                work(&mut files.files, bytes.min(length));
                Err(io::ErrorKind::StorageFull.into())
            }
        }
    }
}

impl Disk for MemoryDisk {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.files().files.get(name).cloned())
    }

    /// All or nothing: a rename is atomic.
    fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let length = bytes.len();
        self.write(length, |files, allowed| {
            if allowed == length {
                files.insert(name.to_owned(), bytes.to_vec());
            }
        })
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes.len(), |files, allowed| {
            files.entry(name.to_owned()).or_default().extend_from_slice(&bytes[..allowed]);
        })
    }

    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()> {
        self.write(1, |files, allowed| {
            if allowed == 1
                && let Some(file) = files.get_mut(name)
            {
                file.truncate(length as usize);
            }
        })
    }

    fn lock(&mut self, _: &str) -> io::Result<Result<(), String>> {
        let mut files = self.files();
        if std::mem::replace(&mut files.locked, true) {
            return Ok(Err("another run".to_owned()));
        }
        drop(files);
        self.holds = true;
        Ok(Ok(()))
    }

    fn path(&self) -> &Path {
        Path::new("memory")
    }
}

impl Drop for MemoryDisk {
    fn drop(&mut self) {
        if self.holds {
            self.files().locked = false;
        }
    }
}
