//! The log group of a function: `/aws/lambda/<name>`.
//!
//! Lambda creates one itself, without tags and without an end of retention, if the role allows it. So
//! this stack creates one before the function first runs, or adopts the one that Lambda has created. It never
//! changes or deletes a group that carries the tags of somebody else.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_cloudwatchlogs::types::LogGroup as Described;
use serde_json::Value;
use stackwright_engine::change::Change;
use stackwright_engine::kind::{Error, ExistingPart, Fault, Result, tag};

use crate::client::sdk_client;
use crate::fault::{Codes, Explain as _, Meaning, code, explain};
use crate::pace::Quota;

sdk_client!(aws_sdk_cloudwatchlogs, QUOTAS);

/// From "CloudWatch Logs quotas". Reads of events have the quota of the regions with the lowest one.
const QUOTAS: &[Quota] = &[
    Quota::of(&["CreateLogGroup"], 10, 100),
    Quota::of(&["DeleteLogGroup"], 10, 100),
    Quota::of(&["DescribeLogGroups"], 10, 100),
    Quota::of_each_other_read(5, 200),
    Quota::of_each_other_write(5, 200),
];

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

/// A log group that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    tags: HashMap<String, String>,
    /// `None`: its events never expire.
    pub days: Option<i32>,
}

impl Seen {
    /// Tells whether this stack owns it. `lineages`: the values of [`tag::LINEAGE`] that mean this stack.
    pub fn is_of(&self, lineages: &[&str]) -> bool {
        let lineage = self.tags.get(tag::LINEAGE).map(String::as_str);
        lineage.is_some_and(|lineage| lineages.contains(&lineage))
    }

    /// Tells whether nobody owns it: it has no tags but those that this stack would give it.
    fn is_unowned(&self, own: &BTreeMap<String, String>) -> bool {
        self.tags.iter().all(|(key, value)| {
            key.starts_with("aws:") || !tag::is_own(key) && own.get(key) == Some(value)
        })
    }

    /// Says what a retention of so many days does to events that are kept longer now.
    fn shortened(&self, days: i32) -> Option<String> {
        let now = match self.days {
            None => "never expire".to_owned(),
            Some(now) if now > days => format!("expire after {now} days"),
            Some(_) => return None,
        };
        Some(format!(
            "the events of its log group {now}; after this run, those older than {days} days are deleted"
        ))
    }
}

