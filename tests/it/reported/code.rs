//! The code of functions: what is in the zip, and whether Lambda could call it.

use std::os::unix::fs::symlink;

use serde_json::json;
use stackwright_testkit::Emulator;

use super::{HANDLER, stack};
use crate::support::Sandbox;

/// A function of the code in `fn/`.
fn function(runtime: &str, handler: &str) -> String {
    function_of("fn/", runtime, handler)
}

fn function_of(code: &str, runtime: &str, handler: &str) -> String {
    format!(
        "stack: s\nrole: {{r: {{trust: lambda.amazonaws.com}}}}\n\
         function: {{f: {{code: {code}, runtime: {runtime}, handler: {handler}, role: role.r}}}}\n"
    )
}

/// Answers with the names of its files.
const LIST: &str = "\
import os
def handler(event, context):
    root = os.path.dirname(os.path.abspath(__file__))
    found = [os.path.relpath(os.path.join(d, f), root) for d, _, fs in os.walk(root) for f in fs]
    return sorted(f for f in found if '__pycache__' not in f)
";

#[test]
fn the_stack_file_its_state_and_plans_are_no_code() {
    let emulator = Emulator::ministack().start();
    let file = "stack: s\nrole: {r: {trust: lambda.amazonaws.com}}\n\
                function: {f: {code: ., runtime: python3.12, handler: app.handler, role: role.r}}\n";
    let stack = stack(&emulator, file, &[("app.py", LIST)]);
    stack.ok(&["plan", "--out", "first.plan"]);
    stack.ok(&["reconcile", "--plan", "first.plan"]);
    assert_eq!(stack.ok(&["invoke", "f"]).json(), json!(["app.py"]));
    stack.settled(&[]);
    stack.write("stack.yaml", &format!("{file}# a comment\n"));
    stack.settled(&[]);
    stack.ok(&["plan", "--out", "second.plan"]);
    stack.settled(&[]);
}

#[test]
fn what_is_left_out_of_a_zip_is_said_and_can_be_put_back() {
    let emulator = Emulator::ministack().start();
    let files = [
        ("fn/app.py", LIST),
        ("fn/.env", "APP_MODE=prod\n"),
        ("fn/.env.production", "X=1\n"),
        ("fn/jwt_public.key", "pub\n"),
        ("fn/license.key", "k\n"),
        ("fn/i18n/messages.key", "greeting=hi\n"),
        ("fn/ca.pem", "c\n"),
        ("fn/table.swp", "data\n"),
        ("fn/readme~", "x\n"),
        ("fn/tls.key", "-----BEGIN PRIVATE KEY-----\n"),
    ];
    let stack = stack(&emulator, &function("python3.12", "app.handler"), &files);
    let said = "function.f: the zip leaves out .env, .env.production, readme~, tls.key; \
                `!.env` in .stackwrightignore puts a file back";
    stack.ok(&["plan"]).says(said);
    stack.ok(&["reconcile"]);
    let kept =
        ["app.py", "ca.pem", "i18n/messages.key", "jwt_public.key", "license.key", "table.swp"];
    assert_eq!(stack.ok(&["invoke", "f"]).json(), json!(kept));
    let plan = stack.ok(&["plan"]);
    assert!(!plan.stdout.contains("leaves out"), "once the code is there, it is no news:\n{plan}");

    stack.write("fn/.stackwrightignore", "!.env*\n");
    stack.ok(&["plan"]).says("the zip leaves out readme~, tls.key;");
    stack.ok(&["reconcile"]);
    let all = [&[".env", ".env.production"][..], &kept].concat();
    assert_eq!(stack.ok(&["invoke", "f"]).json(), json!(all));
    stack.settled(&[]);
}

/// Unpacks a zip with its links, as Lambda does, and calls the handler.
const AS_LAMBDA: &str = "
import io, os, subprocess, sys, urllib.request, zipfile
code = urllib.request.urlopen(sys.argv[1]).read()
open(sys.argv[2], 'wb').write(code)
zip = zipfile.ZipFile(io.BytesIO(code))
for entry in zip.infolist():
    path = os.path.join('unpacked', entry.filename)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if entry.external_attr >> 28 == 0xa:
        os.symlink(zip.read(entry).decode(), path)
    else:
        open(path, 'wb').write(zip.read(entry))
call = 'require(\"./unpacked/index.js\").handler().then(reply => console.log(reply.body))'
print(subprocess.run(['node', '-e', call], capture_output=True, text=True))
";

