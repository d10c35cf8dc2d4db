use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use tempfile::TempDir;
use zip::ZipArchive;

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

fn at(code: &Path, exclude: &[&str]) -> Selection {
    let exclude = exclude.iter().map(ToString::to_string).collect();
    Selection { path: code.to_owned(), exclude, ..Selection::default() }
}

fn read(folder: &Path) -> Result<Files> {
    match Source::read(&at(folder, &[]))? {
        Source::Folder { files, .. } => Ok(files),
        Source::Archive(_) => Err(Error::terminal("an archive")),
    }
}

/// The names that are in the zip, and those that the user is told of as left out.
fn selected(selection: &Selection) -> (Vec<String>, Vec<String>) {
    match Source::read(selection) {
        Ok(Source::Folder { files, left_out }) => (files.0.into_keys().collect(), left_out),
        Ok(Source::Archive(_)) => panic!("an archive"),
        Err(error) => panic!("{error}"),
    }
}

fn digest(code: &Path) -> String {
    Source::read(&at(code, &[])).expect("read").contents().digest("python3.13", "x86_64")
}

fn refusal(code: &Path) -> String {
    refusal_of(&at(code, &[]))
}

fn refusal_of(selection: &Selection) -> String {
    match Source::read(selection) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => format!("{error} | {}", error.hint.clone().unwrap_or_default()),
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
    let names = |patterns: &[&str]| selected(&at(code.path(), patterns)).0;
    assert_eq!(names(&["tests/", "*.md"]), ["a.py", "lib/tests.py"]);
    assert_eq!(names(&["*.py", "!a.py"]), ["a.md", "a.py"]);
    assert!(excluded(Path::new("/"), &["[z-a]".to_owned()]).is_err());
    let zip = code.path().join("a.zip");
    fs::write(&zip, read(code.path()).expect("read").zip(None).expect("zip")).expect("written");
    assert!(Source::read(&at(&zip, &["a"])).is_err());
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
    let source = Source::read(&at(code.path(), &[])).expect("read").contents();
    assert_eq!(source.digest("python3.13", "x86_64"), source.digest("python3.12", "arm64"));
    put(code.path(), "requirements.txt", b"six");
    let source = Source::read(&at(code.path(), &[])).expect("read").contents();
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
        (".stackwright/x", ""),
        ("__pycache__/a.cpython-313.pyc", ""),
        ("certifi/cacert.pem", "-----BEGIN CERTIFICATE-----"),
        ("node_modules/x/index.js", ""),
        ("tests/test_a.py", ""),
        ("notes/draft.md", ""),
        (".stackwrightignore", "*.md\n"),
    ]);
    let expected = ["a.py", "certifi/cacert.pem", "node_modules/x/index.js", "tests/test_a.py"];
    let (names, left_out) = selected(&at(code.path(), &[]));
    assert_eq!(names, expected);
    assert_eq!(left_out, [""; 0], "nobody misses them");
}

/// What looks like a leftover or a secret may be read by the program.
const MAYBE_MISSED: &[(&str, &str)] = &[
    (".env", "APP_MODE=prod"),
    (".env.production", "X=1"),
    (".envrc", "use nix"),
    (".table.swp", ""),
    ("app.py", ""),
    ("ca.pem", "c"),
    ("i18n/messages.key", "greeting=hi"),
    ("id.key", "-----BEGIN RSA PRIVATE KEY-----"),
    ("jwt_public.key", "pub"),
    ("lib/tls.pem", "-----BEGIN PRIVATE KEY-----"),
    ("license.key", "k"),
    ("old.pyc", ""),
    ("readme~", "x"),
    ("table.swp", "data"),
];

#[test]
fn what_may_be_missed_is_named() {
    let code = folder(MAYBE_MISSED);
    let (names, left_out) = selected(&at(code.path(), &[]));
    let kept =
        ["app.py", "ca.pem", "i18n/messages.key", "jwt_public.key", "license.key", "table.swp"];
    assert_eq!(names, kept);
    let expected = [
        ".env",
        ".env.production",
        ".envrc",
        ".table.swp",
        "id.key",
        "lib/tls.pem",
        "old.pyc",
        "readme~",
    ];
    assert_eq!(left_out, expected);
}

