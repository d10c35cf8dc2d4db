//! The log group of a function: `/aws/lambda/<name>`.
//!
//! Lambda creates one itself, without tags and without an end of retention, if the role allows it. So
//! this stack creates one before the function first runs, and never changes or deletes a group that
//! does not carry its lineage.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_cloudwatchlogs::types::LogGroup as Described;
use stackwright_engine::kind::{Error, Fault, Result, tag};

use crate::client::sdk_client;
use crate::fault::{Codes, Explain as _, Meaning, code, explain};

sdk_client!(aws_sdk_cloudwatchlogs);

/// The default retention, in days.
pub const RETENTION: i32 = 14;
/// The retentions that CloudWatch Logs accepts, in days.
pub const RETENTIONS: &[i32] = &[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];
/// How long CloudWatch Logs may not show a group that it has just created.
const NEW_GROUP: Duration = Duration::from_secs(30);

/// The error codes of CloudWatch Logs.
pub const CODES: Codes = &[
    ("ResourceAlreadyExistsException", Meaning::NameTaken),
    ("OperationAbortedException", Meaning::Conflict),
];

/// The log group of one function.
pub struct LogGroup<'a> {
    logs: &'a aws_sdk_cloudwatchlogs::Client,
    name: String,
    arn: String,
}

/// Who owns a log group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Absent,
    /// This stack owns it, with a retention of so many days.
    Ours {
        days: i32,
    },
    /// This stack owns it, and its retention is not set yet.
    Unfinished,
    Foreign,
}

impl Standing {
    fn is_ours(self) -> bool {
        matches!(self, Self::Ours { .. } | Self::Unfinished)
    }
}

/// Returns `/aws/lambda/<function>`.
pub fn name(function: &str) -> String {
    format!("/aws/lambda/{function}")
}

/// Returns `arn:aws:logs:…:log-group:/aws/lambda/<function>`, without the `:*` that policies need.
pub fn arn(partition: &str, region: &str, account: &str, function: &str) -> String {
    format!("arn:{partition}:logs:{region}:{account}:log-group:{}", name(function))
}

impl<'a> LogGroup<'a> {
    /// Returns the group of the function with this ARN.
    pub fn of(logs: &'a aws_sdk_cloudwatchlogs::Client, function: &str) -> Result<Self> {
        match function.split(':').collect::<Vec<_>>()[..] {
            ["arn", partition, "lambda", region, account, "function", function] => Ok(Self {
                logs,
                name: name(function),
                arn: arn(partition, region, account, function),
            }),
            _ => Err(Error::terminal(format!("`{function}` is not the ARN of a function"))),
        }
    }

    /// Reads who owns the group. `lineages`: the values of [`tag::LINEAGE`] that mean this stack.
    pub async fn standing(&self, lineages: &[&str]) -> Result<Standing> {
        let (group, tags) = tokio::try_join!(self.group(), self.tags())?;
        // A group that exists has tags, if only an empty map: without them it is not visible yet.
        let (Some(group), Some(tags)) = (group, tags) else { return Ok(Standing::Absent) };
        let lineage = tags.get(tag::LINEAGE).map(String::as_str);
        let ours = lineage.is_some_and(|lineage| lineages.contains(&lineage));
        Ok(match group.retention_in_days {
            _ if !ours => Standing::Foreign,
            None => Standing::Unfinished,
            Some(days) => Standing::Ours { days },
        })
    }

    /// The reply is sorted: a group whose name is the prefix comes first.
    async fn group(&self) -> Result<Option<Described>> {
        let groups = self.logs.describe_log_groups().log_group_name_prefix(&self.name);
        let groups = groups.send().await.explain("DescribeLogGroups", CODES)?.log_groups;
        let named = |group: &Described| group.log_group_name.as_deref() == Some(&self.name);
        Ok(groups.unwrap_or_default().into_iter().find(named))
    }

    /// Returns the tags of the group. `None`: it does not exist.
    async fn tags(&self) -> Result<Option<HashMap<String, String>>> {
        match self.logs.list_tags_for_resource().resource_arn(&self.arn).send().await {
            Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(None),
            reply => {
                Ok(Some(reply.explain("ListTagsForResource", CODES)?.tags.unwrap_or_default()))
            }
        }
    }

    /// Creates the group with a retention of so many days, or finishes this stack's. An unmanaged group
    /// is left as it is.
    pub async fn create(
        &self,
        tags: &BTreeMap<String, String>,
        days: i32,
        lineages: &[&str],
    ) -> Result<()> {
        let made = self
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
                    // An earlier call may have created it, whose reply was lost.
                    Standing::Absent => {
                        let error = explain("CreateLogGroup", error, CODES);
                        let what = "the log group to be visible".to_owned();
                        return Err(Error {
                            fault: Fault::Awaiting { what, within: NEW_GROUP },
                            ..error
                        });
                    }
                }
            }
            made => {
                made.explain("CreateLogGroup", CODES)?;
            }
        }
        self.put_retention(days).await
    }

    /// Sets the retention, if this stack owns the group.
    pub async fn retain_for(&self, days: i32, lineages: &[&str]) -> Result<()> {
        if self.standing(lineages).await?.is_ours() {
            self.put_retention(days).await?;
        }
        Ok(())
    }

    async fn put_retention(&self, days: i32) -> Result<()> {
        let retention = self.logs.put_retention_policy().log_group_name(&self.name);
        retention.retention_in_days(days).send().await.explain("PutRetentionPolicy", CODES)?;
        Ok(())
    }

    /// Changes the tags, if this stack owns the group.
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
            let tagging = self.logs.tag_resource().resource_arn(&self.arn);
            tagging.set_tags(Some(set.clone())).send().await.explain("TagResource", CODES)?;
        }
        if !unset.is_empty() {
            let untagging = self.logs.untag_resource().resource_arn(&self.arn);
            untagging
                .set_tag_keys(Some(unset.to_vec()))
                .send()
                .await
                .explain("UntagResource", CODES)?;
        }
        Ok(())
    }

    /// Deletes the group, if this stack owns it.
    pub async fn delete(&self, lineages: &[&str]) -> Result<()> {
        if !self.standing(lineages).await?.is_ours() {
            return Ok(());
        }
        match self.logs.delete_log_group().log_group_name(&self.name).send().await {
            Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(()),
            reply => reply.explain("DeleteLogGroup", CODES).map(|_| ()),
        }
    }
}
