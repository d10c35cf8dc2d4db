//! What makes files durable, and a state one run's alone.

use super::Edit::{Remove, Replace};
use super::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant::engine(
        "a new file gets its name before it is synced",
        "Disk::replace",
        Remove("self.sync(&new)"),
    ),
    Mutant::engine(
        "a new name is not synced",
        "Disk::replace",
        Replace("self.sync_folder()", "Ok(())"),
    ),
    Mutant::engine("the journal is not synced", "Disk::add", Replace("self.sync(name)", "Ok(())")),
    Mutant::engine("the lock is dropped at once", "Folder::lock", Remove("self.lock = Some(file)")),
];
