//! The import: one call, PutRestApi, sets all routes and gateway responses of an API.
//!
//! It overwrites, and resets what it does not name. So it also sets what is unmanaged, and where something
//! unmanaged cannot be imported, everything is set by calls for single routes. An endpoint that refuses an import,
//! or makes something else of it, gets none again in the same run.

use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_apigateway::error::SdkError;
use aws_sdk_apigateway::operation::put_rest_api::PutRestApiError;
use aws_sdk_apigateway::primitives::Blob;
use aws_sdk_apigateway::types::PutMode;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use futures_util::try_join;
use stackwright_engine::kind::{Error, Fault, Result};

use super::edits::{Edit, edits};
use super::observe::{Parts, Tree};
use super::openapi::{Unmanaged, document};
use super::service::{Apis, not_visible};
use super::spec::Spec;

/// The largest number of single calls that are made instead of an import. AWS accepts one import or ten other calls in
/// a second, so that up to ten single calls are as fast. An import takes nine or ten calls itself, with those that
/// read what is unmanaged ([`Apis::unmanaged`]) and those that confirm it.
const FEW: usize = 10;

/// The largest document that API Gateway imports, in bytes.
const LARGEST: usize = 6_000_000;

/// What this run knows about imports. Nothing of it is true of another run.
#[derive(Debug, Default)]
pub struct Imports {
    /// Whether the endpoint refuses them, or makes something else of them.
    are_refused: AtomicBool,
}

impl Imports {
    fn refuse(&self) {
        self.are_refused.store(true, Ordering::Relaxed);
    }
}

/// What came of an import.
enum Imported {
    /// Everything is seen to be as desired.
    AsDesired,
    /// The endpoint made something else: these routes.
    Different(Tree),
    /// There was none.
    Not,
}

/// Whether routes and gateway responses were seen to be as desired since they were set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    AsDesired,
    NotYet,
}

impl Apis {
    /// Sets routes, and the gateway responses of the types `responses`. `now`: what the API has.
    pub(super) async fn set_definition(
        &self,
        id: &str,
        now: &Parts,
        desired: &Spec,
        responses: &[&str],
    ) -> Result<Seen> {
        let imported = self.import(id, now, desired, responses).await?;
        let tree = match &imported {
            Imported::AsDesired => return Ok(Seen::AsDesired),
            Imported::Different(tree) => tree,
            Imported::Not => &now.tree,
        };
        if tree.routes() == desired.routes && responses.is_empty() {
            return Ok(Seen::AsDesired);
        }
        self.set_gateway_responses(id, desired, responses).await?;
        self.set_routes(id, tree, &desired.routes).await?;
        Ok(Seen::NotYet)
    }

    async fn import(
        &self,
        id: &str,
        now: &Parts,
        desired: &Spec,
        responses: &[&str],
    ) -> Result<Imported> {
        let is_refused = self.imports.are_refused.load(Ordering::Relaxed);
        if is_refused || !is_worth_it(&now.tree, desired, responses)? {
            return Ok(Imported::Not);
        }
        let unmanaged = if now.is_new {
            Some(Unmanaged::default())
        } else {
            self.unmanaged(id, desired, responses).await?
        };
        let Some(unmanaged) = unmanaged else { return Ok(Imported::Not) };
        let body = document(desired, &unmanaged)?.to_string();
        if body.len() > LARGEST {
            return Ok(Imported::Not);
        }
        if let Some(refused) = self.put_rest_api(id, body).await? {
            tracing::info!("{id}: set by single calls, since an import is refused: {refused}");
            self.imports.refuse();
            return Ok(Imported::Not);
        }
        let (tree, has_responses) =
            try_join!(self.tree(id), self.has_gateway_responses(id, desired, responses))?;
        // What still differs is known once it is observed again.
        let unseen = || Error::new(Fault::Conflict, "the API is not visible after its import");
        let tree = tree.ok_or_else(unseen)?;
        if has_responses && tree.routes() == desired.routes {
            return Ok(Imported::AsDesired);
        }
        tracing::info!("{id}: set by single calls, since an import makes something else");
        self.imports.refuse();
        Ok(Imported::Different(tree))
    }

