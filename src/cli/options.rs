//! The options that several commands share.

use std::path::PathBuf;

use clap::Args;
use stackwright_engine::Address;
use stackwright_engine::plan::Selection;

/// The heading of the options that select a stack.
const STACK: &str = "Stack options";

/// The options that select a stack and its cloud.
#[derive(Clone, Debug, Default, Args)]
pub struct Stack {
    /// Stack file [default: stack.yaml or stack.yml, here or in a parent folder].
    #[arg(short, long, value_name = "FILE", help_heading = STACK)]
    pub file: Option<PathBuf>,
    /// `local`, `aws` or `http://HOST:PORT`, instead of `cloud:` in the file.
    #[arg(long, help_heading = STACK)]
    pub cloud: Option<String>,
    /// AWS region, instead of `region:` in the file.
    #[arg(long, help_heading = STACK)]
    pub region: Option<String>,
    /// AWS profile that provides the credentials.
    #[arg(long, help_heading = STACK)]
    pub profile: Option<String>,
}

/// The options of [`Stack`], with the file also as a positional argument.
#[derive(Clone, Debug, Args)]
pub struct StackPath {
    /// Stack file, same as --file.
    #[arg(value_name = "FILE", conflicts_with = "file")]
    pub path: Option<PathBuf>,
    #[command(flatten)]
    pub stack: Stack,
}

impl StackPath {
    pub fn stack(&self) -> Stack {
        let file = self.path.clone().or_else(|| self.stack.file.clone());
        Stack { file, ..self.stack.clone() }
    }
}

/// The options that limit a plan to some resources.
#[derive(Clone, Debug, Default, Args)]
pub struct TargetArgs {
    /// Include only this resource and what its change depends on (repeatable).
    #[arg(long = "target", value_name = "ADDRESS")]
    pub targets: Vec<Address>,
    /// Leave out this resource and what depends on its change (repeatable).
    #[arg(long = "exclude", value_name = "ADDRESS")]
    pub excluded: Vec<Address>,
}

impl TargetArgs {
    /// Combines these options with those that force replacements.
    pub fn selection(self, replace: ReplaceArgs) -> Selection {
        Selection {
            targets: self.targets.into_iter().collect(),
            excluded: self.excluded.into_iter().collect(),
            replaced: replace.replaced.into_iter().collect(),
            refreshes: replace.refresh_image,
        }
    }
}

/// The options that replace resources although nothing in the file changed.
#[derive(Clone, Debug, Default, Args)]
pub struct ReplaceArgs {
    /// Replace this resource, even if nothing differs (repeatable).
    #[arg(long = "replace", value_name = "ADDRESS")]
    pub replaced: Vec<Address>,
    /// Look up images given by name or parameter again, and replace instances whose image changed.
    #[arg(long)]
    pub refresh_image: bool,
}

/// The options of commands that change the cloud.
#[derive(Clone, Debug, Args)]
pub struct ApplyArgs {
    /// Do not ask before deleting or replacing.
    #[arg(short, long, alias = "auto-approve")]
    pub yes: bool,
    /// Work on at most N resources at the same time.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: u16,
    /// What other tools call `plan`.
    #[arg(long, hide = true)]
    pub dry_run: bool,
}

/// The option that selects a stack by its state.
#[derive(Clone, Debug, Default, Args)]
pub struct Recorded {
    /// Use the state of this stack alone: the stack file is not read.
    #[arg(id = "recorded", long = "stack", value_name = "NAME")]
    pub name: Option<String>,
}
