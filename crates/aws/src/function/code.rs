//! A function's code from its folder to the zip that is uploaded.

use std::path::Path;

use serde::Deserialize as _;
use stackwright_engine::change::Change;
use stackwright_engine::kind::{CheckContext, Context, Error, Files, Problems, Result};
use stackwright_engine::reference::is_open;

use super::code_cache::Key;
use super::config::{CodeFrom, Config};
use super::handler::Handler;
use super::package::{self, Contents, IGNORE_FILE, Outline, Selection, Source, excluded};
use super::service::Functions;
use super::spec::{Code, Spec};
use super::vendor;
use super::write::is_other_code;
use crate::wrong::Wrong;

/// How many files that were left out a plan names.
const NAMED: usize = 8;
/// What `code` is.
const CODE: &str = "`code` is a folder or a zip, relative to the stack file";

impl Functions {
    /// Reads a function's code, after its build.
    pub(super) async fn contents(&self, config: &Config, context: &Context) -> Result<Contents> {
        let CodeFrom { path, build, exclude } = &config.code;
        let hint = match build {
            Some(command) => {
                self.builds.run(&context.folder, command, &self.calls).await?;
                "`build` should create it; `path` is relative to the stack file"
            }
            None => CODE,
        };
        let key =
            Key { selection: self.selection(&context.folder, path, exclude), build: build.clone() };
        self.code.contents(&key).await.map_err(|error| {
            let hint = error.hint.clone().unwrap_or(hint.into());
            error.with_hint(hint)
        })
    }

    fn selection(&self, folder: &Path, path: &str, exclude: &[String]) -> Selection {
        Selection {
            path: folder.join(path),
            exclude: exclude.to_vec(),
            stack_file: self.sources.stack_file.clone(),
        }
    }

    /// Returns the zip of exactly the code that the spec means.
    pub(super) async fn zip(&self, spec: &Spec) -> Result<Vec<u8>> {
        let Some(code) = &spec.code else {
            return Err(Error::terminal(format!("function {}: its code is not known", spec.name)));
        };
        let selection = self.selection(&self.sources.folder, &code.path, &code.exclude);
        let runtime = spec.runtime.as_deref().unwrap_or_default();
        let architecture = spec.architecture().as_str();
        let is_planned =
            |contents: &Contents| contents.digest(runtime, architecture) == code.digest;
        let source = self.code.source(&selection, is_planned).await?;
        let Some(source) = source else {
            let message = format!("{} changed after it was planned", selection.path.display());
            return Err(Error::terminal(message).with_hint("run again"));
        };
        let packages = match (source.requirements(), vendor::python(runtime)) {
            (Some(requirements), Some(python)) => {
                let order = vendor::Order {
                    folder: &selection.path,
                    requirements,
                    python,
                    architecture,
                    source: &code.digest,
                };
                let pip = format!("pip to install {}", vendor::REQUIREMENTS);
                let _awaiting = self.calls.awaits(pip, vendor::TIME_LIMIT);
                Some(order.fill(&self.sources.cache).await?)
            }
            _ => None,
        };
        let has_layers = spec.layers.iter().flatten().next().is_some();
        let handler = spec.handler.clone().filter(|_| !has_layers);
        let runtime = runtime.to_owned();
        let packing = tokio::task::spawn_blocking(move || {
            let Some(folder) = packages else { return source.zip(None) };
            let packages = package::Files::of_folder(&folder)?;
            if let Some(handler) = handler {
                let own = Place { path: &selection.path, outline: &source.outline() };
                let installed = Place { path: &folder, outline: &packages.outline() };
                look_for(&handler, &runtime, &[own, installed]).map_err(refused)?;
            }
            source.zip(Some(&packages))
        });
        packing.await.unwrap_or_else(|error| Err(Error::terminal(format!("packing code: {error}"))))
    }

