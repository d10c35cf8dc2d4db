//! `role`: an IAM role with its trust, its inline policies and the managed ones attached to it.

mod observe;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{StreamExt, stream, try_join};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stackwright_engine::change::Change;
use stackwright_engine::config::OneOrMany;
use stackwright_engine::kind::{
    Compare, Context, Cost, Created, Error, Fault, Field, Found, Handle, Intent, Kind, Live, Owner,
    Problem, Repeat, Result,
};

use self::observe::{found, live};
use self::write::keys;
use crate::cloud::Cloud;
use crate::fault::{Explain, code};
use crate::once::Once;
use crate::policy::{self, Document, Statement};
use crate::tags::{self, Tags};

/// The inline policy that `allow` becomes.
const OURS: &str = "stackwright";

/// Roles looked at together; IAM has one small quota for the whole account.
const TOGETHER: usize = 10;

/// Roles of one account.
#[derive(Clone, Debug)]
pub struct Role {
    pub cloud: Arc<Cloud>,
}

/// An IAM role: who may take it on, and what it may do.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who may take the role on: a service (`lambda.amazonaws.com`), an account (twelve digits),
    /// an ARN, a list of these, or a whole trust policy as a map.
    pub trust: Trust,
    /// What the role may do. The statements become one inline policy named `stackwright`.
    #[serde(default)]
    pub allow: Vec<Statement>,
    /// Further inline policies: name, then the whole document as a map.
    #[serde(default)]
    pub policies: BTreeMap<String, Document>,
    /// ARNs of managed policies to attach. Others that are attached already stay attached.
    #[serde(default)]
    pub managed_policies: Vec<String>,
    /// A sentence for people, at most 1000 characters.
    #[schemars(extend("default" = ""))]
    pub description: Option<String>,
    /// How long a session may last: seconds, or `1h`. An hour when nothing is written.
    #[schemars(range(min = 3600, max = 43200), extend("default" = 3600, "x-unit" = "s"))]
    pub max_session: Option<i32>,
}

/// Who may take a role on.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Value")]
pub enum Trust {
    Who(Vec<String>),
    Document(Document),
}

impl From<Value> for Trust {
    fn from(value: Value) -> Self {
        match serde_json::from_value(value.clone()) {
            Ok(OneOrMany(who)) => Self::Who(who),
            Err(_) => Self::Document(Document::from(value)),
        }
    }
}

impl JsonSchema for Trust {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Trust".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": "string" } },
            { "type": "object", "additionalProperties": true },
        ]})
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_session: Option<i32>,
}

