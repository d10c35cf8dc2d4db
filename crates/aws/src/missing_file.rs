//! A file or folder on disk that the stack file names and that cannot be read.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use stackwright_engine::manifest::nearest;

/// Why a path cannot be read.
pub struct Unreadable {
    pub message: String,
    /// What may be meant, where something beside it is called nearly so.
    pub hint: Option<String>,
}

/// Says why a path cannot be read.
pub fn unreadable(path: &Path, error: &std::io::Error) -> Unreadable {
    let shown = path.display();
    if error.kind() != ErrorKind::NotFound {
        return Unreadable { message: format!("{shown}: {error}"), hint: None };
    }
    let hint = neighbour(path).map(|near| format!("did you mean `{near}`?"));
    Unreadable { message: format!("{shown} does not exist"), hint }
}

/// What lies beside a path that does not exist and is called nearly so. The name of a folder ends with `/`.
fn neighbour(path: &Path) -> Option<String> {
    let written = path.file_name()?.to_str()?;
    let beside = fs::read_dir(path.parent()?).ok()?.flatten();
    let names = beside.filter_map(|entry| {
        let slash = if entry.path().is_dir() { "/" } else { "" };
        Some((entry.file_name().into_string().ok()?, slash))
    });
    let names: Vec<(String, &str)> = names.collect();
    let near = nearest(written, names.iter().map(|(name, _)| name.as_str()))?;
    let (name, slash) = names.iter().find(|(name, _)| name == near)?;
    Some(format!("{name}{slash}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beside_a_missing_path_under_nearly_its_name_is_suggested() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("handler")).expect("a folder");
        fs::write(folder.path().join("boot.sh"), "#!/bin/sh\n").expect("a file");
        for (written, near) in [
            ("handlr", Some("did you mean `handler/`?")),
            ("boto.sh", Some("did you mean `boot.sh`?")),
            ("elsewhere", None),
            ("nowhere/handler", None),
        ] {
            let path = folder.path().join(written);
            let error = fs::read(&path).expect_err("missing");
            let said = unreadable(&path, &error);
            assert_eq!(said.message, format!("{} does not exist", path.display()));
            assert_eq!(said.hint.as_deref(), near, "{written}");
        }
    }
}
