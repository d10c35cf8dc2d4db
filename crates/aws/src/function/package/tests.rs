use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        put(folder.path(), name, text.as_bytes());
    }
    folder
}

fn put(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a parent")).expect("made");
    fs::write(path, bytes).expect("written");
}

fn read(folder: &Path) -> Result<Files> {
    match Source::read(folder, &[])? {
        Source::Folder(files) => Ok(files),
        Source::Archive(_) => Err(Error::terminal("an archive")),
    }
}

fn names(folder: &Path) -> Vec<String> {
    read(folder).expect("read").0.into_keys().collect()
}

fn digest(code: &Path) -> String {
    Source::read(code, &[]).expect("read").contents().digest("python3.13", "x86_64")
}

fn refusal(code: &Path) -> String {
    match Source::read(code, &[]) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn time_place_and_umask_do_not_change_the_digest() {
    let files = [("b.py", "1"), ("a/c.py", "2"), ("a.py", "3")];
    let (one, two) = (folder(&files), folder(&[files[2], files[0], files[1]]));
    let path = two.path().join("b.py");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
    let file = fs::File::options().write(true).open(&path).expect("open");
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1)).expect("time");
    assert_eq!(digest(one.path()), digest(two.path()));
    let zip =
        |folder: &TempDir| read(folder.path()).and_then(|files| files.zip(None)).expect("zip");
    assert_eq!(zip(&one), zip(&two));
}

#[test]
fn excluded_files_are_left_out() {
    let files = [("a.py", "1"), ("a.md", "2"), ("tests/b.py", "3"), ("lib/tests.py", "4")];
    let code = folder(&files);
    let exclude = |patterns: &[&str]| patterns.iter().map(ToString::to_string).collect::<Vec<_>>();
    let names = |patterns: &[&str]| match Source::read(code.path(), &exclude(patterns)) {
        Ok(Source::Folder(files)) => files.0.into_keys().collect::<Vec<_>>(),
        _ => panic!("a folder"),
    };
    assert_eq!(names(&["tests/", "*.md"]), ["a.py", "lib/tests.py"]);
    assert_eq!(names(&["*.py", "!a.py"]), ["a.md", "a.py"]);
    assert!(excluded(Path::new("/"), &exclude(&["[z-a]"])).is_err());
    let zip = code.path().join("a.zip");
    fs::write(&zip, read(code.path()).expect("read").zip(None).expect("zip")).expect("written");
    assert!(Source::read(&zip, &exclude(&["a"])).is_err());
}

#[test]
fn bytes_modes_and_platform_change_the_digest() {
    let code = folder(&[("a.py", "1"), ("run.sh", "#!")]);
    let before = digest(code.path());
    fs::set_permissions(code.path().join("run.sh"), fs::Permissions::from_mode(0o700))
        .expect("mode");
    let executable = digest(code.path());
    assert_ne!(before, executable);
    put(code.path(), "a.py", b"2");
    assert_ne!(executable, digest(code.path()));
    // Packages are chosen for a platform.
    let source = Source::read(code.path(), &[]).expect("read").contents();
    assert_eq!(source.digest("python3.13", "x86_64"), source.digest("python3.12", "arm64"));
    put(code.path(), "requirements.txt", b"six");
    let source = Source::read(code.path(), &[]).expect("read").contents();
    assert_ne!(source.digest("python3.13", "x86_64"), source.digest("python3.13", "arm64"));
    assert_ne!(source.digest("python3.13", "x86_64"), source.digest("python3.12", "x86_64"));
}

#[test]
fn modes_and_dates_in_the_zip_are_fixed() {
    let code = folder(&[("a.py", "1"), ("bin/run", "#!")]);
    for (name, mode) in [("a.py", 0o600), ("bin/run", 0o711)] {
        fs::set_permissions(code.path().join(name), fs::Permissions::from_mode(mode))
            .expect("mode");
    }
    let zip = read(code.path()).and_then(|files| files.zip(None)).expect("zip");
    let mut zip = ZipArchive::new(Cursor::new(zip)).expect("a zip");
    let seen: Vec<_> = (0..zip.len())
        .map(|at| {
            let file = zip.by_index(at).expect("a file");
            let year = file.last_modified().map(|date| date.year());
            (
                file.name().expect("UTF-8").into_owned(),
                file.unix_mode().map(|mode| mode & 0o777),
                year,
            )
        })
        .collect();
    let expected = [("a.py", 0o644), ("bin/run", 0o755)]
        .map(|(name, mode)| (name.to_owned(), Some(mode), Some(1980)));
    assert_eq!(seen, expected);
}

