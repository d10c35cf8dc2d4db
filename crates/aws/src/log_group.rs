//! The log group of a function: `/aws/lambda/<name>`.
//!
//! Lambda makes one itself, untagged and for ever, when the role allows. So ours is made before the
//! function first runs, and only one that carries our lineage is ever changed or deleted.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_cloudwatchlogs::types::LogGroup as Described;
use stackwright_engine::kind::{Error, Fault, Result, tag};

use crate::cloud::Cloud;
use crate::fault::{Explain as _, code};

/// How long a group keeps what it holds when nothing is written, in days.
pub const RETENTION: i32 = 14;
/// What CloudWatch Logs takes.
pub const RETENTIONS: &[i32] = &[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];
/// How long a new group may stay out of sight.
const SHOWING: Duration = Duration::from_secs(30);

pub struct LogGroup<'a> {
    cloud: &'a Cloud,
    name: String,
    arn: String,
}

/// Whose a log group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Absent,
    /// Kept for so many days.
    Ours {
        days: i32,
    },
    /// Ours, but nothing says for how long it keeps what it holds.
    Unfinished,
    Foreign,
}

impl Standing {
    fn is_ours(self) -> bool {
        matches!(self, Self::Ours { .. } | Self::Unfinished)
    }
}

/// `/aws/lambda/<function>`.
pub fn name(function: &str) -> String {
    format!("/aws/lambda/{function}")
}

/// `arn:aws:logs:…:log-group:/aws/lambda/<function>`, without the `:*` that policies want.
pub fn arn(partition: &str, region: &str, account: &str, function: &str) -> String {
    format!("arn:{partition}:logs:{region}:{account}:log-group:{}", name(function))
}

impl<'a> LogGroup<'a> {
    /// `function` is the function's ARN, which tells partition, region and account.
    pub fn of(cloud: &'a Cloud, function: &str) -> Result<Self> {
        match function.split(':').collect::<Vec<_>>()[..] {
            ["arn", partition, "lambda", region, account, "function", function] => Ok(Self {
                cloud,
                name: name(function),
                arn: arn(partition, region, account, function),
            }),
            _ => Err(Error::terminal(format!("`{function}` is not the ARN of a function"))),
        }
    }

    /// `lineages`: the values of [`tag::LINEAGE`] that mean us.
    pub async fn standing(&self, lineages: &[&str]) -> Result<Standing> {
        let (group, tags) = tokio::try_join!(self.group(), self.tags())?;
        // A group that is there has tags, or none: without an answer it does not show itself yet.
        let (Some(group), Some(tags)) = (group, tags) else { return Ok(Standing::Absent) };
        let lineage = tags.get(tag::LINEAGE).map(String::as_str);
        let ours = lineage.is_some_and(|lineage| lineages.contains(&lineage));
        Ok(match group.retention_in_days {
            _ if !ours => Standing::Foreign,
            None => Standing::Unfinished,
            Some(days) => Standing::Ours { days },
        })
    }

    /// Answers are sorted: a group named as the prefix comes first.
    async fn group(&self) -> Result<Option<Described>> {
        let groups = self.cloud.logs.describe_log_groups().log_group_name_prefix(&self.name);
        let groups = groups.send().await.explain("DescribeLogGroups")?.log_groups;
        let named = |group: &Described| group.log_group_name.as_deref() == Some(&self.name);
        Ok(groups.unwrap_or_default().into_iter().find(named))
    }

    /// `None`: there is no such group.
    async fn tags(&self) -> Result<Option<HashMap<String, String>>> {
        match self.cloud.logs.list_tags_for_resource().resource_arn(&self.arn).send().await {
            Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(None),
            reply => Ok(Some(reply.explain("ListTagsForResource")?.tags.unwrap_or_default())),
        }
    }

    /// Makes the group, kept so many days, or finishes ours. Another's is left as it is.
    pub async fn make(
        &self,
        tags: &BTreeMap<String, String>,
        days: i32,
        lineages: &[&str],
    ) -> Result<()> {
        let made = self
            .cloud
            .logs
            .create_log_group()
            .log_group_name(&self.name)
            .set_tags(Some(tags.clone().into_iter().collect()))
            .send()
            .await;
        match made {
            Err(error) if code(&error) == Some("ResourceAlreadyExistsException") => {
                match self.standing(lineages).await? {
                    Standing::Ours { .. } | Standing::Unfinished => {}
                    Standing::Foreign => return Ok(()),
                    // It may be what an earlier call made, whose reply was lost.
                    Standing::Absent => {
                        let error = crate::fault::explain("CreateLogGroup", error);
                        let what = "the log group to show itself".to_owned();
                        return Err(Error {
                            fault: Fault::Awaiting { what, within: SHOWING },
                            ..error
                        });
                    }
                }
            }
            made => {
                made.explain("CreateLogGroup")?;
            }
        }
        self.put_retention(days).await
    }

    /// Keeps ours for so many days.
    pub async fn keep(&self, days: i32, lineages: &[&str]) -> Result<()> {
        match self.standing(lineages).await?.is_ours() {
            true => self.put_retention(days).await,
            false => Ok(()),
        }
    }

    async fn put_retention(&self, days: i32) -> Result<()> {
        let retention = self.cloud.logs.put_retention_policy().log_group_name(&self.name);
        retention.retention_in_days(days).send().await.explain("PutRetentionPolicy")?;
        Ok(())
    }

    /// Follows the function's tags, if the group is ours.
    pub async fn retag(
        &self,
        set: &HashMap<String, String>,
        unset: &[String],
        lineages: &[&str],
    ) -> Result<()> {
        if !self.standing(lineages).await?.is_ours() {
            return Ok(());
        }
        if !set.is_empty() {
            let tagging = self.cloud.logs.tag_resource().resource_arn(&self.arn);
            tagging.set_tags(Some(set.clone())).send().await.explain("TagResource")?;
        }
        if !unset.is_empty() {
            let untagging = self.cloud.logs.untag_resource().resource_arn(&self.arn);
            untagging.set_tag_keys(Some(unset.to_vec())).send().await.explain("UntagResource")?;
        }
        Ok(())
    }

    /// Deletes the group if it is ours.
    pub async fn remove(&self, lineages: &[&str]) -> Result<()> {
        if !self.standing(lineages).await?.is_ours() {
            return Ok(());
        }
        match self.cloud.logs.delete_log_group().log_group_name(&self.name).send().await {
            Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(()),
            reply => reply.explain("DeleteLogGroup").map(|_| ()),
        }
    }
}
