//! Roles, their policies and their instance profiles.

use super::Edit::{Body, Never, Remove};
use super::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant::aws(
        "an empty instance profile counts as none",
        "Role::in_profile",
        Never("is_ours(&profile)"),
    )
    .suspects(&["profiles"]),
    Mutant::aws("an unmanaged instance profile is used", "Role::put_in_profile", Never("is_ours"))
        .suspects(&["profiles"]),
    Mutant::aws(
        "an unmanaged instance profile is deleted",
        "Role::delete_profile",
        Never("is_ours"),
    )
    .suspects(&["profiles"]),
    Mutant::aws(
        "a released instance profile keeps our tags",
        "Role::set_tags",
        Remove("self.set_profile_tags"),
    )
    .suspects(&["profiles", "retained"]),
    Mutant::aws(
        "another case of an action is a change",
        "Role::alike",
        Body("let _ = (path, this, that); false"),
    )
    .suspects(&["notes", "strict"]),
    Mutant::aws(
        "unmanaged policies of a role are not reported",
        "Role::others",
        Body("let _ = (applied, live); Vec::new()"),
    )
    .suspects(&["notes"]),
];
