//! Keeps the double and a stack for a profiler: `perf record -g`, `valgrind --tool=callgrind`, `samply`.

use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use stackwright_testkit::Double;

use crate::Result;
use crate::sandbox::beside;
use crate::stack::{Edition, Shape};

/// Prints where the stack is and how it is reached, and returns when its input ends.
///
/// # Errors
/// The folder cannot be written.
pub fn serve(binary: &Path, resources: usize) -> Result<()> {
    let shape = Shape::of(resources);
    let double = Double::start(Duration::ZERO);
    let sandbox = beside(&double, binary, f64::INFINITY, &shape.yaml(Edition::First))?;
    std::fs::write(sandbox.path("second.yaml"), shape.yaml(Edition::Second))?;
    println!(
        "cd {} && {} reconcile --yes --no-check --cloud {}\n\
         The file `second.yaml` differs in one field of each resource. This ends with its input.",
        sandbox.path("").display(),
        binary.display(),
        double.url(),
    );
    std::io::stdin().read_to_end(&mut Vec::new())?;
    println!("{:#?}", double.take_calls());
    Ok(())
}
