//! The `stackwright` program: parses the arguments, runs a command, returns its exit code.

mod arguments;
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

use crate::arguments::{Arguments, Errors, NoCommand};
use crate::cli::{Color, Global};
use crate::error::Result;
use crate::exit::code;

// One thread: a run mostly waits, and to wake another thread for each answer costs more than the answer.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Arguments { cli, errors } = match arguments::read(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(no_command) => return ended(without_command(no_command), false),
    };
    let changes = cli.command.changes();
    let done = match prepare(&cli.global) {
        Ok(()) => commands::run(cli, errors == Errors::Event).await,
        Err(error) => Err(error),
    };
    ended(done.unwrap_or_else(|error| fail(&error, errors)), changes)
}

/// Prints help, the version, or why the arguments are no command.
fn without_command(no_command: NoCommand) -> u8 {
    match no_command {
        NoCommand::Help(help) => print::remember("stdout", help.print()),
        NoCommand::Version { json } => commands::version(json),
        // clap exits with 2 on a usage error; here 2 means changes, so usage errors exit with 64.
        NoCommand::Wrong { error, errors } => {
            match errors {
                Errors::Text => print::remember("stderr", error.print()),
                Errors::Document => print::stdout!("{:#}", render::usage::document(&error)),
                Errors::Event => print::stdout!("{}", render::usage::event(&error)),
            }
            return code::USAGE;
        }
    }
    0
}

/// Returns the exit code of a command, and reports output that could not be written. `changes`: whether the
/// command may have changed something.
fn ended(code: u8, changes: bool) -> ExitCode {
    let Some(lost) = print::lost() else { return ExitCode::from(code) };
    print::err(&render::error::lost(lost, changes));
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
            .map_err(|source| error::Error::given("--chdir", folder, source))?;
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

/// Prints an error with its hints and returns its exit code.
fn fail(error: &error::Error, errors: Errors) -> u8 {
    match errors {
        Errors::Text => {
            let stderr = std::io::stderr();
            let color = anstream::AutoStream::choice(&stderr) != anstream::ColorChoice::Never;
            let width = render::wrap::width(stderr);
            print::stderr!("{}", render::error::report(error, color, width));
        }
        Errors::Document => print::stdout!("{:#}", render::error::document(error)),
        Errors::Event => print::stdout!("{}", render::error::event(error)),
    }
    exit::of(error)
}
