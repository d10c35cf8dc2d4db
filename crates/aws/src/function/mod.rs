//! The kind `function`: a Lambda function from a folder or a zip.

mod check;
mod observe;
mod role;
mod wire;
mod write;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stackwright_engine::change::Change;
use stackwright_engine::config::ShortOrLong;
use stackwright_engine::kind::{
    Context, Contribution, CreateIdempotency, Created, Error, Field, Found, Handle, Intent, Live,
    Owner, Ownership, Problem, Provider, ResourceType, Result, Siblings, field,
};

use crate::build::Builds;
use crate::cloud::Cloud;
use crate::kinds::Connect;
use crate::log_group;
use crate::package::Source;
use crate::role::{must_trust, of_stack};

/// AWS's own defaults, which are sent when a field is taken out of the file.
const TIMEOUT: i32 = 3;
const MEMORY: i32 = 128;
const EPHEMERAL_STORAGE: i32 = 512;
/// Calls at once: as many as the account has left.
const UNRESERVED: i32 = -1;

/// Who takes a function's role on.
const LAMBDA: &str = "lambda.amazonaws.com";

/// The kind `function`.
pub struct Function;

/// Functions of one account and region.
pub struct Functions {
    cloud: Arc<Cloud>,
    sources: Sources,
    builds: Builds,
}

/// Where code is found, and whether it may be made.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Of the stack file: where relative paths start.
    pub folder: PathBuf,
    /// Where vendored packages are kept between runs.
    pub cache: PathBuf,
    /// Whether `code.build` may run. Where it may not, what it would make is not read.
    pub builds: bool,
}

impl Functions {
    pub fn new(cloud: Arc<Cloud>, sources: Sources) -> Self {
        Self { cloud, sources, builds: Builds::default() }
    }

    /// The digest of a function's code, built first where the file says how.
    async fn digest(&self, config: &Config, at: &Context) -> Result<String> {
        let CodeFrom { path, build, exclude } = &config.code;
        let hint = match build {
            Some(_) if !self.sources.builds => return Ok(String::new()),
            Some(command) => {
                self.builds.run(&at.folder, command, &self.cloud.calls).await?;
                "`build` was to make it; `path` is relative to the stack file"
            }
            None => "`code` is a folder or a zip, relative to the stack file",
        };
        let source = read(at.folder.join(path), exclude.clone()).await.map_err(|error| {
            let hint = error.hint.clone().unwrap_or(hint.into());
            error.with_hint(hint)
        })?;
        let architecture = config.architecture.unwrap_or_default();
        Ok(source.digest(&config.runtime, architecture.as_str()))
    }
}

