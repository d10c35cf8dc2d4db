//! `role`: an IAM role with its trust, its inline policies and the managed ones attached to it.

mod check;
mod observe;
mod profile;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{StreamExt, stream, try_join};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stackwright_engine::Address;
use stackwright_engine::change::{Change, Path};
use stackwright_engine::config::{OneOrMany, ShortOrLong};
use stackwright_engine::kind::{
    Context, CreateIdempotency, Created, Error, Fault, Field, Found, Handle, Intent, Live, Owner,
    Ownership, Problem, Provider, ResourceType, Result, Siblings, field, tag,
};

use self::observe::{found, live, unmanaged};
use self::profile::{InProfile, unless_untold};
use self::write::keys;
use crate::cloud::Cloud;
use crate::fault::{Explain, code};
use crate::function::Sources;
use crate::kinds::Connect;
use crate::once::Once;
use crate::policy::{Document, Statement};
use crate::tags::{self, Difference, Tags};

/// The inline policy that `allow` becomes.
const OURS: &str = "stackwright";

/// Whose instances take roles on through instance profiles.
pub const EC2: &str = "ec2.amazonaws.com";

/// Where a role is when nothing is written.
const PATH: &str = "/";

/// Roles looked at together; IAM has one small quota for the whole account.
const TOGETHER: usize = 10;

/// The kind `role`.
pub struct Role;

/// Roles of one account.
#[derive(Clone, Debug)]
pub struct Roles {
    pub cloud: Arc<Cloud>,
}

/// An IAM role: who may take it on, and what it may do.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who may take the role on: a service (`lambda.amazonaws.com`), an account (twelve digits),
    /// an ARN, a list of these, or a whole trust policy as a map. With `ec2.amazonaws.com` among them
    /// an instance profile of the role's name is made, which `profile` of an instance needs.
    pub trust: Trust,
    /// What the role may do. The statements become one inline policy named `stackwright`.
    #[serde(default)]
    #[schemars(extend("default" = []))]
    pub allow: Vec<Statement>,
    /// Further inline policies: name, then the whole document as a map.
    #[serde(default)]
    pub policies: BTreeMap<String, Document>,
    /// ARNs of managed policies to attach. Others that are attached already stay attached, unless
    /// `managed_policies_exclusive` says otherwise.
    #[serde(default)]
    pub managed_policies: Vec<String>,
    /// `true`: a managed policy that is attached and not in the file is detached.
    #[schemars(extend("default" = false))]
    pub managed_policies_exclusive: Option<bool>,
    /// The ARN of a managed policy that bounds what the role may do, whatever else allows it.
    #[schemars(extend("default" = ""))]
    pub permissions_boundary: Option<String>,
    /// A part of the role's ARN, by which policies may speak of many roles: `/service/`. Another path
    /// means another role.
    #[schemars(extend("default" = PATH))]
    pub path: Option<String>,
    /// A sentence for people, at most 1000 characters.
    #[schemars(extend("default" = ""))]
    pub description: Option<String>,
    /// How long a session may last: seconds, or `1h`. An hour when nothing is written.
    #[schemars(range(min = 3600, max = 43200), extend("default" = 3600))]
    pub max_session: Option<i32>,
}

/// Who may take a role on: by name, or as the whole document.
pub type Trust = ShortOrLong<OneOrMany, Document>;

impl From<Trust> for Document {
    fn from(trust: Trust) -> Self {
        match trust {
            Trust::Short(OneOrMany(who)) => Self::trust(&who),
            Trust::Long(document) => document,
        }
    }
}

/// A role in its normal form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    pub name: String,
    pub tags: Tags,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Document>,
    /// Inline policies by name, `allow` among them. Always there, so that a policy taken out of the
    /// file is a key that goes away, also when it was the last one.
    pub policies: BTreeMap<String, Document>,
    /// ARN to `true`: a map and not a list, so that each policy is a key of its own, and a foreign
    /// one a key that is not ours.
    pub managed_policies: BTreeMap<String, bool>,
    /// Read by the comparison: whether a foreign policy is a key too many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_policies_exclusive: Option<bool>,
    /// Empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_session: Option<i32>,
    /// Whether it is in an instance profile of its name: where EC2 is trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_profile: Option<InProfile>,
}