    /// Says what is left out of new code although nobody excluded it.
    pub(super) fn left_out(&self, desired: &Spec, changes: &[Change]) -> Option<String> {
        let is_new = changes.is_empty() || changes.iter().any(is_other_code);
        let Code { path, exclude, .. } = desired.code.as_ref().filter(|_| is_new)?;
        let contents = self.code.known(&self.selection(&self.sources.folder, path, exclude))?;
        let all = &contents.outline.left_out;
        let first = all.first()?;
        let shown = all.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = match all.len() - all.len().min(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Some(format!(
            "the zip leaves out {shown}{more}; `!{first}` in {IGNORE_FILE} puts a file back"
        ))
    }
}

/// Adds what is wrong with code on disk: that it cannot be read, or has no handler. Code that is still to be
/// built is not read.
pub(super) fn check(
    config: &Config,
    context: &CheckContext<'_>,
    files: &Files,
    problems: &mut Problems,
) {
    let CodeFrom { path: written, build, exclude } = &config.code;
    let Ok(known) = CodeFrom::deserialize(&context.known["code"]) else { return };
    let path = files.path(written, &known.path).filter(|_| build.is_none());
    // A wrong pattern has been reported.
    let Some(path) = path.filter(|_| excluded(Path::new("/"), exclude).is_ok()) else { return };
    let selection =
        Selection { path, exclude: known.exclude, stack_file: files.stack_file.clone() };
    let read = files.once(format!("{selection:?}"), || {
        Source::read(&selection).map(|source| source.contents())
    });
    match &*read {
        Err(error) => {
            let hint = error.hint.as_deref().unwrap_or(CODE);
            problems.at(&["code"], error.message.as_str()).hint(hint);
        }
        Ok(contents) => {
            if let Err(wrong) = find_handler(config, &selection.path, contents) {
                problems.at(&["handler"], wrong.message).hint(wrong.hint);
            }
        }
    }
}

/// Checks that the code at `path` has the function's handler. A layer may have it, too, and so may packages
/// that are installed before the upload.
pub(super) fn find_handler(config: &Config, path: &Path, contents: &Contents) -> Result<(), Wrong> {
    let (runtime, handler) = (config.runtime.as_str(), config.handler.as_str());
    let is_elsewhere = contents.has_requirements && vendor::python(runtime).is_some();
    let has_layers = config.layers.as_ref().is_some_and(|layers| !layers.is_empty());
    if is_elsewhere || has_layers || is_open(runtime) || is_open(handler) {
        return Ok(());
    }
    look_for(handler, runtime, &[Place { path, outline: &contents.outline }])
}

/// A place where a handler may be: the code, or its packages.
struct Place<'a> {
    path: &'a Path,
    outline: &'a Outline,
}

/// Looks for a handler in all places, the first of which counts.
fn look_for(handler: &str, runtime: &str, places: &[Place<'_>]) -> Result<(), Wrong> {
    let all;
    let code = match places {
        [one] => one.outline,
        several => {
            all = Outline::of_all(several.iter().map(|place| place.outline));
            &all
        }
    };
    let text = |name: &str| places.iter().find_map(|place| package::text(place.path, name));
    Handler { runtime, handler, code, text: &text }.check()
}

/// The error of a handler that the code does not have.
pub(super) fn refused(Wrong { message, hint }: Wrong) -> Error {
    Error::terminal(message).with_hint(hint).with_field("handler")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_handler_is_looked_for_in_packages_before_the_upload() {
        let (own, packages) =
            (tempfile::tempdir().expect("own"), tempfile::tempdir().expect("packages"));
        fs::write(own.path().join("requirements.txt"), "lib==1").expect("written");
        fs::write(own.path().join("app.py"), "from lib import *").expect("written");
        fs::write(packages.path().join("lib.py"), "def handler(event, context): pass")
            .expect("written");
        let outline = |folder: &Path| {
            package::Files::of_folder(folder).map(|files| files.outline()).expect("files")
        };
        let (of_own, of_packages) = (outline(own.path()), outline(packages.path()));
        let refusal = |handler: &str| {
            let own = Place { path: own.path(), outline: &of_own };
            let packages = Place { path: packages.path(), outline: &of_packages };
            let found = look_for(handler, "python3.13", &[own, packages]);
            found.err().map(|wrong| wrong.message).unwrap_or_default()
        };
        assert_eq!(
            (refusal("app.handler"), refusal("lib.handler")),
            (String::new(), String::new())
        );
        assert_eq!(refusal("lib.h"), "`lib.py` has no `h` that Lambda could call");
        assert_eq!(refusal("none.h"), "`none.h` needs `none.py`, which is not in the code");
    }
}
