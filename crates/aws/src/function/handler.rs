//! Whether a function's code has its handler, as far as the source shows. Whatever cannot be told is
//! accepted.

mod node;
mod python;

use stackwright_engine::manifest::nearest;

use super::package::Outline;
use crate::wrong::Wrong;

/// A handler, and the code that should have it.
pub struct Handler<'a> {
    pub runtime: &'a str,
    pub handler: &'a str,
    pub code: &'a Outline,
    /// The text of a file in the code; `None` if it is no text.
    pub text: &'a dyn Fn(&str) -> Option<String>,
}

/// The names that a source offers to others.
#[derive(Debug, Default, PartialEq, Eq)]
struct Offered {
    /// Names that look like functions, for messages.
    functions: Vec<String>,
    /// Every name that may be one.
    names: Vec<String>,
    /// Whether there may be more than can be told from the text.
    is_open: bool,
}

/// Which files a handler means, the first of which counts, and the name in it.
struct Meant {
    /// Without its extension.
    module: String,
    extensions: &'static [&'static str],
    name: String,
    offered: fn(&str) -> Offered,
}

impl Handler<'_> {
    pub fn check(&self) -> Result<(), Wrong> {
        if self.runtime.starts_with("provided") {
            return self.bootstrap();
        }
        let Some(meant) = self.meant() else { return Ok(()) };
        let files = meant.extensions.iter().map(|extension| format!("{}{extension}", meant.module));
        let files: Vec<String> = files.collect();
        let has = |file: &&String| self.code.names.contains(file.as_str());
        match files.iter().find(has) {
            Some(file) => self.name(file, &meant),
            None if self.may_be_elsewhere(&meant) => Ok(()),
            None => Err(self.no_file(&files[0], &meant)),
        }
    }

    /// The program that a runtime of the operating system alone starts.
    fn bootstrap(&self) -> Result<(), Wrong> {
        if self.code.names.contains("bootstrap") {
            return Ok(());
        }
        let found = self.deeper("bootstrap");
        Err(Wrong {
            message: format!(
                "the runtime `{}` starts `bootstrap`, which is not in the code",
                self.runtime
            ),
            hint: match found {
                Some(folder) => format!("it is in `{folder}/`: {}", self.one_up(folder)),
                None => "name the program `bootstrap` and make it executable".to_owned(),
            },
        })
    }

    fn meant(&self) -> Option<Meant> {
        let letters = self.runtime.split(|c: char| !c.is_ascii_alphabetic()).next()?;
        match letters {
            "python" => {
                let (module, name) = self.handler.rsplit_once('.')?;
                Some(Meant {
                    module: module.replace('.', "/"),
                    extensions: &[".py", "/__init__.py"],
                    name: name.to_owned(),
                    offered: python::offered,
                })
            }
            "nodejs" => {
                let start = self.handler.rfind('/').map_or(0, |slash| slash + 1);
                let (file, name) = self.handler[start..].split_once('.')?;
                Some(Meant {
                    module: format!("{}{file}", &self.handler[..start]),
                    extensions: &[".js", ".mjs", ".cjs"],
                    name: name.split('.').next()?.to_owned(),
                    offered: node::offered,
                })
            }
            _ => None,
        }
        .filter(|meant| !meant.module.starts_with(['/', '.']))
    }

    /// A link may lead to the module, and a package or a compiled file may be it.
    fn may_be_elsewhere(&self, meant: &Meant) -> bool {
        let module = meant.module.as_str();
        let mut above = module.match_indices('/').map(|(at, _)| &module[..at]).chain([module]);
        let folder = format!("{module}/");
        let file = format!("{module}.");
        let is_compiled =
            |name: &str| [".node", ".pyc", ".so", ".ts"].iter().any(|end| name.ends_with(end));
        let is_it = |name: &str| {
            name == module
                || name.starts_with(&file) && is_compiled(name)
                || name.starts_with(&folder) && self.runtime.starts_with("nodejs")
                || name.strip_prefix("node_modules/").is_some_and(|name| name.starts_with(&folder))
        };
        above.any(|above| self.code.links.contains(above))
            || self.code.names.iter().any(|name| is_it(name))
    }

    fn name(&self, file: &str, meant: &Meant) -> Result<(), Wrong> {
        if self.code.links.contains(file) {
            return Ok(());
        }
        let Some(text) = (self.text)(file) else { return Ok(()) };
        let Offered { functions, names, is_open } = (meant.offered)(&text);
        if is_open || names.contains(&meant.name) {
            return Ok(());
        }
        let known = || functions.iter().map(String::as_str);
        let of = |name: &str| {
            let (before, _) = self.handler.split_at(self.handler.len() - self.after_module(meant));
            format!("{before}{name}")
        };
        let hint = match (nearest(&meant.name, known()), &functions[..]) {
            (Some(near), _) => format!("did you mean `{}`?", of(near)),
            (None, []) => format!("`{file}` has no function that could be the handler"),
            (None, [one]) => format!("write `{}`", of(one)),
            (None, _) => format!("`{file}` has {}", functions.join(", ")),
        };
        let message = format!("`{file}` has no `{}` that Lambda could call", meant.name);
        Err(Wrong { message, hint })
    }

    /// How many bytes of the handler follow the name of the file.
    fn after_module(&self, meant: &Meant) -> usize {
        self.handler.len().saturating_sub(meant.module.len() + 1)
    }

    fn no_file(&self, file: &str, meant: &Meant) -> Wrong {
        let base = file.rsplit('/').next().unwrap_or(file);
        let name = &self.handler[self.handler.len() - self.after_module(meant)..];
        let extension = meant.extensions[0];
        let others = self.code.names.iter().filter_map(|name| name.strip_suffix(extension));
        let others: Vec<&str> = others.filter(|name| !name.contains('/')).collect();
        let hint = if let Some(folder) = self.deeper(base) {
            let module = base.strip_suffix(extension).unwrap_or(base);
            format!(
                "it is in `{folder}/`: write `{folder}/{module}.{name}`, or {}",
                self.one_up(folder)
            )
        } else if let Some(near) = nearest(&meant.module, others.iter().copied()) {
            format!("did you mean `{near}.{name}`?")
        } else if others.is_empty() {
            format!("the code has no `*{extension}` at its top level")
        } else {
            let others: Vec<_> =
                others.iter().take(5).map(|name| format!("`{name}{extension}`")).collect();
            format!("the code has {}", others.join(", "))
        };
        let message = format!("`{}` needs `{file}`, which is not in the code", self.handler);
        Wrong { message, hint }
    }

    /// The folder of a file that lies deeper than it should.
    fn deeper(&self, base: &str) -> Option<&str> {
        let end = format!("/{base}");
        let is_own = |name: &&String| !name.contains("node_modules/");
        let folders = self.code.names.iter().filter(is_own);
        let folders = folders.filter_map(|name| name.strip_suffix(&end));
        folders.min_by_key(|folder| folder.matches('/').count())
    }

    fn one_up(&self, folder: &str) -> String {
        if self.code.is_archive {
            "zip what is in the folder, not the folder itself".to_owned()
        } else {
            format!("let `code` be the folder `{folder}/`")
        }
    }
}

#[cfg(test)]
mod tests;
