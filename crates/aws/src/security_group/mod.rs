//! `security_group`: which traffic passes, on EC2.
//!
//! EC2 takes no token for a create, and the name of a group is unique only within its network. So a
//! create of unknown outcome is settled by the tags, which are part of the call; that a second one is
//! refused under the same name keeps it from ever making two. The name, the description and the
//! network of a group never change, and EC2 deletes no group that something uses.
//!
//! A group is a boundary: a list of rules that the file has is complete, and a rule that somebody else
//! added is drift. The descriptions of rules are not managed.

mod check;
mod config;
mod observe;
mod rule;
mod service;
mod spec;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ec2::types::ResourceType as Taggable;
use futures_util::future::join_all;
use stackwright_engine::change::Change;
use stackwright_engine::kind::{
    CheckContext, Context, CreateIdempotency, Created, Error, Fault, Field, Found, Handle, Intent,
    Live, Memo, Milestone, Ownership, Problem, Provider, Readiness, ResourceType, Result, Sought,
    field,
};

use self::config::Config;
use self::observe::unmanaged;
use self::rule::Direction;
pub use self::service::SecurityGroups;
use self::service::{CODES, IN_USE};
pub use self::spec::Spec;
use self::write::explain_create;
use crate::client::SingleAttempt;
use crate::cloud::Cloud;
use crate::connect::{Connect, Sources};
use crate::ec2;
use crate::fault::{Explain, code, explain};
use crate::tags;

/// A filter takes so many values.
const CHUNK: usize = 200;

/// EC2 wants a description; this one is sent when the file has none.
const DESCRIPTION: &str = "Managed by stackwright";

/// The kind `security_group`.
pub struct SecurityGroup;

impl Connect for SecurityGroups {
    fn connect(cloud: &Arc<Cloud>, _: &Sources) -> Self {
        Self::new(cloud)
    }
}

impl ResourceType for SecurityGroup {
    const NAME: &'static str = "security_group";
    const OUTPUTS: &'static [&'static str] = &["id", "arn"];
    const FIELDS: &'static [Field] = &[
        field("name").replaces(),
        field("description").replaces().ignored_when_unset(),
        field("vpc").replaces().ignored_when_unset(),
        // In its normal form a rule is not the text that held the secret.
        field("ingress").clear_text(),
        field("egress").clear_text(),
        field("ingress.*")
            .mentions("security_group", "id", "self")
            .example("tcp 22 from 203.0.113.0/24"),
        field("egress.*").mentions("security_group", "id", "self").example("https to anywhere"),
    ];
    const CREATE: CreateIdempotency =
        CreateIdempotency::LookUp { consistency_window: Duration::from_secs(120) };
    const IS_NAME_CASE_IGNORED: bool = true;
    const USABLE_ONCE: Milestone = Milestone::Sent;
    const IS_GONE_ONCE_ACCEPTED: bool = true;
    const IS_DELETED_WHILE_USED: bool = false;
    const DELETION_IMPACT: &'static str = "its id, to which rules of other groups may refer";

    type Config = Config;
    type Spec = Spec;

    fn check(config: &Config, context: &CheckContext<'_>) -> Vec<Problem> {
        check::check(config, context.name)
    }

    /// Two groups of one name need two networks. A group without one in the file stays where it is.
    fn excludes(one: &Spec, other: &Spec) -> bool {
        one.vpc.is_none() || other.vpc.is_none() || one.vpc == other.vpc
    }

    fn unmanaged(applied: Option<&Spec>, live: &Spec) -> Vec<String> {
        applied.map(|ours| unmanaged(ours, live)).unwrap_or_default()
    }
}

impl Provider for SecurityGroups {
    type Type = SecurityGroup;

    async fn normalize(&self, config: Config, at: &Context) -> Result<Spec> {
        spec::normalize(config, at)
    }

    async fn observe(&self, handles: &[Handle<Spec>]) -> Vec<Result<Option<Live<Spec>>>> {
        let chunks: Vec<_> = handles.chunks(CHUNK).map(|chunk| self.read(chunk)).collect();
        join_all(chunks).await.into_iter().flatten().collect()
    }

    async fn find(&self, sought: Sought<'_>) -> Result<Vec<Found>> {
        // Not by name: the same name in another network is no conflict.
        let seen = self.describe(ec2::of_owner(sought)).await?;
        let found = seen.iter().map(|seen| self.found(seen));
        // A filter that an endpoint ignores must not make strangers ours.
        Ok(found.filter(|found| ec2::is_of_owner(sought, &found.tags)).collect())
    }

    async fn create(&self, _: &Intent, spec: &Spec) -> Result<Created<Spec>> {
        let tags = ec2::tagged(Taggable::SecurityGroup, &spec.tags);
        let description = spec.description.as_deref().unwrap_or(DESCRIPTION);
        let reply = self
            .ec2
            .create_security_group()
            .group_name(&spec.name)
            .description(description)
            .set_vpc_id(spec.vpc.clone())
            .tag_specifications(tags)
            .customize()
            .single_attempt()
            .send()
            .await
            .map_err(|error| explain_create(error, spec))?;
        let id = reply.group_id.filter(|id| !id.is_empty()).ok_or_else(|| {
            Error::new(Fault::Unknown, "CreateSecurityGroup: the reply names no group")
        })?;
        let live = Live {
            // A pending object is observed before it is compared.
            spec: spec.clone(),
            outputs: BTreeMap::from([("id".to_owned(), id.clone())]),
            fingerprints: BTreeMap::new(),
            identity: None,
            // The reply says neither whose it is nor what it lets out.
            readiness: Readiness::Pending("the security group to show its rules".to_owned()),
            notes: Vec::new(),
            facts: BTreeMap::new(),
            memo: Memo::default(),
        };
        Ok(Created { id, live })
    }

    async fn update(&self, on: &Handle<Spec>, desired: &Spec, changes: &[Change]) -> Result<()> {
        let touched = |field: &str| changes.iter().any(|change| change.path.field() == field);
        ec2::set_tags(&self.ec2, &on.id, tags::difference(changes), CODES).await?;
        for (direction, rules) in
            [(Direction::Ingress, &desired.ingress), (Direction::Egress, &desired.egress)]
        {
            if let Some(rules) = rules.as_ref().filter(|_| touched(direction.field())) {
                self.set_rules(&on.id, direction, rules).await?;
            }
        }
        Ok(())
    }

    async fn delete(&self, handle: &Handle<Spec>) -> Result<()> {
        let id = &handle.id;
        match self.ec2.delete_security_group().group_id(id).send().await {
            Err(error) if code(&error) == Some("InvalidGroup.NotFound") => Ok(()),
            Err(error)
                if matches!(code(&error), Some("DependencyViolation" | "InvalidGroup.InUse")) =>
            {
                let what = format!("everything that uses {id} to be gone");
                let fault = Fault::Awaiting { what, within: IN_USE };
                let error = explain("DeleteSecurityGroup", error, CODES);
                Err(Error { fault, ..error }.with_hint(format!(
                    "`aws ec2 describe-network-interfaces --filters Name=group-id,Values={id}` lists \
                     what uses it; rules of other groups may refer to it, too"
                )))
            }
            sent => sent.map(drop).explain("DeleteSecurityGroup", CODES),
        }
    }
}

impl Ownership for SecurityGroups {}
