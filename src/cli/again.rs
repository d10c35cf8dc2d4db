//! The command that goes on where one has stopped, for a person to copy.

use std::borrow::Cow;
use std::path::PathBuf;

use super::{Cli, Command};

impl Cli {
    /// The command that goes on where this one stops, as a shell takes it: `stackwright reconcile`
    /// with what says which stack, and how it is to be treated.
    pub fn again(&self) -> String {
        let (name, stack, part, flags) = match &self.command {
            // What was approved is begun, and a new plan has what is left of it.
            Command::Reconcile { stack, part, plan: Some(_), .. } => {
                ("plan", stack.stack(), part, vec![(true, "--out FILE")])
            }
            Command::Reconcile { stack, part, adopt, no_check, .. } => {
                let flags = vec![(*adopt, "--adopt"), (*no_check, "--no-check")];
                ("reconcile", stack.stack(), part, flags)
            }
            Command::Destroy { stack, part, .. } => ("destroy", stack.stack(), part, Vec::new()),
            _ => return "stackwright".to_owned(),
        };
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let mut words = vec!["stackwright".to_owned(), name.to_owned()];
        for (option, value) in [
            ("-C", path(&self.global.chdir)),
            ("-f", path(&stack.file)),
            ("--cloud", stack.cloud),
            ("--region", stack.region),
            ("--profile", stack.profile),
        ] {
            if let Some(value) = value {
                words.extend([option.to_owned(), quoted(&value).into_owned()]);
            }
        }
        for (option, addresses) in [("--target", &part.targets), ("--exclude", &part.excluded)] {
            words.extend(addresses.iter().flat_map(|of| [option.to_owned(), of.to_string()]));
        }
        words.extend(flags.iter().filter(|(given, _)| *given).map(|(_, flag)| (*flag).to_owned()));
        words.join(" ")
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")).into(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[track_caller]
    fn again(typed: &[&str], expected: &str) {
        let typed = ["stackwright"].iter().chain(typed);
        assert_eq!(Cli::try_parse_from(typed).expect("a command").again(), expected);
    }

    #[test]
    fn what_goes_on_names_the_same_stack() {
        again(&["apply", "--yes", "--json"], "stackwright reconcile");
        again(
            &["-C", "my stacks", "up", "it's.yaml", "--cloud", "http://localhost:4566", "--adopt"],
            r"stackwright reconcile -C 'my stacks' -f 'it'\''s.yaml' --cloud http://localhost:4566 --adopt",
        );
        again(
            &["destroy", "-f", "a.yaml", "--region", "eu-west-1", "--profile", "me"],
            "stackwright destroy -f a.yaml --region eu-west-1 --profile me",
        );
        again(
            &["up", "--target", "role.a", "--exclude", "api.b", "--target", "api.c", "--no-check"],
            "stackwright reconcile --target role.a --target api.c --exclude api.b --no-check",
        );
    }
}
