use std::collections::BTreeSet;
use std::path::Path;

use super::suite::PROGRAM;
use super::{Sources, Workspace, all};

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Otherwise a protection could lose its mutant without a word, long before the next full run.
#[test]
fn every_mutant_applies_to_one_place_of_the_checkout() {
    let workspace = Workspace::read(&root()).expect("the sources can be read");
    let stale: Vec<String> = all()
        .filter_map(|mutant| {
            let why = workspace.place(mutant).err()?;
            Some(format!("{}\n    {}: {}: {why}", mutant.name, mutant.item, mutant.edit))
        })
        .collect();
    assert!(stale.is_empty(), "{} mutants do not apply:\n{}", stale.len(), stale.join("\n"));
}

#[test]
fn no_two_mutants_have_a_name_or_a_change_in_common() {
    let mut known = BTreeSet::new();
    for mutant in all() {
        assert!(known.insert(mutant.name.to_owned()), "twice: {}", mutant.name);
        let change = format!("{}: {}", mutant.item, mutant.edit);
        assert!(known.insert(change.clone()), "twice: {change}");
    }
}

/// A filter that meets no test would let every mutant live.
#[test]
fn every_filter_meets_a_test_of_the_program() {
    let tests = Sources::read(&root(), "tests/it/main.rs").expect("the tests can be read");
    let names: Vec<String> =
        tests.items().map(|(file, item)| file.path_of(item).join("::")).collect();
    for filter in all().flat_map(|mutant| mutant.suspects).chain(PROGRAM) {
        assert!(names.iter().any(|name| name.contains(filter)), "no test is called `{filter}`");
    }
}
