//! `import`: an object that somebody else made gets an address of the file.

use stackwright_engine::Address;
use stackwright_engine::manifest::nearest;

use super::shared::{self, PlanOptions};
use crate::cli::Stack;
use crate::error::{Error, Result};
use crate::progress::{LOOKING, Progress};
use crate::render::wrap;
use crate::workspace::{self, Workspace};

pub async fn run(
    stack: &Stack,
    address: &Address,
    id: &str,
    adopt: bool,
    progress: &Progress,
) -> Result<u8> {
    let workspace = workspace::open(stack).await?;
    in_the_file(&workspace, address)?;
    let lock = workspace.lock("import")?;
    let connected = workspace.connect(progress).await?;
    let mut store = lock.open(&connected.place)?;
    if store.state().resources.contains_key(address) {
        let message = format!("the state has {address} already");
        let hint = "`stackwright state rm` releases the object that it has";
        return Err(Error::Unknown(message, Some(hint.into())));
    }
    let options = PlanOptions { adopt, ..PlanOptions::default() };
    let session = shared::looking(&workspace, &connected, progress, options)?;
    let importing = session.import(&mut store, address, id);
    let imported = progress.during(LOOKING, importing).await;
    progress.flush().await;
    imported.map_err(|error| Error::session(error, &workspace.manifest))?;
    if !progress.json {
        wrap::eprintln!(
            "  hint: `stackwright plan` shows what differs from the file, `reconcile` changes it"
        );
    }
    Ok(0)
}

fn in_the_file(workspace: &Workspace, address: &Address) -> Result<()> {
    let resources = &workspace.manifest.resources;
    if resources.contains_key(address) {
        return Ok(());
    }
    let near = nearest(address.as_str(), resources.keys().map(Address::as_str));
    let hint = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "add it there first".to_owned(),
    };
    let message = format!("{}: there is no {address}", workspace.manifest.source.path.display());
    Err(Error::Unknown(message, Some(hint)))
}
