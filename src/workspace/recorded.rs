//! A workspace without its stack file. A state records its own place, and that is enough to delete what it
//! has: a stack whose file is lost or has a mistake can still be destroyed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use stackwright_engine::graph::Graph;
use stackwright_engine::manifest::{Cloud, Manifest, Source, nearest};
use stackwright_engine::state::{self, Folder, Place, State, Store};

use super::open::{ancestors, open_to_look, parsed_cloud};
use super::{Workspace, is_managed};
use crate::cli::Stack;
use crate::environment;
use crate::error::{Error, Result};

/// Opens a stack by its file, or by its name and its state alone. Where the file cannot be used, the error says
/// how `command` does without.
pub async fn open_state(stack: &Stack, name: Option<&str>, command: &str) -> Result<Workspace> {
    if let Some(name) = name {
        return by_name(stack, name);
    }
    open_to_look(stack).await.map_err(|error| {
        let is_of_file = matches!(
            error,
            Error::Invalid(_) | Error::NoStackFile | Error::NoSuchPath(_) | Error::Read { .. }
        );
        match hint(stack, command).filter(|_| is_of_file) {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    })
}

/// Finds the state of a stack by the stack's name, in the folder of `--file` or here and upward.
fn by_name(stack: &Stack, name: &str) -> Result<Workspace> {
    let beside = folder(stack, name)?;
    let local = environment::local()?;
    let cloud = match parsed_cloud(stack)? {
        Some(Cloud::Endpoint(url)) if is_managed(&local, &url) => Some(Cloud::Local),
        cloud => cloud,
    };
    let is_wanted = |place: &Place| {
        cloud.as_ref().is_none_or(|cloud| cloud.to_string() == place.cloud)
            && stack.region.as_ref().is_none_or(|region| *region == place.region)
    };
    let States { mut found, unreadable } = states(&beside, name)?;
    let all = places(&found);
    found.retain(|(_, state)| is_wanted(&state.place));
    match unreadable {
        // It may be of another cloud than the one that was asked for.
        Some(error) if cloud.is_none() || found.is_empty() => return Err(error),
        _ => {}
    }
    // A state that was emptied stays on disk.
    if found.iter().any(|(_, state)| !state.resources.is_empty()) {
        found.retain(|(_, state)| !state.resources.is_empty());
    } else {
        found.truncate(1);
    }
    match found.as_slice() {
        [] if all.is_empty() => Err(unknown(&beside, name)),
        [] => {
            let message = format!("the stack {name} has no state at that place");
            Err(Error::Unknown(message, Some(format!("it has one at {}", all.join(" and at ")))))
        }
        [(folder, state)] => {
            let manifest = manifest(&state.place, &beside)?;
            let (profile, folder) = (stack.profile.clone(), folder.clone());
            Ok(Workspace { manifest, folder, profile, local, region_doubt: None })
        }
        several => {
            let message = format!("the stack {name} has {} states", several.len());
            let choice = places(several).join(" or ");
            Err(Error::Usage(message).with_hint(format!("choose: {choice}")))
        }
    }
}

/// The options that choose each of several states.
fn places(states: &[(PathBuf, State)]) -> Vec<String> {
    let place = |(_, State { place, .. }): &(PathBuf, State)| {
        format!("`--cloud {} --region {}`", place.cloud, place.region)
    };
    states.iter().map(place).collect()
}

/// How a command does without a stack file that cannot be used; `None` if there is no state.
fn hint(stack: &Stack, command: &str) -> Option<String> {
    let names = stacks(&beside(stack).find(|folder| !stacks(folder).is_empty())?);
    Some(match names.as_slice() {
        [name] => {
            format!("`stackwright {command} --stack {name}` needs the state alone, and no file")
        }
        names => format!(
            "`stackwright {command} --stack NAME` needs the state alone, and no file; there are: {}",
            names.join(", ")
        ),
    })
}

/// Where the folder of all states can be: where the stack file is, or else here and upward.
fn beside(stack: &Stack) -> Box<dyn Iterator<Item = PathBuf>> {
    match &stack.file {
        Some(folder) if folder.is_dir() => Box::new(std::iter::once(folder.clone())),
        Some(file) => Box::new(file.parent().map(Path::to_owned).into_iter()),
        None => Box::new(ancestors()),
    }
}

fn folder(stack: &Stack, name: &str) -> Result<PathBuf> {
    let mut folders = beside(stack).peekable();
    let first = folders.peek().cloned().unwrap_or_default();
    let has_it = |folder: &PathBuf| stacks(folder).iter().any(|known| known == name);
    folders.find(has_it).ok_or_else(|| unknown(&first, name))
}

/// The names of the stacks that have a state beside a stack file.
fn stacks(beside: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(beside.join(state::FOLDER)).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> =
        folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// The states of a stack.
#[derive(Default)]
struct States {
    /// Each with its folder.
    found: Vec<(PathBuf, State)>,
    /// Why one cannot be read.
    unreadable: Option<Error>,
}

fn states(beside: &Path, name: &str) -> Result<States> {
    let mut states = States::default();
    let path = beside.join(state::FOLDER).join(name);
    let unreadable = |source| Error::Read { path: path.clone(), source };
    for entry in std::fs::read_dir(&path).map_err(unreadable)? {
        let folder = entry.map_err(unreadable)?.path();
        if !folder.is_dir() {
            continue;
        }
        match Store::recorded(&Folder::at(folder.clone())) {
            Ok(state) => states.found.extend(state.map(|state| (folder, state))),
            Err(error) => states.unreadable = Some(error.into()),
        }
    }
    states.found.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(states)
}

fn unknown(beside: &Path, name: &str) -> Error {
    let path = beside.join(state::FOLDER);
    let names = stacks(beside);
    let hint = match nearest(name, names.iter().map(String::as_str)) {
        Some(near) if near != name => format!("did you mean `{near}`?"),
        _ if names.is_empty() => "go to the folder of its stack file (-C FOLDER)".to_owned(),
        _ => format!("there are: {}", names.join(", ")),
    };
    Error::Unknown(
        format!("there is no state of a stack `{name}` in {}", path.display()),
        Some(hint),
    )
}

/// A stack without resources, at the place of a state.
fn manifest(place: &Place, beside: &Path) -> Result<Manifest> {
    let cloud: Cloud = place.cloud.parse().map_err(Error::Usage)?;
    Ok(Manifest {
        source: Source::new(beside.join("stack.yaml"), ""),
        stack: place.stack.clone(),
        account: (cloud == Cloud::Aws).then(|| place.account.clone()),
        cloud,
        region: place.region.clone(),
        resources: BTreeMap::new(),
        checks: Vec::new(),
        outputs: BTreeMap::new(),
        warnings: Vec::new(),
        graph: Graph::default(),
        env: BTreeMap::new(),
    })
}
