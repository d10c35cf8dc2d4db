//! What keeps an object from being deleted or replaced.

use super::Edit::{Remove, Replace};
use super::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant::engine(
        "a change that the file refuses is planned",
        "Making::compare",
        Remove("self.refuse"),
    ),
    Mutant::engine(
        "an apply does not ask for deletion protection",
        "Session::survey",
        Remove("self.lock"),
    ),
    Mutant::engine(
        "a destroy does not ask for deletion protection",
        "Session::survey_for_destroy",
        Remove("self.lock"),
    ),
    Mutant::engine(
        "a protected object is deleted when its block leaves the file",
        "Making::remove",
        Remove("self.hold"),
    ),
    Mutant::engine("a protected object is replaced", "Making::compare", Remove("self.guard")),
    Mutant::engine(
        "protection is recorded only with the finished object",
        "journal::create",
        Replace("guard: creating.guard", "guard: Guard::default()"),
    ),
    Mutant::engine(
        "an adopted object loses its protection",
        "journal::adopt",
        Replace(
            "guards.fold(entry.data.guard, Guard::or)",
            "guards.fold(Guard::default(), |_, _| Guard::default())",
        ),
    ),
];
