//! The `stackwright` program: parses the arguments, runs a command, returns its exit code.

mod cli;
mod commands;
mod environment;
mod error;
mod exit;
mod progress;
mod render;
mod signals;
mod workspace;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Color, Global};
use crate::error::Result;
use crate::exit::code;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are printed to stdout and are no error. clap exits with 2 on a usage error;
            // here 2 means changes, so usage errors exit with 64.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { code::USAGE } else { 0 });
        }
    };
    match prepare(&cli.global) {
        Ok(()) => {}
        Err(error) => return fail(&error),
    }
    match commands::run(cli).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(&error),
    }
}

/// Applies the global options: colors, folder, log.
fn prepare(global: &Global) -> Result<()> {
    let choice = match global.color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
    if let Some(folder) = &global.chdir {
        std::env::set_current_dir(folder)
            .map_err(|source| error::Error::Read { path: folder.clone(), source })?;
    }
    let level = match global.verbose {
        0 => return Ok(()),
        _ => "stackwright=debug,stackwright_aws=debug,stackwright_local=debug",
    };
    tracing_subscriber::fmt()
        .with_env_filter(level)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .init();
    Ok(())
}

/// Prints an error with its hints and returns its exit code.
fn fail(error: &error::Error) -> ExitCode {
    let color = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let width = render::wrap::width(std::io::stderr());
    anstream::eprintln!("{}", render::error::report(error, color, width));
    ExitCode::from(exit::of(error))
}
