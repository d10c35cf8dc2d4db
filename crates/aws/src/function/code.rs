//! A function's code from its folder to the zip that is uploaded.

use std::path::Path;

use stackwright_engine::change::Change;
use stackwright_engine::kind::{Context, Error, Result};
use stackwright_engine::reference::is_open;

use super::code_cache::Key;
use super::config::{CodeFrom, Config};
use super::handler::Handler;
use super::package::{self, Contents, Files, IGNORE_FILE, Outline, Selection, Source};
use super::service::Functions;
use super::spec::{Code, Spec};
use super::vendor;
use super::write::is_other_code;
use crate::wrong::Wrong;

/// How many files that were left out a plan names.
const NAMED: usize = 8;

impl Functions {
    /// Reads a function's code, after its build. `None` if the code must not be built.
    pub(super) async fn contents(
        &self,
        config: &Config,
        context: &Context,
    ) -> Result<Option<Contents>> {
        let CodeFrom { path, build, exclude } = &config.code;
        let hint = match build {
            Some(_) if !self.sources.builds => return Ok(None),
            Some(command) => {
                self.builds.run(&context.folder, command, &self.calls).await?;
                "`build` should create it; `path` is relative to the stack file"
            }
            None => "`code` is a folder or a zip, relative to the stack file",
        };
        let key =
            Key { selection: self.selection(&context.folder, path, exclude), build: build.clone() };
        let contents = self.code.contents(&key).await.map_err(|error| {
            let hint = error.hint.clone().unwrap_or(hint.into());
            error.with_hint(hint)
        })?;
        Ok(Some(contents))
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
        let handler =
            spec.handler.clone().filter(|_| spec.layers.iter().flatten().next().is_none());
        let runtime = runtime.to_owned();
        let packing = tokio::task::spawn_blocking(move || {
            let packages = packages.as_deref().map(Files::of_folder).transpose()?;
            if let (Some(packages), Some(handler)) = (&packages, handler) {
                check_with_packages(&runtime, &handler, &source, packages)?;
            }
            source.zip(packages.as_ref())
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

/// Checks that the code has the function's handler. A layer may have it, too, and so may packages that
/// are installed before the upload.
pub(super) fn check_handler(config: &Config, folder: &Path, contents: &Contents) -> Result<()> {
    let (runtime, handler) = (config.runtime.as_str(), config.handler.as_str());
    let is_elsewhere = contents.has_requirements && vendor::python(runtime).is_some();
    let has_layers = config.layers.as_ref().is_some_and(|layers| !layers.is_empty());
    if is_elsewhere || has_layers || is_open(runtime) || is_open(handler) {
        return Ok(());
    }
    let path = folder.join(&config.code.path);
    let text = |name: &str| package::text(&path, name);
    let handler = Handler { runtime, handler, code: &contents.outline, text: &text };
    handler.check().map_err(refused)
}

/// Checks the handler of code whose packages are there.
fn check_with_packages(
    runtime: &str,
    handler: &str,
    source: &Source,
    packages: &Files,
) -> Result<()> {
    let own = source.outline();
    let others = packages.outline();
    let code = Outline {
        names: own.names.union(&others.names).cloned().collect(),
        links: own.links.union(&others.links).cloned().collect(),
        ..Outline::default()
    };
    let text = |name: &str| source.text(name).or_else(|| packages.text(name));
    Handler { runtime, handler, code: &code, text: &text }.check().map_err(refused)
}

fn refused(Wrong { message, hint }: Wrong) -> Error {
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
        let selection = Selection { path: own.path().to_owned(), ..Selection::default() };
        let source = Source::read(&selection).expect("own code");
        let packages = Files::of_folder(packages.path()).expect("packages");
        let refusal = |handler: &str| {
            let checked = check_with_packages("python3.13", handler, &source, &packages);
            checked.err().map(|error| error.message).unwrap_or_default()
        };
        assert_eq!(
            (refusal("app.handler"), refusal("lib.handler")),
            (String::new(), String::new())
        );
        assert_eq!(refusal("lib.h"), "`lib.py` has no `h` that Lambda could call");
        assert_eq!(refusal("none.h"), "`none.h` needs `none.py`, which is not in the code");
    }
}