impl Connect for Roles {
    fn connect(cloud: &Arc<Cloud>, _: &Sources) -> Self {
        Self { cloud: cloud.clone() }
    }
}

impl ResourceType for Role {
    const NAME: &'static str = "role";
    const OUTPUTS: &'static [&'static str] = &["name", "arn"];
    const FIELDS: &'static [Field] = &[
        field("name").replaces(),
        field("path").replaces(),
        field("managed_policies").exclusive_if("managed_policies_exclusive"),
        field("managed_policies_exclusive").write_only(),
        field("max_session").seconds(),
        field("trust").exclusive(),
        field("instance_profile").computed_from("trust").internal(),
        field("policies.stackwright").computed_from("allow"),
    ];
    const CREATE: CreateIdempotency = CreateIdempotency::UniqueName;
    const ID_IS_NAME: bool = true;
    const DELETION_IMPACT: &'static str = "its unique id, to which grants elsewhere may be bound";

    type Config = Config;
    type Spec = Spec;

    fn check(config: &Config, _: Siblings<'_>) -> Vec<Problem> {
        check::check(config)
    }

    /// Statements of a policy, but for the case of actions.
    fn semantically_equal(path: &Path, one: &Value, other: &Value) -> bool {
        let is_policy = ["trust", "policies"].contains(&path.field());
        let statements = |value: &Value| Document::from(json!({ "Statement": value }));
        is_policy
            && path.0.last().is_some_and(|part| part == "Statement")
            && statements(one).means(&statements(other))
    }

    fn unmanaged(applied: Option<&Spec>, live: &Spec) -> Vec<String> {
        applied.map(|ours| unmanaged(ours, live)).unwrap_or_default()
    }
}

impl Provider for Roles {
    type Type = Role;

    async fn normalize(&self, config: Config, at: &Context) -> Result<Spec> {
        let mut policies = config.policies;
        if !config.allow.is_empty() {
            policies.insert(OURS.to_owned(), Document::allow(&config.allow));
        }
        let trust = Document::from(config.trust);
        Ok(Spec {
            name: at.name.clone(),
            tags: at.tags.clone(),
            instance_profile: Some(match trust.trusts(EC2) {
                true => InProfile::Yes,
                false => InProfile::No,
            }),
            trust: Some(trust),
            policies,
            managed_policies: config.managed_policies.into_iter().map(|arn| (arn, true)).collect(),
            managed_policies_exclusive: config.managed_policies_exclusive,
            permissions_boundary: config.permissions_boundary,
            path: config.path,
            description: config.description,
            max_session: config.max_session,
        })
    }

    async fn observe(&self, handles: &[Handle<Spec>]) -> Vec<Result<Option<Live<Spec>>>> {
        let looks: Vec<_> = handles.iter().map(|handle| self.look(handle)).collect();
        stream::iter(looks).buffered(TOGETHER).collect().await
    }

    async fn find(&self, _: &Owner, names: &[String]) -> Result<Vec<Found>> {
        // ListRoles neither filters by tag nor reports tags: names are the way to a role.
        let looks: Vec<_> = names.iter().map(|name| self.get(name)).collect();
        let seen: Vec<_> = stream::iter(looks).buffered(TOGETHER).collect().await;
        seen.into_iter().filter_map(Result::transpose).map(|role| role.map(found)).collect()
    }

    async fn create(&self, _: &Intent, spec: &Spec) -> Result<Created<Spec>> {
        let reply = self
            .cloud
            .iam
            .create_role()
            .role_name(&spec.name)
            .set_assume_role_policy_document(spec.trust.as_ref().map(Document::to_string))
            .set_description(spec.description.clone())
            .set_max_session_duration(spec.max_session)
            .set_permissions_boundary(
                spec.permissions_boundary.clone().filter(|arn| !arn.is_empty()),
            )
            .set_path(spec.path.clone())
            .set_tags(Some(tags::to_iam(&spec.tags)?))
            .customize()
            .once()
            .send()
            .await
            .explain("CreateRole")?;
        let role = reply.role.filter(|role| !role.arn.is_empty() && !role.role_id.is_empty());
        let role = role.ok_or_else(|| {
            Error::new(Fault::Unknown, "CreateRole: the reply does not say what was made")
        })?;
        let made = Spec {
            policies: BTreeMap::new(),
            managed_policies: BTreeMap::new(),
            description: spec.description.clone().or(Some(String::new())),
            permissions_boundary: spec.permissions_boundary.clone().or(Some(String::new())),
            path: spec.path.clone().or(Some(PATH.to_owned())),
            instance_profile: Some(InProfile::No),
            ..spec.clone()
        };
        Ok(Created { id: spec.name.clone(), live: live(&role, made) })
    }

