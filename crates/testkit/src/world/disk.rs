//! A disk in memory that can fail at any operation, and lose what a crash may lose.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stackwright_engine::state::Disk;

/// What happens at one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// The power is lost after so many bytes of a write; any other operation is not done with 0 bytes
    /// and done with more.
    Crash(usize, Loss),
    /// No space: an error after so many bytes of a write. Other operations need no space.
    Full(usize),
    /// An input/output error. After a failed sync, the system takes the bytes for written, so that no
    /// later sync writes them.
    Broken,
}

/// What a power loss takes of what was not synced. Real file systems do any of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    Nothing,
    /// Bytes and names.
    All,
    /// Bytes, but not names.
    Bytes,
    /// Names, but not bytes.
    Names,
    /// The second half of the bytes.
    Tail,
    /// The first half of the bytes: zeros stand in their place.
    Head,
}

impl Loss {
    pub const ALL: [Self; 6] =
        [Self::Nothing, Self::All, Self::Bytes, Self::Names, Self::Tail, Self::Head];
}

/// A file's bytes, as programs see them and as they are on the disk.
#[derive(Clone, Default)]
struct File {
    seen: Vec<u8>,
    synced: Vec<u8>,
    /// The range of `seen` that a failed sync left for good.
    given_up: Option<(usize, usize)>,
}

impl File {
    fn sync(&mut self) {
        self.synced.clone_from(&self.seen);
        if let Some((from, to)) = self.given_up {
            self.synced[from..to].fill(0);
        }
    }

    fn give_up(&mut self) {
        let from = self.given_up.map_or(self.synced.len(), |(from, _)| from);
        self.given_up = Some((from.min(self.seen.len()), self.seen.len()));
    }

    /// What a crash leaves.
    fn left(&self, loss: Loss) -> Vec<u8> {
        let synced = self.synced.len().min(self.seen.len());
        let half = synced + (self.seen.len() - synced) / 2;
        match loss {
            Loss::Nothing | Loss::Names => self.seen.clone(),
            Loss::All | Loss::Bytes => self.synced.clone(),
            Loss::Tail => self.seen[..half].to_vec(),
            Loss::Head => {
                let mut left = self.seen.clone();
                left[synced..half].fill(0);
                left
            }
        }
    }
}

/// Names, each with the index of its file.
type Names = BTreeMap<String, usize>;

#[derive(Default)]
struct Files {
    files: Vec<File>,
    names: Names,
    synced_names: Names,
    /// Writing operations so far.
    operations: usize,
    fault: Option<(usize, DiskFault)>,
    /// After a crash nothing works until [`MemoryDisk::reboot`].
    down: bool,
    locked: bool,
}

impl Files {
    fn file(&mut self, name: &str) -> io::Result<&mut File> {
        let at = self.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(&mut self.files[*at])
    }

    fn lose(&mut self, loss: Loss) {
        if matches!(loss, Loss::All | Loss::Names) {
            self.names.clone_from(&self.synced_names);
        }
        for file in &mut self.files {
            let left = file.left(loss);
            *file = File { seen: left.clone(), synced: left, given_up: None };
        }
        self.synced_names.clone_from(&self.names);
    }
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

    /// The power is lost between two operations, and comes back.
    pub fn crash(&self, loss: Loss) {
        self.files().lose(loss);
        self.reboot();
    }

    /// Names and contents, as programs see them.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let files = self.files();
        let content = |(name, at): (&String, &usize)| (name.clone(), files.files[*at].seen.clone());
        files.names.iter().map(content).collect()
    }

    /// Changes a file as others may: another content, or none.
    pub fn meddle(&self, name: &str, bytes: Option<Vec<u8>>) {
        let mut files = self.files();
        match bytes {
            Some(seen) => {
                let at = files.files.len();
                files.files.push(File { synced: seen.clone(), seen, given_up: None });
                files.names.insert(name.to_owned(), at);
            }
            None => drop(files.names.remove(name)),
        }
        files.synced_names = files.names.clone();
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One operation, of so many bytes (1: of none): `work` gets how many of them it may write.
    fn operate(
        &self,
        bytes: usize,
        work: impl FnOnce(&mut Files, usize) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut files = self.files();
        if files.down {
            return Err(io::Error::other("the machine is down"));
        }
        let number = files.operations;
        files.operations += 1;
        let fault = files.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        match fault {
            None => work(&mut files, bytes),
            Some(DiskFault::Crash(allowed, loss)) => {
                if allowed > 0 {
                    work(&mut files, allowed.min(bytes))?;
                }
                files.lose(loss);
                files.down = true;
                Err(io::Error::other("the power was lost"))
            }
            Some(DiskFault::Full(_)) if bytes == 1 => work(&mut files, bytes),
            Some(DiskFault::Full(allowed)) => {
                work(&mut files, allowed.min(bytes))?;
                Err(io::ErrorKind::StorageFull.into())
            }
            Some(DiskFault::Broken) => Err(io::Error::other("an input/output error")),
        }
    }
}

impl Disk for MemoryDisk {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let mut files = self.files();
        Ok(files.file(name).ok().map(|file| file.seen.clone()))
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.operate(bytes.len(), |files, allowed| {
            if !files.names.contains_key(name) {
                files.names.insert(name.to_owned(), files.files.len());
                files.files.push(File::default());
            }
            let file = files.file(name)?;
            file.seen = bytes[..allowed].to_vec();
            file.given_up = None;
            Ok(())
        })
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.operate(bytes.len(), |files, allowed| {
            files.file(name)?.seen.extend_from_slice(&bytes[..allowed]);
            Ok(())
        })
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let synced = self.operate(1, |files, _| {
            files.file(name)?.sync();
            Ok(())
        });
        let mut files = self.files();
        if synced.is_err() && !files.down {
            files.file(name)?.give_up();
        }
        synced
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.operate(1, |files, _| {
            let at = files.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
            files.names.insert(to.to_owned(), at);
            Ok(())
        })
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        self.operate(1, |files, _| {
            files.synced_names = files.names.clone();
            Ok(())
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
