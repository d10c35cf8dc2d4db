//! The command that resumes an interrupted or failed run, for the user to copy.

use std::borrow::Cow;
use std::path::PathBuf;

use super::{Cli, Command, TargetArgs};

impl Cli {
    /// Returns the command that resumes this one, quoted for a shell: `stackwright reconcile` with the
    /// options that select the stack and its resources.
    pub fn resume_command(&self) -> String {
        let (mut named, mut saved) = (None, None);
        let everything = TargetArgs::default();
        let (name, stack, target, flags) = match &self.command {
            // A saved plan cannot be applied twice. A new plan shows the changes that remain.
            Command::Reconcile { stack, target, plan: Some(file), .. } => {
                saved = Some(file.display().to_string());
                ("plan", stack.stack(), target, Vec::new())
            }
            Command::Reconcile { stack, target, adopt, no_check, .. } => {
                let flags = vec![(*adopt, "--adopt"), (*no_check, "--no-check")];
                ("reconcile", stack.stack(), target, flags)
            }
            Command::Destroy { stack, recorded, target, .. } => {
                named = recorded.name.clone();
                ("destroy", stack.stack(), target, Vec::new())
            }
            Command::Check { stack } => ("check", stack.stack(), &everything, Vec::new()),
            _ => return "stackwright".to_owned(),
        };
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let mut words = vec!["stackwright".to_owned(), name.to_owned()];
        for (option, value) in [
            ("-C", path(&self.global.chdir)),
            ("-f", path(&stack.file)),
            ("--stack", named),
            ("--cloud", stack.cloud),
            ("--region", stack.region),
            ("--profile", stack.profile),
            ("--out", saved),
        ] {
            if let Some(value) = value {
                words.extend([option.to_owned(), quoted(&value).into_owned()]);
            }
        }
        for (option, addresses) in [("--target", &target.targets), ("--exclude", &target.excluded)]
        {
            words.extend(addresses.iter().flat_map(|of| [option.to_owned(), of.to_string()]));
        }
        words.extend(
            flags.iter().filter(|(is_given, _)| *is_given).map(|(_, flag)| (*flag).to_owned()),
        );
        words.join(" ")
    }
}

/// Quotes a word for a shell, if it needs quotes.
pub fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', r"'\''")).into()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[track_caller]
    fn check(typed: &[&str], expected: &str) {
        let typed = ["stackwright"].iter().chain(typed);
        assert_eq!(Cli::try_parse_from(typed).expect("a command").resume_command(), expected);
    }

    #[test]
    fn the_resume_command_selects_the_same_stack_and_resources() {
        check(&["apply", "--yes", "--json"], "stackwright reconcile");
        check(
            &["-C", "my stacks", "up", "it's.yaml", "--cloud", "http://localhost:4566", "--adopt"],
            r"stackwright reconcile -C 'my stacks' -f 'it'\''s.yaml' --cloud http://localhost:4566 --adopt",
        );
        check(
            &["destroy", "-f", "a.yaml", "--region", "eu-west-1", "--profile", "me"],
            "stackwright destroy -f a.yaml --region eu-west-1 --profile me",
        );
        check(&["apply", "--plan", "my plan"], "stackwright plan --out 'my plan'");
        check(&["check", "--cloud", "aws"], "stackwright check --cloud aws");
        check(&["destroy", "--stack", "shop"], "stackwright destroy --stack shop");
        check(
            &["up", "--target", "role.a", "--exclude", "api.b", "--target", "api.c", "--no-check"],
            "stackwright reconcile --target role.a --target api.c --exclude api.b --no-check",
        );
    }
}
