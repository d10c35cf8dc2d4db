//! The kind `function`: a Lambda function from a folder or a zip.

mod observe;
mod role;
mod write;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use stackwright_engine::Address;
use stackwright_engine::change::Change;
use stackwright_engine::kind::{
    Compare, Context, Contribution, Cost, Created, Error, Field, Found, Handle, Intent, Kind, Live,
    Owner, Problem, Repeat, Result,
};

use crate::cloud::Cloud;
use crate::log_group;
use crate::package::Source;

/// AWS's own defaults, which are sent when a field is taken out of the file.
const TIMEOUT: i32 = 3;
const MEMORY: i32 = 128;
/// Of names and values together.
const ENVIRONMENT_BYTES: usize = 4096;

/// The kind. Code is found from the stack file's folder, packages are kept in a cache.
pub struct Function {
    cloud: Arc<Cloud>,
    /// Of the stack file: where relative paths start.
    folder: PathBuf,
    /// Where vendored packages are kept between runs.
    cache: PathBuf,
}

impl Function {
    pub fn new(cloud: Arc<Cloud>, folder: PathBuf, cache: PathBuf) -> Self {
        Self { cloud, folder, cache }
    }
}

/// A Lambda function.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder that holds the code, or a ready zip; relative to the stack file. A
    /// `requirements.txt` in the folder is installed for the function's platform.
    pub code: String,
    /// The language and its version: `python3.13`, `nodejs22.x`, `provided.al2023`…
    pub runtime: String,
    /// What is called: `file.function` in Python.
    pub handler: String,
    /// The role it runs as: `role.KEY`, or an ARN. It must trust `lambda.amazonaws.com`.
    #[schemars(extend("x-address" = "role"))]
    pub role: String,
    /// How long one call may take: seconds, or `30s`, `2m`.
    #[serde(default)]
    #[schemars(range(min = 1, max = 900), extend("default" = TIMEOUT, "x-unit" = "s"))]
    pub timeout: Option<i32>,
    /// Memory: MB, or `512MB`, `1GB`. Computing power grows with it.
    #[serde(default)]
    #[schemars(range(min = 128, max = 10240), extend("default" = MEMORY, "x-unit" = "MB"))]
    pub memory: Option<i32>,
    /// Environment variables. Names and values hold 4 KB together.
    #[serde(default)]
    #[schemars(extend("default" = {}))]
    pub environment: Option<BTreeMap<String, String>>,
    /// The processor it runs on.
    #[serde(default)]
    #[schemars(extend("default" = "x86_64"))]
    pub architecture: Option<Architecture>,
    /// Makes the log group `/aws/lambda/<name>`, kept 14 days and deleted with the function, and
    /// lets the role write to it (where it is a role of this stack).
    #[serde(default)]
    #[schemars(extend("default" = false))]
    pub logs: Option<bool>,
    /// Up to 256 characters.
    #[serde(default)]
    #[schemars(length(max = 256), extend("default" = ""))]
    pub description: Option<String>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Which code: the digest decides, the path leads there in this clone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// As the file has it.
    pub path: String,
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

