//! A function's code from its folder to the zip that is uploaded.

use stackwright_engine::kind::{Context, Error, Result};

use super::code_cache::Key;
use super::config::{CodeFrom, Config};
use super::package::{Contents, Files};
use super::service::Functions;
use super::spec::Spec;
use super::vendor;

impl Functions {
    /// Returns the digest of a function's code, after its build. Empty if the code must not be built.
    pub(super) async fn digest(&self, config: &Config, context: &Context) -> Result<String> {
        let CodeFrom { path, build, exclude } = &config.code;
        let hint = match build {
            Some(_) if !self.sources.builds => return Ok(String::new()),
            Some(command) => {
                self.builds.run(&context.folder, command, &self.calls).await?;
                "`build` should create it; `path` is relative to the stack file"
            }
            None => "`code` is a folder or a zip, relative to the stack file",
        };
        let path = context.folder.join(path);
        let key = Key { path, exclude: exclude.clone(), build: build.clone() };
        let contents = self.code.contents(&key).await.map_err(|error| {
            let hint = error.hint.clone().unwrap_or(hint.into());
            error.with_hint(hint)
        })?;
        let architecture = config.architecture.unwrap_or_default();
        Ok(contents.digest(&config.runtime, architecture.as_str()))
    }

    /// Returns the zip of exactly the code that the spec means.
    pub(super) async fn zip(&self, spec: &Spec) -> Result<Vec<u8>> {
        let Some(code) = &spec.code else {
            return Err(Error::terminal(format!("function {}: its code is not known", spec.name)));
        };
        let folder = self.sources.folder.join(&code.path);
        let runtime = spec.runtime.as_deref().unwrap_or_default();
        let architecture = spec.architecture().as_str();
        let is_planned =
            |contents: &Contents| contents.digest(runtime, architecture) == code.digest;
        let source = self.code.source(&folder, &code.exclude, is_planned).await?;
        let Some(source) = source else {
            let message = format!("{} changed after it was planned", folder.display());
            return Err(Error::terminal(message).with_hint("run again"));
        };
        let packages = match (source.requirements(), vendor::python(runtime)) {
            (Some(requirements), Some(python)) => {
                let order = vendor::Order {
                    folder: &folder,
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
        let packing = tokio::task::spawn_blocking(move || {
            let packages = packages.as_deref().map(Files::of_folder).transpose()?;
            source.zip(packages.as_ref())
        });
        packing.await.unwrap_or_else(|error| Err(Error::terminal(format!("packing code: {error}"))))
    }
}
