//! Roles, their policies and their instance profiles.

use super::Edit::{Body, Never, Remove, Replace};
use super::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant::aws(
        "an empty instance profile counts as none",
        "Roles::in_profile",
        Never("is_ours(&profile)"),
    )
    .suspects(&["profiles"]),
    Mutant::aws("an unmanaged instance profile is used", "Roles::put_in_profile", Never("is_ours"))
        .suspects(&["profiles"]),
    Mutant::aws(
        "a plan is not blocked by the instance profile of somebody else",
        "Roles::existing_profile",
        Replace("!is_ours(profile, &desired.tags)", "false"),
    )
    .suspects(&["profiles", "reported::objects"]),
    Mutant::aws(
        "an unmanaged instance profile is deleted",
        "Roles::remove_profile",
        Never("is_ours"),
    )
    .suspects(&["profiles"]),
    Mutant::aws(
        "a released instance profile keeps our tags",
        "Roles::set_tags",
        Remove("self.set_profile_tags"),
    )
    .suspects(&["profiles", "retained"]),
    Mutant::aws(
        "another case of an action is a change",
        "Role::semantically_equal",
        Body("let _ = (path, one, other); false"),
    )
    .suspects(&["policies", "strict"]),
    Mutant::aws(
        "unmanaged policies of a role are not reported",
        "Role::unmanaged",
        Body("let _ = (applied, live); Vec::new()"),
    )
    .suspects(&["policies"]),
];
