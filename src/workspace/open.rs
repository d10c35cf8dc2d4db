//! From a stack file to a checked manifest.

use std::path::{Path, PathBuf};

use stackwright_aws::kinds;
use stackwright_engine::kind::Files;
use stackwright_engine::manifest::{
    Cloud, Diagnostic, Invalid, Manifest, Request, Source, wrong_region,
};

use super::{Workspace, state_folder};
use crate::cli::Stack;
use crate::environment;
use crate::error::{Error, Result};

/// What a command does with the stack file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// The files that it names are checked, too.
    Check,
    /// They are read later. If the stack file is wrong, they are checked as well, so that everything is
    /// reported at once.
    Plan,
    /// Nothing from the environment is sent: variables need not be set.
    Look,
}

/// Finds and checks the stack file. Sends nothing.
pub async fn open(stack: &Stack) -> Result<Workspace> {
    open_to(Use::Plan, stack).await
}

/// As [`open`], and checks the code and the scripts that the stack file names.
pub async fn open_to_check(stack: &Stack) -> Result<Workspace> {
    open_to(Use::Check, stack).await
}

/// As [`open`], for what sends no value from the environment: variables need not be set.
pub async fn open_to_look(stack: &Stack) -> Result<Workspace> {
    open_to(Use::Look, stack).await
}

async fn open_to(purpose: Use, stack: &Stack) -> Result<Workspace> {
    let path = match &stack.file {
        Some(path) => path.clone(),
        None => discover()?,
    };
    let bytes = std::fs::read(&path).map_err(|source| Error::given("--file", &path, source))?;
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(&path, error))?;
    let cloud = parsed_cloud(stack)?;
    let region_doubt = stack.region.as_deref().map_or(Ok(None), doubt)?;
    let source = Source::new(path, text);
    let files = Files::new(source.folder(), source.path.clone());
    let env = |name: &str| std::env::var(name).ok();
    let load = |files| {
        let request = Request {
            cloud: cloud.clone(),
            region: stack.region.clone(),
            env: &env,
            needs_env: purpose != Use::Look,
            files,
        };
        Manifest::load(source.clone(), &request, &kinds::registry())
    };
    let loaded = match purpose {
        Use::Check => load(Some(&files)),
        Use::Plan => load(None).or_else(|_| load(Some(&files))),
        Use::Look => load(None),
    };
    let manifest = loaded.map_err(|invalid| Error::Invalid(Box::new(invalid)))?;
    let local = environment::local()?;
    let folder = state_folder(&manifest, &local);
    Ok(Workspace { manifest, folder, profile: stack.profile.clone(), local, region_doubt })
}

/// Checks the value of `--region`. Returns what may be wrong with it.
fn doubt(region: &str) -> Result<Option<Diagnostic>> {
    match wrong_region(region, 0..0) {
        Some(wrong) if wrong.is_error() => {
            let error = Error::Usage(format!("--region: {}", wrong.message));
            Err(match wrong.help {
                Some(help) => error.with_hint(help),
                None => error,
            })
        }
        doubt => Ok(doubt),
    }
}

/// The value of `--cloud`.
pub(super) fn parsed_cloud(stack: &Stack) -> Result<Option<Cloud>> {
    let cloud = stack.cloud.as_deref().map(str::parse::<Cloud>).transpose();
    cloud.map_err(|error| Error::Usage(format!("--cloud: {error}")))
}

/// `stack.yaml` or `stack.yml`, here or upward to the repository's root.
fn discover() -> Result<PathBuf> {
    let here = std::env::current_dir()?;
    for folder in ancestors() {
        for name in ["stack.yaml", "stack.yml"] {
            if folder.join(name).is_file() {
                let path = folder.join(name);
                return Ok(path.strip_prefix(&here).map(Path::to_owned).unwrap_or(path));
            }
        }
    }
    Err(Error::NoStackFile)
}

/// This folder and those above it, up to the repository's root.
pub(super) fn ancestors() -> impl Iterator<Item = PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    let mut next = Some(here);
    std::iter::from_fn(move || {
        let folder = next.take()?;
        if !folder.join(".git").exists() {
            next = folder.parent().map(Path::to_owned);
        }
        Some(folder)
    })
}

/// Where the first byte stands that is not UTF-8.
fn not_utf8(path: &Path, error: std::string::FromUtf8Error) -> Error {
    let at = error.utf8_error().valid_up_to();
    let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
    let what = Diagnostic::error(at..at + 1, "this is not UTF-8; save the file as UTF-8");
    Error::Invalid(Box::new(Invalid::new(Source::new(path, text), vec![what])))
}