#[test]
fn packages_of_pnpm_find_each_other() {
    let emulator = Emulator::ministack().start();
    let store = "fn/node_modules/.pnpm";
    let files = [
        (
            "fn/index.js",
            "const fmt = require('fmt')\n\
             exports.handler = async () => ({ statusCode: 200, body: fmt('hi') })\n",
        ),
        (
            &format!("{store}/fmt@1.0.0/node_modules/fmt/index.js"),
            "const pad = require('pad')\nmodule.exports = s => pad(s)\n",
        ),
        (
            &format!("{store}/pad@2.0.0/node_modules/pad/index.js"),
            "module.exports = s => `<${s}>`\n",
        ),
    ];
    let stack = stack(&emulator, &function("nodejs22.x", "index.handler"), &files);
    let link = |target: &str, name: &str| symlink(target, stack.path(name)).expect("a link");
    link(".pnpm/fmt@1.0.0/node_modules/fmt", "fn/node_modules/fmt");
    link("../../pad@2.0.0/node_modules/pad", &format!("{store}/fmt@1.0.0/node_modules/pad"));
    stack.reconcile(&[]);
    stack.settled(&[]);
    let function = emulator.aws(&["lambda", "get-function", "--function-name", "f"]);
    let url = function["Code"]["Location"].as_str().expect("where the code is");
    let mut python = emulator.python();
    let ran = python
        .args(["-c", AS_LAMBDA, url])
        .arg(stack.path("fn.zip"))
        .output()
        .expect("python runs");
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(said.contains("stdout='<hi>\\n'"), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    // The same code as a zip, with its links.
    stack.edit("code: fn/", "code: fn.zip");
    stack.reconcile(&[]);
    stack.settled(&[]);
}

/// The message of `validate`, which calls nothing.
#[track_caller]
fn refused(stack: &Sandbox, said: &[&str]) {
    let mut ran = stack.run(&["validate"]).code(65);
    for part in said {
        ran = ran.says(part);
    }
}

/// Zips are made by `python`, the code of a program that writes `code.zip`.
fn zipped(emulator: &Emulator, handler: &str, python: &str) -> Sandbox {
    let file = function_of("code.zip", "python3.12", handler);
    let stack = stack(emulator, &file, &[]);
    let ran = emulator.python().args(["-c", python]).arg(stack.path("code.zip")).status();
    assert!(ran.expect("python runs").success());
    stack
}

const ZIP: &str = "import sys, zipfile\nzip = zipfile.ZipFile(sys.argv[1], 'w')\n";

#[test]
fn zips_that_lambda_would_not_unpack_as_meant_are_refused() {
    let emulator = Emulator::ministack().start();
    let code = "def handler(event, context): pass";
    let windows = format!("{ZIP}zip.writestr('lib\\\\app.py', '{code}')\n");
    refused(
        &zipped(&emulator, "app.handler", &windows),
        &[
            "`lib\\app.py` in the zip has a backslash",
            "help: make the zip with `/` between folders",
        ],
    );
    let deeper = format!("{ZIP}zip.writestr('fn/app.py', '{code}')\n");
    refused(
        &zipped(&emulator, "app.handler", &deeper),
        &[
            "`app.handler` needs `app.py`, which is not in the code",
            "help: it is in `fn/`: write `fn/app.handler`, or zip what is in the folder, not the folder \
             itself",
        ],
    );
    zipped(&emulator, "fn/app.handler", &deeper).ok(&["validate"]);
    let named = format!("{ZIP}zip.writestr('app.py', '{code}')\n");
    let other = zipped(&emulator, "app.handle", &named);
    refused(
        &other,
        &["`app.py` has no `handle` that Lambda could call", "did you mean `app.handler`?"],
    );
    // A zip of 60 MB is refused before any call.
    let large =
        format!("{ZIP}zip.writestr('app.py', '{code}')\nzip.writestr('x', bytes(60 << 20))\n");
    let large = zipped(&emulator, "app.handler", &large);
    let said = ["code.zip: the zip has 61 MB; Lambda accepts less than 50 MB in a request"];
    refused(&large, &[&said[0]["code.zip: ".len()..], "move packages into a layer"]);
    large.run(&["plan"]).code(65).says(&said[0]["code.zip: ".len()..]);
    assert_eq!(emulator.census().count("role"), 0);
}

#[test]
fn links_that_lead_nowhere_can_be_excluded() {
    let emulator = Emulator::ministack().start();
    let stack = stack(&emulator, &function("python3.12", "app.handler"), &[("fn/app.py", HANDLER)]);
    let link = |target: &str, name: &str| symlink(target, stack.path(name)).expect("a link");
    link("nowhere", "fn/dangling");
    link("loop", "fn/loop");
    refused(&stack, &["is a link to", "help: remove the link, or exclude it"]);
    stack.edit("code: fn/", "code: {path: fn/, exclude: [dangling, loop]}");
    stack.ok(&["validate"]);
    stack.edit("{path: fn/, exclude: [dangling, loop]}", "fn/");
    stack.write("fn/.stackwrightignore", "dangling\nloop\n");
    stack.ok(&["validate"]);
}

/// Nobody knows what is in a package before pip has installed it.
#[test]
fn a_handler_may_be_in_a_package() {
    let emulator = Emulator::ministack().start();
    let stack = stack(
        &emulator,
        &function("python3.12", "six.missing"),
        &[("fn/requirements.txt", "./six\n")],
    );
    let package = "[project]\nname = 'six'\nversion = '1'\n";
    for (name, text) in [("fn/six/pyproject.toml", package), ("fn/six/six.py", HANDLER)] {
        std::fs::create_dir_all(stack.path("fn/six")).expect("a folder");
        stack.write(name, text);
    }
    stack.ok(&["validate"]);
}
