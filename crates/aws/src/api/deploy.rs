//! Deployments: a commit of the routes, and the stage that points at it.
//!
//! A deployment is recognized by its description, `stackwright:1:<digest of what it holds>`. So
//! one whose reply was lost is not made twice.

use aws_sdk_apigateway::types::Deployment;
use stackwright_engine::kind::{Error, Fault, Result};

use super::Apis;
use super::names::{Names, described, digest_of};
use super::observe::{PAGE, Stages};
use crate::once::Once;

/// Old deployments are for going back by hand; so many stay.
const KEPT: usize = 3;

impl Apis {
    /// Makes the stage serve what the routes are now. Without routes there is nothing to deploy, and
    /// the stage goes.
    pub(super) async fn deploy(&self, names: &Names, now: &Stages, digest: &str) -> Result<()> {
        let client = &self.cloud.apigateway;
        if digest.is_empty() {
            let request = client.delete_stage().rest_api_id(&names.id).stage_name(&names.stage);
            return self.maybe("DeleteStage", request.send()).await.map(drop);
        }
        let request = client.create_deployment().rest_api_id(&names.id);
        let request = request.stage_name(&names.stage).description(described(digest));
        let made = self.call("CreateDeployment", request.customize().once().send()).await?;
        let id = made.id.filter(|id| !id.is_empty()).ok_or_else(|| {
            Error::new(Fault::Unknown, "CreateDeployment: the reply does not say what was made")
        })?;
        if !now.used.is_empty() {
            // The new state is live; a failed clean-up is made good after the next deployment.
            if let Err(error) = self.prune(names, now, &id).await {
                tracing::warn!("{}: old deployments stay: {error}", names.id);
            }
        }
        Ok(())
    }

    async fn prune(&self, names: &Names, now: &Stages, newest: &str) -> Result<()> {
        let client = &self.cloud.apigateway;
        let request = client.get_deployments().rest_api_id(&names.id).limit(PAGE);
        let mut all = Vec::new();
        let mut position = None;
        loop {
            let sent = request.clone().set_position(position).send();
            let page = self.call("GetDeployments", sent).await?;
            all.extend(page.items.unwrap_or_default());
            position = page.position.filter(|position| !position.is_empty());
            if position.is_none() {
                break;
            }
        }
        for id in outdated(&all, newest) {
            // What our stage pointed at a moment ago is among those that stay.
            if !now.used.contains(id) {
                let request = client.delete_deployment().rest_api_id(&names.id).deployment_id(id);
                self.maybe("DeleteDeployment", request.send()).await?;
            }
        }
        Ok(())
    }
}

/// Ours, but for the newest few.
fn outdated<'a>(all: &'a [Deployment], newest: &str) -> Vec<&'a str> {
    let is_ours = |one: &&Deployment| digest_of(one.description().unwrap_or_default()).is_some();
    let mut ours: Vec<&Deployment> = all.iter().filter(is_ours).collect();
    let made = |one: &Deployment| one.created_date().map(|date| date.as_nanos());
    ours.sort_by_key(|one| std::cmp::Reverse((one.id() == Some(newest), made(one))));
    ours.into_iter().skip(KEPT).filter_map(|one| one.id()).collect()
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::DateTime;

    use super::*;

    #[test]
    fn the_newest_few_of_ours_stay() {
        let one = |id: &str, second: i64, description: &str| {
            let date = DateTime::from_secs(second);
            Deployment::builder().id(id).created_date(date).description(description).build()
        };
        let all = [
            one("a", 1, "stackwright:1:1"),
            one("theirs", 0, "by hand"),
            one("c", 3, "stackwright:1:3"),
            one("b", 2, "stackwright:1:2"),
            // A clock that runs late makes the newest no older.
            one("e", 0, "stackwright:1:5"),
            one("d", 4, "stackwright:1:4"),
        ];
        assert_eq!(outdated(&all, "e"), ["b", "a"]);
        assert_eq!(outdated(&all[..3], "c"), [""; 0]);
    }
}
