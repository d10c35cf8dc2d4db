//! Stacks that users of other tools reported as failing, each with the outcome that they should have had.

mod code;
mod files;
mod objects;

use stackwright_testkit::Emulator;

use crate::support::Sandbox;

/// A handler that answers.
const HANDLER: &str =
    "def handler(event, context):\n    return {'statusCode': 200, 'body': 'ok'}\n";

/// A stack with the files of a report.
fn stack(emulator: &Emulator, file: &str, files: &[(&str, &str)]) -> Sandbox {
    let stack = Sandbox::empty(emulator.port());
    stack.write("stack.yaml", file);
    for (name, text) in files {
        let folder = stack.path(name);
        std::fs::create_dir_all(folder.parent().expect("a folder")).expect("made");
        stack.write(name, text);
    }
    stack
}
