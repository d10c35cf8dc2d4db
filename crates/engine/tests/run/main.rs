//! Whole runs of the engine against a cloud and a disk in memory.

mod asked;
mod converge;
mod disk;
mod held;
mod history;
mod interrupted;
mod simulation;
mod support;
mod told;
