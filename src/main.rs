//! The `stackwright` program: parses the arguments, runs a command, returns its exit code.

mod cli;
mod commands;
mod environment;
mod error;
mod exit;
mod print;
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
            let stream = if error.use_stderr() { "stderr" } else { "stdout" };
            print::remember(stream, error.print());
            return ended(if error.use_stderr() { code::USAGE } else { 0 });
        }
    };
    let json = cli.global.json.then(|| commands::prints_events(&cli.command));
    let done = match prepare(&cli.global) {
        Ok(()) => commands::run(cli).await,
        Err(error) => Err(error),
    };
    ended(done.unwrap_or_else(|error| fail(&error, json)))
}

/// Returns the exit code of a command, and reports output that could not be written.
fn ended(code: u8) -> ExitCode {
    let Some(lost) = print::lost() else { return ExitCode::from(code) };
    print::err(&render::error::lost(lost));
    ExitCode::from(exit::without_output(code))
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
        .log_internal_errors(false)
        .init();
    Ok(())
}

/// Prints an error with its hints and returns its exit code. `json`: whether an event is printed or a
/// document; `None`: text.
fn fail(error: &error::Error, json: Option<bool>) -> u8 {
    let color = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let width = render::wrap::width(std::io::stderr());
    match json {
        None => print::stderr!("{}", render::error::report(error, color, width)),
        Some(true) => print::stdout!("{}", render::error::event(error)),
        Some(false) => print::stdout!("{:#}", render::error::document(error)),
    }
    exit::of(error)
}
