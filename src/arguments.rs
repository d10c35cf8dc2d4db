//! From the arguments of the program to a command, or to what is wrong with them.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};

use crate::cli::Cli;
use crate::commands;

/// A command, and how its errors are printed.
pub struct Arguments {
    pub cli: Cli,
    pub errors: Errors,
}

/// How an error is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errors {
    Text,
    /// As one document: `--json` for a command that prints one.
    Document,
    /// As an event: `--json` for a command that prints events.
    Event,
}

/// Why there is no command to run.
pub enum NoCommand {
    /// Help, as text, was asked for.
    Help(clap::Error),
    /// The version was asked for. `json`: as a document.
    Version {
        json: bool,
    },
    Wrong {
        error: clap::Error,
        errors: Errors,
    },
}

/// Reads the arguments of the program, its name first.
pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, NoCommand> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let no_command = |error: clap::Error| match error.kind() {
        ErrorKind::DisplayVersion => NoCommand::Version { json: asks_for_json(&arguments) },
        _ if !error.use_stderr() => NoCommand::Help(error),
        _ => NoCommand::Wrong { error, errors: errors_of_wrong(&arguments) },
    };
    let matches = Cli::command().try_get_matches_from(&arguments).map_err(no_command)?;
    let errors = errors(&matches, matches.get_flag("json"));
    let cli = Cli::from_arg_matches(&matches).map_err(no_command)?;
    Ok(Arguments { cli, errors })
}

fn asks_for_json(arguments: &[OsString]) -> bool {
    arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json")
}

fn errors(matches: &ArgMatches, json: bool) -> Errors {
    let mut names = Vec::new();
    let mut next = matches.subcommand();
    while let Some((name, below)) = next {
        names.push(name);
        next = below.subcommand();
    }
    if !json {
        Errors::Text
    } else if commands::prints_events(&names) {
        Errors::Event
    } else {
        Errors::Document
    }
}

/// How the error of arguments is printed that are no command, or not a whole one.
fn errors_of_wrong(arguments: &[OsString]) -> Errors {
    let lenient = Cli::command().ignore_errors(true).try_get_matches_from(arguments);
    let json = asks_for_json(arguments);
    lenient.map_or(if json { Errors::Document } else { Errors::Text }, |found| errors(&found, json))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How the error of wrong arguments is printed.
    fn wrong(arguments: &[&str]) -> Errors {
        let words = ["stackwright"].iter().chain(arguments).map(OsString::from);
        match read(words) {
            Err(NoCommand::Wrong { errors, .. }) => errors,
            _ => panic!("{arguments:?} are right"),
        }
    }

    #[test]
    fn an_error_is_printed_as_the_command_prints() {
        assert_eq!(wrong(&["plan", "--nope"]), Errors::Text);
        assert_eq!(wrong(&["plan", "--nope", "--", "--json"]), Errors::Text);
        assert_eq!(wrong(&["plan", "--nope", "--json"]), Errors::Document);
        assert_eq!(wrong(&["--json"]), Errors::Document);
        assert_eq!(wrong(&["--json", "frobnicate"]), Errors::Document);
        assert_eq!(wrong(&["apply", "--json", "--nope"]), Errors::Event);
        assert_eq!(wrong(&["--json", "state", "mv", "role.a"]), Errors::Event);
        assert_eq!(wrong(&["--json", "state", "show"]), Errors::Document);
    }

    #[test]
    fn the_version_is_asked_for_with_and_without_json() {
        let json = |arguments: &[&str]| match read(arguments.iter().map(OsString::from)) {
            Err(NoCommand::Version { json }) => Some(json),
            _ => None,
        };
        assert_eq!(json(&["stackwright", "--version"]), Some(false));
        assert_eq!(json(&["stackwright", "--json", "--version"]), Some(true));
        assert_eq!(json(&["stackwright", "plan", "--version", "--json"]), Some(true));
    }
}
