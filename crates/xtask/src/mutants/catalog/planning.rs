//! What a plan contains, in which order, and which part of it is applied.

use super::Edit::{Always, Body, Never, Remove, Replace};
use super::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant::engine(
        "an object that cannot be observed counts as gone",
        "plan::plan",
        Never("is_unseen(address)"),
    ),
    Mutant::engine(
        "a dependency that cannot be observed loses its recorded identity",
        "Making::needs",
        Never("is_unseen(need)"),
    ),
    Mutant::engine(
        "an object that cannot be created as asked is replaced again and again",
        "created_differently",
        Never("Phase::Partial"),
    ),
    Mutant::engine(
        "a value that was looked up is looked up again",
        "Session::prior",
        Replace("PriorState::Applied(spec.clone())", "PriorState::None"),
    ),
    Mutant::engine(
        "an adopted object's value is looked up again",
        "Session::prior",
        Replace("PriorState::Found(live.spec.clone())", "PriorState::None"),
    ),
    Mutant::engine(
        "an object is deleted before its dependents are updated",
        "order::order",
        Remove("make.filter(|_| !first)"),
    ),
    Mutant::engine(
        "an object is deleted though its successor cannot be created",
        "order::order",
        Replace("if first", "if first && false"),
    ),
    Mutant::engine(
        "an excluded replacement deletes the old object",
        "Selection::kept",
        Replace("dropped.union(&of(&unmade)).copied().collect()", "dropped.clone()"),
    ),
    Mutant::engine(
        "a target is applied without what it needs",
        "Selection::kept",
        Replace(
            "closure(of(&self.targets), |at| steps[at].after.iter().copied().collect())",
            "of(&self.targets)",
        ),
    ),
    Mutant::engine(
        "a saved plan is applied though the state has changed",
        "Saved::is_from",
        Always("is_same"),
    ),
    Mutant::engine(
        "a saved plan is applied though it would now change differently",
        "Saved::check",
        Always("digest(plan, env, &self.nonce)"),
    ),
    Mutant::engine(
        "an unknown former address is not reported",
        "Session::unknown_formers",
        Body("let _ = (plan, state); Vec::new()"),
    ),
];
