//! CloudWatch Logs: log groups.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::Outcome;
use super::call::Call;
use super::lambda::texts;
use super::tagged::Tags;
use super::{ACCOUNT, REGION};
use crate::proxy::Refusal;

const GONE: Refusal =
    Refusal::new(400, "ResourceNotFoundException").saying("the log group does not exist");
const TAKEN: Refusal =
    Refusal::new(400, "ResourceAlreadyExistsException").saying("the log group exists");
/// The most groups on one page.
const PAGE: usize = 50;

#[derive(Default)]
pub struct Logs(BTreeMap<String, Group>);

struct Group {
    tags: Tags,
    retention: Option<Value>,
}

impl Logs {
    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn answer(&mut self, call: &Call) -> Option<Outcome> {
        let asked = call.json();
        let name = asked["logGroupName"].as_str().unwrap_or_default();
        // `arn:aws:logs:REGION:ACCOUNT:log-group:NAME`, or the same with `:*`.
        let arn = asked["resourceArn"].as_str().unwrap_or_default();
        let by_arn = arn.splitn(7, ':').nth(6).unwrap_or_default().trim_end_matches(":*");
        let answer = match call.operation.name.as_str() {
            "CreateLogGroup" => self.create(name, texts(&asked["tags"])),
            "DescribeLogGroups" => {
                Ok(self.describe(asked["logGroupNamePrefix"].as_str().unwrap_or_default()))
            }
            "ListTagsForResource" => {
                self.0.get(by_arn).map(|group| json!({ "tags": group.tags })).ok_or(GONE)
            }
            "PutRetentionPolicy" => self.change(name, |group| {
                group.retention = Some(asked["retentionInDays"].clone());
            }),
            "TagResource" => self.change(by_arn, |group| group.tags.extend(texts(&asked["tags"]))),
            "UntagResource" => self.change(by_arn, |group| {
                for key in asked["tagKeys"].as_array().into_iter().flatten() {
                    group.tags.remove(key.as_str().unwrap_or_default());
                }
            }),
            "DeleteLogGroup" => self.0.remove(name).map(|_| json!({})).ok_or(GONE),
            _ => return None,
        };
        Some(answer.map(Into::into))
    }

    fn create(&mut self, name: &str, tags: Tags) -> Result<Value, Refusal> {
        if self.0.contains_key(name) {
            return Err(TAKEN);
        }
        self.0.insert(name.to_owned(), Group { tags, retention: None });
        Ok(json!({}))
    }

    fn change(&mut self, name: &str, change: impl FnOnce(&mut Group)) -> Result<Value, Refusal> {
        change(self.0.get_mut(name).ok_or(GONE)?);
        Ok(json!({}))
    }

    /// The first page of the groups whose names begin with `prefix`.
    fn describe(&self, prefix: &str) -> Value {
        let groups = self.0.range(prefix.to_owned()..);
        let groups = groups.take_while(|(name, _)| name.starts_with(prefix)).take(PAGE);
        let group = |(name, group): (&String, &Group)| {
            let arn = format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}");
            let mut reply = json!({
                "logGroupName": name,
                "creationTime": 1_767_225_600_000_u64,
                "arn": format!("{arn}:*"),
                "logGroupArn": arn,
                "storedBytes": 0,
            });
            if let Some(days) = &group.retention {
                reply["retentionInDays"] = days.clone();
            }
            reply
        };
        json!({ "logGroups": groups.map(group).collect::<Vec<_>>() })
    }
}
