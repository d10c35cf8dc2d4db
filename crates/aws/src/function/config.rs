//! What a user writes about a function.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stackwright_engine::config::ShortOrLong;

use super::log_group::RETENTION;

/// AWS's own defaults, which are sent when a field is removed from the file.
pub const TIMEOUT: i32 = 3;
pub const MEMORY: i32 = 128;
pub const EPHEMERAL_STORAGE: i32 = 512;
/// No concurrency is reserved: the function shares that of the account.
pub const UNRESERVED: i32 = -1;

/// A Lambda function.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder with the code, or a zip file; relative to the stack file. The packages of a
    /// `requirements.txt` in the folder are installed for the function's platform. `{path, build,
    /// exclude}` runs a command first, and leaves files out. The stack file, `.git`, caches, `.env*`, backups
    /// and private keys are left out unless a pattern with `!` names them.
    #[schemars(extend("x-also-called" = ["filename", "source_dir", "code_uri", "s3_key"]))]
    pub code: CodeFrom,
    /// The runtime, which is the language and its version: `python3.13`, `nodejs22.x`, `provided.al2023`…
    pub runtime: String,
    /// The entry point: `file.function` in Python. It must be in the code.
    pub handler: String,
    /// The role that the function assumes: `role.KEY`, or an ARN. It must trust `lambda.amazonaws.com`.
    pub role: String,
    /// How long one invocation may take: seconds, or `30s`, `2m`.
    #[serde(default)]
    #[schemars(range(min = 1, max = 900), extend("default" = TIMEOUT))]
    pub timeout: Option<i32>,
    /// The memory: MB, or `512MB`, `1GB`. CPU power grows with it.
    #[serde(default)]
    #[schemars(range(min = 128, max = 10240), extend("default" = MEMORY))]
    #[schemars(extend("x-also-called" = ["memory_size"]))]
    pub memory: Option<i32>,
    /// Environment variables. As JSON they may have 4096 bytes, values from your environment included.
    #[serde(default)]
    #[schemars(extend("default" = {}))]
    #[schemars(extend("x-also-called" = ["env", "variables"]))]
    pub environment: Option<BTreeMap<String, String>>,
    /// The processor architecture.
    #[serde(default)]
    #[schemars(extend("default" = "x86_64"))]
    #[schemars(extend("x-also-called" = ["architectures"]))]
    pub architecture: Option<Architecture>,
    /// `true`: creates the log group `/aws/lambda/<name>`, or adopts the one that Lambda created. It is
    /// deleted with the function, and the role may write to it if it is a role of this stack.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    pub logs: Option<bool>,
    /// How many days the log group keeps log events: 1, 3, 5, 7, 14, 30, 60, 90… Needs `logs: true`.
    #[serde(default)]
    #[schemars(range(min = 1, max = 3653), extend("default" = RETENTION))]
    #[schemars(extend("x-also-called" = ["retention_in_days"]))]
    pub log_retention: Option<i32>,
    /// The size of `/tmp`: MB, or `1GB`.
    #[serde(default)]
    #[schemars(range(min = 512, max = 10240), extend("default" = EPHEMERAL_STORAGE))]
    pub ephemeral_storage: Option<i32>,
    /// Whether X-Ray traces invocations: `active`, or `passthrough`, where the caller decides.
    #[serde(default)]
    #[schemars(extend("default" = "passthrough"))]
    #[schemars(extend("x-also-called" = ["tracing_config"]))]
    pub tracing: Option<Tracing>,
    /// How many invocations may run at once; the number is reserved for this function out of the
    /// account's limit. 0 stops all invocations; -1 reserves nothing.
    #[serde(default)]
    #[schemars(range(min = -1), extend("default" = UNRESERVED))]
    #[schemars(extend("x-also-called" = ["reserved_concurrent_executions", "reserved_concurrency"]))]
    pub concurrency: Option<i32>,
    /// Layers by the ARNs of their versions, at most five. Files of later layers replace those of earlier
    /// ones.
    #[serde(default)]
    #[schemars(extend("default" = []))]
    pub layers: Option<Vec<String>>,
    /// The network that the function is attached to. Its role needs the permissions of
    /// `AWSLambdaVPCAccessExecutionRole`.
    #[serde(default)]
    #[schemars(extend("default" = {}))]
    #[schemars(extend("x-also-called" = ["vpc_config"]))]
    pub vpc: Option<Vpc>,
    /// A description for people, at most 256 characters.
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
    /// The command that builds the code.
    pub build: Option<String>,
    pub exclude: Vec<String>,
}

/// Code in the long form.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct CodeParts {
    /// The folder with the code, or a zip file; relative to the stack file.
    path: String,
    /// The command that builds what `path` names: `npm ci && npm run build`. `plan`, `explain` and
    /// `reconcile` each run it once, by `sh -e` in the folder of the stack file; `validate` does not.
    /// The code has changed if the bytes of the result differ.
    #[serde(default)]
    build: Option<String>,
    /// Files to leave out: patterns as in .gitignore, `tests/` or `*.md`. `!.env` puts back what is left out
    /// otherwise.
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

/// Whether X-Ray traces invocations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Tracing {
    Active,
    #[default]
    Passthrough,
}

/// The network that a function is attached to. In the normal form both lists are sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct Vpc {
    /// Subnets by id: `subnet-…`, at most 16.
    pub subnets: Vec<String>,
    /// Security groups, at most 5: `security_group.KEY` of this stack, or an id `sg-…`.
    pub security_groups: Vec<String>,
}

impl Vpc {
    /// Returns the network with both lists as sets.
    pub fn sorted(mut self) -> Self {
        for ids in [&mut self.subnets, &mut self.security_groups] {
            ids.sort();
            ids.dedup();
        }
        self
    }
}
