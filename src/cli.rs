//! What can be typed.

mod again;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use stackwright_engine::Address;
use stackwright_engine::plan::Selection;

/// Makes a cloud match a file: instances, roles, functions and API routes from one stack.yaml.
///
/// `reconcile` compares the file with its state and with what exists, and makes the difference.
/// Any run can be repeated, interrupted or killed; the next one finishes the job.
#[derive(Debug, Parser)]
#[command(name = "stackwright", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 success; 1 other error, or declined; 2 changes present (with \
    --detailed-exitcode); 3 credentials, endpoint or account; 4 a resource failed; 5 a check \
    failed; 6 locked by another run; 64 usage; 65 invalid stack file; 130/143 interrupted."
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
pub struct Global {
    /// Go to this folder first.
    #[arg(short = 'C', long, global = true, value_name = "FOLDER")]
    pub chdir: Option<PathBuf>,
    /// One JSON document on stdout, or one event a line.
    #[arg(long, global = true)]
    pub json: bool,
    /// Tell every call on stderr.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Colours: `NO_COLOR` and `TERM=dumb` are honoured too.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

/// Which stack, on which cloud.
#[derive(Clone, Debug, Default, Args)]
pub struct Stack {
    /// The stack file. Default: stack.yaml or stack.yml, here or in a folder above.
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// `local`, `aws` or `http://host:port`, instead of the file's `cloud:`.
    #[arg(long)]
    pub cloud: Option<String>,
    /// Instead of the file's `region:`.
    #[arg(long)]
    pub region: Option<String>,
    /// The AWS profile to sign with.
    #[arg(long)]
    pub profile: Option<String>,
}

/// A stack that may also be named by position.
#[derive(Clone, Debug, Args)]
pub struct StackPath {
    /// The stack file; the same as --file.
    #[arg(value_name = "FILE", conflicts_with = "file")]
    pub path: Option<PathBuf>,
    #[command(flatten)]
    pub stack: Stack,
}

impl Part {
    /// With what is to be made anew.
    pub fn selection(self, anew: Anew) -> Selection {
        Selection {
            targets: self.targets.into_iter().collect(),
            excluded: self.excluded.into_iter().collect(),
            replaced: anew.replaced.into_iter().collect(),
            refreshes: anew.refresh_image,
        }
    }
}

impl StackPath {
    pub fn stack(&self) -> Stack {
        let file = self.path.clone().or_else(|| self.stack.file.clone());
        Stack { file, ..self.stack.clone() }
    }
}

/// A part of a plan.
#[derive(Clone, Debug, Default, Args)]
pub struct Part {
    /// Only this address, and what its steps need; may be given more than once.
    #[arg(long = "target", value_name = "ADDRESS")]
    pub targets: Vec<Address>,
    /// Not this address, nor what needs its steps; may be given more than once.
    #[arg(long = "exclude", value_name = "ADDRESS")]
    pub excluded: Vec<Address>,
}

/// What is done anew, though nothing differs.
#[derive(Clone, Debug, Default, Args)]
pub struct Anew {
    /// Make this address anew, though nothing differs; may be given more than once.
    #[arg(long = "replace", value_name = "ADDRESS")]
    pub replaced: Vec<Address>,
    /// Look up anew which image is meant where the file does not give its id; another one means another
    /// instance.
    #[arg(long)]
    pub refresh_image: bool,
}

#[derive(Clone, Debug, Args)]
pub struct Writing {
    /// Do not ask before deleting or replacing.
    #[arg(short, long)]
    pub yes: bool,
    /// Operations under way at once.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: u16,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the cloud match the file, then run its checks.
    #[command(visible_aliases = ["apply", "up"])]
    Reconcile {
        #[command(flatten)]
        stack: StackPath,
        #[command(flatten)]
        writing: Writing,
        #[command(flatten)]
        part: Part,
        #[command(flatten)]
        anew: Anew,
        /// Take over objects of this stack's name that another state made, and roles and functions of
        /// nobody's stack whose names the file gives.
        #[arg(long)]
        adopt: bool,
        /// Do exactly what `plan --out` wrote here; refused when it would be otherwise now.
        #[arg(
            long,
            value_name = "FILE",
            conflicts_with_all = ["targets", "excluded", "replaced", "refresh_image", "adopt"]
        )]
        plan: Option<PathBuf>,
        /// Do not run the checks.
        #[arg(long)]
        no_check: bool,
        /// Exit with 2 when something was changed.
        #[arg(long)]
        detailed_exitcode: bool,
    },
    /// Show what reconcile would do, and why. Writes nothing, takes no lock.
    #[command(visible_alias = "diff")]
    Plan {
        #[command(flatten)]
        stack: StackPath,
        #[command(flatten)]
        part: Part,
        #[command(flatten)]
        anew: Anew,
        /// Plan as `reconcile --adopt` would.
        #[arg(long)]
        adopt: bool,
        /// Keep the plan in a file, for `reconcile --plan`.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Exit with 2 when something would be changed.
        #[arg(long)]
        detailed_exitcode: bool,
    },
    /// Say of one resource what would happen to it, which field and which rule make it so, through
    /// which references, what would be lost, and how to avoid it.
    Explain {
        /// `kind.key`
        address: Address,
        #[command(flatten)]
        stack: Stack,
        #[command(flatten)]
        anew: Anew,
        /// Plan as `reconcile --adopt` would.
        #[arg(long)]
        adopt: bool,
    },
    /// Show what differs in the cloud from what was last applied, whatever the file says.
    Drift {
        #[command(flatten)]
        stack: StackPath,
        /// Exit with 2 when something differs.
        #[arg(long)]
        detailed_exitcode: bool,
    },
    /// Take up an object that somebody else made. Nothing changes in the cloud until `reconcile`.
    Import {
        /// The address in the file that it shall have: `kind.key`
        address: Address,
        /// What the cloud calls it: instance id, role name, function name, REST API id.
        id: String,
        #[command(flatten)]
        stack: Stack,
        /// Take it over also where another state of this stack made it.
        #[arg(long)]
        adopt: bool,
    },
    /// Show what the state holds; with an address, that resource alone. Needs no network.
    Show {
        /// `kind.key`
        address: Option<String>,
        #[command(flatten)]
        stack: Stack,
        /// Also what exists now: power state, public address.
        #[arg(long)]
        live: bool,
    },
    /// Print the file's outputs; with a name, the bare value alone. Needs no network.
    Output {
        name: Option<String>,
        #[command(flatten)]
        stack: Stack,
        #[arg(long, default_value = "text")]
        format: Format,
    },
    /// Report everything that is wrong in the file, before any call.
    Validate {
        #[command(flatten)]
        stack: StackPath,
    },
    /// Print the JSON schema of stack files, for editors.
    Schema {
        /// The fields of every kind as Markdown instead: docs/fields.md.
        #[arg(long, hide = true)]
        fields: bool,
    },
    /// Delete everything the state knows, or a part of it.
    #[command(visible_alias = "down")]
    Destroy {
        #[command(flatten)]
        stack: StackPath,
        #[command(flatten)]
        writing: Writing,
        #[command(flatten)]
        part: Part,
    },
    /// Run the file's checks against what exists.
    Check {
        #[command(flatten)]
        stack: StackPath,
    },
    /// Call a function of the stack directly and print what it answers.
    Invoke {
        /// `function.KEY`, or the key alone.
        function: String,
        /// The event, as JSON; `-` reads stdin.
        #[arg(short, long, default_value = "{}")]
        payload: String,
        #[command(flatten)]
        stack: Stack,
    },
    /// Print what a function of the stack has logged.
    Logs {
        /// `function.KEY`, or the key alone.
        function: String,
        /// Go on printing until interrupted.
        #[arg(long)]
        follow: bool,
        #[command(flatten)]
        stack: Stack,
    },
    /// What is remembered of the stack.
    #[command(subcommand)]
    State(State),
    /// The local cloud: an AWS emulator on this machine.
    #[command(subcommand)]
    Local(Local),
    /// Print the version.
    Version,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    Text,
    Json,
    /// `export NAME='value'` lines for a shell.
    Env,
}