#[test]
fn files_that_are_never_code_are_left_out() {
    let code = folder(&[
        ("a.py", ""),
        (".git/config", ""),
        (".env", "SECRET=1"),
        (".stackwright/x", ""),
        ("__pycache__/a.cpython-313.pyc", ""),
        ("old.pyc", ""),
        ("tls.key", ""),
        ("id.pem", "-----BEGIN RSA PRIVATE KEY-----"),
        ("certifi/cacert.pem", "-----BEGIN CERTIFICATE-----"),
        ("node_modules/x/index.js", ""),
        ("tests/test_a.py", ""),
        ("notes/draft.md", ""),
        (".stackwrightignore", "*.md\n"),
    ]);
    let expected = ["a.py", "certifi/cacert.pem", "node_modules/x/index.js", "tests/test_a.py"];
    assert_eq!(names(code.path()), expected);
}

#[test]
fn a_link_may_not_leave_the_folder() {
    let outside = folder(&[("secret", "1")]);
    let code = folder(&[("a.py", "1")]);
    symlink("a.py", code.path().join("b.py")).expect("link");
    assert_eq!(names(code.path()), ["a.py", "b.py"]);
    symlink(outside.path(), code.path().join("c")).expect("link");
    assert!(refusal(code.path()).contains("leaves the folder"));
    fs::remove_file(code.path().join("c")).expect("removed");
    symlink("nowhere", code.path().join("d")).expect("link");
    assert_ne!(refusal(code.path()), "accepted");
}

#[test]
fn a_zip_is_checked_and_used_as_it_is() {
    let folder = folder(&[("no.zip", "text")]);
    let zip = |name: &str| {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file(name, SimpleFileOptions::default()).expect("started");
        zip.finish().expect("finished").into_inner()
    };
    let code = folder.path().join("code.zip");
    for (name, refused) in
        [("a.py", false), ("a/../../b", true), ("/etc/x", true), ("..\\x", true), ("./a", false)]
    {
        fs::write(&code, zip(name)).expect("written");
        assert_eq!(refusal(&code) != "accepted", refused, "{name}: {}", refusal(&code));
    }
    let bytes = zip("ab.py");
    // A writer refuses to make a zip with one name twice, so one name is patched.
    let mut two = ZipWriter::new_append(Cursor::new(bytes)).expect("appended");
    two.start_file("zz.py", SimpleFileOptions::default()).expect("started");
    let mut bytes = two.finish().expect("finished").into_inner();
    while let Some(at) = bytes.windows(5).position(|window| window == b"zz.py") {
        bytes[at..at + 2].copy_from_slice(b"ab");
    }
    fs::write(&code, bytes).expect("written");
    assert!(refusal(&code).contains("two files with one name"));
    assert!(refusal(&folder.path().join("no.zip")).contains("neither a folder nor a zip"));
    assert!(refusal(&folder.path().join("none")).contains("none"));
}

#[test]
fn own_files_replace_vendored_ones() {
    let (own, other) = (folder(&[("a.py", "own")]), folder(&[("a.py", "x"), ("b.py", "y")]));
    let own = read(own.path()).expect("read");
    let other = Files::of_folder(other.path()).expect("read");
    let both = own.with(Some(&other));
    let bytes: Vec<&[u8]> = both.values().map(|file| file.bytes.as_slice()).collect();
    assert_eq!(bytes, [b"own".as_slice(), b"y"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..Default::default() })]

    /// One digest for one content, another for any other; equal zips exactly for equal digests.
    #[test]
    fn digest_and_zip_agree(
        one in prop::collection::btree_map("[ab]/?[cd]", (any::<bool>(), prop::collection::vec(any::<u8>(), 0..9)), 1..4),
        two in prop::collection::btree_map("[ab]/?[cd]", (any::<bool>(), prop::collection::vec(any::<u8>(), 0..9)), 1..4),
    ) {
        let files = |from: &BTreeMap<String, (bool, Vec<u8>)>| Files(
            from.iter()
                .map(|(name, (executable, bytes))| {
                    (name.clone(), File { executable: *executable, bytes: bytes.clone() })
                })
                .collect(),
        );
        let digest = |files: Files| Source::Folder(files).contents().digest("python3.13", "x86_64");
        let (zip_one, zip_two) = (files(&one).zip(None).expect("zip"), files(&two).zip(None).expect("zip"));
        prop_assert_eq!(one == two, digest(files(&one)) == digest(files(&two)));
        prop_assert_eq!(one == two, zip_one == zip_two);
    }
}
