//! The whole program against real emulators: MiniStack, which runs functions and serves APIs, and
//! moto, which knows more of AWS's rules.

mod access;
mod auth;
mod aws;
mod bench_smoke;
mod builds;
mod cli;
mod cors;
mod ctrl_c;
mod edits;
mod faults;
mod gallery;
mod instances;
mod interrupted;
mod invariants;
mod manifest;
mod many_roles;
mod matrix;
mod models;
mod output;
mod ownership;
mod policies;
mod power;
mod prober;
mod profiles;
mod progress;
mod reported;
mod sample;
mod secrets;
mod security_groups;
mod strict;
mod support;
mod torture;
mod verbs;
mod windows;
mod without_file;
