//! AWS's quotas for calls.

use super::Edit::{Remove, Replace};
use super::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant::aws(
        "no call waits for its turn",
        "Place::take",
        Replace("!early.wait.is_zero()", "early.wait == Duration::MAX"),
    )
    .suspects(&["quotas"]),
    Mutant::aws("what AWS throttles does not slow down", "Pace::throttled", Remove("slow_down"))
        .suspects(&["quotas"]),
];
