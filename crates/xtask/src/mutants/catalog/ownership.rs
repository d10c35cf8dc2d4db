//! Whose an object is, what is released, and what moves to another address.

use super::Edit::{Always, Never, Remove, Replace};
use super::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant::engine(
        "nobody looks for the successor of an object that is gone",
        "Survey::observe_kind",
        Never("needs_search"),
    ),
    Mutant::engine(
        "nobody looks for a successor before a replacement",
        "Session::survey",
        Never("self.search_successors"),
    ),
    Mutant::engine(
        "a destroy deletes only what its state knows",
        "Session::survey_for_destroy",
        Replace("Search::Everywhere", "Search::Nowhere"),
    ),
    Mutant::engine(
        "an object that is gone makes another one a duplicate",
        "Claiming::claim_one",
        Replace("!is_gone", "true"),
    ),
    Mutant::engine(
        "an object that belongs to another copy of the state is adopted",
        "Claiming::claim_one",
        Never("!ours && !self.adopt"),
    ),
    Mutant::engine(
        "with a lost state only the file's own resources are looked for",
        "Session::look",
        Never("self.adopt || state.resources.is_empty()"),
    ),
    Mutant::engine(
        "of the objects of two clones both stay",
        "Op::elder",
        Always("self.provider.kind().has_unique_names()"),
    ),
    Mutant::engine("a released object keeps its tags", "Op::release", Always("changes.is_empty()")),
    Mutant::engine(
        "a rename to an address with old objects is ignored",
        "Session::moves",
        Replace("known.is_none_or(is_left)", "known.is_none_or(|known| is_left(known) && false)"),
    ),
    Mutant::engine(
        "a renamed object keeps a generation that is taken",
        "fold::relocate",
        Remove("object.generation = entry.generation"),
    ),
    Mutant::engine(
        "dependents of a renamed object still refer to its former address",
        "fold::relocate",
        Replace(
            "needs.insert(entry.address.clone(), identity)",
            "needs.insert(from.clone(), identity)",
        ),
    ),
];
