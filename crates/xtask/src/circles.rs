//! `cargo xtask circles`: modules that import each other, in every crate of the workspace.
//!
//! A module imports another one by a `use`, or by a path that begins with `crate`, `super` or `self`.
//! Declaring a child with `mod` is no import, and code that is compiled for tests alone does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree};

/// A module by its path in the crate: `["function", "write"]`; the root is empty.
type Module = Vec<String>;

/// The imports of one crate: each module with those that it imports.
#[derive(Debug, Default)]
pub struct Imports(BTreeMap<Module, BTreeSet<Module>>);

/// Prints the circles of all crates. `Ok(true)`, whatever there is.
pub fn print(workspace: &Path) -> io::Result<bool> {
    let mut crates = vec![workspace.to_owned()];
    for entry in fs::read_dir(workspace.join("crates"))? {
        crates.push(entry?.path());
    }
    crates.sort();
    for folder in crates {
        let roots = ["src/lib.rs", "src/main.rs"].map(|root| folder.join(root));
        for root in roots.iter().filter(|root| root.exists()) {
            let imports = Imports::read(root)?;
            let (pairs, groups) = (imports.pairs(), imports.groups());
            let name = root.strip_prefix(workspace).unwrap_or(root).display();
            let files = imports.0.len();
            println!("{name}: {files} files, {} pairs, {} groups", pairs.len(), groups.len());
            for (one, other) in pairs {
                println!("    {} <-> {}", text(&one), text(&other));
            }
            for group in groups.iter().filter(|group| group.len() > 2) {
                let names: Vec<String> = group.iter().map(text).collect();
                println!("    group of {}: {}", group.len(), names.join(", "));
            }
        }
    }
    Ok(true)
}

fn text(module: &Module) -> String {
    if module.is_empty() { "the root".to_owned() } else { module.join("::") }
}

impl Imports {
    /// Reads a crate from its root file.
    fn read(root: &Path) -> io::Result<Self> {
        let mut paths: BTreeMap<Module, Vec<Module>> = BTreeMap::new();
        let folder = root.parent().unwrap_or(Path::new("")).to_owned();
        read_module(root.to_owned(), &folder, Vec::new(), &mut paths)?;
        let known: BTreeSet<Module> = paths.keys().cloned().collect();
        let resolve = |path: &Module| {
            (0..=path.len()).rev().map(|end| path[..end].to_vec()).find(|at| known.contains(at))
        };
        let imports = paths.iter().map(|(module, paths)| {
            let of = paths.iter().filter_map(resolve).filter(|of| of != module);
            (module.clone(), of.collect())
        });
        Ok(Self(imports.collect()))
    }

    /// Returns modules that import each other directly.
    fn pairs(&self) -> Vec<(Module, Module)> {
        let imports = |one: &Module, other: &Module| {
            self.0.get(one).is_some_and(|imported| imported.contains(other))
        };
        let all = self.0.iter().flat_map(|(one, all)| all.iter().map(move |other| (one, other)));
        let mutual = all.filter(|(one, other)| one < other && imports(other, one));
        mutual.map(|(one, other)| (one.clone(), other.clone())).collect()
    }

    /// Returns the largest groups of modules in which each one leads to every other one.
    fn groups(&self) -> Vec<Vec<Module>> {
        let reach: BTreeMap<&Module, BTreeSet<&Module>> =
            self.0.keys().map(|module| (module, self.reachable(module))).collect();
        let mut groups = BTreeSet::new();
        for (module, reached) in &reach {
            let group: Vec<Module> = reached
                .iter()
                .filter(|of| reach[**of].contains(module))
                .map(|of| (*of).clone())
                .collect();
            if group.len() > 1 {
                groups.insert(group);
            }
        }
        groups.into_iter().collect()
    }

    fn reachable<'a>(&'a self, from: &'a Module) -> BTreeSet<&'a Module> {
        let mut reached = BTreeSet::new();
        let mut open = vec![from];
        while let Some(module) = open.pop() {
            for next in self.0.get(module).into_iter().flatten() {
                if reached.insert(next) {
                    open.push(next);
                }
            }
        }
        reached
    }
}

