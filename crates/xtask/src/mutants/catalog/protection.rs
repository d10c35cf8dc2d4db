//! What keeps an object from being deleted or replaced.

use super::Edit::{Remove, Replace};
use super::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant::engine(
        "a change that the file refuses is planned",
        "Making::compare",
        Remove("self.block_refused"),
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
        Remove("self.block_guarded"),
    ),
    Mutant::engine(
        "a protected object is replaced",
        "Making::replace",
        Remove("self.block_guarded"),
    ),
    Mutant::engine(
        "protection is recorded only with the finished object",
        "fold::apply",
        Replace(
            "let Creating { spec, dependencies, guard, .. } = close_create(record, entry)?",
            "let Creating { spec, dependencies, .. } = close_create(record, entry)?;
            let guard = Guard::default()",
        ),
    ),
    Mutant::engine(
        "an adopted object loses its protection",
        "fold::adopt",
        Replace(
            "guards.fold(adopted.guard, Guard::or)",
            "guards.fold(Guard::default(), |_, _| Guard::default())",
        ),
    ),
];
