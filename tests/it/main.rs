//! The whole program against real emulators: MiniStack, which runs functions and serves APIs, and
//! moto, which knows more of AWS's rules.

mod auth;
mod builds;
mod cli;
mod cors;
mod edits;
mod faults;
mod instances;
mod interrupted;
mod invariants;
mod manifest;
mod matrix;
mod notes;
mod outside;
mod ownership;
mod power;
mod prober;
mod profiles;
mod sample;
mod secrets;
mod strict;
mod support;
mod told;
mod torture;
mod verbs;
mod windows;
