//! What `validate` says of wrong files: each file in `invalid/` is a page.

use std::fs;
use std::path::{Path, PathBuf};

use super::{HANDLER, WIDTHS, differs, page};
use crate::support::Sandbox;

/// A port on which nobody listens.
const NOBODY: u16 = 9;

/// Scripts that no image runs as they are.
const SCRIPTS: [(&str, &[u8]); 3] = [
    ("windows.sh", b"#!/bin/sh\r\necho started\r\n"),
    ("latin-1.sh", b"#!/bin/sh\necho caf\xe9\n"),
    ("plain.sh", b"echo started\n"),
];

/// Compares the page of one stack file, in a folder that has what the files refer to.
fn compare(stack: &Sandbox, name: &str, width: &str, file: &[u8]) -> Option<String> {
    fs::write(stack.path("stack.yaml"), file).expect("written");
    let ran = stack.run(&["validate"]).code(65);
    differs(&format!("invalid-{name}@{width}"), &page(&["validate"], &ran))
}

/// A file with more of everything than AWS takes.
fn beyond_quotas() -> String {
    let routes: String = (0..300).map(|n| format!("GET /{n}: function.worker, ")).collect();
    let variables: String = (0..101).map(|n| format!("v{n}: '', ")).collect();
    let long = "x".repeat(6000);
    format!(
        "stack: s
role:
  worker:
    trust: {{Statement: [{{Sid: {long}, Effect: Allow, Principal: '*', Action: 'sts:AssumeRole'}}]}}
    policies: {{
      one: {{Statement: [{{Effect: Allow, Action: '*', Resource: 'arn:aws:s3:::{long}'}}]}},
      two: {{Statement: [{{Effect: Allow, Action: '*', Resource: 'arn:aws:s3:::{long}'}}]}},
    }}
function:
  worker: {{code: handler/, runtime: python3.13, handler: m.h, role: role.worker}}
api:
  shop:
    authorization: none
    routes: {{{routes}}}
    variables: {{{variables}}}
  long: {{authorization: none, variables: {{a: {long}}}}}
"
    )
}

/// A file with one wrong name to which all functions refer, and a slip of the pen in each of them.
fn many_problems() -> String {
    let function = |n: usize| {
        format!(
            "  worker-{n}: {{code: handler/, runtime: python3.13, handler: m.h, role: role.worker, timout: 30}}\n"
        )
    };
    let functions: String = (0..2999).map(function).collect();
    format!("stack: s\nrole:\n  wroker: {{trust: lambda.amazonaws.com}}\nfunction:\n{functions}")
}

#[test]
fn every_wrong_file_is_a_page() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/gallery/invalid");
    let paths = |folder: &Path| {
        let files = fs::read_dir(folder).expect("a folder");
        let mut paths: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
        paths.sort();
        paths
    };
    let many_rules = format!(
        "stack: s\nsecurity_group:\n  web:\n    ingress:\n{}",
        "      - ssh from anywhere\n".repeat(1001)
    );
    let quotas = beyond_quotas();
    let many_problems = many_problems();
    let too_large = "# A line of the file.\n".repeat(800_000).into_bytes();
    let mut different = Vec::new();
    for width in WIDTHS {
        let stack = Sandbox::empty(NOBODY).env("COLUMNS", width);
        for folder in ["handler", "archives", "scripts"] {
            fs::create_dir(stack.path(folder)).expect("a folder");
        }
        stack.write("handler/m.py", &format!("{HANDLER}\n\nh = handler\n"));
        stack.write("handler/m.js", "exports.h = async () => ({ statusCode: 200 });\n");
        for (script, text) in SCRIPTS {
            fs::write(stack.path("scripts").join(script), text).expect("written");
        }
        for archive in paths(&folder.join("archives")) {
            let name = archive.file_name().expect("a name");
            fs::copy(&archive, stack.path("archives").join(name)).expect("a copy");
        }
        for path in paths(&folder).iter().filter(|path| path.is_file()) {
            let name = path.file_stem().expect("a name").to_string_lossy();
            let file = fs::read(path).expect("a stack file");
            different.extend(compare(&stack, &name, width, &file));
        }
        let many_rules = many_rules.as_bytes();
        different.extend(compare(&stack, "security-group-many-rules", width, many_rules));
        different.extend(compare(&stack, "quotas", width, quotas.as_bytes()));
        different.extend(compare(&stack, "many-problems", width, many_problems.as_bytes()));
        different.extend(compare(&stack, "file-too-large", width, &too_large));
        different.extend(compare(&stack, "file-not-utf-8", width, b"stack: s\n# caf\xe9\n"));
    }
    assert_eq!(different, [""; 0], "these pages differ");
}
