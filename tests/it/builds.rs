//! `code.build`: when it runs, what is printed, and that the built code is what runs.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Command;

use serde_json::{Value, json};
use stackwright_testkit::Emulator;

use crate::support::Sandbox;

/// A stack of one function, with files beside it.
fn stack(emulator: &Emulator, function: &Value, files: &[(&str, &str)]) -> Sandbox {
    let stack = Sandbox::empty(emulator.port());
    let mut function = function.clone();
    function["role"] = json!("role.r");
    let file = json!({
        "stack": "built",
        "role": { "r": { "trust": "lambda.amazonaws.com" } },
        "function": { "f": function },
    });
    stack.write("stack.yaml", &file.to_string());
    for (name, text) in files {
        stack.write(name, text);
    }
    stack
}

/// Fails when a tool is missing; a skipped test would prove nothing.
fn needs(tool: &str, package: &str) {
    let there = Command::new(tool).arg("--version").output();
    assert!(there.is_ok(), "this test needs {tool}: apt-get install {package}");
}

/// The function answers with its event and with the word that its build put into it.
#[track_caller]
fn answers(function: &Value, files: &[(&str, &str)]) {
    let emulator = Emulator::ministack().start();
    let stack = stack(&emulator, function, files);
    stack.reconcile(&[]);
    let reply = stack.ok(&["invoke", "f", "--payload", r#"{"a":1}"#]).json();
    assert_eq!(reply, json!({ "built": "yes", "event": { "a": 1 } }));
    assert_eq!(stack.reconcile(&[]).writes, 0, "the same bytes are the same code");
}

#[test]
fn a_built_python_function_runs() {
    answers(
        &json!({
            "runtime": "python3.13",
            "handler": "m.h",
            "code": { "path": "dist/", "build": "mkdir -p dist\nsed s/WORD/yes/ m.in > dist/m.py" },
        }),
        &[("m.in", "def h(event, context):\n    return {'built': 'WORD', 'event': event}\n")],
    );
}

#[test]
fn a_built_node_function_runs() {
    needs("node", "nodejs");
    let make = "
        const fs = require('fs');
        fs.mkdirSync('dist', { recursive: true });
        fs.writeFileSync('dist/m.js', fs.readFileSync('m.in', 'utf8').replace('WORD', 'yes'));
    ";
    answers(
        &json!({
            "runtime": "nodejs22.x",
            "handler": "m.h",
            "code": { "path": "dist/", "build": "node make.js" },
        }),
        &[
            ("make.js", make),
            ("m.in", "exports.h = async (event) => ({ built: 'WORD', event });\n"),
        ],
    );
}

/// The bootstrap is a script that calls Lambda's runtime API.
#[test]
fn a_built_custom_runtime_runs() {
    needs("curl", "curl");
    let bootstrap = r#"#!/bin/sh
set -e
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
    head=$(mktemp)
    event=$(curl -sS -D "$head" "$api/next")
    id=$(tr -d '\r' < "$head" | sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: //p')
    curl -sS -d "{\"built\": \"WORD\", \"event\": $event}" "$api/$id/response"
done
"#;
    answers(
        &json!({
            "runtime": "provided.al2023",
            "handler": "bootstrap",
            "code": {
                "path": "dist/",
                "build": "mkdir -p dist\nsed s/WORD/yes/ bootstrap.in > dist/bootstrap\n\
                          chmod +x dist/bootstrap",
            },
        }),
        &[("bootstrap.in", bootstrap)],
    );
}

#[test]
fn a_build_runs_once_in_each_run_that_plans_and_in_no_other() {
    let emulator = Emulator::ministack().start();
    let function = json!({
        "runtime": "python3.13",
        "handler": "m.h",
        "code": { "path": "dist/", "build": "echo ran >> log; mkdir -p dist; cp m.py dist/" },
    });
    let stack = stack(&emulator, &function, &[("m.py", "def h(event, context): return 1\n")]);
    let mut before = 0;
    let mut ran = |arguments: &[&str]| {
        stack.ok(arguments);
        let log = std::fs::read_to_string(stack.path("log")).unwrap_or_default();
        let now = log.lines().count();
        now - std::mem::replace(&mut before, now)
    };
    assert_eq!(ran(&["validate"]), 0, "a check of the file runs nothing of it");
    assert_eq!(ran(&["plan"]), 1);
    assert_eq!(ran(&["plan", "--offline", "--cloud", "http://127.0.0.1:9"]), 1);
    assert_eq!(ran(&["reconcile"]), 1);
    assert_eq!(ran(&["explain", "function.f"]), 1);
    for command in [&["drift"][..], &["show", "--live"], &["destroy", "--yes"]] {
        assert_eq!(ran(command), 0, "{command:?}");
    }
}

#[test]
fn a_failed_build_shows_its_last_output_and_the_place_in_the_file() {
    let emulator = Emulator::ministack().start();
    let stack = stack(&emulator, &json!({}), &[]);
    let text = "stack: built
role:
  r: {trust: lambda.amazonaws.com}
function:
  f:
    runtime: python3.13
    handler: m.h
    role: role.r
    code:
      path: dist/
      build: |
        echo first >&2; for line in $(seq 19); do echo \"line $line\"; done
        echo \"no ${WORD:-such} module\"; exit 7
    environment: {A1: \"${env.CANARY}\"}
";
    stack.write("stack.yaml", &text.replace("${WORD", "$${WORD"));
    let stack = stack.env("CANARY", "line 18");
    stack.ok(&["validate"]);
    let ran = stack.run(&["reconcile"]).code(65);
    let said = ran.stderr.replace("      ", "");
    for part in [
        "stack.yaml:9:5: function.f: code: `build` ended with exit status: 7; \
         the end of its output:\nline 1\n",
        "${env.CANARY}\nline 19\nno such module\n",
        "hint: it runs by `sh -e` in the folder of the stack file, before `path` is read",
    ] {
        assert!(said.contains(part), "`{part}` was not said:\n{ran}");
    }
    assert!(!ran.stderr.contains("first"), "only the end of it:\n{ran}");

    stack.edit("exit 7", "exit 0");
    stack
        .run(&["plan"])
        .code(65)
        .says("dist/ does not exist")
        .says("help: `build` should create it; `path` is relative to the stack file");
}

#[test]
fn a_long_build_shows_progress() {
    let emulator = Emulator::ministack().start();
    let function = json!({
        "runtime": "python3.13",
        "handler": "m.h",
        "code": { "path": "m.py", "build": "until test -e go; do sleep 0.1; done" },
    });
    let stack = stack(&emulator, &function, &[]);
    let mut running = stack.start(&["plan"]);
    running.hear("… refreshing: waiting for the build `until test -e go");
    stack.write("go", "");
    running.wait().code(65).says("m.py does not exist");
}

/// This includes processes that the build has started, and those that ignore SIGTERM.
#[test]
fn an_interrupted_run_ends_its_build() {
    let emulator = Emulator::ministack().start();
    let (polite, stubborn) = ("", "trap '' TERM; ");
    for (command, signal, code, is) in [
        ("reconcile", "INT", 130, polite),
        ("plan", "TERM", 143, polite),
        ("plan", "KILL", 137, stubborn),
    ] {
        let build = format!("({is}echo up; sleep 60; echo left) > alive & wait");
        let function = json!({
            "runtime": "python3.13",
            "handler": "m.h",
            "code": { "path": "m.py", "build": build },
        });
        let stack = stack(&emulator, &function, &[]);
        let alive = stack.path("alive");
        let made = Command::new("mkfifo").arg(&alive).status().expect("mkfifo");
        assert!(made.success());
        let running = stack.start(&[command]);
        let mut alive = BufReader::new(File::open(alive).expect("a pipe"));
        let mut said = String::new();
        alive.read_line(&mut said).expect("a line");
        running.signal(signal);
        running.wait().code(code);
        // Until every process that could write to it has ended.
        alive.read_to_string(&mut said).expect("text");
        assert_eq!(said, "up\n", "{command}, {signal}");
    }
}
