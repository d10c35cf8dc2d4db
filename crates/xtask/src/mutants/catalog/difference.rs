//! How the file, the state and what exists are compared.

use super::Edit::{Always, Body, Never, Remove, Replace};
use super::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant::engine(
        "an update that the endpoint ignores is sent at every run",
        "Compared::is_unapplied",
        Replace("self.sealer.witness(&json!(change.before))", "String::new()"),
    ),
    Mutant::engine(
        "a field that must not decrease is decreased",
        "Compared::change",
        Always("number(after) >= number(before)"),
    ),
    Mutant::engine(
        "a field that is ignored when unset is unset",
        "Compared::walk",
        Never("Comparison::IgnoredWhenUnset"),
    ),
    Mutant::engine(
        "an edit of an ignored field is not reported",
        "Compared::difference",
        // What is ignored has to leave the changes all the same.
        Replace(
            "found.ignored_edits = edited.map(|change| change.path).collect()",
            "drop(edited.count())",
        ),
    ),
    Mutant::engine(
        "a semantically equal value is a change",
        "Compared::same",
        Body("let _ = path; self.sealer.same(one, other)"),
    ),
    Mutant::engine("ignored fields are sent", "Op::change", Remove("ignored.keep")),
    Mutant::engine(
        "secrets are recorded in plain text",
        "Sealer::seal",
        Replace(
            "Some(template) => seal(&self.digest(text), template)",
            "Some(_) => text.to_owned()",
        ),
    ),
];
