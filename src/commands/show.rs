//! `show`: what the state holds, also of an interrupted run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use stackwright_aws::kinds;
use stackwright_engine::address::{Address, NotAnAddress};
use stackwright_engine::clock::Clock;
use stackwright_engine::manifest::Manifest;
use stackwright_engine::observe::{Search, Survey, Unseen};
use stackwright_engine::session;
use stackwright_engine::state::State;

use super::shared;
use crate::cli::Stack;
use crate::error::{Error, Result};
use crate::print;
use crate::progress::{LOOKING, Progress};
use crate::render::{human, json, wrap};
use crate::workspace::{self, Workspace, known_address};

type Facts = BTreeMap<Address, BTreeMap<String, String>>;

pub struct Options {
    /// The only resource that is shown.
    pub address: Option<String>,
    /// The stack, by its name: the state is enough, and no file is read.
    pub of_stack: Option<String>,
    /// Whether the cloud is read, too.
    pub live: bool,
    pub json: bool,
}

pub async fn run(stack: &Stack, options: Options, progress: &Progress) -> Result<u8> {
    let Options { address, of_stack, live, json } = options;
    let address = address.map(|text| parsed(&text)).transpose()?;
    let workspace = workspace::open_state(stack, of_stack.as_deref(), "show").await?;
    let Some(state) = workspace.peek()? else {
        return match address {
            Some(address) => Err(without_state(&address)),
            None => Ok(no_state(&workspace, json)),
        };
    };
    let only = address.map(|address| known_address(&state, &address).cloned()).transpose()?;
    let (facts, unseen) =
        if live { facts(&workspace, &state, progress).await? } else { Default::default() };
    let unseen = (!unseen.is_empty())
        .then(|| Error::session(session::Error::Unseen(unseen), &workspace.manifest));
    if json {
        let mut document = json::state(&state);
        if let Some(resources) = document["resources"].as_object_mut() {
            resources
                .retain(|address, _| only.as_ref().is_none_or(|only| only.as_str() == address));
            for (address, facts) in &facts {
                if let Some(resource) = resources.get_mut(address.as_str()) {
                    resource["live"] = json!(facts);
                }
            }
        }
        return Ok(shared::print_document(document, unseen, 0));
    }
    wrap::out(&human::state(&state, only.as_ref(), &facts, &kinds::registry()));
    unseen.map_or(Ok(0), Err)
}

/// Reports that the stack has no state. That is no error.
fn no_state(workspace: &Workspace, json: bool) -> u8 {
    let Manifest { stack, cloud, .. } = &workspace.manifest;
    if json {
        let document = json!({ "schema": json::SCHEMA, "stack": stack, "resources": {} });
        print::stdout!("{document:#}");
        return 0;
    }
    wrap::println!("{stack} on {cloud}: no state yet; `stackwright reconcile` creates one");
    wrap::println!(
        "  hint: was it lost? `stackwright reconcile --adopt` finds by its tags what it had"
    );
    0
}

/// The error of an address where there is no state at all.
fn without_state(address: &Address) -> Error {
    let hint = "there is no state yet; `stackwright reconcile` creates one";
    Error::Unknown(format!("the state has no `{address}`"), Some(hint.into()))
}

fn parsed(text: &str) -> Result<Address> {
    text.parse().map_err(|error: NotAnAddress| Error::Usage(error.to_string()))
}

/// What exists now, for each object of the state that could be looked at; and those that could not.
async fn facts(
    workspace: &Workspace,
    state: &State,
    progress: &Progress,
) -> Result<(Facts, Vec<Unseen>)> {
    let connected = workspace.reach(progress).await?;
    let survey = Survey {
        providers: &connected.providers,
        state,
        resources: &BTreeMap::new(),
        scope: &connected.scope,
        events: &progress.events,
        search: Search::Nowhere,
        passed_over: &BTreeSet::new(),
        clock: Clock::start(),
        grace: std::time::Duration::ZERO,
    };
    let mut observed = progress.during(LOOKING, survey.observe()).await;
    for unseen in &mut observed.unseen {
        unseen.error.message = connected.scope.redacted(&unseen.error.message);
    }
    let gone = || BTreeMap::from([("exists".to_owned(), "no".to_owned())]);
    let facts = |live: Option<_>| match live {
        Some(stackwright_engine::kind::Live { facts, .. }) => facts,
        None => gone(),
    };
    let seen = observed.live.into_iter().map(|(address, live)| (address, facts(live)));
    Ok((seen.collect(), observed.unseen))
}
