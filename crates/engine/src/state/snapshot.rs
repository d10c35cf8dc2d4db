//! The snapshot: the whole state in one file with a checksum.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::disk::Disk;
use super::journal;
use super::model::{Place, SCHEMA, State};
use super::store::disk_error;
use super::{Error, SNAPSHOT, same_format};

/// The snapshot on disk. The checksum is that of the state's JSON as it is in the file, without the white space
/// between its tokens: it can be verified whatever the format of the state, and whoever indented it.
#[derive(Serialize, Deserialize)]
struct Snapshot<S> {
    checksum: String,
    state: S,
}

/// Returns the text of a state's snapshot.
pub(super) fn text(state: &State) -> serde_json::Result<String> {
    let checksum = journal::checksum(&serde_json::to_vec(state)?);
    Ok(serde_json::to_string_pretty(&Snapshot { checksum, state })? + "\n")
}

/// Returns JSON without the white space between its tokens.
fn compact(json: &str) -> Vec<u8> {
    let (mut in_string, mut is_escaped) = (false, false);
    let is_kept = |byte: &u8| {
        let is_quote = *byte == b'"' && !is_escaped;
        is_escaped = in_string && *byte == b'\\' && !is_escaped;
        in_string ^= is_quote;
        in_string || !byte.is_ascii_whitespace()
    };
    json.bytes().filter(is_kept).collect()
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

/// What is read of a state first.
#[derive(Deserialize)]
struct Format {
    schema: Option<u64>,
}

/// Reads the snapshot; `None` if there is none yet.
pub(super) fn read(disk: &dyn Disk) -> Result<Option<State>, Error> {
    let Some(bytes) = disk.read(SNAPSHOT).map_err(disk_error(disk, "read"))? else {
        return Ok(None);
    };
    let file = disk.path().join(SNAPSHOT);
    let damaged = |why: String| Error::Damaged { file: file.clone(), why };
    let snapshot: Snapshot<&RawValue> =
        serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    let text = snapshot.state.get();
    let format = serde_json::from_str::<Format>(text).ok().and_then(|format| format.schema);
    let format = format.ok_or_else(|| damaged("it has no format number".into()))?;
    // A damaged number is not that of another build.
    if journal::checksum(&compact(text)) != snapshot.checksum {
        return Err(damaged("its checksum does not match; it was edited or truncated".into()));
    }
    same_format(&file, format, SCHEMA)?;
    serde_json::from_str(text).map(Some).map_err(|error| damaged(error.to_string()))
}
