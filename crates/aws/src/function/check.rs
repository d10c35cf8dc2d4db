//! Problems of a function that the file alone shows.

use std::path::Path;

use stackwright_engine::kind::{Problem, Problems};
use stackwright_engine::reference::is_open;

use super::config::Config;
use super::log_group::RETENTIONS;
use super::package::excluded;

/// The largest environment, names and values together, in bytes.
const ENVIRONMENT: usize = 4096;

/// How many layers a function can have.
const LAYERS: usize = 5;

pub fn check(config: &Config) -> Vec<Problem> {
    let mut problems = Problems::default();
    for part in [texts, code, environment, layers, network, retention] {
        part(config, &mut problems);
    }
    problems.0
}

fn texts(config: &Config, problems: &mut Problems) {
    if config.description.as_ref().is_some_and(|text| text.chars().count() > 256) {
        let message = "`description` has more than 256 characters";
        problems.at(&["description"], message).hint("shorten it");
    }
    let family =
        config.runtime.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    if !FAMILIES.contains(&family) && !is_open(&config.runtime) {
        let message = format!("Lambda has no runtime `{}`", config.runtime);
        problems.at(&["runtime"], message).hint("for example `python3.13` or `nodejs22.x`");
    }
    let base = config.handler.rsplit('/').next().unwrap_or_default();
    let is_module =
        base.split_once('.').is_some_and(|(file, name)| !file.is_empty() && !name.is_empty());
    if NAMED_IN_A_FILE.contains(&family) && !is_module && !is_open(&config.handler) {
        let message = format!("`{}` is not `FILE.FUNCTION`", config.handler);
        problems.at(&["handler"], message).hint("for example `lambda_function.lambda_handler`");
    }
}

fn code(config: &Config, problems: &mut Problems) {
    if config.code.build.as_ref().is_some_and(|command| command.trim().is_empty()) {
        let hint = "write the command, for example `npm run build`, or remove the field";
        problems.at(&["code", "build"], "`build` is empty").hint(hint);
    } else if let Err(wrong) = excluded(Path::new("/"), &config.code.exclude) {
        problems
            .at(&["code", "exclude"], wrong)
            .hint("patterns are written as in .gitignore: `tests/`, `*.md`");
    }
}

fn environment(config: &Config, problems: &mut Problems) {
    let Some(environment) = &config.environment else { return };
    for name in environment.keys() {
        if !is_variable(name) {
            let message = format!("`{name}` cannot be the name of an environment variable");
            let hint = "two or more of A-Z, a-z, 0-9 and _, a letter first";
            problems.at(&["environment", name], message).hint(hint);
        } else if RESERVED.contains(&name.as_str()) {
            let message = format!("`{name}` is set by Lambda itself");
            problems.at(&["environment", name], message).hint("choose another name");
        }
    }
    let literal = |text: &String| if is_open(text) { 0 } else { text.len() };
    let size: usize = environment.iter().map(|(name, value)| name.len() + literal(value)).sum();
    if size > ENVIRONMENT {
        let message = format!("`environment` has {size} bytes; Lambda accepts {ENVIRONMENT}");
        problems.at(&["environment"], message).hint("put large values into a file in `code`");
    }
}

fn layers(config: &Config, problems: &mut Problems) {
    let Some(layers) = &config.layers else { return };
    for (at, layer) in layers.iter().enumerate() {
        let at = ["layers", &at.to_string()];
        if !is_layer(layer) && !is_open(layer) {
            let message = format!("`{layer}` is not the ARN of a layer's version");
            let hint = "it looks like arn:aws:lambda:REGION:ACCOUNT:layer:NAME:1";
            problems.at(&at, message).hint(hint);
        }
    }
    if layers.iter().enumerate().any(|(at, layer)| layers[..at].contains(layer)) {
        let message = "`layers` names a layer twice";
        problems.at(&["layers"], message).hint("name each layer once");
    }
    if layers.len() > LAYERS {
        let message = format!("`layers` has {}; Lambda accepts {LAYERS}", layers.len());
        problems.at(&["layers"], message).hint("merge some of them");
    }
}

/// `arn:aws:lambda:us-east-1:123456789012:layer:NAME:3`
fn is_layer(arn: &str) -> bool {
    match arn.split(':').collect::<Vec<_>>()[..] {
        ["arn", _, "lambda", _, _, "layer", name, version] => {
            !name.is_empty() && version.parse::<u64>().is_ok()
        }
        _ => false,
    }
}

fn network(config: &Config, problems: &mut Problems) {
    let Some(vpc) = &config.vpc else { return };
    let is_id = |id: &str| id.starts_with("subnet-") || is_open(id);
    for id in vpc.subnets.iter().filter(|id| !is_id(id)) {
        let message = format!("`{id}` is not an id of the form `subnet-…`");
        problems.at(&["vpc", "subnets"], message).hint("write the id, not the name");
    }
    let lists = [("subnets", &vpc.subnets, 16), ("security_groups", &vpc.security_groups, 5)];
    for (field, ids, most) in lists {
        if ids.is_empty() || ids.len() > most {
            let message =
                format!("`{field}` has {} entries; Lambda accepts 1 to {most}", ids.len());
            let hint = "remove `vpc` if the function needs no network of yours";
            problems.at(&["vpc", field], message).hint(hint);
        }
    }
}

fn retention(config: &Config, problems: &mut Problems) {
    let Some(days) = config.log_retention else { return };
    if config.logs != Some(true) {
        let message = "`log_retention` needs `logs: true`, which creates the log group";
        problems
            .at(&["log_retention"], message)
            .hint("write `logs: true`, or remove `log_retention`");
        return;
    }
    let next = RETENTIONS.iter().find(|&&accepted| accepted >= days);
    if let Some(next) = next.filter(|&&next| next != days) {
        problems
            .at(&["log_retention"], format!("CloudWatch Logs has no retention of {days} days"))
            .hint(format!("the next longer one is {next} days"));
    }
}

fn is_variable(name: &str) -> bool {
    name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The words that names of runtimes begin with.
const FAMILIES: &[&str] =
    &["dotnet", "dotnetcore", "go", "java", "nodejs", "provided", "python", "ruby"];

/// The runtimes whose handler is a function in a file.
const NAMED_IN_A_FILE: &[&str] = &["nodejs", "python", "ruby"];

/// Variables that CreateFunction refuses.
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