    async fn update(&self, on: &Handle<Spec>, desired: &Spec, changes: &[Change]) -> Result<()> {
        let touched = |field: &str| changes.iter().any(|change| change.path.field() == field);
        self.set_tags(on, desired, changes).await?;
        if touched("trust") {
            self.set_trust(&on.id, desired).await?;
        }
        if touched("description") || touched("max_session") {
            self.set_settings(&on.id, desired, changes).await?;
        }
        if touched("permissions_boundary") {
            self.set_boundary(&on.id, desired.permissions_boundary.as_deref()).await?;
        }
        for name in keys(changes, "policies") {
            self.set_inline(&on.id, &name, desired.policies.get(&name)).await?;
        }
        for arn in keys(changes, "managed_policies") {
            self.set_attached(&on.id, &arn, desired.managed_policies.contains_key(&arn)).await?;
        }
        if touched("instance_profile") {
            self.set_profile(on, desired).await?;
        }
        Ok(())
    }

    async fn delete(&self, handle: &Handle<Spec>) -> Result<()> {
        let name = &handle.id;
        // IAM deletes only a bare role.
        let (inline, attached) = try_join!(self.inline(name), self.attached(name))?;
        for policy in inline.iter().flatten() {
            self.set_inline(name, policy, None).await?;
        }
        for arn in attached.iter().flatten() {
            self.set_attached(name, arn, false).await?;
        }
        self.leave_profiles(name).await?;
        self.delete_orphans(handle).await?;
        there(self.cloud.iam.delete_role().role_name(name).send().await, "DeleteRole")?;
        Ok(())
    }
}

impl Ownership for Roles {
    async fn release(&self, handle: &Handle<Spec>, owner: &Owner) -> Result<()> {
        let ours = Tags::from([(tag::STACK.to_owned(), owner.stack.clone())]);
        let gone = Difference { set: Tags::new(), remove: tags::own() };
        unless_untold(handle, self.set_profile_tags(&handle.id, &ours, &gone).await)
    }

    async fn delete_orphans(&self, handle: &Handle<Spec>) -> Result<()> {
        unless_untold(handle, self.delete_profile(handle).await)
    }
}

/// The role of the stack that a text means: `role.KEY`, `${role.KEY.arn}`, `${role.KEY.name}`.
pub fn of_stack(text: &str) -> Option<Address> {
    let inner = text.strip_prefix("${").and_then(|rest| rest.strip_suffix("}"));
    let address = match inner {
        Some(reference) => reference.rsplit_once('.')?.0,
        None => text,
    };
    address.parse().ok().filter(|address: &Address| address.kind() == Role::NAME)
}

/// A problem of `field` where it names a role of the stack that, whatever its references come to
/// mean, trusts none of `who`. The first of them is what its trust should name.
pub fn must_trust(
    who: &[&str],
    siblings: Siblings<'_>,
    (field, text): (&str, &str),
) -> Option<Problem> {
    let address = of_stack(text)?;
    let role = Config::deserialize(siblings(&address)?).ok()?;
    // What is wrong in itself is reported there.
    if check::check(&role).iter().any(|problem| problem.path[0] == "trust") {
        return None;
    }
    let trust = Document::from(role.trust);
    let wanted = who.first().filter(|_| !who.iter().any(|who| trust.may_trust(who)))?;
    Some(Problem {
        path: vec![field.to_owned()],
        message: format!("`{address}` does not trust {wanted}"),
        hint: Some(format!("add {wanted} to the role's trust")),
    })
}

/// `None` where IAM says that the thing does not exist.
fn there<T, E>(
    sent: std::result::Result<T, aws_sdk_iam::error::SdkError<E>>,
    call: &str,
) -> Result<Option<T>>
where
    E: std::error::Error + aws_sdk_iam::error::ProvideErrorMetadata + Send + Sync + 'static,
{
    match sent {
        Err(error) if code(&error) == Some("NoSuchEntity") => Ok(None),
        sent => sent.explain(call).map(Some),
    }
}
