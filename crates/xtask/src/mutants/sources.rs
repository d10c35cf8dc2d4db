//! The sources of a crate: from its root along `mod`, without what is compiled for tests only.

use std::fs;
use std::path::{Path, PathBuf};

use super::syntax::{Item, Syntax};

pub struct Sources {
    files: Vec<File>,
}

pub struct File {
    /// Relative to the workspace.
    pub path: PathBuf,
    /// The module that the file is.
    module: Vec<String>,
    pub syntax: Syntax,
}

impl Sources {
    /// `root`: the file that the compiler starts with, relative to `workspace`.
    pub fn read(workspace: &Path, root: &str) -> Result<Self, String> {
        let mut sources = Self { files: Vec::new() };
        let folder = Path::new(root).parent().unwrap_or(Path::new(""));
        sources.add(workspace, root.into(), folder, Vec::new())?;
        Ok(sources)
    }

    /// `folder`: where the modules lie that the file declares.
    fn add(
        &mut self,
        workspace: &Path,
        path: PathBuf,
        folder: &Path,
        module: Vec<String>,
    ) -> Result<(), String> {
        let explain = |error: String| format!("{}: {error}", path.display());
        let text = fs::read_to_string(workspace.join(&path));
        let text = text.map_err(|error| explain(error.to_string()))?;
        let syntax = Syntax::parse(text).map_err(explain)?;
        for declared in &syntax.modules {
            let folder = folder.join(declared.path.iter().collect::<PathBuf>());
            let own = folder.with_extension("rs");
            let path = if workspace.join(&own).exists() { own } else { folder.join("mod.rs") };
            let module = [module.as_slice(), &declared.path].concat();
            self.add(workspace, path, &folder, module)?;
        }
        self.files.push(File { path, module, syntax });
        Ok(())
    }

    /// The only item of that name: `Type::method`, `Trait::method`, a free function or a constant,
    /// with as many modules before it as tell it from others.
    pub fn item(&self, name: &str) -> Result<(&File, &Item), String> {
        let sought: Vec<&str> = name.split("::").collect();
        let mut found = self.items().filter(|(file, item)| {
            let path = file.path_of(item);
            path.len() >= sought.len() && path[path.len() - sought.len()..] == sought[..]
        });
        let first = found.next().ok_or("there is no such item")?;
        let others: Vec<String> = found.map(|(file, item)| file.path_of(item).join("::")).collect();
        if others.is_empty() {
            return Ok(first);
        }
        let (file, item) = first;
        Err(format!("{} and {} are called so", file.path_of(item).join("::"), others.join(", ")))
    }

    pub fn items(&self) -> impl Iterator<Item = (&File, &Item)> {
        self.files.iter().flat_map(|file| file.syntax.items.iter().map(move |item| (file, item)))
    }
}

impl File {
    /// From the crate's root.
    pub fn path_of<'a>(&'a self, item: &'a Item) -> Vec<&'a str> {
        self.module.iter().chain(&item.path).map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(files: &[(&str, &str)]) -> Sources {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        Sources::read(folder.path(), "src/lib.rs").expect("they can be read")
    }

    #[test]
    fn an_item_is_found_in_whatever_file_it_lies() {
        let sources = sources(&[
            ("src/lib.rs", "mod plan; mod one { pub mod two; } #[cfg(test)] mod tests;"),
            ("src/plan/mod.rs", "mod order; fn plan() {} impl Op<'_> { fn make(&self) {} }"),
            ("src/plan/order.rs", "fn order() {} fn twice() {} impl dyn Disk + '_ { fn add() {} }"),
            ("src/one/two.rs", "fn twice() {} #[cfg(test)] mod tests { fn order() {} }"),
        ]);
        let file = |name: &str| sources.item(name).map(|(file, _)| file.path.display().to_string());
        assert_eq!(file("Op::make").as_deref(), Ok("src/plan/mod.rs"));
        assert_eq!(file("order").as_deref(), Ok("src/plan/order.rs"));
        assert_eq!(file("Disk::add").as_deref(), Ok("src/plan/order.rs"));
        assert_eq!(file("two::twice").as_deref(), Ok("src/one/two.rs"));
        let both = "one::two::twice and plan::order::twice are called so";
        let turned = "plan::order::twice and one::two::twice are called so";
        let ambiguous = file("twice").expect_err("there are two");
        assert!([both, turned].contains(&ambiguous.as_str()), "{ambiguous}");
        assert_eq!(file("Plan::order"), Err("there is no such item".to_owned()));
    }
}
