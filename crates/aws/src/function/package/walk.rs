//! Reads the files and links of a folder.
//!
//! A link stays a link: Lambda unpacks links, and the packages of pnpm find each other through them. Its
//! target must be in the zip, or in a layer.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use stackwright_engine::kind::{Error, Result};

use super::rules::{Rules, Verdict};
use super::{Entry, Files, Limits, Selection, fits, unreadable};

/// Where Lambda unpacks layers.
const LAYERS: &str = "/opt/";

/// Reads the code in a folder, and names what is left out although nobody excluded it.
pub(super) fn code(selection: &Selection, limits: Limits) -> Result<(Files, Vec<String>)> {
    let root = root(&selection.path)?;
    let rules = Rules::of(&root, selection)?;
    let mut walk = Walk { rules: Some(rules), ..Walk::at(root, limits) };
    walk.all()?;
    Ok((Files(walk.entries), walk.left_out))
}

/// Reads everything in a folder.
pub(super) fn everything(folder: &Path, limits: Limits) -> Result<Files> {
    let mut walk = Walk::at(root(folder)?, limits);
    walk.all()?;
    Ok(Files(walk.entries))
}

fn root(folder: &Path) -> Result<PathBuf> {
    folder.canonicalize().map_err(|error| unreadable(folder, error))
}

struct Walk {
    root: PathBuf,
    limits: Limits,
    /// `None`: everything is wanted.
    rules: Option<Rules>,
    entries: BTreeMap<String, Entry>,
    /// The targets of links that lead to a place in the folder, by the name of the link.
    targets: BTreeMap<String, String>,
    left_out: Vec<String>,
    /// Bytes.
    size: u64,
}

impl Walk {
    fn at(root: PathBuf, limits: Limits) -> Self {
        Self {
            root,
            limits,
            rules: None,
            entries: BTreeMap::new(),
            targets: BTreeMap::new(),
            left_out: Vec::new(),
            size: 0,
        }
    }

    fn all(&mut self) -> Result<()> {
        self.folder(&self.root.clone())?;
        self.left_out.sort();
        self.links_lead_somewhere()
    }

    fn folder(&mut self, folder: &Path) -> Result<()> {
        if let Some(rules) = &mut self.rules {
            rules.enter(folder)?;
        }
        let failed = |error| unreadable(folder, error);
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            self.entry(&entry.path(), kind)?;
        }
        if let Some(rules) = &mut self.rules {
            rules.leave();
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, kind: fs::FileType) -> Result<()> {
        // A link that leads nowhere, or to itself, is excluded by its name like any other.
        let is_folder = kind.is_dir() || kind.is_symlink() && path.is_dir();
        let verdict = self.rules.as_ref().map(|rules| rules.verdict(path, is_folder));
        match verdict.unwrap_or(Verdict::PutBack) {
            Verdict::LeftOut => Ok(()),
            Verdict::LeftOutAndSaid => self.leave_out(path),
            _ if kind.is_symlink() => self.link(path),
            _ if kind.is_dir() => self.folder(path),
            _ if !kind.is_file() => {
                let message = format!("{} is not a file", path.display());
                Err(Error::terminal(message).with_hint("exclude it"))
            }
            verdict => self.file(path, verdict == Verdict::PutBack),
        }
    }

    fn file(&mut self, path: &Path, is_wanted: bool) -> Result<()> {
        let kind = fs::metadata(path).map_err(|error| unreadable(path, error))?;
        fits(kind.len(), self.limits)?;
        let bytes = fs::read(path).map_err(|error| unreadable(path, error))?;
        if !is_wanted {
            match Rules::verdict_of_bytes(path, &bytes) {
                Verdict::LeftOut => return Ok(()),
                Verdict::LeftOutAndSaid => return self.leave_out(path),
                Verdict::Code | Verdict::PutBack => {}
            }
        }
        let executable = kind.permissions().mode() & 0o111 != 0;
        self.add(path, Entry::File { executable, bytes })
    }

    /// A link is written relative to its own folder: the folder of the code has another name on Lambda.
    fn link(&mut self, path: &Path) -> Result<()> {
        let written = fs::read_link(path).map_err(|error| unreadable(path, error))?;
        let target = path.canonicalize();
        if let Ok(target) = &target
            && let Ok(inside) = target.strip_prefix(&self.root)
        {
            self.targets.insert(self.name(path)?, text(inside)?);
            let relative = relative(path.parent().unwrap_or(&self.root), target);
            return self.add(path, Entry::Link(text(&relative)?));
        }
        if written.starts_with(LAYERS) {
            return self.add(path, Entry::Link(text(&written)?));
        }
        let link = format!("{} is a link", path.display());
        let (message, hint) = match target {
            Ok(_) => (
                format!("{link} that leaves the folder"),
                "copy its target (for pnpm, `pnpm deploy` does), or exclude it",
            ),
            Err(error) => (
                format!("{link} to {}: {error}", written.display()),
                "remove the link, or exclude it",
            ),
        };
        Err(Error::terminal(message).with_hint(hint))
    }

    /// Checks that each link leads to something that is in the zip, too.
    fn links_lead_somewhere(&self) -> Result<()> {
        let is_there = |target: &str| {
            let folder = format!("{target}/");
            let mut below = self.entries.range(folder.clone()..);
            target.is_empty()
                || self.entries.contains_key(target)
                || below.next().is_some_and(|(name, _)| name.starts_with(&folder))
        };
        match self.targets.iter().find(|(_, target)| !is_there(target)) {
            Some((link, target)) => {
                let message = format!("{link} is a link to {target}, which is left out or empty");
                let hint = format!("exclude the link, too, or put the target back: `!/{target}`");
                Err(Error::terminal(message).with_hint(hint))
            }
            None => Ok(()),
        }
    }

    fn add(&mut self, path: &Path, entry: Entry) -> Result<()> {
        self.size += entry.size();
        fits(self.size, self.limits)?;
        self.entries.insert(self.name(path)?, entry);
        Ok(())
    }

    fn leave_out(&mut self, path: &Path) -> Result<()> {
        self.left_out.push(self.name(path)?);
        Ok(())
    }

    fn name(&self, path: &Path) -> Result<String> {
        text(path.strip_prefix(&self.root).unwrap_or(path))
    }
}

fn text(path: &Path) -> Result<String> {
    let name = path.to_str().map(str::to_owned);
    name.ok_or_else(|| Error::terminal(format!("the name of {} is not UTF-8", path.display())))
}

/// Returns the path that leads from a folder to a target, both absolute and without links.
fn relative(folder: &Path, target: &Path) -> PathBuf {
    let shared =
        folder.components().zip(target.components()).take_while(|(one, other)| one == other);
    let shared = shared.count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(target.components().skip(shared)).collect();
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path }
}
