//! Functions: their code, their log groups, and what Lambda and others answer.

use super::Edit::{Body, Never, Remove, Replace};
use super::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant::aws("a build runs for every comparison", "Builds::run", Remove("known.insert"))
        .suspects(&["builds"]),
    Mutant::aws(
        "validate misses code that is still to be built",
        "code::check",
        Replace("build.is_none()", "true"),
    )
    .suspects(&["builds"]),
    Mutant::aws(
        "a log group that is not visible yet counts as unmanaged",
        "LogGroup::create",
        Replace(
            "Some(seen) if seen.is_of(lineages) => {}",
            "None => return Ok(()), Some(seen) if seen.is_of(lineages) => {}",
        ),
    )
    .suspects(&["windows", "strict"]),
    Mutant::aws(
        "a log group that Lambda created is not adopted",
        "Seen::is_unowned",
        Body("false"),
    )
    .suspects(&["reported::objects"]),
    Mutant::aws("a log group of somebody else is adopted", "Seen::is_unowned", Body("true"))
        .suspects(&["reported::objects"]),
    Mutant::aws(
        "a plan is not blocked by the log group of somebody else",
        "Functions::existing_parts",
        Replace("desired.logs != Some(true)", "true"),
    )
    .suspects(&["reported::objects"]),
    Mutant::aws(
        "a delete of a function that has failed is repeated",
        "Functions::unless_gone",
        Replace("seen.failure()", "None"),
    )
    .suspects(&["reported::objects"]),
    Mutant::aws(
        "code is sent before the runtime that it needs",
        "Functions::update_function",
        Never("changed(&[\"runtime\"])"),
    )
    .suspects(&["reported::objects"]),
    Mutant::aws(
        "the log group of a released function keeps our tags",
        "Functions::release_logs",
        Replace("filter(|_| may_log)", "filter(|_| false)"),
    )
    .suspects(&["verbs::releasing_a_function_that_is_gone"]),
    Mutant::aws(
        "the tags of a log group do not follow those of its function",
        "Functions::send_tags",
        Never("logs(desired)"),
    )
    .suspects(&["verbs::the_log_group_of_a_function"]),
    Mutant::aws(
        "a role that cannot be assumed yet is an error",
        "NEW_ROLE",
        Body("Duration::ZERO"),
    )
    .suspects(&["strict"]),
    Mutant::aws(
        "an update in progress is an error",
        "function::service::CODES",
        Replace("\"ResourceConflictException\"", "\"NoSuchConflictException\""),
    )
    .suspects(&["strict"]),
    Mutant::aws(
        "an empty reply is an empty list",
        "truncated_reply::is_complete",
        Replace("!text.is_empty()", "true"),
    )
    .suspects(&["faults"]),
];
