//! A function's code: what belongs to it, its digest, its zip. The same source always gives the same
//! bytes, independent of user, time and umask.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::{DirEntry, WalkBuilder};
use sha2::{Digest as _, Sha256};
use stackwright_engine::digest::hex;
use stackwright_engine::kind::{Error, Result};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipArchive, ZipWriter};

use super::vendor::REQUIREMENTS;

/// The largest zip that Lambda accepts in a request: 50 MB.
const MAX_ZIP: u64 = 50 << 20;
/// The largest code that Lambda unpacks: 250 MB.
const MAX_UNZIPPED: u64 = 250 << 20;
/// A file with patterns as in .gitignore, of files to leave out of the zip.
const IGNORE_FILE: &str = ".stackwrightignore";
const LEFT_OUT: &[&str] =
    &[".git", ".env", ".stackwright", ".venv", "__pycache__", ".DS_Store", IGNORE_FILE];

/// Code that was read from disk.
pub enum Source {
    Folder(Files),
    /// A zip file, uploaded as it is.
    Archive(Vec<u8>),
}

/// Files by their names in the zip: relative paths with `/` between the parts.
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
                format!("{} is not a folder: `exclude` cannot leave files out", code.display());
            return Err(Error::terminal(message).with_hint("`exclude` is for a folder"));
        }
        let bytes = fs::read(code).map_err(|error| unreadable(code, error))?;
        check_archive(&bytes)
            .map_err(|wrong| Error::terminal(format!("{}: {wrong}", code.display())))?;
        Ok(Self::Archive(bytes))
    }

    /// Digests the code.
    pub fn contents(&self) -> Contents {
        let mut digest = Sha256::new();
        let mut part = |bytes: &[u8]| update(&mut digest, bytes);
        let mut has_requirements = false;
        match self {
            Self::Archive(bytes) => part(bytes),
            Self::Folder(files) => {
                has_requirements = files.0.contains_key(REQUIREMENTS);
                for (name, file) in &files.0 {
                    part(name.as_bytes());
                    part(&file.mode().to_le_bytes());
                    part(&file.bytes);
                }
            }
        }
        Contents { digest: hex(&digest.finalize()), has_requirements, size: self.size() }
    }

    /// Returns the `requirements.txt` of a folder.
    pub fn requirements(&self) -> Option<&[u8]> {
        match self {
            Self::Archive(_) => None,
            Self::Folder(files) => files.get(REQUIREMENTS),
        }
    }

    /// Returns the zip to upload: a folder with `packages`, or the zip file as it is.
    pub fn zip(&self, packages: Option<&Files>) -> Result<Vec<u8>> {
        match self {
            Self::Archive(zip) => sendable(zip).map(|()| zip.clone()),
            Self::Folder(files) => files.zip(packages),
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::Archive(bytes) => bytes.len() as u64,
            Self::Folder(files) => files.0.values().map(File::size).sum(),
        }
    }
}

/// What identifies code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Of paths, modes and bytes.
    digest: String,
    has_requirements: bool,
    /// Bytes.
    pub size: u64,
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

/// Adds a part with its length, so that no two lists of parts have one digest.
fn update(digest: &mut Sha256, part: &[u8]) {
    digest.update((part.len() as u64).to_le_bytes());
    digest.update(part);
}

impl Files {
    /// Reads a code folder, without what is never code and what the user excludes.
    fn of_source(folder: &Path, exclude: &[String]) -> Result<Self> {
        let root = folder.canonicalize().map_err(|error| unreadable(folder, error))?;
        let excluded = excluded(&root, exclude).map_err(Error::terminal)?;
        Self::read(folder, move |entry| {
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            let is_excluded = || excluded.matched(entry.path(), is_folder).is_ignore();
            entry.depth() == 0 || !left_out(entry) && !is_excluded()
        })
    }

    /// Reads everything in a folder.
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
                size += file.size();
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
                return Err(Error::terminal(leaves).with_hint("copy its target, or exclude it"));
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

    /// Returns the bytes of a file.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(|file| file.bytes.as_slice())
    }

    /// Returns the zip of these files and of `packages`: sorted, dated 1980, modes 644 and 755. Of two
    /// files with one name, the own one is taken.
    pub fn zip(&self, packages: Option<&Self>) -> Result<Vec<u8>> {
        let all = self.with(packages);
        fits(all.values().map(|file| file.size()).sum())?;
        let zip =
            write(&all).map_err(|error| Error::terminal(format!("packing the code: {error}")))?;
        sendable(&zip)?;
        Ok(zip)
    }

    fn with<'a>(&'a self, packages: Option<&'a Self>) -> BTreeMap<&'a str, &'a File> {
        let all = packages.into_iter().chain([self]).flat_map(|files| &files.0);
        all.map(|(name, file)| (name.as_str(), file)).collect()
    }
}

fn write(files: &BTreeMap<&str, &File>) -> zip::result::ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, file) in files {
        let options = SimpleFileOptions::default()
            .system(System::Unix)
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(6))
            .last_modified_time(DateTime::default())
            .unix_permissions(file.mode());
        zip.start_file(*name, options)?;
        zip.write_all(&file.bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

impl File {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn mode(&self) -> u32 {
        if self.executable { 0o755 } else { 0o644 }
    }
}

/// Returns what matches the patterns below a folder; the error names the pattern.
pub fn excluded(root: &Path, patterns: &[String]) -> Result<Gitignore, String> {
    let mut builder = GitignoreBuilder::new(root);
    for pattern in patterns {
        if let Err(error) = builder.add_line(None, pattern) {
            return Err(format!("`{pattern}` is not a pattern: {error}"));
        }
    }
    builder.build().map_err(|error| error.to_string())
}

/// Checks that a zip is small enough for a request.
fn sendable(zip: &[u8]) -> Result<()> {
    let size = zip.len() as u64;
    if size <= MAX_ZIP {
        return Ok(());
    }
    let message = format!("the zip has {} MB; Lambda accepts 50 MB in a request", size >> 20);
    Err(Error::terminal(message).with_hint(format!("leave files out with a {IGNORE_FILE}")))
}

fn fits(size: u64) -> Result<()> {
    if size <= MAX_UNZIPPED {
        return Ok(());
    }
    let message = "the code has more than 250 MB unzipped, which is the limit of Lambda";
    Err(Error::terminal(message).with_hint(format!("leave files out with a {IGNORE_FILE}")))
}

/// Tells whether a file is generated on the user's machine, or may contain secrets.
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
        Some("pem") => contains_private_key(entry.path()),
        _ => false,
    }
}

/// Files with certificates are part of the code. A file that cannot be read counts as one.
fn contains_private_key(path: &Path) -> bool {
    let mark: &[u8] = b"PRIVATE KEY";
    fs::read(path).is_ok_and(|bytes| bytes.windows(mark.len()).any(|window| window == mark))
}

fn check_archive(bytes: &[u8]) -> Result<(), String> {
    let archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| format!("neither a folder nor a zip ({error})"))?;
    if archive.has_duplicate_names() {
        return Err("two files with one name in the zip".to_owned());
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
            Err("more than 250 MB unzipped, which is the limit of Lambda".to_owned())
        }
        _ => Ok(()),
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::terminal(format!("{}: {error}", path.display())).with_source(error)
}

#[cfg(test)]
mod tests;