impl Kind for Function {
    const NAME: &'static str = "function";
    const OUTPUTS: &'static [&'static str] = &["name", "arn"];
    const FIELDS: &'static [Field] = &[
        Field("name", Cost::Replace, Compare::Managed),
        Field("code", Cost::InPlace, Compare::Recorded),
    ];
    const CREATE: Repeat = Repeat::UniqueName;
    const LOST: &'static str = "its versions and aliases, triggers that others made, and its log";

    type Config = Config;
    type Spec = Spec;

    fn check(config: &Config) -> Vec<Problem> {
        check(config)
    }

    fn contribute(config: &Config, at: &Context) -> Vec<Contribution> {
        let role = role_of_stack(&config.role).filter(|_| config.logs == Some(true));
        let group = log_group::arn(&at.partition, &at.region, &at.account, &at.name);
        let write = json!({
            "actions": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "resources": [format!("{group}:*")],
        });
        role.map(|to| Contribution { to, field: "allow", item: write }).into_iter().collect()
    }

    async fn normalize(&self, config: Config, at: &Context) -> Result<Spec> {
        let architecture = config.architecture.unwrap_or_default();
        let source = read(at.folder.join(&config.code)).await.map_err(|error| {
            let hint = "`code` is a folder or a zip, relative to the stack file";
            Error::terminal(format!("code: {}", error.message))
                .with_hint(error.hint.unwrap_or(hint.into()))
        })?;
        let digest = source.digest(&config.runtime, architecture.as_str());
        Ok(Spec {
            name: at.name.clone(),
            tags: Some(at.tags.clone()),
            code: Some(Code { path: config.code, digest }),
            runtime: Some(config.runtime),
            handler: Some(config.handler),
            role: Some(config.role),
            timeout: config.timeout,
            memory: config.memory,
            environment: config.environment,
            architecture: config.architecture,
            logs: config.logs,
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

/// Reading and digesting may take a while: not on a thread that serves calls.
async fn read(code: PathBuf) -> Result<Source> {
    let reading = tokio::task::spawn_blocking(move || Source::read(&code)).await;
    reading.unwrap_or_else(|error| Err(Error::terminal(format!("reading code: {error}"))))
}

/// `role.KEY` or `${role.KEY.arn}`.
fn role_of_stack(text: &str) -> Option<Address> {
    let inner = text.strip_prefix("${").and_then(|rest| rest.strip_suffix("}"));
    let address = match inner {
        Some(reference) => reference.trim().strip_suffix(".arn")?,
        None => text,
    };
    address.parse().ok().filter(|address: &Address| address.kind() == "role")
}

fn check(config: &Config) -> Vec<Problem> {
    let problem = |path: &[&str], message: String, hint: &str| Problem {
        path: path.iter().map(ToString::to_string).collect(),
        message,
        hint: Some(hint.to_owned()),
    };
    let mut problems = Vec::new();
    if config.description.as_ref().is_some_and(|text| text.chars().count() > 256) {
        let message = "`description` has more than 256 characters".to_owned();
        problems.push(problem(&["description"], message, "shorten it"));
    }
    let family =
        config.runtime.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    if !FAMILIES.contains(&family) && !config.runtime.contains("${") {
        let message = format!("Lambda has no runtime `{}`", config.runtime);
        problems.push(problem(&["runtime"], message, "for example `python3.13` or `nodejs22.x`"));
    }
    let base = config.handler.rsplit('/').next().unwrap_or_default();
    let is_module =
        base.split_once('.').is_some_and(|(file, name)| !file.is_empty() && !name.is_empty());
    if NAMED_IN_A_FILE.contains(&family) && !is_module && !config.handler.contains("${") {
        let message = format!("`{}` is not `FILE.FUNCTION`", config.handler);
        problems.push(problem(
            &["handler"],
            message,
            "for example `lambda_function.lambda_handler`",
        ));
    }
    let Some(environment) = &config.environment else { return problems };
    for name in environment.keys() {
        if !is_variable(name) {
            let message = format!("`{name}` cannot be the name of an environment variable");
            let hint = "two or more of A-Z, a-z, 0-9 and _, a letter first";
            problems.push(problem(&["environment", name], message, hint));
        } else if RESERVED.contains(&name.as_str()) {
            let message = format!("`{name}` is set by Lambda itself");
            problems.push(problem(&["environment", name], message, "choose another name"));
        }
    }
    let literal = |text: &String| if text.contains("${") { 0 } else { text.len() };
    let size: usize = environment.iter().map(|(name, value)| name.len() + literal(value)).sum();
    if size > ENVIRONMENT_BYTES {
        let message = format!("`environment` has {size} bytes; Lambda takes {ENVIRONMENT_BYTES}");
        problems.push(problem(&["environment"], message, "put large values into a file in `code`"));
    }
    problems
}

fn is_variable(name: &str) -> bool {
    name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// What names of runtimes begin with.
const FAMILIES: &[&str] =
    &["dotnet", "dotnetcore", "go", "java", "nodejs", "provided", "python", "ruby"];

/// Those whose handler is a function in a file.
const NAMED_IN_A_FILE: &[&str] = &["nodejs", "python", "ruby"];

/// Refused by CreateFunction.
const RESERVED: &[&str] = &[
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

#[cfg(test)]
mod tests;