#[test]
fn a_pattern_that_names_nothing_undoes_no_pattern_but_the_users_own() {
    let names = ["app.py", ".env", ".git/config", ".venv/lib/x.py", "lib/y.py", "notes.md"];
    let code = folder(&names.map(|name| (name, "")));
    put(code.path(), "id.pem", b"-----BEGIN PRIVATE KEY-----");
    let own = ["app.py", "lib/y.py"];
    for pattern in ["!", "!*", "!**", "!*/", "!.*", "!*.*", "!**/*"] {
        let (names, left_out) = selected(&at(code.path(), &[pattern]));
        assert_eq!(names, [&own[..], &["notes.md"]].concat(), "{pattern}");
        assert_eq!(left_out, [".env", "id.pem"], "{pattern}: the plan says it");
    }
    // Only Python, in all folders.
    let (names, _) = selected(&at(code.path(), &["*", "!*/", "!*.py"]));
    assert_eq!(names, own);
    let (names, _) = selected(&at(code.path(), &["*.md", "!*"]));
    assert_eq!(names, ["app.py", "lib/y.py", "notes.md"]);
    let (names, _) = selected(&at(code.path(), &["!*", "!.env"]));
    assert!(names.contains(&".env".to_owned()), "{names:?}");
}

#[test]
fn a_pattern_puts_back_what_is_left_out() {
    let code = folder(MAYBE_MISSED);
    let all: Vec<_> = MAYBE_MISSED.iter().map(|(name, _)| *name).collect();
    let patterns = ["!.env*", "!*.key", "!*.pem", "!*.pyc", "!*~", "!*.swp"];
    let (names, left_out) = selected(&at(code.path(), &patterns));
    assert_eq!((names, left_out), (all.iter().map(ToString::to_string).collect(), Vec::new()));
    // An ignore file does, too, below its own folder; `exclude` has the last word.
    put(code.path(), ".stackwrightignore", b"!\n!.env\n!.envrc\n");
    put(code.path(), "lib/.stackwrightignore", b"!tls.pem\n");
    let (names, left_out) = selected(&at(code.path(), &[".envrc", "*.swp", "*.key"]));
    assert_eq!(names, [".env", "app.py", "ca.pem", "lib/tls.pem"]);
    assert_eq!(left_out, [".env.production", "old.pyc", "readme~"]);
    // Folders as well, but never that of the state.
    for name in ["__pycache__/a.pyc", ".stackwright/x"] {
        put(code.path(), name, b"");
    }
    let all = ["*", "!__pycache__", "!*.pyc", "!.stackwright", "!x"];
    assert_eq!(selected(&at(code.path(), &all)).0, ["__pycache__/a.pyc", "old.pyc"]);
}

#[test]
fn the_stack_file_and_saved_plans_are_no_code() {
    let plan = "{\n  \"stackwright_plan\": 3,\n  \"place\": {}\n}\n";
    let code = folder(&[
        ("app.py", ""),
        ("stack.yaml", "stack: s"),
        ("lib/stack.yaml", "a: b"),
        ("p.json", plan),
        (".stackwright/s/local/state.json", "{}"),
        ("data.json", "{\"stackwright\": 1}"),
    ]);
    let stack_file = code.path().join("stack.yaml");
    let selection = Selection { stack_file, ..at(code.path(), &[]) };
    let expected = ["app.py", "data.json", "lib/stack.yaml"];
    assert_eq!(selected(&selection), (expected.map(str::to_owned).to_vec(), Vec::new()));
    let digest = |of: &Selection| Source::read(of).expect("read").contents().digest;
    let before = digest(&selection);
    put(code.path(), "stack.yaml", b"stack: s # a comment");
    put(code.path(), "q.json", plan.as_bytes());
    assert_eq!(digest(&selection), before);
    let both = Selection { exclude: vec!["!/stack.yaml".to_owned()], ..selection };
    assert!(selected(&both).0.contains(&"stack.yaml".to_owned()));
}

