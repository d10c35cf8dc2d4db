//! One file per command. Each returns its exit code.

pub mod check;
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

use crate::cli::{Cli, Command, ReplaceArgs, State, TargetArgs};
use crate::commands::shared::PlanOptions;
use crate::error::Result;
use crate::progress::Progress;

pub async fn run(cli: Cli) -> Result<u8> {
    // Other commands print one document on stdout, and progress for people.
    let prints_events = matches!(
        cli.command,
        Command::Reconcile { .. }
            | Command::Destroy { .. }
            | Command::Check { .. }
            | Command::Import { .. }
            | Command::State(State::Rebuild { .. } | State::Rm { .. } | State::Mv { .. })
    );
    let progress = Progress::start(cli.global.json && prints_events);
    let ended = run_with(cli, &progress).await;
    progress.flush().await;
    ended
}

async fn run_with(cli: Cli, progress: &Progress) -> Result<u8> {
    let json = cli.global.json;
    let again = cli.resume_command();
    match cli.command {
        Command::Reconcile {
            stack,
            apply,
            target,
            replace,
            adopt,
            plan,
            no_check,
            detailed_exitcode,
        } => {
            let (saved, check) = (plan, !no_check);
            let plan = PlanOptions { adopt, selection: target.selection(replace) };
            let options =
                reconcile::Options { apply, plan, saved, check, detailed_exitcode, again };
            reconcile::run(&stack.stack(), options, progress).await
        }
        Command::Plan { stack, target, replace, adopt, out, detailed_exitcode, offline } => {
            let plan = PlanOptions { adopt, selection: target.selection(replace) };
            let options = plan::Options { plan, out, detailed_exitcode, offline, json };
            plan::run(&stack.stack(), &options, progress).await
        }
        Command::Explain { address, stack, replace, adopt } => {
            let options =
                PlanOptions { adopt, selection: TargetArgs::default().selection(replace) };
            explain::run(&stack, &address, options, json, progress).await
        }
        Command::Drift { stack, detailed_exitcode } => {
            drift::run(&stack.stack(), detailed_exitcode, json, progress).await
        }
        Command::Import { address, id, stack, adopt } => {
            import::run(&stack, &address, &id, adopt, progress).await
        }
        Command::Show { address, stack, live } => {
            show::run(&stack, address, live.then_some(progress), json).await
        }
        Command::Output { name, stack, format } => output::run(&stack, name, format, json).await,
        Command::Validate { stack } => validate::run(&stack.stack(), json).await,
        Command::Schema { fields } => schema::run(fields).await,
        Command::Destroy { stack, apply, target } => {
            let selection = target.selection(ReplaceArgs::default());
            let options = PlanOptions { adopt: false, selection };
            destroy::run(&stack.stack(), &apply, options, &again, progress).await
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
