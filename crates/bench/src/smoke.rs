//! Takes a small stack through its whole life: it shows that what is measured works, and measures nothing.

use std::path::Path;

use stackwright_testkit::{Calls, Double};

use crate::Result;
use crate::sandbox::{Sandbox, beside};
use crate::stack::{Edition, Shape};

/// What the runs called, and which objects there were after them.
#[derive(Clone, Debug)]
pub struct Smoke {
    pub shape: Shape,
    pub create: Step,
    pub nothing: Step,
    pub update: Step,
    pub destroy: Step,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Step {
    pub calls: Calls,
    /// How many objects there are after it, all kinds together.
    pub objects: usize,
}

/// Creates a stack of ten resources, reconciles it without a change, updates it and destroys it.
///
/// # Errors
/// A run fails.
pub fn run(binary: &Path) -> Result<Smoke> {
    const LIMIT: f64 = 300.0;
    let shape = Shape::of(10);
    let double = Double::checked();
    let sandbox = beside(&double, binary, LIMIT, &shape.yaml(Edition::First))?;
    let reconcile = ["reconcile", "--yes", "--no-check"];
    let create = step(&double, &sandbox, &reconcile)?;
    let nothing = step(&double, &sandbox, &reconcile)?;
    sandbox.write(&shape.yaml(Edition::Second))?;
    let update = step(&double, &sandbox, &reconcile)?;
    let destroy = step(&double, &sandbox, &["destroy", "--yes"])?;
    Ok(Smoke { shape, create, nothing, update, destroy })
}

fn step(double: &Double, sandbox: &Sandbox, arguments: &[&str]) -> Result<Step> {
    sandbox.run(arguments)?.ok()?;
    Ok(Step { calls: double.take_calls(), objects: double.counts().values().sum() })
}