#[derive(Debug, Subcommand)]
pub enum State {
    /// List the addresses that the state knows, with their ids. Needs no network.
    List {
        #[command(flatten)]
        stack: StackPath,
    },
    /// Print what the state holds of one address, as JSON. Needs no network.
    Show {
        /// `kind.key`
        address: Address,
        #[command(flatten)]
        stack: Stack,
    },
    /// Give what the state knows another address, as `renamed_from:` in the file does. Needs no
    /// network.
    Mv {
        /// The address that it has: `kind.key`
        from: Address,
        /// The address that it shall have.
        to: Address,
        #[command(flatten)]
        stack: Stack,
    },
    /// Forget an object. It stays in the cloud, without the tags that say whose it is.
    Rm {
        /// `kind.key`
        address: Address,
        /// Also where it cannot be looked at: it keeps its tags then, by which `--adopt` finds it again.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        stack: Stack,
    },
    /// Make damaged state files anew: from what is readable in them, and from the tags of what
    /// exists. Copies of the files are kept.
    Rebuild {
        #[command(flatten)]
        stack: StackPath,
        /// Take over objects of this stack's name that another state made.
        #[arg(long)]
        adopt: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum Local {
    /// Use what answers on the port, else install and start an emulator.
    Up,
    /// Stop it; what it holds is kept for the next start.
    Down,
    /// Tell what runs and where it keeps things.
    Status,
    /// Print the emulator's log.
    Logs,
    /// Empty it: every object in it is gone.
    Reset {
        /// Do not ask.
        #[arg(short, long)]
        yes: bool,
    },
    /// Let deployed APIs, and nothing else, be reached on a port of their own, until interrupted.
    Expose {
        #[arg(long, default_value_t = 4567)]
        port: u16,
    },
}