/// Says what a change of the retention of this stack's group deletes.
pub fn shortened(change: &Change) -> Option<String> {
    let days = |value: &Option<Value>| i32::try_from(value.as_ref()?.as_i64()?).ok();
    let (now, days) = (days(&change.before)?, days(&change.after)?);
    let seen = Seen { tags: HashMap::new(), days: Some(now) };
    seen.shortened(days).filter(|_| change.path.field() == "log_retention")
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

    /// Reads the group, if it exists.
    pub async fn read(&self) -> Result<Option<Seen>> {
        let (group, tags) = tokio::try_join!(self.group(), self.tags(&self.arn))?;
        // A group that exists has tags, if only an empty map: without them it is not visible yet.
        Ok(group.zip(tags).map(|(group, tags)| Seen { tags, days: group.retention_in_days }))
    }

    /// Tells whether this stack owns the group.
    pub async fn is_of(&self, lineages: &[&str]) -> Result<bool> {
        Ok(self.read().await?.is_some_and(|seen| seen.is_of(lineages)))
    }

    /// As [`is_of`](Self::is_of), of a group that probably does not exist: CloudWatch Logs answers twice as many
    /// questions about groups as about tags.
    pub async fn exists_and_is_of(&self, lineages: &[&str]) -> Result<bool> {
        match self.group().await? {
            Some(_) => self.is_of(lineages).await,
            None => Ok(false),
        }
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

    /// Creates the group with these tags and a retention of so many days, finishes this stack's, or adopts one
    /// that nobody owns.
    pub async fn create(
        &self,
        lineages: &[&str],
        own: &BTreeMap<String, String>,
        days: i32,
    ) -> Result<()> {
        let tags: HashMap<String, String> = own.clone().into_iter().collect();
        let creating = self.logs.create_log_group().log_group_name(&self.name);
        match creating.set_tags(Some(tags.clone())).send().await {
            Err(error) if code(&error) == Some("ResourceAlreadyExistsException") => {
                match self.read().await? {
                    Some(seen) if seen.is_of(lineages) => {}
                    Some(seen) if seen.is_unowned(own) => self.tag(tags).await?,
                    Some(_) => return Err(Error::terminal(taken(&self.name)).with_hint(TAKEN)),
                    // An earlier call may have created it, whose reply was lost.
                    None => {
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
        match self.is_of(lineages).await? {
            true => self.put_retention(days).await,
            false => Ok(()),
        }
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
        if !self.is_of(lineages).await? {
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
    pub async fn delete(&self, lineages: &[&str]) -> Result<()> {
        if self.is_of(lineages).await? { self.remove().await } else { Ok(()) }
    }

    /// Deletes the group, which this stack owns.
    pub async fn remove(&self) -> Result<()> {
        match self.logs.delete_log_group().log_group_name(&self.name).send().await {
            Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(()),
            reply => reply.explain("DeleteLogGroup", CODES).map(|_| ()),
        }
    }
}

/// Returns what exists where the log group of a function with this name would be created, with these tags and a
/// retention of so many days. The function may not exist yet: the group itself says its ARN.
pub async fn existing(
    logs: &aws_sdk_cloudwatchlogs::Client,
    function: &str,
    own: &BTreeMap<String, String>,
    days: i32,
) -> Result<Vec<ExistingPart>> {
    let at = LogGroup { logs, name: name(function), arn: String::new() };
    let Some(group) = at.group().await? else { return Ok(Vec::new()) };
    let arn = group.log_group_arn.as_deref().or(group.arn.as_deref()).unwrap_or_default();
    let Some(tags) = at.tags(arn.trim_end_matches(":*")).await? else { return Ok(Vec::new()) };
    let seen = Seen { tags, days: group.retention_in_days };
    let lineage = own.get(tag::LINEAGE).map(String::as_str).unwrap_or_default();
    if seen.is_of(&[lineage]) {
        return Ok(Vec::new());
    }
    if !seen.is_unowned(own) {
        let (reason, hint) = (taken(&at.name), TAKEN.to_owned());
        return Ok(vec![ExistingPart::Taken { field: "logs", reason, hint }]);
    }
    let shortened = seen.shortened(days).map(ExistingPart::Noted);
    let adopted = ExistingPart::Adoptable(format!("the log group {}", at.name));
    Ok([adopted].into_iter().chain(shortened).collect())
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

    fn seen(tags: &[(&str, &str)], days: Option<i32>) -> Seen {
        Seen { tags: map(tags).into_iter().collect(), days }
    }

    #[test]
    fn tags_tell_whose_a_log_group_is() {
        let own = map(&[(tag::LINEAGE, "a"), (tag::STACK, "us-east-1/s"), ("team", "x")]);
        let of = |tags: &[(&str, &str)]| {
            let seen = seen(tags, None);
            (seen.is_of(&["a", "b"]), seen.is_unowned(&own))
        };
        assert_eq!(of(&[(tag::LINEAGE, "b"), ("more", "y")]), (true, false));
        // Lambda's own, and one that was released.
        assert_eq!(of(&[]), (false, true));
        assert_eq!(of(&[("aws:cloudformation:x", "y"), ("team", "x")]), (false, true));
        for theirs in
            [("team", "y"), ("Owner", "them"), (tag::LINEAGE, "c"), (tag::STACK, "us-east-1/s")]
        {
            assert_eq!(of(&[theirs]), (false, false), "{theirs:?}");
        }
    }

    #[test]
    fn only_a_shorter_retention_deletes_events() {
        let said = |now| seen(&[], now).shortened(30);
        assert!(said(None).is_some_and(|said| said.contains("never expire")));
        assert!(said(Some(60)).is_some_and(|said| said.contains("after 60 days")));
        assert_eq!((said(Some(30)), said(Some(7))), (None, None));
    }
}
