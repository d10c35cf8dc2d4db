//! The commands below `state` and `local`.

use clap::Subcommand;
use stackwright_engine::Address;

use super::options::{Stack, StackPath};

#[derive(Debug, Subcommand)]
pub enum State {
    /// List the resources in the state and their ids. Needs no network.
    List {
        #[command(flatten)]
        stack: StackPath,
    },
    /// Print one resource of the state as JSON. Needs no network.
    Show {
        /// Address of the resource, for example `instance.web`.
        address: Address,
        #[command(flatten)]
        stack: Stack,
    },
    /// Change the address of a resource, as `renamed_from` in the file does. Needs no network.
    Mv {
        /// Current address of the resource.
        from: Address,
        /// New address of the resource.
        to: Address,
        #[command(flatten)]
        stack: Stack,
    },
    /// Release a resource: remove it from the state and keep its object in the cloud.
    #[command(after_help = "The object loses the tags that mark it as owned by this stack.")]
    Rm {
        /// Address of the resource, for example `instance.web`.
        address: Address,
        /// Release the resource even if its object cannot be read, or belongs to another stack or another
        /// copy of this state by now. The object then keeps its tags, and `--adopt` finds it again if it is
        /// this stack's.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        stack: Stack,
    },
    /// Rebuild damaged state files from their readable parts and from the tags in the cloud.
    #[command(after_help = "Copies of the damaged files are kept.")]
    Rebuild {
        #[command(flatten)]
        stack: StackPath,
        /// Adopt objects that belong to another copy of this stack's state.
        #[arg(long)]
        adopt: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum Local {
    /// Start an emulator, unless one already answers on the port.
    Up,
    /// Stop the emulator. Its objects are kept for the next start.
    Down,
    /// Show whether the emulator runs, and where its files are.
    Status,
    /// Print the log of the emulator.
    Logs,
    /// Delete every object in the emulator.
    Reset {
        /// Do not ask for confirmation.
        #[arg(short, long)]
        yes: bool,
    },
    /// Serve only deployed APIs on a second port, which may be public. Runs until interrupted.
    Expose {
        /// Port to listen on, on 127.0.0.1.
        #[arg(long, default_value_t = 4567)]
        port: u16,
    },
}
