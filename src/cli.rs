//! The command line: commands, arguments, options, and their help.

mod options;
mod resume;
mod subcommands;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use stackwright_engine::Address;

pub use self::options::{ApplyArgs, Recorded, ReplaceArgs, Stack, StackPath, TargetArgs};
pub use self::resume::quoted;
pub use self::subcommands::{Local, State};

/// The heading of the options that all commands share.
const GLOBAL: &str = "Global options";

#[derive(Debug, Parser)]
#[command(name = "stackwright", version, propagate_version = true, max_term_width = 100)]
#[command(about = "Make a cloud match a file: EC2 instances, security groups,\n\
        IAM roles, Lambda functions and APIs.\n\n\
        `plan` compares stack.yaml with the state and the cloud, and shows the changes.\n\
        `reconcile` makes them. A run may be interrupted or killed at any time: the next\n\
        run finishes the job.")]
#[command(after_help = "\
Examples:
  stackwright plan                Show what would change
  stackwright reconcile           Make the cloud match stack.yaml
  stackwright destroy             Delete everything that the stack owns
  stackwright plan --cloud aws    Plan the same stack for AWS

Exit codes:
  0    success
  1    another error, a blocked plan, or you declined
  2    there are changes (with --detailed-exitcode)
  3    the cloud cannot be reached, or rejects the credentials or the account
  4    a resource failed
  5    a check failed
  6    another run is in progress
  64   wrong usage, or no such file or folder
  65   invalid stack file
  130  interrupted (SIGINT)
  143  terminated (SIGTERM)")]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
pub struct Global {
    /// Change to this folder first.
    #[arg(short = 'C', long, global = true, help_heading = GLOBAL, value_name = "FOLDER")]
    pub chdir: Option<PathBuf>,
    /// Print JSON: one document, or one event per line.
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub json: bool,
    /// Log every call to the cloud on stderr.
    #[arg(short, long, global = true, help_heading = GLOBAL, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Use colors; `auto` respects `NO_COLOR` and `TERM=dumb`.
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what `reconcile` would change, and why.
    #[command(
        visible_alias = "diff",
        after_help = "\
Examples:
  stackwright plan
  stackwright plan --target function.api    Only this function and what it needs
  stackwright plan --out plan.json          Save the plan...
  stackwright reconcile --plan plan.json    ...and apply exactly that plan"
    )]
    Plan {
        #[command(flatten)]
        stack: StackPath,
        #[command(flatten)]
        target: TargetArgs,
        #[command(flatten)]
        replace: ReplaceArgs,
        /// Plan as `reconcile --adopt` would.
        #[arg(long)]
        adopt: bool,
        /// Save the plan to this file, for `reconcile --plan`.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Exit with 2 if the plan has changes.
        #[arg(long)]
        detailed_exitcode: bool,
        /// Plan without calling the cloud, as if nothing existed. Only for a stack that has no resources yet.
        #[arg(long, conflicts_with_all = ["out", "adopt", "replaced", "refresh_image"])]
        offline: bool,
    },
    /// Make the cloud match the file, then run the file's checks.
    #[command(visible_aliases = ["apply", "up"], after_help = "\
Examples:
  stackwright reconcile
  stackwright reconcile --yes                     Never ask, for example in CI
  stackwright reconcile --replace instance.web    Create a new instance")]
    Reconcile {
        #[command(flatten)]
        stack: StackPath,
        #[command(flatten)]
        apply: ApplyArgs,
        #[command(flatten)]
        target: TargetArgs,
        #[command(flatten)]
        replace: ReplaceArgs,
        /// Adopt objects that belong to another copy of this stack's state, and roles and functions
        /// of no stack that have a name from the file.
        #[arg(long)]
        adopt: bool,
        /// Apply exactly this plan of `plan --out`; fail if it is no longer valid.
        #[arg(
            long,
            value_name = "FILE",
            conflicts_with_all = ["targets", "excluded", "replaced", "refresh_image", "adopt"]
        )]
        plan: Option<PathBuf>,
        /// Do not run the checks.
        #[arg(long)]
        no_check: bool,
        /// Exit with 2 if something was changed.
        #[arg(long)]
        detailed_exitcode: bool,
    },
    /// Delete all resources in the state, or some of them.
    #[command(
        visible_alias = "down",
        mut_arg("targets", |arg| arg.help("Delete only this resource and what depends on it (repeatable)")),
        mut_arg("excluded", |arg| arg.help("Keep this resource and what it depends on (repeatable)")),
        after_help = "\
A resource with `protect: true` blocks the command. A resource with
`retain: true` is released: its object stays in the cloud.

