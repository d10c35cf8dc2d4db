//! Whole runs of the engine against a cloud and a disk in memory.

mod asked;
mod converge;
mod disk;
mod guards;
mod held;
mod history;
mod interrupted;
mod renames;
mod simulation;
mod support;
mod told;
