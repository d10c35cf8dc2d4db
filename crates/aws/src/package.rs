//! A function's code: what belongs to it, its digest, its zip. The same source always gives the
//! same bytes, whoever packs it, when and under which umask.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::{DirEntry, WalkBuilder};
use sha2::{Digest as _, Sha256};
use stackwright_engine::kind::{Error, Result};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipArchive, ZipWriter};

use crate::vendor::REQUIREMENTS;

/// What Lambda takes in a request: 50 MB.
const MAX_ZIP: u64 = 50 << 20;
/// What Lambda unpacks: 250 MB.
const MAX_UNZIPPED: u64 = 250 << 20;
/// Patterns as in .gitignore, of files that shall not go into the zip.
const IGNORE_FILE: &str = ".stackwrightignore";
const LEFT_OUT: &[&str] =
    &[".git", ".env", ".stackwright", ".venv", "__pycache__", ".DS_Store", IGNORE_FILE];

/// Code as it lies on disk, in memory.
pub enum Source {
    Folder(Files),
    /// A ready zip, taken as it is.
    Archive(Vec<u8>),
}

/// Files by their names in the zip: relative, `/` between the parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<String, File>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct File {
    executable: bool,
    bytes: Vec<u8>,
}

impl Source {
    /// Reads a folder, less what `exclude` matches (patterns as in .gitignore), or a zip. Blocks.
    pub fn read(code: &Path, exclude: &[String]) -> Result<Self> {
        let kind = fs::metadata(code).map_err(|error| unreadable(code, error))?;
        if kind.is_dir() {
            let files = Files::of_source(code, exclude)?;
            if files.0.is_empty() {
                return Err(Error::terminal(format!("there is no file in {}", code.display())));
            }
            return Ok(Self::Folder(files));
        }
        if !exclude.is_empty() {
            let message =
                format!("{} is no folder, of which files could be left out", code.display());
            return Err(Error::terminal(message).with_hint("`exclude` is for a folder"));
        }
        let bytes = fs::read(code).map_err(|error| unreadable(code, error))?;
        check_archive(&bytes)
            .map_err(|wrong| Error::terminal(format!("{}: {wrong}", code.display())))?;
        Ok(Self::Archive(bytes))
    }

    /// Of what decides about the zip: paths, modes and contents (requirements.txt among them), and
    /// what packages are chosen for. 64 hexadecimal digits.
    pub fn digest(&self, runtime: &str, architecture: &str) -> String {
        let mut digest = Sha256::new();
        let mut part = |bytes: &[u8]| {
            digest.update((bytes.len() as u64).to_le_bytes());
            digest.update(bytes);
        };
        match self {
            Self::Archive(bytes) => part(bytes),
            Self::Folder(files) => {
                if files.0.contains_key(REQUIREMENTS) {
                    part(runtime.as_bytes());
                    part(architecture.as_bytes());
                }
                for (name, file) in &files.0 {
                    part(name.as_bytes());
                    part(&file.mode().to_le_bytes());
                    part(&file.bytes);
                }
            }
        }
        hex(&digest.finalize())
    }
}

impl Files {
    /// What a user keeps in a code folder, less what has no business in a cloud.
    fn of_source(folder: &Path, exclude: &[String]) -> Result<Self> {
        let root = folder.canonicalize().map_err(|error| unreadable(folder, error))?;
        let excluded = excluded(&root, exclude).map_err(Error::terminal)?;
        Self::read(folder, move |entry| {
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            let is_excluded = || excluded.matched(entry.path(), is_folder).is_ignore();
            entry.depth() == 0 || !left_out(entry) && !is_excluded()
        })
    }

    /// Everything in a folder.
    pub fn of_folder(folder: &Path) -> Result<Self> {
        Self::read(folder, |_| true)
    }

    fn read(
        folder: &Path,
        wanted: impl Fn(&DirEntry) -> bool + Send + Sync + 'static,
    ) -> Result<Self> {
        let root = folder.canonicalize().map_err(|error| unreadable(folder, error))?;
        let mut walk = WalkBuilder::new(&root);
        walk.standard_filters(false)
            .add_custom_ignore_filename(IGNORE_FILE)
            .follow_links(true)
            .filter_entry(wanted);
        let mut files = BTreeMap::new();
        let mut size = 0;
        for entry in walk.build() {
            let entry = entry.map_err(|error| Error::terminal(format!("reading code: {error}")))?;
            if let Some((name, file)) = Self::file(&root, &entry)? {
                size += file.bytes.len() as u64;
                fits(size)?;
                files.insert(name, file);
            }
        }
        Ok(Self(files))
    }

