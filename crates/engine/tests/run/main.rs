//! Whole runs of the engine against a cloud and a disk in memory.

mod blockers;
mod clones;
mod converge;
mod copies;
mod disk;
mod guards;
mod history;
mod interrupted;
mod options;
mod reasons;
mod renames;
mod retries;
mod scale;
mod simulation;
mod support;
mod unapplied;
