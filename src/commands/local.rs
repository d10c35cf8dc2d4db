//! `local`: the AWS emulator on this machine.

use serde_json::{Value, json};
use stackwright_local::expose::Proxy;
use stackwright_local::{PortUse, down, reset, status, up};

use super::shared::confirm;
use crate::cli::Local;
use crate::environment;
use crate::error::{Error, Result};
use crate::exit::code;
use crate::print;
use crate::progress::Progress;
use crate::render::{self, clean, json::SCHEMA};

pub async fn run(command: Local, json: bool, progress: &Progress) -> Result<u8> {
    let config = environment::local()?;
    let mut report = |event| render::local(&event);
    match command {
        Local::Up => {
            let starting = up(&config, &mut report);
            let endpoint = progress.during("bringing up the local cloud", starting).await?;
            if json {
                document(json!({ "url": endpoint.url }));
            } else {
                print::stdout!("{}", endpoint.url);
            }
        }
        Local::Down => {
            let stopping = down(&config, &mut report);
            let ran = progress.during("stopping the local cloud", stopping).await?;
            if json {
                document(json!({ "port": config.port, "stopped": ran }));
            } else if !ran {
                print::stderr!("local cloud: does not run on port {}", config.port);
            }
        }
        Local::Status => return Ok(tell(&status(&config).await, json)),
        Local::Logs => {
            let path = config.log();
            let log = std::fs::read(&path).map_err(|source| Error::Read { path, source })?;
            let log = String::from_utf8_lossy(&log);
            if json {
                document(json!({ "log": log }));
            } else {
                print::out(&clean(&log));
            }
        }
        Local::Reset { yes } => {
            confirm(yes, "Delete every object of the local cloud?".to_owned()).await?;
            let emptying = reset(&config, &mut report);
            let endpoint = progress.during("emptying the local cloud", emptying).await?;
            if json {
                let url = endpoint.map(|endpoint| endpoint.url);
                document(json!({ "emptied": true, "url": url }));
            }
        }
        Local::Expose { port } => {
            let proxy = Proxy::bind(port, config.port).await?;
            let url = format!("http://127.0.0.1:{}", proxy.port());
            let public = environment::codespace(proxy.port());
            if json {
                document(json!({ "url": url, "public": public, "forwards_to": config.port }));
            } else {
                print::stderr!(
                    "{url} forwards calls of deployed APIs to port {}, and nothing else; Ctrl-C ends it",
                    config.port
                );
                public.iter().for_each(|public| print::stdout!("{public}"));
            }
            let interrupted = async {
                let _ = tokio::signal::ctrl_c().await;
            };
            proxy.serve(interrupted).await;
        }
    }
    Ok(0)
}

/// Prints what a command has to say to programs.
fn document(mut document: Value) {
    document["schema"] = SCHEMA.into();
    print::stdout!("{document:#}");
}

fn tell(status: &stackwright_local::Status, as_json: bool) -> u8 {
    let port = status.port;
    let (runs, what) = match &status.port_use {
        PortUse::Aws { account, version } => {
            let name = if status.managed.is_some() { "MiniStack" } else { "an AWS endpoint" };
            let version = version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
            (true, format!("{name}{version} on port {port}, account {account}"))
        }
        PortUse::Free => (false, format!("nothing on port {port}")),
        PortUse::Other { answer } => {
            (false, format!("something that is not AWS on port {port} ({answer})"))
        }
    };
    let megabytes = |bytes: u64| bytes.div_ceil(1 << 20);
    if as_json {
        document(json!({
            "port": status.port, "runs": runs,
            "managed": status.managed.as_ref().map(|running| running.pid),
            "memory_bytes": status.memory, "log": status.log, "state": status.state, "saved_bytes": status.saved,
        }));
    } else {
        print::stdout!("runs     {}", clean(&what));
        if let Some(running) = &status.managed {
            let memory =
                status.memory.map(|bytes| format!(", {} MB", megabytes(bytes))).unwrap_or_default();
            print::stdout!("process  {}{memory}", running.pid);
        } else if runs {
            print::stdout!("process  not started by stackwright");
        }
        print::stdout!("log      {}", status.log.display());
        print::stdout!("state    {} ({} MB)", status.state.display(), megabytes(status.saved));
    }
    if runs { 0 } else { code::OTHER }
}