Examples:
  stackwright destroy
  stackwright destroy --target role.api    Only this role and what uses it
  stackwright destroy --stack my-stack     Without the stack file"
    )]
    Destroy {
        #[command(flatten)]
        stack: StackPath,
        #[command(flatten)]
        recorded: Recorded,
        #[command(flatten)]
        apply: ApplyArgs,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Report the problems in the file, without calling the cloud.
    #[command(
        after_help = "Of more than 20 problems, the first ones are printed; `--json` lists all."
    )]
    Validate {
        #[command(flatten)]
        stack: StackPath,
    },
    /// Explain one planned change: its cause, its losses, how to avoid it.
    #[command(after_help = "\
Example:
  stackwright explain function.api")]
    Explain {
        /// Address of the resource, for example `instance.web`.
        address: Address,
        #[command(flatten)]
        stack: Stack,
        #[command(flatten)]
        replace: ReplaceArgs,
        /// Plan as `reconcile --adopt` would.
        #[arg(long)]
        adopt: bool,
    },
    /// Show what differs in the cloud from what was last applied.
    Drift {
        #[command(flatten)]
        stack: StackPath,
        /// Exit with 2 if there is drift.
        #[arg(long)]
        detailed_exitcode: bool,
    },
    /// Show the resources in the state. Needs no network.
    Show {
        /// Show only this resource, and its configuration as it was last applied.
        address: Option<String>,
        #[command(flatten)]
        stack: Stack,
        #[command(flatten)]
        recorded: Recorded,
        /// Also read the cloud: power state, public address.
        #[arg(long)]
        live: bool,
    },
    /// Print the outputs of the file. Needs no network.
    #[command(after_help = "\
Examples:
  stackwright output
  curl \"$(stackwright output url)\"         Only the value of one output
  eval \"$(stackwright output --format env)\"")]
    Output {
        /// Print only the value of this output.
        name: Option<String>,
        #[command(flatten)]
        stack: Stack,
        /// Format of the list; `env` prints `export` lines for a shell.
        #[arg(long, default_value = "text")]
        format: Format,
    },
    /// Run the file's checks.
    Check {
        #[command(flatten)]
        stack: StackPath,
    },
    /// Invoke a function of the stack and print its response.
    #[command(after_help = "\
Example:
  stackwright invoke api --payload '{\"action\": \"status\"}'")]
    Invoke {
        /// Address of the function, or its key: `function.api` or `api`.
        function: String,
        /// Event for the function, as JSON; `-` reads it from stdin.
        #[arg(short, long, default_value = "{}")]
        payload: String,
        /// The event where `--payload` was forgotten.
        #[arg(hide = true)]
        bare: Option<String>,
        #[command(flatten)]
        stack: Stack,
        #[command(flatten)]
        recorded: Recorded,
    },
    /// Print the log of a function of the stack.
    Logs {
        /// Address of the function, or its key: `function.api` or `api`.
        function: String,
        /// Keep printing new lines until interrupted.
        #[arg(long)]
        follow: bool,
        #[command(flatten)]
        stack: Stack,
        #[command(flatten)]
        recorded: Recorded,
    },
    /// Import an existing object into the state.
    #[command(after_help = "\
Write the resource into the file first, then import the object. `plan` then
shows what differs, and `reconcile` changes it.

Example:
  stackwright import instance.web i-0123456789abcdef0")]
    Import {
        /// Address of the resource in the file, for example `instance.web`.
        address: Address,
        /// Id of the object: the id of an instance, security group, address or REST API; the name of a role,
        /// function or key pair; the ARN of a policy.
        id: String,
        #[command(flatten)]
        stack: Stack,
        /// Import the object even if it belongs to another copy of this stack's state.
        #[arg(long)]
        adopt: bool,
    },
    /// Inspect, change or repair the state.
    #[command(subcommand)]
    State(State),
    /// Manage the local cloud, an AWS emulator on this machine.
    #[command(subcommand)]
    Local(Local),
    /// Print the JSON schema of stack files, for editors.
    Schema {
        /// Print docs/fields.md instead: the fields of every resource type, as Markdown.
        #[arg(long, hide = true)]
        fields: bool,
    },
    /// Print the version.
    Version,
}

impl Command {
    /// What may be an address and stands where the stack file would, in a command that has `--target`.
    pub fn misplaced_target(&self) -> Option<Address> {
        let (Self::Plan { stack, .. }
        | Self::Reconcile { stack, .. }
        | Self::Destroy { stack, .. }) = self
        else {
            return None;
        };
        stack.path.as_ref()?.to_str()?.parse().ok()
    }

    /// Tells whether the command may change the cloud or the state.
    pub fn changes(&self) -> bool {
        match self {
            Self::Reconcile { .. } | Self::Destroy { .. } | Self::Import { .. } => true,
            Self::State(command) => {
                matches!(command, State::Mv { .. } | State::Rm { .. } | State::Rebuild { .. })
            }
            _ => false,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    Text,
    Json,
    Env,
}