impl Kind for Role {
    const NAME: &'static str = "role";
    const OUTPUTS: &'static [&'static str] = &["name", "arn"];
    const FIELDS: &'static [Field] = &[
        Field("name", Cost::Replace, Compare::Managed),
        Field("trust", Cost::InPlace, Compare::Exclusive),
    ];
    const CREATE: Repeat = Repeat::UniqueName;
    const LOST: &'static str = "its unique id, to which grants elsewhere may be bound";

    type Config = Config;
    type Spec = Spec;

    fn check(config: &Config) -> Vec<Problem> {
        check(config)
    }

    async fn normalize(&self, config: Config, at: &Context) -> Result<Spec> {
        let mut policies = config.policies;
        if !config.allow.is_empty() {
            policies.insert(OURS.to_owned(), Document::allow(&config.allow));
        }
        Ok(Spec {
            name: at.name.clone(),
            tags: at.tags.clone(),
            trust: Some(match config.trust {
                Trust::Who(who) => Document::trust(&who),
                Trust::Document(document) => document,
            }),
            policies,
            managed_policies: config.managed_policies.into_iter().map(|arn| (arn, true)).collect(),
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
            ..spec.clone()
        };
        Ok(Created { id: spec.name.clone(), live: live(&role, made) })
    }

    async fn update(&self, on: &Handle<Spec>, desired: &Spec, changes: &[Change]) -> Result<()> {
        let touched = |field: &str| changes.iter().any(|change| change.path.field() == field);
        self.set_tags(&on.id, changes).await?;
        if touched("trust") {
            self.set_trust(&on.id, desired).await?;
        }
        if touched("description") || touched("max_session") {
            self.set_settings(&on.id, desired, changes).await?;
        }
        for name in keys(changes, "policies") {
            self.set_inline(&on.id, &name, desired.policies.get(&name)).await?;
        }
        for arn in keys(changes, "managed_policies") {
            self.set_attached(&on.id, &arn, desired.managed_policies.contains_key(&arn)).await?;
        }
        Ok(())
    }

    async fn delete(&self, handle: &Handle<Spec>) -> Result<()> {
        let name = &handle.id;
        // IAM deletes only a bare role. The profiles themselves are somebody else's.
        let (inline, attached, profiles) =
            try_join!(self.inline(name), self.attached(name), self.profiles(name))?;
        for policy in inline.iter().flatten() {
            self.set_inline(name, policy, None).await?;
        }
        for arn in attached.iter().flatten() {
            self.set_attached(name, arn, false).await?;
        }
        for profile in profiles.iter().flatten() {
            let request = self.cloud.iam.remove_role_from_instance_profile();
            let sent = request.role_name(name).instance_profile_name(profile).send().await;
            there(sent, "RemoveRoleFromInstanceProfile")?;
        }
        there(self.cloud.iam.delete_role().role_name(name).send().await, "DeleteRole")?;
        Ok(())
    }
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

fn check(config: &Config) -> Vec<Problem> {
    let open = |text: &str| text.contains("${");
    let mut problems = Vec::new();
    let mut problem = |path: &[&str], message: String, hint: &str| {
        let path = path.iter().map(|&key| key.to_owned()).collect();
        problems.push(Problem { path, message, hint: Some(hint.to_owned()) });
    };
    match &config.trust {
        Trust::Who(who) => {
            let known = |who: &str| policy::is_service(who) || policy::is_account(who);
            for who in who {
                if !(known(who) || who.starts_with("arn:") || who == "*" || open(who)) {
                    problem(
                        &["trust"],
                        format!("`{who}` is not a service, an account or an ARN"),
                        "write for example `lambda.amazonaws.com` or twelve digits",
                    );
                }
            }
        }
        Trust::Document(document) if !document.has_statement() => {
            problem(&["trust"], "the trust policy has no `Statement`".into(), DOCUMENT);
        }
        Trust::Document(_) => {}
    }
    for (at, statement) in config.allow.iter().enumerate() {
        let at = at.to_string();
        let is_action = |action: &str| action == "*" || action.contains(':') || open(action);
        for action in statement.actions.0.iter().filter(|action| !is_action(action)) {
            problem(
                &["allow", &at, "actions"],
                format!("`{action}` is not an action"),
                "an action names its service: `s3:GetObject`, `s3:*`",
            );
        }
        let is_resource = |arn: &str| arn == "*" || arn.starts_with("arn:") || open(arn);
        for resource in statement.resources.0.iter().filter(|arn| !is_resource(arn)) {
            problem(
                &["allow", &at, "resources"],
                format!("`{resource}` is not an ARN"),
                "write the ARN, `${kind.key.arn}` for one of this stack, or `\"*\"`",
            );
        }
        for (part, list) in [("actions", &statement.actions), ("resources", &statement.resources)] {
            if list.0.is_empty() {
                problem(&["allow", &at, part], format!("`{part}` is empty"), "name at least one");
            }
        }
    }
    for (name, document) in &config.policies {
        if name == OURS {
            problem(
                &["policies", name],
                format!("the name `{OURS}` belongs to what `allow` becomes"),
                "give this policy another name",
            );
        }
        if !document.has_statement() {
            problem(&["policies", name], format!("`{name}` has no `Statement`"), DOCUMENT);
        }
    }
    for arn in &config.managed_policies {
        if !arn.starts_with("arn:") && !open(arn) {
            problem(
                &["managed_policies"],
                format!("`{arn}` is not an ARN"),
                "the ARN says which path the policy has, for example \
                 arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
            );
        }
    }
    if config.description.as_ref().is_some_and(|text| text.chars().count() > 1000) {
        problem(
            &["description"],
            "the description is too long".into(),
            "IAM takes 1000 characters",
        );
    }
    problems
}

const DOCUMENT: &str = "a document looks like `{Version: 2012-10-17, Statement: [...]}`";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(value: Value) -> Config {
        serde_json::from_value(value).expect("a config")
    }

    #[test]
    fn trust_is_names_or_a_document() {
        let one = config(json!({ "trust": "lambda.amazonaws.com" })).trust;
        assert!(matches!(one, Trust::Who(who) if who == ["lambda.amazonaws.com"]));
        let many = config(json!({ "trust": ["a", "b"] })).trust;
        assert!(matches!(many, Trust::Who(who) if who.len() == 2));
        let whole = config(json!({ "trust": { "Statement": {} } })).trust;
        assert!(matches!(whole, Trust::Document(document) if document.has_statement()));
    }

    #[test]
    fn the_file_alone_shows_what_iam_would_refuse() {
        let wrong = config(json!({
            "trust": ["lambda", "${env.ACCOUNT}"],
            "policies": { "stackwright": { "Statement": [{}] }, "empty": {} },
            "managed_policies": ["AWSLambdaBasicExecutionRole"],
        }));
        let paths: Vec<_> =
            check(&wrong).into_iter().map(|problem| problem.path.join(".")).collect();
        assert_eq!(paths, ["trust", "policies.empty", "policies.stackwright", "managed_policies"]);
    }
}
