//! Which files of a folder are code.
//!
//! The patterns of `exclude` count first, then those of the ignore files, the one in the deepest folder
//! first, then those of this module. In each of them the last pattern that matches a name decides, as in
//! .gitignore, so that `!NAME` puts back what a later list leaves out. A pattern that names nothing, such as `!*`
//! or `!*/`, undoes other patterns of the user and none of this module: nobody means `.git` and secrets by it.

use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use stackwright_engine::kind::{Error, Result};
use stackwright_engine::plan::is_saved_plan;

use super::Selection;

/// A file with patterns as in .gitignore, of files to leave out of the zip.
pub const IGNORE_FILE: &str = ".stackwrightignore";
/// The folder of the state, which changes with every run: it is never code.
const STATE: &str = ".stackwright";
/// Made on the user's machine, and made again wherever it is needed: nobody misses it.
const GENERATED: &[&str] = &[".git", ".venv", "__pycache__", ".DS_Store", IGNORE_FILE];
/// Settings and leftovers of the user's machine, some of them secret. A program might read them all the
/// same, so that a plan names what is left out.
const PERSONAL: &[&str] = &[".env", ".env.*", ".envrc", "*.pyc", "*~", ".*.swp"];

/// Whether a file is part of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// No pattern matches it.
    Code,
    /// A pattern with `!` matches it.
    PutBack,
    LeftOut,
    /// The user did not exclude it, and may miss it.
    LeftOutAndSaid,
}

/// The patterns that hold in a folder.
pub(super) struct Rules {
    exclude: Gitignore,
    /// Of the ignore files in the folder and above it, the outermost first.
    ignored: Vec<Option<Gitignore>>,
    generated: Gitignore,
    personal: Gitignore,
    stack_file: Option<PathBuf>,
}

impl Rules {
    pub fn of(root: &Path, selection: &Selection) -> Result<Self> {
        let of = |patterns: &[String]| excluded(root, patterns).map_err(Error::terminal);
        let own =
            |patterns: &[&str]| of(&patterns.iter().map(ToString::to_string).collect::<Vec<_>>());
        Ok(Self {
            exclude: of(&selection.exclude)?,
            ignored: Vec::new(),
            generated: own(GENERATED)?,
            personal: own(PERSONAL)?,
            stack_file: selection.stack_file.canonicalize().ok(),
        })
    }

    /// Adds the patterns of a folder's own ignore file.
    pub fn enter(&mut self, folder: &Path) -> Result<()> {
        let file = folder.join(IGNORE_FILE);
        let ignored = if file.is_file() {
            let failed = |error: &dyn std::fmt::Display| {
                Error::terminal(format!("{}: {error}", file.display()))
            };
            let text = std::fs::read_to_string(&file).map_err(|error| failed(&error))?;
            let mut builder = GitignoreBuilder::new(folder);
            for line in text.lines() {
                builder.add_line(Some(file.clone()), line).map_err(|error| failed(&error))?;
            }
            Some(builder.build().map_err(|error| failed(&error))?)
        } else {
            None
        };
        self.ignored.push(ignored);
        Ok(())
    }

    pub fn leave(&mut self) {
        self.ignored.pop();
    }

    /// Decides by the name of a file or folder.
    pub fn verdict(&self, path: &Path, is_folder: bool) -> Verdict {
        if path.file_name().is_some_and(|name| name == STATE) {
            return Verdict::LeftOut;
        }
        let users = [&self.exclude].into_iter().chain(self.ignored.iter().rev().flatten());
        for patterns in users {
            match patterns.matched(path, is_folder) {
                Match::Ignore(_) => return Verdict::LeftOut,
                Match::Whitelist(glob) if names_something(glob.original()) => {
                    return Verdict::PutBack;
                }
                Match::Whitelist(_) => break,
                Match::None => {}
            }
        }
        let matches = |patterns: &Gitignore| patterns.matched(path, is_folder).is_ignore();
        if self.stack_file.as_deref() == Some(path) || matches(&self.generated) {
            Verdict::LeftOut
        } else if matches(&self.personal) {
            Verdict::LeftOutAndSaid
        } else {
            Verdict::Code
        }
    }

    /// Decides by the bytes of a file that no pattern matches: private keys and saved plans are no code.
    pub fn verdict_of_bytes(path: &Path, bytes: &[u8]) -> Verdict {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let private = b"PRIVATE KEY";
        let is_private = || bytes.windows(private.len()).any(|window| window == private);
        match extension {
            Some("pem" | "key") if is_private() => Verdict::LeftOutAndSaid,
            _ if is_saved_plan(bytes) => Verdict::LeftOut,
            _ => Verdict::Code,
        }
    }
}

fn names_something(pattern: &str) -> bool {
    pattern.contains(|c| !"!*?/.".contains(c))
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