    /// Sends an import, which may be repeated. Returns why it was refused: then it has changed nothing, and single
    /// calls may be accepted, since they need less.
    async fn put_rest_api(&self, id: &str, body: String) -> Result<Option<String>> {
        let request = self.gateway.put_rest_api().rest_api_id(id).mode(PutMode::Overwrite);
        // A warning is about something that was not imported as it is written.
        let request = request.fail_on_warnings(true);
        // Descriptions would become documentation of the API.
        let request = request.parameters("ignore", "documentation");
        let sent = request.body(Blob::new(body)).send();
        match self.unless_gone("PutRestApi", sent).await {
            Ok(Some(_)) => Ok(None),
            // An endpoint that does not know the call may say so of an API that it shows.
            Ok(None) => match self.tree(id).await? {
                Some(_) => Ok(Some("PutRestApi: the API is not found".to_owned())),
                None => Err(not_visible("the API")),
            },
            Err(error) if is_quota(&error) => Err(error),
            Err(Error {
                fault: Fault::Unsupported | Fault::Denied | Fault::Terminal,
                message,
                ..
            }) => Ok(Some(message)),
            Err(error) => {
                if error.fault == Fault::Unknown {
                    // One lost reply is enough: the other APIs of this run are set by single calls.
                    self.imports.refuse();
                }
                Err(error)
            }
        }
    }
}

/// Tells whether an import takes fewer calls, or fewer of them in a chain, than the edits that it replaces.
fn is_worth_it(now: &Tree, desired: &Spec, responses: &[&str]) -> Result<bool> {
    if desired.routes.is_empty() {
        return Ok(false);
    }
    let edits: usize = edits(now, &desired.routes)?.iter().map(Edit::calls).sum();
    let is_bare = now.0.values().all(|resource| resource.methods.is_empty());
    Ok(is_bare || edits + responses.len() > FEW)
}

/// Tells whether a quota of the account is used up: single calls would meet it, too.
fn is_quota(error: &Error) -> bool {
    type Sent = SdkError<PutRestApiError, HttpResponse>;
    let sent = error.source.as_ref().and_then(|source| source.downcast_ref::<Sent>());
    let refused = sent.and_then(SdkError::as_service_error);
    refused.is_some_and(PutRestApiError::is_limit_exceeded_exception)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::observe::Resource;
    use super::super::spec::Route;
    use super::*;

    const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

    fn spec(routes: usize) -> Spec {
        let route = |at: usize| {
            (format!("GET /r{at}"), json!({ "function": ARN, "authorization": "NONE" }))
        };
        let routes: serde_json::Map<String, Value> = (0..routes).map(route).collect();
        let spec = json!({
            "name": "a", "tags": {}, "routes": routes, "permissions": [], "deployed": "x",
        });
        serde_json::from_value(spec).expect("a spec")
    }

    /// The routes of an API that has them, and a root without methods.
    fn tree(routes: &Spec) -> Tree {
        let mut tree = Tree::default();
        tree.0.insert("/".to_owned(), Resource::default());
        for (key, route) in &routes.routes {
            let path = key.trim_start_matches("GET ").to_owned();
            let resource: &mut Resource = tree.0.entry(path).or_default();
            let route: Route = route.clone();
            resource.methods.insert("GET".to_owned(), route);
        }
        tree
    }

    #[test]
    fn few_calls_are_cheaper_than_an_import() {
        let is = |now: &Tree, desired: usize, responses: &[&str]| {
            is_worth_it(now, &spec(desired), responses).expect("routes")
        };
        let one = tree(&spec(1));
        assert!(!is(&one, 1, &[]), "there is nothing to do");
        // A path, a method and an integration each.
        assert!(!is(&one, 4, &["DEFAULT_4XX"]), "ten calls");
        assert!(is(&one, 4, &["DEFAULT_4XX", "DEFAULT_5XX"]), "eleven calls");
        let bare = tree(&spec(0));
        assert!(is(&bare, 1, &[]), "there are no routes yet");
        assert!(!is(&bare, 0, &["DEFAULT_4XX"]), "none are desired");
    }
}
