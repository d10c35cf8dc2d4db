//! What the journal makes of the state, and what a rebuild makes of damaged files.

use super::Edit::{Always, Never, Remove, Replace};
use super::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant::engine(
        "a replaced object is dropped from the state",
        "fold::apply",
        Replace(
            "record.deposed.extend(record.object.replace(created))",
            "record.object = Some(created)",
        ),
    ),
    Mutant::engine(
        "an object is dropped from the state when its delete is begun",
        "fold::apply",
        Replace(
            "any(record, &id, generation)?.phase = Phase::Deleting",
            "any(record, &id, generation)?.phase = Phase::Deleting;
            record.object.take_if(|object| is_it(object, &id, generation));
            record.deposed.retain(|object| !is_it(object, &id, generation));",
        ),
    ),
    Mutant::engine(
        "a torn last line is an error",
        "Journal::damage",
        Replace("*line < self.lines", "*line <= self.lines"),
    ),
    Mutant::engine("checksums of lines are not checked", "journal::unline", Never("checksum")),
    Mutant::engine(
        "the journal of a failed run is appended to",
        "store::replay",
        Always("journal.damaged.is_empty()"),
    ),
    Mutant::engine(
        "a journal is folded in twice",
        "store::replay",
        Never("header.base_serial < state.serial"),
    ),
    Mutant::engine(
        "a journal of another state is folded in",
        "store::replay",
        Never("header.lineage != state.lineage"),
    ),
    Mutant::engine(
        "a journal of a later snapshot is folded in",
        "store::replay",
        Never("header.base_serial > state.serial"),
    ),
    Mutant::engine("an edited snapshot is accepted", "snapshot::read", Never("snapshot.checksum")),
    Mutant::engine(
        "a rebuild folds in what the snapshot already has",
        "fold::begin_create",
        Never("object.generation >= creating.generation"),
    ),
    Mutant::engine(
        "a rebuild keeps no copies",
        "Store::rebuild",
        Replace("keep(&mut *disk, suffix)?", "Vec::new()"),
    ),
    Mutant::engine(
        "a rebuilt state gets another lineage",
        "Store::rebuild",
        Remove("state.lineage.clone_from"),
    ),
];