#[test]
fn links_inside_the_folder_stay_links() {
    let pad = "node_modules/.pnpm/pad@2.0.0/node_modules/pad";
    let fmt = "node_modules/.pnpm/fmt@1.0.0/node_modules/fmt";
    let code = folder(&[
        ("index.js", "const fmt = require('fmt'); exports.handler = async () => fmt('hi')"),
        (&format!("{fmt}/index.js"), "module.exports = require('pad')"),
        (&format!("{pad}/index.js"), "module.exports = s => `<${s}>`"),
    ]);
    let link = |to: &str, name: &str| symlink(to, code.path().join(name)).expect("link");
    link(".pnpm/fmt@1.0.0/node_modules/fmt", "node_modules/fmt");
    link("../../pad@2.0.0/node_modules/pad", "node_modules/.pnpm/fmt@1.0.0/node_modules/pad");
    link(&code.path().join("index.js").display().to_string(), "absolute.js");
    link(".", "self");
    link("/opt/nodejs/node_modules/aws", "layer");
    let zip = read(code.path()).and_then(|files| files.zip(None)).expect("zip");
    let unpacked = tempfile::tempdir().expect("a folder");
    let mut zip = ZipArchive::new(Cursor::new(zip)).expect("a zip");
    let mut links = Vec::new();
    for at in 0..zip.len() {
        let mut file = zip.by_index(at).expect("a file");
        let mut text = String::new();
        file.read_to_string(&mut text).expect("text");
        let name = file.name().expect("UTF-8").into_owned();
        if file.is_symlink() {
            let path = unpacked.path().join(&name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            symlink(&text, path).expect("link");
            links.push((name, text));
        } else {
            put(unpacked.path(), &name, text.as_bytes());
        }
    }
    let expected = [
        ("absolute.js", "index.js"),
        ("layer", "/opt/nodejs/node_modules/aws"),
        ("node_modules/.pnpm/fmt@1.0.0/node_modules/pad", "../../pad@2.0.0/node_modules/pad"),
        ("node_modules/fmt", ".pnpm/fmt@1.0.0/node_modules/fmt"),
        ("self", "."),
    ];
    assert_eq!(links, expected.map(|(name, to)| (name.to_owned(), to.to_owned())));
    // The module finds the package that its package needs.
    let at = unpacked.path().join("node_modules/fmt").canonicalize().expect("it leads somewhere");
    assert!(at.join("../pad/index.js").is_file());
    // Where a link leads is part of the code.
    let before = digest(code.path());
    fs::remove_file(code.path().join("self")).expect("removed");
    link("node_modules", "self");
    assert_ne!(digest(code.path()), before);
}

#[test]
fn a_link_must_lead_to_something_in_the_zip() {
    let outside = folder(&[("secret", "1")]);
    let code = folder(&[("a.py", "1"), ("data/x", "")]);
    let link = |to: &Path, name: &str| symlink(to, code.path().join(name)).expect("link");
    link(outside.path(), "out");
    assert!(
        refusal(code.path()).contains("out is a link that leaves the folder | copy its target")
    );
    link(Path::new("nowhere"), "dangling");
    link(Path::new("loop"), "loop");
    link(Path::new("data"), "to_data");
    let of = |exclude: &[&str]| refusal_of(&at(code.path(), exclude));
    assert!(of(&["out", "loop"]).contains("dangling is a link to nowhere: No such file"));
    assert!(of(&["out", "dangling"]).contains("loop is a link to loop: Too many levels"));
    assert_eq!(
        of(&["out", "dangling", "loop", "data/"]),
        "to_data is a link to data, which is left out or empty | exclude the link, too, or put the target back: `!/data`"
    );
    // What is excluded may lead anywhere, and a pattern for folders matches links to folders.
    let names = |exclude: &[&str]| selected(&at(code.path(), exclude)).0;
    assert_eq!(names(&["out/", "dangling", "loop"]), ["a.py", "data/x", "to_data"]);
    put(code.path(), ".stackwrightignore", b"out\nloop\ndangling\nto_*\n");
    assert_eq!(names(&[]), ["a.py", "data/x"]);
}

#[test]
fn code_that_is_too_large_for_a_request_is_refused_before_any_call() {
    let noise: Vec<u8> = (0..20_000_u32).flat_map(|n| Sha256::digest(n.to_le_bytes())).collect();
    let code = tempfile::tempdir().expect("a folder");
    put(code.path(), "noise", &noise);
    let limits = |zip: u64, unzipped: u64| Limits { zip, unzipped };
    let size = noise.len() as u64;
    let refused = |code: &Path, limits: Limits| match Source::read_within(&at(code, &[]), limits) {
        Ok(_) => String::new(),
        Err(error) => format!("{error} | {}", error.hint.as_deref().unwrap_or_default()),
    };
    assert_eq!(refused(code.path(), limits(size + 4096, size)), "");
    let too_large =
        "the zip has 1 MB; Lambda accepts less than 50 MB in a request | leave files out with";
    assert!(refused(code.path(), limits(size - 4096, size)).starts_with(too_large));
    assert!(refused(code.path(), limits(size, size - 1)).contains("more than 250 MB unzipped"));
    // Much code that compresses well is small enough.
    put(code.path(), "noise", &vec![0; noise.len()]);
    assert_eq!(refused(code.path(), limits(4096, size)), "");
    let zip = folder(&[]);
    let bytes = read(code.path()).and_then(|files| files.zip(None)).expect("zip");
    put(zip.path(), "code.zip", &bytes);
    let zip = zip.path().join("code.zip");
    assert_eq!(refused(&zip, limits(4096, size)), "");
    assert!(
        refused(&zip, limits(100, size)).contains("Lambda accepts less than 50 MB in a request")
    );
    assert!(refused(&zip, limits(4096, size - 1)).contains("more than 250 MB unzipped"));
}

#[test]
fn links_in_a_zip_are_known() {
    let folder = folder(&[]);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("src/app.py", SimpleFileOptions::default()).expect("started");
    zip.add_symlink("app.py", "src/app.py", SimpleFileOptions::default()).expect("a link");
    let code = folder.path().join("code.zip");
    fs::write(&code, zip.finish().expect("finished").into_inner()).expect("written");
    let outline = Source::read(&at(&code, &[])).expect("read").outline();
    assert_eq!(Vec::from_iter(outline.names), ["app.py", "src/app.py"]);
    assert_eq!(Vec::from_iter(outline.links), ["app.py"]);
}

#[test]
fn a_zip_with_backslashes_is_refused() {
    let folder = folder(&[]);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("lib\\app.py", SimpleFileOptions::default()).expect("started");
    let code = folder.path().join("code.zip");
    fs::write(&code, zip.finish().expect("finished").into_inner()).expect("written");
    let refused = refusal(&code);
    assert!(
        refused.contains(
            "code.zip: `lib\\app.py` in the zip has a backslash: Lambda makes one file of it"
        ),
        "{refused}"
    );
    assert!(refused.contains("| make the zip with `/` between folders"), "{refused}");
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
    let bytes: Vec<&[u8]> = both.values().map(|entry| entry.bytes()).collect();
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
                    (name.clone(), Entry::File { executable: *executable, bytes: bytes.clone() })
                })
                .collect(),
        );
        let digest = |files: Files| Source::Folder { files, left_out: Vec::new() }.contents().digest("python3.13", "x86_64");
        let (zip_one, zip_two) = (files(&one).zip(None).expect("zip"), files(&two).zip(None).expect("zip"));
        prop_assert_eq!(one == two, digest(files(&one)) == digest(files(&two)));
        prop_assert_eq!(one == two, zip_one == zip_two);
    }
}