/// A Lambda function.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder that holds the code, or a ready zip; relative to the stack file. A
    /// `requirements.txt` in the folder is installed for the function's platform. `{path, build,
    /// exclude}` makes it by a command first, and leaves files of the folder at home.
    pub code: CodeFrom,
    /// The language and its version: `python3.13`, `nodejs22.x`, `provided.al2023`…
    pub runtime: String,
    /// What is called: `file.function` in Python.
    pub handler: String,
    /// The role it runs as: `role.KEY`, or an ARN. It must trust `lambda.amazonaws.com`.
    pub role: String,
    /// How long one call may take: seconds, or `30s`, `2m`.
    #[serde(default)]
    #[schemars(range(min = 1, max = 900), extend("default" = TIMEOUT))]
    pub timeout: Option<i32>,
    /// Memory: MB, or `512MB`, `1GB`. Computing power grows with it.
    #[serde(default)]
    #[schemars(range(min = 128, max = 10240), extend("default" = MEMORY))]
    pub memory: Option<i32>,
    /// Environment variables. Names and values hold 4 KB together.
    #[serde(default)]
    #[schemars(extend("default" = {}))]
    pub environment: Option<BTreeMap<String, String>>,
    /// The processor it runs on.
    #[serde(default)]
    #[schemars(extend("default" = "x86_64"))]
    pub architecture: Option<Architecture>,
    /// Makes the log group `/aws/lambda/<name>`, deleted with the function, and lets the role write
    /// to it (where it is a role of this stack).
    #[serde(default)]
    #[schemars(extend("default" = false))]
    pub logs: Option<bool>,
    /// How many days the log group keeps what it holds: 1, 3, 5, 7, 14, 30, 60, 90… Needs `logs: true`.
    #[serde(default)]
    #[schemars(range(min = 1, max = 3653), extend("default" = log_group::RETENTION))]
    pub log_retention: Option<i32>,
    /// Room in `/tmp`: MB, or `1GB`.
    #[serde(default)]
    #[schemars(range(min = 512, max = 10240), extend("default" = EPHEMERAL_STORAGE))]
    pub ephemeral_storage: Option<i32>,
    /// Whether X-Ray follows calls: `active`, or `passthrough`, which leaves it to the caller.
    #[serde(default)]
    #[schemars(extend("default" = "passthrough"))]
    pub tracing: Option<Tracing>,
    /// How many calls may run at once, taken out of the account's number for this function alone. 0
    /// lets none run; -1 takes none out.
    #[serde(default)]
    #[schemars(range(min = -1), extend("default" = UNRESERVED))]
    pub concurrency: Option<i32>,
    /// Layers by the ARNs of their versions, at most five. Later ones lie over earlier ones.
    #[serde(default)]
    #[schemars(extend("default" = []))]
    pub layers: Option<Vec<String>>,
    /// The network the function reaches. Its role needs the rights of
    /// `AWSLambdaVPCAccessExecutionRole`.
    #[serde(default)]
    #[schemars(extend("default" = {}))]
    pub vpc: Option<Vpc>,
    /// Up to 256 characters.
    #[serde(default)]
    #[schemars(length(max = 256), extend("default" = ""))]
    pub description: Option<String>,
}

/// A path, or `{path, build, exclude}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(from = "ShortOrLong<String, CodeParts>")]
#[schemars(inline)]
pub struct CodeFrom {
    pub path: String,
    /// The command that makes it.
    pub build: Option<String>,
    pub exclude: Vec<String>,
}

/// Code with more to say than its path.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct CodeParts {
    /// The folder that holds the code, or a ready zip; relative to the stack file.
    path: String,
    /// The command that makes what `path` names: `npm ci && npm run build`. `plan`, `explain` and
    /// `reconcile` run it once each, by `sh -e` in the folder of the stack file; `validate` does not.
    /// What it makes decides: other bytes are other code.
    #[serde(default)]
    build: Option<String>,
    /// What of it stays at home: patterns as in .gitignore, `tests/` or `*.md`.
    #[serde(default)]
    exclude: Vec<String>,
}

impl From<ShortOrLong<String, CodeParts>> for CodeFrom {
    fn from(written: ShortOrLong<String, CodeParts>) -> Self {
        match written {
            ShortOrLong::Short(path) => Self { path, build: None, exclude: Vec::new() },
            ShortOrLong::Long(CodeParts { path, build, exclude }) => Self { path, build, exclude },
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Architecture {
    #[default]
    #[serde(rename = "x86_64")]
    X86,
    #[serde(rename = "arm64")]
    Arm,
}

impl Architecture {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::X86 => "x86_64",
            Self::Arm => "arm64",
        }
    }
}

/// Whether X-Ray follows calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Tracing {
    Active,
    #[default]
    Passthrough,
}

/// Where a function stands in a network. In the normal form both lists are sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Vpc {
    /// Subnets by id: `subnet-…`, at most 16.
    pub subnets: Vec<String>,
    /// Security groups by id: `sg-…`, at most 5.
    pub security_groups: Vec<String>,
}

impl Vpc {
    /// Ids in any order, and the same one twice: one set.
    fn sorted(mut self) -> Self {
        for ids in [&mut self.subnets, &mut self.security_groups] {
            ids.sort();
            ids.dedup();
        }
        self
    }
}

/// The normal form. Not `Debug`: the environment may hold secrets.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<bool>,
    /// Days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_retention: Option<i32>,
    /// MB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracing: Option<Tracing>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<Vpc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Which code: the digest decides, the path leads there in this clone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// As the file has it.
    pub path: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// [`Source::digest`].
    pub digest: String,
}

impl Spec {
    fn architecture(&self) -> Architecture {
        self.architecture.unwrap_or_default()
    }

