//! A function's code: what belongs to it, its digest, its zip. The same source always gives the same
//! bytes, independent of user, time and umask.

mod archive;
mod rules;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use stackwright_engine::digest::hex;
use stackwright_engine::kind::{Error, Result};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

pub use self::rules::{IGNORE_FILE, excluded};
use super::vendor::REQUIREMENTS;
use crate::missing_file::{self, Unreadable};

/// What Lambda accepts, in bytes.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// A zip in a request. Lambda accepts requests of 69,905,067 bytes, which are 50 MB in base64; some
    /// room is for the rest of the request.
    zip: u64,
    /// The code that Lambda unpacks.
    unzipped: u64,
}

const LIMITS: Limits = Limits { zip: (50 << 20) - (16 << 10), unzipped: 250 << 20 };

/// Which files are the code of a function.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Selection {
    /// A folder or a zip.
    pub path: PathBuf,
    /// Patterns as in .gitignore.
    pub exclude: Vec<String>,
    /// The stack file, which is no code where it lies in the folder.
    pub stack_file: PathBuf,
}

/// Code that was read from disk.
pub enum Source {
    Folder {
        files: Files,
        /// What was left out although nobody excluded it.
        left_out: Vec<String>,
    },
    /// A zip file, uploaded as it is.
    Archive(Archive),
}

/// A zip file.
pub struct Archive {
    bytes: Vec<u8>,
    outline: Outline,
}

/// Files and links by their names in the zip: relative paths with `/` between the parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<String, Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    File {
        executable: bool,
        bytes: Vec<u8>,
    },
    /// A symbolic link with the text of its target.
    Link(String),
}

impl Source {
    /// Reads what a selection means. Blocks.
    pub fn read(selection: &Selection) -> Result<Self> {
        Self::read_within(selection, LIMITS)
    }

    fn read_within(selection: &Selection, limits: Limits) -> Result<Self> {
        let code = &selection.path;
        let kind = fs::metadata(code).map_err(|error| unreadable(code, error))?;
        if kind.is_dir() {
            let (files, left_out) = walk::code(selection, limits)?;
            if files.0.is_empty() {
                return Err(Error::terminal(format!("there is no file in {}", code.display())));
            }
            // Deflate adds little even to what it cannot compress. Only much code can be too much.
            if files.size() > limits.zip - limits.zip / 64 {
                files.zip_within(None, limits)?;
            }
            return Ok(Self::Folder { files, left_out });
        }
        if !selection.exclude.is_empty() {
            let message =
                format!("{} is not a folder: `exclude` cannot leave files out", code.display());
            return Err(Error::terminal(message).with_hint("`exclude` is for a folder"));
        }
        sendable(kind.len(), limits)?;
        let bytes = fs::read(code).map_err(|error| unreadable(code, error))?;
        let outline = archive::check(&bytes, limits).map_err(|wrong| {
            let message = format!("{}: {}", code.display(), wrong.message);
            Error { message, ..wrong }
        })?;
        Ok(Self::Archive(Archive { bytes, outline }))
    }

    /// Digests the code.
    pub fn contents(&self) -> Contents {
        let mut digest = Sha256::new();
        let mut part = |bytes: &[u8]| update(&mut digest, bytes);
        match self {
            Self::Archive(archive) => part(&archive.bytes),
            Self::Folder { files, .. } => {
                for (name, entry) in &files.0 {
                    part(name.as_bytes());
                    part(&entry.mode().to_le_bytes());
                    part(entry.bytes());
                }
            }
        }
        Contents {
            digest: hex(&digest.finalize()),
            has_requirements: self.requirements().is_some(),
            size: self.size(),
            outline: Arc::new(self.outline()),
        }
    }

    /// Returns the `requirements.txt` of a folder.
    pub fn requirements(&self) -> Option<&[u8]> {
        match self {
            Self::Archive(_) => None,
            Self::Folder { files, .. } => files.get(REQUIREMENTS),
        }
    }

    /// Returns the zip to upload: a folder with `packages`, or the zip file as it is.
    pub fn zip(&self, packages: Option<&Files>) -> Result<Vec<u8>> {
        match self {
            Self::Archive(archive) => Ok(archive.bytes.clone()),
            Self::Folder { files, .. } => files.zip(packages),
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::Archive(archive) => archive.bytes.len() as u64,
            Self::Folder { files, .. } => files.size(),
        }
    }

    pub fn outline(&self) -> Outline {
        match self {
            Self::Archive(archive) => archive.outline.clone(),
            Self::Folder { files, left_out } => {
                let left_out = left_out.clone();
                Outline { left_out, ..files.outline() }
            }
        }
    }
}

/// What identifies code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Of paths, modes and bytes.
    digest: String,
    pub has_requirements: bool,
    /// Bytes.
    pub size: u64,
    pub outline: Arc<Outline>,
}

/// What is in code, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    pub names: BTreeSet<String>,
    /// Those of `names` that are links.
    pub links: BTreeSet<String>,
    /// What was left out although nobody excluded it.
    pub left_out: Vec<String>,
    pub is_archive: bool,
}