    fn file(root: &Path, entry: &DirEntry) -> Result<Option<(String, File)>> {
        let path = entry.path();
        if entry.path_is_symlink() {
            let target = path.canonicalize().map_err(|error| unreadable(path, error))?;
            if !target.starts_with(root) {
                let leaves = format!("{} is a link that leaves the folder", path.display());
                return Err(
                    Error::terminal(leaves).with_hint("copy what it leads to, or ignore it")
                );
            }
        }
        let kind = fs::metadata(path).map_err(|error| unreadable(path, error))?;
        if kind.is_dir() {
            return Ok(None);
        }
        if !kind.is_file() {
            return Err(Error::terminal(format!("{} is not a file", path.display())));
        }
        let name = path.strip_prefix(root).ok().and_then(Path::to_str).ok_or_else(|| {
            Error::terminal(format!("the name of {} is not UTF-8", path.display()))
        })?;
        fits(kind.len())?;
        let executable = kind.permissions().mode() & 0o111 != 0;
        let bytes = fs::read(path).map_err(|error| unreadable(path, error))?;
        Ok(Some((name.to_owned(), File { executable, bytes })))
    }

    /// A file's contents.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(|file| file.bytes.as_slice())
    }

    /// With those of `others` whose names are free.
    #[must_use]
    pub fn with(mut self, others: Self) -> Self {
        for (name, file) in others.0 {
            self.0.entry(name).or_insert(file);
        }
        self
    }

    /// The zip: sorted, of 1980, modes 644 and 755.
    pub fn zip(&self) -> Result<Vec<u8>> {
        fits(self.0.values().map(|file| file.bytes.len() as u64).sum())?;
        let zip =
            self.write().map_err(|error| Error::terminal(format!("packing the code: {error}")))?;
        sendable(&zip)?;
        Ok(zip)
    }

    fn write(&self) -> zip::result::ZipResult<Vec<u8>> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, file) in &self.0 {
            let options = SimpleFileOptions::default()
                .system(System::Unix)
                .compression_method(CompressionMethod::Deflated)
                .compression_level(Some(6))
                .last_modified_time(DateTime::default())
                .unix_permissions(file.mode());
            zip.start_file(name, options)?;
            zip.write_all(&file.bytes)?;
        }
        Ok(zip.finish()?.into_inner())
    }
}

impl File {
    fn mode(&self) -> u32 {
        if self.executable { 0o755 } else { 0o644 }
    }
}

/// What the patterns match below a folder; the error names the pattern.
pub fn excluded(root: &Path, patterns: &[String]) -> Result<Gitignore, String> {
    let mut builder = GitignoreBuilder::new(root);
    for pattern in patterns {
        if let Err(error) = builder.add_line(None, pattern) {
            return Err(format!("`{pattern}` is not a pattern: {error}"));
        }
    }
    builder.build().map_err(|error| error.to_string())
}

/// Whether a ready zip is small enough to be sent.
pub fn sendable(zip: &[u8]) -> Result<()> {
    let size = zip.len() as u64;
    if size <= MAX_ZIP {
        return Ok(());
    }
    let message = format!("the zip has {} MB; Lambda takes 50 MB in a request", size >> 20);
    Err(Error::terminal(message).with_hint(format!("leave files out with a {IGNORE_FILE}")))
}

fn fits(size: u64) -> Result<()> {
    if size <= MAX_UNZIPPED {
        return Ok(());
    }
    let message = "the code has more than 250 MB unzipped, which is what Lambda takes";
    Err(Error::terminal(message).with_hint(format!("leave files out with a {IGNORE_FILE}")))
}

/// What is made on the user's machine, or is nobody else's business.
fn left_out(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    if entry.depth() == 0 || LEFT_OUT.contains(&name.as_ref()) || name.ends_with('~') {
        return entry.depth() > 0;
    }
    if entry.file_type().is_some_and(|kind| kind.is_dir()) {
        return false;
    }
    match Path::new(name.as_ref()).extension().and_then(|extension| extension.to_str()) {
        Some("pyc" | "key" | "swp") => true,
        Some("pem") => holds_private_key(entry.path()),
        _ => false,
    }
}

/// A file of certificates is code's to ship; one that cannot be read is none.
fn holds_private_key(path: &Path) -> bool {
    let mark: &[u8] = b"PRIVATE KEY";
    fs::read(path).is_ok_and(|bytes| bytes.windows(mark.len()).any(|window| window == mark))
}

fn check_archive(bytes: &[u8]) -> Result<(), String> {
    let archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| format!("neither a folder nor a zip ({error})"))?;
    if archive.has_duplicate_names() {
        return Err("two files of one name in the zip".to_owned());
    }
    for name in archive.file_names() {
        let name = name.map_err(|error| format!("a name in the zip: {error}"))?;
        let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if name.contains(['\\', '\0']) || !Path::new(name.as_ref()).components().all(inside) {
            return Err(format!("`{}` in the zip leaves the folder", name.escape_debug()));
        }
    }
    match archive.decompressed_size() {
        Some(size) if size > u128::from(MAX_UNZIPPED) => {
            Err("more than 250 MB unzipped, which is what Lambda takes".to_owned())
        }
        _ => Ok(()),
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::terminal(format!("{}: {error}", path.display())).with_source(error)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
