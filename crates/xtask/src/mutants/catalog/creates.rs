//! Creates: the intent before the call, and what becomes of one whose outcome is not known.

use super::Edit::{Always, Before, Body, Never, Remove, Replace};
use super::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant::engine(
        "a create is sent before its intent is written",
        "Op::create",
        Before(
            "self.journal",
            "let early = crate::kind::Intent {
                address: self.address.clone(),
                generation: self.generation,
                token: token.clone(),
            };
            let _ = self.provider.create(&early, &target.spec).await;",
        ),
    ),
    Mutant::engine(
        "recovery sends a create with another token",
        "Op::recover",
        Replace("&creating.token", "\"another\""),
    ),
    Mutant::engine(
        "nobody looks for the object after a lost reply",
        "Op::make",
        Never("self.find_lost"),
    ),
    Mutant::engine(
        "a refusal closes the intent of an earlier attempt",
        "Op::refused",
        Always("unknown == 0"),
    ),
    Mutant::engine(
        "a refused successor closes its predecessor's intent",
        "Op::create",
        Replace("usize::from(self.open_since.is_some())", "0"),
    ),
    Mutant::engine(
        "an open create is closed before its successor is on disk",
        "Op::recover",
        Before("Recovery::CreatedLater", "self.abandon(\"\").await?;"),
    ),
    Mutant::engine(
        "an object that is not visible at once counts as never created",
        "Op::look_up",
        Always("is_conclusive"),
    ),
    Mutant::engine(
        "a taken name that is not visible yet counts as unmanaged",
        "Op::find_named",
        Before("match named", "if named.is_none() { return Ok(Named::Foreign); }"),
    ),
    Mutant::engine(
        "a found object counts as created as asked",
        "Op::take",
        Replace("!self.provider.kind().has_unique_names()", "true"),
    ),
    Mutant::engine(
        "the intent of an untagged create is recorded though the name is taken",
        "Op::create",
        Remove("self.await_free_name"),
    ),
    Mutant::engine(
        "an untagged object of an open create counts as somebody else's",
        "Attempts::made",
        Body("{ let _ = (kind, found); false }"),
    ),
    Mutant::engine(
        "an untagged object counts as made by a create whenever it was created",
        "Attempts::were_sent_at",
        Body("{ let _ = created; true }"),
    ),
    Mutant::engine(
        "the first attempt of a create is forgotten when its successor is recorded",
        "begin_create",
        Replace("|open| open.since", "|_| creating.since.clone()"),
    ),
    Mutant::engine(
        "an untagged predecessor counts as somebody else's",
        "Op::is_former",
        Body("{ self.is_ours(found) }"),
    ),
    Mutant::engine(
        "a new object that is not visible yet counts as gone",
        "Survey::is_conclusive",
        Replace("object.phase == Phase::Deleting", "object.phase != Phase::Deleting"),
    ),
];
