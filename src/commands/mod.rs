//! One file per command. Each returns its exit code.

mod check;
mod destroy;
mod invoke;
mod local;
mod logs;
mod output;
mod plan;
mod reconcile;
mod schema;
mod shared;
mod show;
mod state;
mod validate;

use crate::cli::{Cli, Command};
use crate::error::Result;

pub async fn run(cli: Cli) -> Result<u8> {
    let json = cli.global.json;
    match cli.command {
        Command::Reconcile { stack, writing, adopt, no_check, detailed_exitcode } => {
            let ask = reconcile::Ask { writing, adopt, check: !no_check, detailed_exitcode, json };
            reconcile::run(&stack.stack(), &ask).await
        }
        Command::Plan { stack, adopt, detailed_exitcode } => {
            plan::run(&stack.stack(), adopt, detailed_exitcode, json).await
        }
        Command::Show { address, stack, live } => show::run(&stack, address, live, json).await,
        Command::Output { name, stack, format } => output::run(&stack, name, format, json).await,
        Command::Validate { stack } => validate::run(&stack.stack(), json).await,
        Command::Schema => schema::run().await,
        Command::Destroy { stack, writing } => destroy::run(&stack.stack(), &writing, json).await,
        Command::Check { stack } => check::run(&stack.stack(), json).await,
        Command::Invoke { function, payload, stack } => {
            invoke::run(&stack, &function, payload).await
        }
        Command::Logs { function, follow, stack } => logs::run(&stack, &function, follow).await,
        Command::State(command) => state::run(command, json).await,
        Command::Local(command) => local::run(command, json).await,
        Command::Version => {
            anstream::println!("stackwright {}", env!("CARGO_PKG_VERSION"));
            Ok(0)
        }
    }
}
