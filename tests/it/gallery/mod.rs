//! Everything that the program prints, as pages to read: `tests/gallery/NAME@WIDTH.snap`.
//!
//! A page is one command and all that a person saw of it: both streams, and the exit code. Each page is
//! there for a terminal of 80 columns and for one of 120. A changed sentence fails the page that it
//! stands on. To accept what was changed on purpose, and then to read it as a diff:
//!
//! ```sh
//! INSTA_UPDATE=always cargo test --test it -- gallery && git diff tests/gallery
//! ```

mod actions;
mod blocked;
mod complete;
mod diagnostics;
mod drift;
mod ends;
mod first;
mod help;
mod ownership;
mod scrub;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use stackwright_testkit::{Emulator, Proxy};

use crate::support::{Ran, Running, Sandbox};
use scrub::Scrub;

/// The columns of the terminals that the pages are made for.
const WIDTHS: [&str; 2] = ["80", "120"];

/// A stack that uses every kind, and has values that are longer than a line.
const STACK: &str = include_str!("stack.yaml");

/// What its function runs.
const HANDLER: &str =
    "def handler(event, context):\n    return {'statusCode': 200, 'body': 'ok'}\n";

/// Some commands on one stack, each a page. Pages that differ are reported together, at the end.
struct Story {
    stack: Sandbox,
    width: &'static str,
    scrub: Scrub,
    different: Vec<String>,
}

/// Tells a story once for each width, every time on an emulator of its own.
fn tell(emulator: fn() -> Emulator, story: impl Fn(&mut Story, &Emulator)) {
    for width in WIDTHS {
        let emulator = emulator();
        story(&mut Story::at(width, emulator.port()), &emulator);
    }
}

fn ministack() -> Emulator {
    Emulator::ministack().start()
}

fn moto() -> Emulator {
    Emulator::moto().start()
}

impl Story {
    /// The stack in a folder of its own; nothing has been run yet.
    fn at(width: &'static str, port: u16) -> Self {
        Self {
            stack: Self::folder(width, port),
            width,
            scrub: Scrub::default(),
            different: Vec::new(),
        }
    }

    /// A folder with the stack in it, as a clone of its repository would be.
    fn folder(width: &'static str, port: u16) -> Sandbox {
        let stack = Sandbox::empty(port).env("COLUMNS", width);
        stack.write("stack.yaml", STACK);
        std::fs::create_dir(stack.path("handler")).expect("a folder");
        stack.write("handler/app.py", HANDLER);
        stack
    }

    /// Runs a command and compares what it printed with the page of that name.
    fn page(&mut self, name: &str, arguments: &[&str], code: i32) {
        let ran = self.stack.run(arguments);
        self.compare(name, arguments, &ran.code(code));
    }

    /// As [`page`](Self::page), for what another clone of the same repository prints.
    fn page_of(&mut self, clone: &Sandbox, name: &str, arguments: &[&str], code: i32) {
        let ran = clone.run(arguments).code(code);
        self.compare(name, arguments, &ran);
    }

    /// Starts a command behind a proxy; [`ended`](Self::ended) makes the page of it.
    fn start_through(&mut self, proxy: &Proxy, arguments: &[&str]) -> Running {
        self.scrub.learn(&self.stack);
        let port = self.stack.port();
        self.stack.go_through(proxy.port());
        let running = self.stack.start(arguments);
        self.stack.go_through(port);
        running
    }

    /// As [`page`](Self::page), of what was started before.
    fn ended(&mut self, name: &str, arguments: &[&str], running: Running, code: i32) {
        let ran = running.wait().code(code);
        self.compare(name, arguments, &ran);
    }

    /// As [`page`](Self::page), with a proxy before the emulator.
    fn page_through(&mut self, proxy: &Proxy, name: &str, arguments: &[&str], code: i32) {
        let running = self.start_through(proxy, arguments);
        self.ended(name, arguments, running, code);
    }

    fn compare(&mut self, name: &str, arguments: &[&str], ran: &Ran) {
        self.scrub.learn(&self.stack);
        let text = page(arguments, ran);
        let text = self.scrub.scrubbed(&text);
        self.different.extend(differs(&format!("{name}@{}", self.width), &text));
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.different.is_empty(), "these pages differ: {:?}", self.different);
        }
    }
}

/// The command, what it printed, and how it ended.
fn page(arguments: &[&str], ran: &Ran) -> String {
    let mut text = format!("$ stackwright {}\n", arguments.join(" "));
    for (stream, printed) in [("stderr", &ran.stderr), ("stdout", &ran.stdout)] {
        if !printed.is_empty() {
            text.push_str(&format!("\n── {stream}\n{printed}"));
        }
    }
    format!("{text}\n── exit {}\n", ran.code)
}

/// The name of a page that is not as it is kept. The difference is printed.
fn differs(name: &str, text: &str) -> Option<String> {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(gallery());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (pattern, instead) in scrub::FILTERS {
        settings.add_filter(pattern, *instead);
    }
    let compared = || settings.bind(|| insta::assert_snapshot!(name, text));
    catch_unwind(AssertUnwindSafe(compared)).err().map(|_| name.to_owned())
}

/// The folder of all pages.
fn gallery() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gallery"))
}
