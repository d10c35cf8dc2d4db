//! One file per command. Each returns its exit code.

mod check;
mod destroy;
mod drift;
mod explain;
mod import;
mod invoke;
mod local;
mod logs;
mod output;
mod plan;
mod reconcile;
mod saved;
mod schema;
mod shared;
mod show;
mod state;
mod validate;

use crate::cli::{Anew, Cli, Command, Part, State};
use crate::commands::shared::Asked;
use crate::error::Result;
use crate::progress::Progress;

pub async fn run(cli: Cli) -> Result<u8> {
    // Other commands print one document on stdout, and progress for people.
    let tells_events = matches!(
        cli.command,
        Command::Reconcile { .. }
            | Command::Destroy { .. }
            | Command::Check { .. }
            | Command::Import { .. }
            | Command::State(State::Rebuild { .. } | State::Rm { .. } | State::Mv { .. })
    );
    let progress = Progress::start(cli.global.json && tells_events);
    let ended = run_with(cli, &progress).await;
    progress.flush().await;
    ended
}

async fn run_with(cli: Cli, progress: &Progress) -> Result<u8> {
    let json = cli.global.json;
    let again = cli.again();
    match cli.command {
        Command::Reconcile {
            stack,
            writing,
            part,
            anew,
            adopt,
            plan,
            no_check,
            detailed_exitcode,
        } => {
            let asked = Asked { adopt, selection: part.selection(anew) };
            let check = !no_check;
            let ask = reconcile::Ask { writing, asked, plan, check, detailed_exitcode, again };
            reconcile::run(&stack.stack(), ask, progress).await
        }
        Command::Plan { stack, part, anew, adopt, out, detailed_exitcode } => {
            let asked = Asked { adopt, selection: part.selection(anew) };
            let ask = plan::Ask { asked, out, detailed_exitcode, json };
            plan::run(&stack.stack(), &ask, progress).await
        }
        Command::Explain { address, stack, anew, adopt } => {
            let asked = Asked { adopt, selection: Part::default().selection(anew) };
            explain::run(&stack, &address, asked, json, progress).await
        }
        Command::Drift { stack, detailed_exitcode } => {
            drift::run(&stack.stack(), detailed_exitcode, json, progress).await
        }
        Command::Import { address, id, stack, adopt } => {
            import::run(&stack, (&address, &id), adopt, progress).await
        }
        Command::Show { address, stack, live } => {
            show::run(&stack, address, live.then_some(progress), json).await
        }
        Command::Output { name, stack, format } => output::run(&stack, name, format, json).await,
        Command::Validate { stack } => validate::run(&stack.stack(), json).await,
        Command::Schema { fields } => schema::run(fields).await,
        Command::Destroy { stack, writing, part } => {
            let asked = Asked { adopt: false, selection: part.selection(Anew::default()) };
            destroy::run(&stack.stack(), &writing, asked, &again, progress).await
        }
        Command::Check { stack } => check::run(&stack.stack(), progress).await,
        Command::Invoke { function, payload, stack } => {
            invoke::run(&stack, &function, payload, progress).await
        }
        Command::Logs { function, follow, stack } => {
            logs::run(&stack, &function, follow, progress).await
        }
        Command::State(command) => state::run(command, json, progress).await,
        Command::Local(command) => local::run(command, json, progress).await,
        Command::Version => {
            anstream::println!("stackwright {}", env!("CARGO_PKG_VERSION"));
            Ok(0)
        }
    }
}
