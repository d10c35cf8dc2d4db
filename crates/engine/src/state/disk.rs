//! The only file I/O of the state: a folder with a few files, behind a small trait so that a
//! simulated disk can lose what was not synced.

#![expect(clippy::disallowed_methods, reason = "this is where the state's file I/O is")]

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

/// A folder. Names are plain file names in it.
///
/// Each method is one step of the file system, so that a simulated disk can fail, or lose power, at
/// any of them. Nothing is durable before it is synced: a file's bytes by [`sync`](Self::sync), its
/// name by [`sync_folder`](Self::sync_folder).
pub trait Disk: Send {
    /// `None`: not there.
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>>;
    /// A file of these bytes, instead of any of that name.
    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// At the end of an existing file.
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
    fn sync(&mut self, name: &str) -> io::Result<()>;
    /// Takes the place of any file called `to`.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    fn sync_folder(&mut self) -> io::Result<()>;
    /// Takes the lock and writes `holder` into it; `Err(text)` with what its holder wrote. Freed
    /// with this value, or by the kernel with the process.
    fn lock(&mut self, holder: &str) -> io::Result<Result<(), String>>;
    /// Returns what the present holder of the lock wrote into it, without taking the lock.
    fn holder(&self) -> io::Result<Option<String>> {
        Ok(None)
    }
    /// For messages.
    fn path(&self) -> &Path;
}

impl dyn Disk + '_ {
    /// Whole or not at all, and durable.
    pub fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        // Only one run writes at a time; what a killed one left under that name is overwritten.
        let new = format!("{name}.new");
        self.write(&new, bytes)?;
        self.sync(&new)?;
        self.rename(&new, name)?;
        self.sync_folder()
    }

    /// At the end of an existing file, durable. After an error the end of the file is not known.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.append(name, bytes)?;
        self.sync(name)
    }
}

/// A real folder, 0700, its files 0600.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    lock: Option<File>,
    /// The file that was written last: it is synced through the handle that saw its errors.
    written: Option<(String, File)>,
}

impl Folder {
    pub fn at(path: PathBuf) -> Self {
        Self { path, lock: None, written: None }
    }

    /// Makes the folder durable, with a `.gitignore` in the folder of all states, so that none is
    /// committed by accident.
    fn make(&self) -> io::Result<()> {
        let missing: Vec<&Path> = self.path.ancestors().take_while(|path| !path.exists()).collect();
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.path)?;
        for parent in missing.iter().filter_map(|made| made.parent()) {
            let parent = if parent == Path::new("") { Path::new(".") } else { parent };
            File::open(parent)?.sync_all()?;
        }
        for ancestor in self.path.ancestors() {
            if ancestor.file_name().is_some_and(|name| name == super::FOLDER) {
                let ignore = ancestor.join(".gitignore");
                if !ignore.exists() {
                    fs::write(ignore, "*\n")?;
                }
            }
        }
        Ok(())
    }

    /// Refuses a link: a state written through one could land anywhere.
    fn file(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => {
                let message = format!(
                    "{} is a symbolic link; state is never kept behind one",
                    path.display()
                );
                Err(io::Error::new(io::ErrorKind::InvalidInput, message))
            }
            _ => Ok(path),
        }
    }

    fn options() -> OpenOptions {
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
    }
}

impl Disk for Folder {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.file(name)?) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.file(name)?;
        let mut file = Self::options().write(true).create(true).truncate(true).open(path)?;
        file.write_all(bytes)?;
        self.written = Some((name.to_owned(), file));
        Ok(())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = match self.written.take() {
            Some((known, file)) if known == name => file,
            _ => Self::options().append(true).open(self.file(name)?)?,
        };
        file.write_all(bytes)?;
        self.written = Some((name.to_owned(), file));
        Ok(())
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        match &self.written {
            Some((known, file)) if known == name => file.sync_all(),
            _ => File::open(self.file(name)?)?.sync_all(),
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.written = None;
        fs::rename(self.file(from)?, self.file(to)?)
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn lock(&mut self, holder: &str) -> io::Result<Result<(), String>> {
        self.make()?;
        let path = self.file("lock")?;
        let mut file =
            Self::options().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                file.rewind()?;
                file.write_all(holder.as_bytes())?;
                self.lock = Some(file);
                Ok(Ok(()))
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                file.read_to_string(&mut text)?;
                Ok(Err(text))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn holder(&self) -> io::Result<Option<String>> {
        let file = match File::open(self.file("lock")?) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => io::read_to_string(file).map(Some),
            Err(TryLockError::Error(error)) => Err(error),
            Ok(()) => Ok(None),
        }
    }

    fn path(&self) -> &Path {
        &self.path
    }
}