    fn tag(&self, key: &str) -> Option<&str> {
        self.tags.as_ref()?.get(key).map(String::as_str)
    }
}

impl Connect for Functions {
    fn connect(cloud: &Arc<Cloud>, sources: &Sources) -> Self {
        Self::new(cloud.clone(), sources.clone())
    }
}

impl ResourceType for Function {
    const NAME: &'static str = "function";
    const OUTPUTS: &'static [&'static str] = &["name", "arn"];
    const FIELDS: &'static [Field] = &[
        field("name").replaces(),
        field("code").write_only(),
        field("code.build").literal("the command has your environment: write `$NAME`"),
        field("role").address("role", "arn", "arn:"),
        field("timeout").seconds(),
        field("memory").megabytes(),
        field("ephemeral_storage").megabytes(),
    ];
    const CREATE: CreateIdempotency = CreateIdempotency::UniqueName;
    const ID_IS_NAME: bool = true;
    const DELETION_IMPACT: &'static str =
        "its versions and aliases, triggers that others made, and its log";

    type Config = Config;
    type Spec = Spec;

    fn check(config: &Config, siblings: Siblings<'_>) -> Vec<Problem> {
        let who = [LAMBDA, "lambda.amazonaws.com.cn", "*"];
        let mut problems = check::check(config);
        problems.extend(must_trust(&who, siblings, ("role", &config.role)));
        problems
    }

    fn contributions(config: &Config, at: &Context) -> Vec<Contribution> {
        let role = of_stack(&config.role).filter(|_| config.logs == Some(true));
        let group = log_group::arn(&at.partition, &at.region, &at.account, &at.name);
        let write = json!({
            "actions": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "resources": [format!("{group}:*")],
        });
        role.map(|to| Contribution { to, field: "allow", item: write }).into_iter().collect()
    }
}

impl Provider for Functions {
    type Type = Function;

    async fn normalize(&self, config: Config, at: &Context) -> Result<Spec> {
        let digest = self.digest(&config, at).await.map_err(|error| {
            let message = format!("code: {}", error.message);
            Error { message, ..error }.with_field("code")
        })?;
        let CodeFrom { path, exclude, .. } = config.code;
        Ok(Spec {
            name: at.name.clone(),
            tags: Some(at.tags.clone()),
            code: Some(Code { path, exclude, digest }),
            runtime: Some(config.runtime),
            handler: Some(config.handler),
            role: Some(config.role),
            timeout: config.timeout,
            memory: config.memory,
            environment: config.environment,
            architecture: config.architecture,
            logs: config.logs,
            log_retention: config.log_retention,
            ephemeral_storage: config.ephemeral_storage,
            tracing: config.tracing,
            concurrency: config.concurrency,
            layers: config.layers,
            vpc: config.vpc.map(Vpc::sorted),
            description: config.description,
        })
    }

    async fn observe(&self, handles: &[Handle<Spec>]) -> Vec<Result<Option<Live<Spec>>>> {
        self.observe_all(handles).await
    }

    async fn find(&self, _: &Owner, names: &[String]) -> Result<Vec<Found>> {
        self.find_named(names).await
    }

    async fn create(&self, _: &Intent, spec: &Spec) -> Result<Created<Spec>> {
        self.create_function(spec).await
    }

    async fn update(&self, on: &Handle<Spec>, desired: &Spec, changes: &[Change]) -> Result<()> {
        self.update_function(on, desired, changes).await
    }

    async fn delete(&self, handle: &Handle<Spec>) -> Result<()> {
        self.delete_function(handle).await
    }
}

impl Ownership for Functions {
    async fn release(&self, handle: &Handle<Spec>, owner: &Owner) -> Result<()> {
        self.let_go_of_logs(handle, &owner.lineage).await
    }
}

/// Reading and digesting may take a while: not on a thread that serves calls.
async fn read(code: PathBuf, exclude: Vec<String>) -> Result<Source> {
    let reading = tokio::task::spawn_blocking(move || Source::read(&code, &exclude)).await;
    reading.unwrap_or_else(|error| Err(Error::terminal(format!("reading code: {error}"))))
}

#[cfg(test)]
mod tests;
