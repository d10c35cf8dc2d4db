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

use serde_json::json;
use stackwright_aws::kinds;
use stackwright_engine::Address;

use crate::cli::{ApplyArgs, Cli, Command, ReplaceArgs, TargetArgs};
use crate::commands::shared::PlanOptions;
use crate::error::{Error, Result};
use crate::print;
use crate::progress::Progress;
use crate::render::json::SCHEMA;

/// Tells by its names, such as `state mv`, whether a command prints events with `--json`. The others print one
/// document on stdout, and progress for people on stderr.
pub fn prints_events(names: &[&str]) -> bool {
    match names {
        ["state", command] => ["rebuild", "rm", "mv"].contains(command),
        [command] => ["reconcile", "destroy", "check", "import", "logs"].contains(command),
        _ => false,
    }
}

/// Runs a command. `events`: it prints events as JSON.
pub async fn run(cli: Cli, events: bool) -> Result<u8> {
    let progress = Progress::start(events);
    let is_known = |address: &Address| kinds::registry().get(address.kind()).is_some();
    let target = cli.command.misplaced_target().filter(is_known);
    let ended = run_with(cli, &progress).await.map_err(|error| match (error.cause(), target) {
        (Error::NoSuchPath(_), Some(target)) => {
            error.with_hint(format!("to select one resource: `--target {target}`"))
        }
        _ => error,
    });
    progress.flush().await;
    ended
}

/// Prints the version.
pub fn version(json: bool) {
    let version = env!("CARGO_PKG_VERSION");
    if json {
        print::stdout!("{:#}", json!({ "schema": SCHEMA, "version": version }));
    } else {
        print::stdout!("stackwright {version}");
    }
}

async fn run_with(cli: Cli, progress: &Progress) -> Result<u8> {
    let json = cli.global.json;
    let again = cli.resume_command();
    match cli.command {
        Command::Reconcile { apply: ApplyArgs { dry_run: true, .. }, .. } => {
            Err(shared::dry_run("`stackwright plan` shows what `reconcile` would change"))
        }
        Command::Destroy { apply: ApplyArgs { dry_run: true, .. }, .. } => {
            let hint = "`destroy` shows what it would delete, and asks before it does; without a terminal it \
                        deletes nothing, unless --yes is set";
            Err(shared::dry_run(hint))
        }
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
        Command::Show { address, stack, recorded, live } => {
            let options = show::Options { address, of_stack: recorded.name, live, json };
            show::run(&stack, options, progress).await
        }
        Command::Output { name, stack, format } => output::run(&stack, name, format, json).await,
        Command::Validate { stack } => validate::run(&stack.stack(), json).await,
        Command::Schema { fields } => schema::run(fields).await,
        Command::Destroy { stack, recorded, apply, target } => {
            let selection = target.selection(ReplaceArgs::default());
            let plan = PlanOptions { adopt: false, selection };
            let options = destroy::Options { apply, plan, of_stack: recorded.name, again };
            destroy::run(&stack.stack(), options, progress).await
        }
        Command::Check { stack } => check::run(&stack.stack(), &again, progress).await,
        Command::Invoke { bare: Some(event), function, .. } => {
            Err(invoke::without_option(&function, &event))
        }
        Command::Invoke { function, payload, stack, recorded, bare: None } => {
            let options = invoke::Options { function, payload, of_stack: recorded.name, json };
            invoke::run(&stack, options, progress).await
        }
        Command::Logs { function, follow, stack, recorded } => {
            let options = logs::Options { function, follow, of_stack: recorded.name };
            logs::run(&stack, &options, progress).await
        }
        Command::State(command) => state::run(command, json, progress).await,
        Command::Local(command) => local::run(command, json, progress).await,
        Command::Version => {
            version(json);
            Ok(0)
        }
    }
}