/// Reads a file and the files of its children, which lie in `folder`.
fn read_module(
    file: PathBuf,
    folder: &Path,
    module: Module,
    into: &mut BTreeMap<Module, Vec<Module>>,
) -> io::Result<()> {
    let source = fs::read_to_string(&file)?;
    let wrong = |error: syn::Error| io::Error::other(format!("{}: {error}", file.display()));
    let syntax = syn::parse_file(&source).map_err(wrong)?;
    let mut found = Found { at: module.clone(), ..Found::default() };
    found.visit_file(&syntax);
    into.insert(module.clone(), found.paths);
    for child in found.children {
        let own = folder.join(&child).with_extension("rs");
        let folder = folder.join(&child);
        let file = if own.exists() { own } else { folder.join("mod.rs") };
        read_module(file, &folder, [module.as_slice(), &[child]].concat(), into)?;
    }
    Ok(())
}

/// What one file declares and names.
#[derive(Default)]
struct Found {
    at: Module,
    /// Modules in files of their own.
    children: Vec<String>,
    /// From the root of the crate.
    paths: Vec<Module>,
}

impl Found {
    fn add(&mut self, path: &[String]) {
        let base = match path.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("self") => self.at.clone(),
            Some("super") => {
                let up = path.iter().take_while(|part| *part == "super").count();
                self.at[..self.at.len().saturating_sub(up)].to_vec()
            }
            _ => return,
        };
        let rest =
            path.iter().skip_while(|part| ["crate", "self", "super"].contains(&part.as_str()));
        self.paths.push(base.into_iter().chain(rest.cloned()).collect());
    }

    fn add_tree(&mut self, tree: &UseTree, before: &[String]) {
        let with = |part: &syn::Ident| [before, &[part.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.add_tree(&path.tree, &with(&path.ident)),
            UseTree::Name(name) => self.add(&with(&name.ident)),
            UseTree::Rename(rename) => self.add(&with(&rename.ident)),
            UseTree::Glob(_) => self.add(before),
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.add_tree(tree, before));
            }
        }
    }
}

impl<'ast> Visit<'ast> for Found {
    fn visit_item(&mut self, item: &'ast Item) {
        if !attributes(item).iter().any(is_for_tests) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        match &module.content {
            None => self.children.push(module.ident.to_string()),
            Some(_) => visit::visit_item_mod(self, module),
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add_tree(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        if parts.len() > 1 {
            self.add(&parts);
        }
        visit::visit_path(self, path);
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    let is_test = |list: &syn::MetaList| list.tokens.to_string() == "test";
    attribute.path().is_ident("cfg") && attribute.meta.require_list().is_ok_and(is_test)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(files: &[(&str, &str)]) -> Imports {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        Imports::read(&folder.path().join("lib.rs")).expect("it can be read")
    }

    fn named(circle: &[Module]) -> Vec<String> {
        circle.iter().map(text).collect()
    }

    #[test]
    fn pairs_and_longer_circles_are_found() {
        let imports = imports(&[
            ("lib.rs", "mod a; mod b; mod c; mod leaf;"),
            ("a/mod.rs", "mod inner; use crate::b::B; pub struct A;"),
            ("a/inner.rs", "use super::A; use crate::leaf::{self, Leaf};"),
            ("b.rs", "pub struct B; fn f() { crate::c::go(); }"),
            ("c.rs", "use crate::a::A; pub fn go() {}"),
            ("leaf.rs", "pub struct Leaf;"),
        ]);
        assert_eq!(imports.pairs(), []);
        let groups = imports.groups();
        assert_eq!(groups.iter().map(|group| named(group)).collect::<Vec<_>>(), [["a", "b", "c"]]);
    }

    #[test]
    fn a_parent_and_a_child_that_import_each_other_are_a_pair() {
        let imports = imports(&[
            ("lib.rs", "mod a;"),
            ("a/mod.rs", "mod inner; use self::inner::go; pub struct A;"),
            ("a/inner.rs", "use super::A; pub fn go() {}"),
        ]);
        let (one, other) = imports.pairs().remove(0);
        assert_eq!((text(&one), text(&other)), ("a".to_owned(), "a::inner".to_owned()));
    }

    #[test]
    fn code_for_tests_does_not_count() {
        let imports = imports(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "pub struct B; #[cfg(test)] mod tests { use crate::a::A; }"),
        ]);
        assert_eq!((imports.pairs(), imports.groups()), (Vec::new(), Vec::new()));
    }
}
