//! The log group of a function: `/aws/lambda/<name>`.
//!
//! Lambda creates one itself, without tags and without an end of retention, if the role allows it. So
//! this stack creates one before the function first runs, or adopts the one that Lambda has created. It never
//! changes or deletes a group that carries the tags of somebody else.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_cloudwatchlogs::types::LogGroup as Described;
use stackwright_engine::kind::{Error, ExistingPart, Fault, Result, tag};

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
    /// Nobody owns it: it has no tags but those that this stack would give it.
    Unowned,
    Foreign,
}

/// By which tags a log group is this stack's.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// The values of [`tag::LINEAGE`] that mean this stack.
    pub lineages: &'a [&'a str],
    /// The tags that the group has, or would have, if it is this stack's.
    pub tags: &'a BTreeMap<String, String>,
}

impl Owner<'_> {
    fn standing(self, tags: &HashMap<String, String>, days: Option<i32>) -> Standing {
        let lineage = tags.get(tag::LINEAGE).map(String::as_str);
        if lineage.is_some_and(|lineage| self.lineages.contains(&lineage)) {
            return days.map_or(Standing::Unfinished, |days| Standing::Ours { days });
        }
        let is_known = |(key, value): (&String, &String)| {
            key.starts_with("aws:") || !tag::is_own(key) && self.tags.get(key) == Some(value)
        };
        if tags.iter().all(is_known) { Standing::Unowned } else { Standing::Foreign }
    }
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

    /// Reads who owns the group.
    pub async fn standing(&self, owner: Owner<'_>) -> Result<Standing> {
        let (group, tags) = tokio::try_join!(self.group(), self.tags(&self.arn))?;
        // A group that exists has tags, if only an empty map: without them it is not visible yet.
        let (Some(group), Some(tags)) = (group, tags) else { return Ok(Standing::Absent) };
        Ok(owner.standing(&tags, group.retention_in_days))
    }

    /// The reply is sorted: a group whose name is the prefix comes first.
    async fn group(&self) -> Result<Option<Described>> {
        let groups = self.logs.describe_log_groups().log_group_name_prefix(&self.name);
        let groups = groups.send().await.explain("DescribeLogGroups", CODES)?.log_groups;
        let named = |group: &Described| group.log_group_name.as_deref() == Some(&self.name);
        Ok(groups.unwrap_or_default().into_iter().find(named))
    }

    /// Returns the tags of the group. `None`: it does not exist.
    async fn tags(&self, arn: &str) -> Result<Option<HashMap<String, String>>> {
        match self.logs.list_tags_for_resource().resource_arn(arn).send().await {
            Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(None),
            reply => {
                Ok(Some(reply.explain("ListTagsForResource", CODES)?.tags.unwrap_or_default()))
            }
        }
    }

    /// Creates the group with a retention of so many days, finishes this stack's, or adopts one that nobody
    /// owns.
    pub async fn create(&self, owner: Owner<'_>, days: i32) -> Result<()> {
        let tags: HashMap<String, String> = owner.tags.clone().into_iter().collect();
        let creating = self.logs.create_log_group().log_group_name(&self.name);
        match creating.set_tags(Some(tags.clone())).send().await {
            Err(error) if code(&error) == Some("ResourceAlreadyExistsException") => {
                match self.standing(owner).await? {
                    Standing::Ours { .. } | Standing::Unfinished => {}
                    Standing::Unowned => self.tag(tags).await?,
                    Standing::Foreign => {
                        return Err(Error::terminal(taken(&self.name)).with_hint(TAKEN));
                    }
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
    pub async fn retain_for(&self, days: i32, owner: Owner<'_>) -> Result<()> {
        if self.standing(owner).await?.is_ours() {
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
        owner: Owner<'_>,
    ) -> Result<()> {
        if !self.standing(owner).await?.is_ours() {
            return Ok(());
        }
        if !set.is_empty() {
            self.tag(set.clone()).await?;
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

    async fn tag(&self, tags: HashMap<String, String>) -> Result<()> {
        let tagging = self.logs.tag_resource().resource_arn(&self.arn);
        tagging.set_tags(Some(tags)).send().await.explain("TagResource", CODES).map(drop)
    }

    /// Deletes the group, if this stack owns it.
    pub async fn delete(&self, owner: Owner<'_>) -> Result<()> {
        if !self.standing(owner).await?.is_ours() {
            return Ok(());
        }
        match self.logs.delete_log_group().log_group_name(&self.name).send().await {
            Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(()),
            reply => reply.explain("DeleteLogGroup", CODES).map(|_| ()),
        }
    }
}

/// Returns what exists where the log group of a function with this name and these tags would be created. The
/// function may not exist yet: the group itself says its ARN.
pub async fn existing(
    logs: &aws_sdk_cloudwatchlogs::Client,
    function: &str,
    tags: &BTreeMap<String, String>,
) -> Result<Option<ExistingPart>> {
    let at = LogGroup { logs, name: name(function), arn: String::new() };
    let Some(group) = at.group().await? else { return Ok(None) };
    let arn = group.log_group_arn.as_deref().or(group.arn.as_deref()).unwrap_or_default();
    let Some(has) = at.tags(arn.trim_end_matches(":*")).await? else { return Ok(None) };
    let lineage = tags.get(tag::LINEAGE).map(String::as_str).unwrap_or_default();
    let owner = Owner { lineages: &[lineage], tags };
    Ok(match owner.standing(&has, group.retention_in_days) {
        Standing::Unowned => Some(ExistingPart::Adoptable(format!("the log group {}", at.name))),
        Standing::Foreign => Some(ExistingPart::Taken {
            field: "logs",
            reason: taken(&at.name),
            hint: TAKEN.to_owned(),
        }),
        Standing::Absent | Standing::Ours { .. } | Standing::Unfinished => None,
    })
}

fn taken(group: &str) -> String {
    format!("the log group {group} exists with tags that are not this stack's")
}

const TAKEN: &str = "remove `logs: true`, which leaves the log group to its owner; or delete the log group, \
                     or its tags";

#[cfg(test)]
mod tests {
    use super::*;

    fn map(tags: &[(&str, &str)]) -> BTreeMap<String, String> {
        tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    #[test]
    fn tags_tell_whose_a_log_group_is() {
        let ours = map(&[(tag::LINEAGE, "a"), (tag::STACK, "us-east-1/s"), ("team", "x")]);
        let owner = Owner { lineages: &["a", "b"], tags: &ours };
        let of =
            |tags: &[(&str, &str)], days| owner.standing(&map(tags).into_iter().collect(), days);
        assert_eq!(of(&[(tag::LINEAGE, "b"), ("more", "y")], Some(7)), Standing::Ours { days: 7 });
        assert_eq!(of(&[(tag::LINEAGE, "a")], None), Standing::Unfinished);
        // Lambda's own, and one that was released.
        assert_eq!(of(&[], None), Standing::Unowned);
        assert_eq!(of(&[("aws:cloudformation:x", "y"), ("team", "x")], Some(7)), Standing::Unowned);
        for theirs in
            [("team", "y"), ("Owner", "them"), (tag::LINEAGE, "c"), (tag::STACK, "us-east-1/s")]
        {
            assert_eq!(of(&[theirs], None), Standing::Foreign, "{theirs:?}");
        }
    }
}
