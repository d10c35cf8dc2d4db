//! `local`: the AWS emulator on this machine.

use serde_json::json;
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
                print::stdout!("{:#}", json!({ "schema": SCHEMA, "url": endpoint.url }));
            } else {
                print::stdout!("{}", endpoint.url);
            }
        }
        Local::Down => {
            let stopping = down(&config, &mut report);
            if !progress.during("stopping the local cloud", stopping).await? {
                print::stderr!("local cloud: does not run on port {}", config.port);
            }
        }
        Local::Status => return Ok(tell(&status(&config).await, json)),
        Local::Logs => match std::fs::read(config.log()) {
            Ok(log) => print::out(&clean(&String::from_utf8_lossy(&log))),
            Err(source) => return Err(Error::Read { path: config.log(), source }),
        },
        Local::Reset { yes } => {
            confirm(yes, "Delete every object of the local cloud?".to_owned())?;
            let emptying = reset(&config, &mut report);
            progress.during("emptying the local cloud", emptying).await?;
        }
        Local::Expose { port } => {
            let proxy = Proxy::bind(port, config.port).await?;
            print::stderr!(
                "http://127.0.0.1:{} forwards calls of deployed APIs to port {}, and nothing else; Ctrl-C ends it",
                proxy.port(),
                config.port
            );
            if let Some(public) = environment::codespace(proxy.port()) {
                print::stdout!("{public}");
            }
            let interrupted = async {
                let _ = tokio::signal::ctrl_c().await;
            };
            proxy.serve(interrupted).await;
        }
    }
    Ok(0)
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
        let document = json!({
            "schema": SCHEMA, "port": status.port, "runs": runs,
            "managed": status.managed.as_ref().map(|running| running.pid),
            "memory_bytes": status.memory, "log": status.log, "state": status.state, "saved_bytes": status.saved,
        });
        print::stdout!("{document:#}");
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
