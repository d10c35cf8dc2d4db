//! A zip that the user made: whether Lambda would unpack it as it was meant.

use std::collections::BTreeSet;
use std::io::{Cursor, Read as _};
use std::path::{Component, Path};

use stackwright_engine::kind::{Error, Result};
use zip::ZipArchive;

use super::{Limits, Outline, fits};

/// Returns what is in the zip.
pub(super) fn check(bytes: &[u8], limits: Limits) -> Result<Outline> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| Error::terminal(format!("neither a folder nor a zip ({error})")))?;
    if archive.has_duplicate_names() {
        return Err(Error::terminal("two files with one name in the zip"));
    }
    let mut names = BTreeSet::new();
    for name in archive.file_names() {
        let name = name.map_err(|error| Error::terminal(format!("a name in the zip: {error}")))?;
        is_inside(&name)?;
        names.insert(name.trim_start_matches("./").to_owned());
    }
    let size = archive.decompressed_size().unwrap_or_default();
    fits(u64::try_from(size).unwrap_or(u64::MAX), limits)?;
    let mut links = BTreeSet::new();
    for at in 0..archive.len() {
        if let Ok(file) = archive.by_index_raw(at)
            && file.is_symlink()
            && let Ok(name) = file.name()
        {
            links.insert(name.trim_start_matches("./").to_owned());
        }
    }
    Ok(Outline { names, links, left_out: Vec::new(), is_archive: true })
}

/// Returns the bytes of a file in a zip.
pub(super) fn file(zip: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).ok()?;
    let mut bytes = Vec::new();
    archive.by_name(name).ok()?.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn is_inside(name: &str) -> Result<()> {
    if name.contains('\\') {
        let message = format!(
            "`{name}` in the zip has a backslash: Lambda makes one file of it, and no folder"
        );
        let hint = "make the zip with `/` between folders (`tar -a -c -f code.zip *` does, on \
                    Windows, too), or let `code` be the folder";
        return Err(Error::terminal(message).with_hint(hint));
    }
    let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if name.contains('\0') || !Path::new(name).components().all(inside) {
        return Err(Error::terminal(format!(
            "`{}` in the zip leaves the folder",
            name.escape_debug()
        )));
    }
    Ok(())
}
