//! Problems of a function that the file alone shows.

use std::path::Path;

use stackwright_engine::kind::{CheckContext, Problem, Problems};
use stackwright_engine::reference::is_open;

use super::config::Config;
use super::log_group::RETENTIONS;
use super::package::excluded;
use super::{code, environment, runtime};
use crate::arn;
use crate::id::{is_id, not_an_id};
use crate::tags;

/// How many layers a function can have.
const LAYERS: usize = 5;

pub fn check(config: &Config, context: &CheckContext<'_>) -> Vec<Problem> {
    let mut problems = Problems::default();
    for part in [texts, code_parts, role, layers, network, retention] {
        part(config, &mut problems);
    }
    if !is_name(context.name) {
        let message = format!("`{}` is not the name of a function", context.name);
        problems.at(&["name"], message).hint("1 to 64 letters, digits, `-` and `_`");
    }
    runtime::check(&config.runtime, &mut problems);
    if let Some(environment) = &config.environment {
        environment::check(environment, &context.known["environment"], &mut problems);
    }
    tags::check(context.tags, &mut problems);
    if let Some(files) = context.files {
        code::check(config, context, files, &mut problems);
    }
    problems.0
}

fn is_name(text: &str) -> bool {
    let is_taken = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    (1..=64).contains(&text.len()) && text.chars().all(is_taken)
}

fn texts(config: &Config, problems: &mut Problems) {
    if config.description.as_ref().is_some_and(|text| text.chars().count() > 256) {
        let message = "`description` has more than 256 characters";
        problems.at(&["description"], message).hint("shorten it");
    }
    let family =
        config.runtime.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let base = config.handler.rsplit('/').next().unwrap_or_default();
    let is_module =
        base.split_once('.').is_some_and(|(file, name)| !file.is_empty() && !name.is_empty());
    if NAMED_IN_A_FILE.contains(&family) && !is_module && !is_open(&config.handler) {
        let message = format!("`{}` is not `FILE.FUNCTION`", config.handler);
        problems.at(&["handler"], message).hint("for example `lambda_function.lambda_handler`");
    } else if !is_handler(&config.handler) {
        let message = "this is not a handler that Lambda accepts";
        problems.at(&["handler"], message).hint("it has 1 to 128 characters, without blanks");
    }
}

fn is_handler(text: &str) -> bool {
    let is_blank = |c: char| c.is_ascii_whitespace() || c == '\u{b}';
    (1..=128).contains(&text.chars().count()) && !text.contains(is_blank)
}

fn code_parts(config: &Config, problems: &mut Problems) {
    if config.code.build.as_ref().is_some_and(|command| command.trim().is_empty()) {
        let hint = "write the command, for example `npm run build`, or remove the field";
        problems.at(&["code", "build"], "`build` is empty").hint(hint);
    } else if let Err(wrong) = excluded(Path::new("/"), &config.code.exclude) {
        problems
            .at(&["code", "exclude"], wrong)
            .hint("patterns are written as in .gitignore: `tests/`, `*.md`");
    }
}

fn role(config: &Config, problems: &mut Problems) {
    let role = &config.role;
    // A text that is no ARN has been reported.
    if !role.starts_with("arn:") || is_open(role) {
        return;
    }
    if let Err(hint) = arn::ROLE.name(role) {
        problems.at(&["role"], format!("`{role}` is not the ARN of a role")).hint(hint);
    }
}

fn layers(config: &Config, problems: &mut Problems) {
    let Some(layers) = &config.layers else { return };
    for (at, layer) in layers.iter().enumerate().filter(|(_, layer)| !is_open(layer)) {
        if let Err(hint) = layer_version(layer) {
            let message = format!("`{layer}` is not the ARN of a layer's version");
            problems.at(&["layers", &at.to_string()], message).hint(hint);
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

/// Checks an ARN such as `arn:aws:lambda:us-east-1:123456789012:layer:NAME:3`. The error is a hint.
fn layer_version(text: &str) -> Result<(), String> {
    let name = arn::LAYER_VERSION.name(text)?;
    let version = name.split_once(':').map(|(_, version)| version);
    match version.map(str::parse::<u64>) {
        Some(Ok(1..)) => Ok(()),
        Some(_) => Err("its last part is the number of a version, from 1".to_owned()),
        None => Err(format!("name a version of the layer, too: {text}:1")),
    }
}

fn network(config: &Config, problems: &mut Problems) {
    let Some(vpc) = &config.vpc else { return };
    for (field, ids, prefix) in
        [("subnets", &vpc.subnets, "subnet-"), ("security_groups", &vpc.security_groups, "sg-")]
    {
        // A text without the prefix of a group has been reported.
        let is_reported = |id: &str| field != "subnets" && !id.starts_with(prefix);
        let wrong = ids.iter().enumerate().filter(|(_, id)| !is_id(id, prefix) && !is_reported(id));
        for (at, id) in wrong {
            problems
                .at(&["vpc", field, &at.to_string()], not_an_id(id, prefix))
                .hint("write the id, not the name");
        }
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

/// The runtimes whose handler is a function in a file.
const NAMED_IN_A_FILE: &[&str] = &["nodejs", "python", "ruby"];
