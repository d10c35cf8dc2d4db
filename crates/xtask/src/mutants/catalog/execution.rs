//! How the steps of a plan are executed, repeated and interrupted.

use super::Edit::{Always, Never, Remove, Replace};
use super::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant::engine(
        "a replacement that is not needed any more deletes the object",
        "Walk::ended",
        Remove("self.keep"),
    ),
    Mutant::engine(
        "a name is given again before it is free",
        "Op::delete_object",
        Replace("is_replaced || !self.provider", "!self.provider"),
    ),
    Mutant::engine(
        "a delete begins while what it waits for is half created",
        "Walk::needs_no_more",
        Replace("!step.action.removes() && !is_asked_for", "!is_asked_for"),
    ),
    Mutant::engine(
        "no step waits until its dependency is complete",
        "Walk::needs_no_more",
        Replace("reached >= kind.usable_once", "!kind.name.is_empty()"),
    ),
    Mutant::engine(
        "`depends_on` does not wait until the dependency is complete",
        "Walk::needs_no_more",
        Replace("&& !is_asked_for", ""),
    ),
    Mutant::engine(
        "a step begins though what it needs has failed",
        "Walk::ended",
        Always("goes_on"),
    ),
    Mutant::engine("retries cost no budget", "Op::may_repeat", Always("Fault::Awaiting")),
    Mutant::engine(
        "an interruption does not end retries",
        "Op::may_repeat",
        Never("self.stopping()"),
    ),
    Mutant::engine(
        "retries have no end",
        "Budget::spend",
        Replace("left.checked_sub(1)", "Some(left)"),
    ),
    Mutant::engine(
        "a reference to a replaced object is sent once, even if that fails",
        "Op::converge",
        Replace("rebound.clone()", "std::mem::take(&mut rebound)"),
    ),
    Mutant::engine(
        "an object whose delete was refused counts as being deleted",
        "Op::delete_object",
        Never("only_refusals"),
    ),
    Mutant::program("the first signal is ignored", "Signals::catch", Remove("stop.send_replace"))
        .suspects(&["interrupted"]),
];
