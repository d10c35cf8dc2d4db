//! Deployments: snapshots of the routes, one of which a stage serves.
//!
//! The description of a deployment contains the digest of its contents, `stackwright:1:<digest>`, so that
//! one whose reply was lost is not created twice.

use std::collections::BTreeSet;

use aws_sdk_apigateway::types::Deployment;
use stackwright_engine::kind::{Error, Fault, Result};

use super::names::{Names, described, digest_of};
use super::observe::Stages;
use super::service::{Apis, PAGE};
use crate::client::SingleAttempt as _;

/// How many deployments stay behind a new one, for a rollback by hand.
const KEPT: usize = 2;

impl Apis {
    /// Lets the stage serve the present routes. Without routes there is nothing to deploy, and the stage
    /// is deleted.
    pub(super) async fn deploy(&self, names: &Names, now: &Stages, digest: &str) -> Result<()> {
        let client = &self.gateway;
        if digest.is_empty() {
            let request = client.delete_stage().rest_api_id(&names.id).stage_name(&names.stage);
            return self.unless_gone("DeleteStage", request.send()).await.map(drop);
        }
        let request = client.create_deployment().rest_api_id(&names.id);
        let request = request.stage_name(&names.stage).description(described(digest));
        let made =
            self.call("CreateDeployment", request.customize().single_attempt().send()).await?;
        if made.id.is_none_or(|id| id.is_empty()) {
            let message = "CreateDeployment: the reply does not name the new deployment";
            return Err(Error::new(Fault::Unknown, message));
        }
        // The new deployment is live; the next one cleans up again.
        if let Err(error) = self.prune(names, now).await {
            tracing::warn!("{}: could not delete old deployments: {error}", names.id);
        }
        Ok(())
    }

    /// Deletes the deployments that need not stay behind a new one.
    async fn prune(&self, names: &Names, now: &Stages) -> Result<()> {
        for id in outdated(&now.deployments, &now.used) {
            let request = self.gateway.delete_deployment();
            let request = request.rest_api_id(&names.id).deployment_id(id);
            self.unless_gone("DeleteDeployment", request.send()).await?;
        }
        Ok(())
    }

    /// Returns all deployments of an API. `None`: it is gone.
    pub(super) async fn deployments(&self, api: &str) -> Result<Option<Vec<Deployment>>> {
        let request = self.gateway.get_deployments().rest_api_id(api).limit(PAGE);
        let mut all = Vec::new();
        let mut position = None;
        loop {
            let sent = request.clone().set_position(position).send();
            let Some(page) = self.unless_gone("GetDeployments", sent).await? else {
                return Ok(None);
            };
            all.extend(page.items.unwrap_or_default());
            position = page.position.filter(|position| !position.is_empty());
            if position.is_none() {
                return Ok(Some(all));
            }
        }
    }
}

/// Returns this program's deployments without the newest few, among which are those that a stage served
/// before: two may have been created in the same second.
fn outdated<'a>(all: &'a [Deployment], served: &BTreeSet<String>) -> Vec<&'a str> {
    let is_ours = |one: &&Deployment| digest_of(one.description().unwrap_or_default()).is_some();
    let mut ours: Vec<&Deployment> = all.iter().filter(is_ours).collect();
    let made = |one: &Deployment| one.created_date().map(|date| date.as_nanos());
    let is_served = |one: &Deployment| one.id().is_some_and(|id| served.contains(id));
    let order = |one: &Deployment| (is_served(one), made(one));
    ours.sort_by_key(|one| std::cmp::Reverse(order(one)));
    let outdated = ours.into_iter().skip(KEPT).filter(|one| !is_served(one));
    outdated.filter_map(|one| one.id()).collect()
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::DateTime;

    use super::*;

    #[test]
    fn the_newest_deployments_stay() {
        let one = |id: &str, second: i64, description: &str| {
            let date = DateTime::from_secs(second);
            Deployment::builder().id(id).created_date(date).description(description).build()
        };
        let all = [
            one("a", 1, "stackwright:1:1"),
            one("theirs", 0, "by hand"),
            one("c", 3, "stackwright:1:3"),
            one("b", 2, "stackwright:1:2"),
            one("d", 4, "stackwright:1:4"),
        ];
        let none = BTreeSet::new();
        assert_eq!(outdated(&all, &none), ["b", "a"]);
        assert_eq!(outdated(&all[..3], &none), [""; 0]);
        // Created in the same second as others, and served until now.
        let same: Vec<_> = ["a", "b", "c", "d"].map(|id| one(id, 1, "stackwright:1:1")).into();
        let served = BTreeSet::from(["c".to_owned()]);
        assert_eq!(outdated(&same, &served), ["b", "d"]);
    }
}
