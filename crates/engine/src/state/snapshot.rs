//! The snapshot: the whole state in one file with a checksum.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::disk::Disk;
use super::journal;
use super::model::{Place, SCHEMA, State};
use super::store::disk_error;
use super::{Error, SNAPSHOT, same_format};

/// The snapshot on disk. The checksum is that of the state's compact JSON as it is in the file, so
/// that it can be verified whatever the format of the state.
#[derive(Serialize, Deserialize)]
pub(super) struct Snapshot {
    checksum: String,
    state: Value,
}

impl Snapshot {
    pub(super) fn of(state: &State) -> serde_json::Result<Self> {
        let state = serde_json::to_value(state)?;
        Ok(Self { checksum: Self::sum(&state), state })
    }

    fn sum(state: &Value) -> String {
        journal::checksum(state.to_string().as_bytes())
    }
}

/// Reads only where the stack of a snapshot lives, and verifies nothing.
pub(super) fn place(disk: &dyn Disk) -> Option<Place> {
    #[derive(Deserialize)]
    struct Placed {
        state: OfState,
    }
    #[derive(Deserialize)]
    struct OfState {
        place: Place,
    }
    let bytes = disk.read(SNAPSHOT).ok()??;
    let placed: Placed = serde_json::from_slice(&bytes).ok()?;
    Some(placed.state.place)
}

/// Reads the snapshot; `None` if there is none yet.
pub(super) fn read(disk: &dyn Disk) -> Result<Option<State>, Error> {
    let Some(bytes) = disk.read(SNAPSHOT).map_err(disk_error(disk, "read"))? else {
        return Ok(None);
    };
    let file = disk.path().join(SNAPSHOT);
    let damaged = |why: String| Error::Damaged { file: file.clone(), why };
    let snapshot: Snapshot =
        serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    let format = snapshot.state["schema"].as_u64();
    let format = format.ok_or_else(|| damaged("it has no format number".into()))?;
    // A damaged number is not that of another build.
    if Snapshot::sum(&snapshot.state) != snapshot.checksum {
        return Err(damaged("its checksum does not match; it was edited or truncated".into()));
    }
    same_format(&file, format, SCHEMA)?;
    let state = serde_json::from_value(snapshot.state);
    state.map(Some).map_err(|error| damaged(error.to_string()))
}