impl Outline {
    /// Returns what is in several places together.
    pub fn of_all<'a>(outlines: impl Iterator<Item = &'a Self>) -> Self {
        outlines.fold(Self::default(), |mut all, one| {
            all.names.extend(one.names.iter().cloned());
            all.links.extend(one.links.iter().cloned());
            all
        })
    }
}

impl Contents {
    /// Returns 64 hexadecimal digits of what decides about the zip: the code, and what packages are
    /// chosen for.
    pub fn digest(&self, runtime: &str, architecture: &str) -> String {
        if !self.has_requirements {
            return self.digest.clone();
        }
        let mut digest = Sha256::new();
        for part in [runtime, architecture, &self.digest] {
            update(&mut digest, part.as_bytes());
        }
        hex(&digest.finalize())
    }
}

/// Returns the text of one file of the code on disk, a folder or a zip; `None` if it cannot be read as text.
pub fn text(code: &Path, name: &str) -> Option<String> {
    let bytes = if code.is_dir() {
        fs::read(code.join(name)).ok()?
    } else {
        archive::file(&fs::read(code).ok()?, name)?
    };
    String::from_utf8(bytes).ok()
}

/// Adds a part with its length, so that no two lists of parts have one digest.
fn update(digest: &mut Sha256, part: &[u8]) {
    digest.update((part.len() as u64).to_le_bytes());
    digest.update(part);
}

impl Files {
    /// Reads everything in a folder.
    pub fn of_folder(folder: &Path) -> Result<Self> {
        walk::everything(folder, LIMITS)
    }

    /// Returns the bytes of a file.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        match self.0.get(name)? {
            Entry::File { bytes, .. } => Some(bytes),
            Entry::Link(_) => None,
        }
    }

    /// Returns the zip of these files and of `packages`: sorted, dated 1980, modes 644 and 755. Of two
    /// files with one name, the own one is taken.
    pub fn zip(&self, packages: Option<&Self>) -> Result<Vec<u8>> {
        self.zip_within(packages, LIMITS)
    }

    fn zip_within(&self, packages: Option<&Self>, limits: Limits) -> Result<Vec<u8>> {
        let all = self.with(packages);
        fits(all.values().map(|entry| entry.size()).sum(), limits)?;
        let zip =
            write(&all).map_err(|error| Error::terminal(format!("packing the code: {error}")))?;
        sendable(zip.len() as u64, limits)?;
        Ok(zip)
    }

    fn with<'a>(&'a self, packages: Option<&'a Self>) -> BTreeMap<&'a str, &'a Entry> {
        let all = packages.into_iter().chain([self]).flat_map(|files| &files.0);
        all.map(|(name, entry)| (name.as_str(), entry)).collect()
    }

    pub fn outline(&self) -> Outline {
        let links = self.0.iter().filter(|(_, entry)| matches!(entry, Entry::Link(_)));
        Outline {
            links: links.map(|(name, _)| name.clone()).collect(),
            names: self.0.keys().cloned().collect(),
            ..Outline::default()
        }
    }

    fn size(&self) -> u64 {
        self.0.values().map(Entry::size).sum()
    }
}

fn write(entries: &BTreeMap<&str, &Entry>) -> zip::result::ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, entry) in entries {
        let options = SimpleFileOptions::default()
            .system(System::Unix)
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(6))
            .last_modified_time(DateTime::default())
            .unix_permissions(entry.mode() & 0o777);
        match entry {
            Entry::File { bytes, .. } => {
                zip.start_file(*name, options)?;
                zip.write_all(bytes)?;
            }
            Entry::Link(target) => zip.add_symlink(*name, target, options)?,
        }
    }
    Ok(zip.finish()?.into_inner())
}

impl Entry {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::File { bytes, .. } => bytes,
            Self::Link(target) => target.as_bytes(),
        }
    }

    fn size(&self) -> u64 {
        self.bytes().len() as u64
    }

    /// The mode with the kind of file; that of a plain file is left out.
    fn mode(&self) -> u32 {
        match self {
            Self::File { executable: true, .. } => 0o755,
            Self::File { .. } => 0o644,
            Self::Link(_) => 0o120_777,
        }
    }
}

/// Checks that a zip of so many bytes is small enough for a request.
fn sendable(size: u64, limits: Limits) -> Result<()> {
    if size <= limits.zip {
        return Ok(());
    }
    let message = format!(
        "the zip has {} MB; Lambda accepts less than 50 MB in a request",
        size.div_ceil(1 << 20)
    );
    Err(Error::terminal(message).with_hint(SMALLER))
}

fn fits(size: u64, limits: Limits) -> Result<()> {
    if size <= limits.unzipped {
        return Ok(());
    }
    let message = "the code has more than 250 MB unzipped, which is the limit of Lambda";
    Err(Error::terminal(message).with_hint(SMALLER))
}

const SMALLER: &str =
    "leave files out with a .stackwrightignore, or move packages into a layer (`layers`)";

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    let Unreadable { message, hint } = missing_file::unreadable(path, &error);
    Error { hint, ..Error::terminal(message).with_source(error) }
}

#[cfg(test)]
mod tests;
