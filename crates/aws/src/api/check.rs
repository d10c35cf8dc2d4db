//! Problems of an API that the file alone shows.

use stackwright_engine::kind::{Problem, Problems};
use stackwright_engine::reference::is_open;

use super::access_log::AccessLogConfig;
use super::config::Config;
use super::cors::Cors;
use super::text::is_media_type;
use super::{gateway, routes};

pub fn check(config: &Config) -> Vec<Problem> {
    let mut problems = Problems(routes::check(config.routes.keys()));
    problems.0.extend(config.cors.0.iter().flat_map(Cors::check));
    problems.0.extend(gateway::check(&config.gateway_responses));
    problems.0.extend(config.access_log.iter().flat_map(AccessLogConfig::check));
    for part in [functions, binary_types, variables, stage, description] {
        part(config, &mut problems);
    }
    problems.0
}

fn functions(config: &Config, problems: &mut Problems) {
    for (key, _) in config.routes.iter().filter(|(_, route)| route.function.is_empty()) {
        let message = "the route has no function";
        problems.at(&["routes", key], message).hint("write `function: function.KEY`");
    }
}

fn binary_types(config: &Config, problems: &mut Problems) {
    let types = config.binary_types.iter().flatten().enumerate();
    for (at, one) in types.filter(|(_, one)| !is_open(one) && !is_media_type(one)) {
        problems
            .at(&["binary_types", &at.to_string()], format!("`{one}` is not a media type"))
            .hint("for example `image/png`, or `*/*` for all");
    }
}

fn variables(config: &Config, problems: &mut Problems) {
    for (name, value) in config.variables.iter().flatten() {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let message = format!("`{name}` is not a valid name of a stage variable");
            problems.at(&["variables", name], message).hint("letters, digits and `_`");
        } else if !is_open(value) && !value.chars().all(is_of_a_variable) {
            let message = format!("`{value}` is not a valid value of a stage variable");
            let hint = "letters, digits and `-` `.` `_` `~` `:` `/` `?` `#` `&` `=` `,`";
            problems.at(&["variables", name], message).hint(hint);
        }
    }
}

fn stage(config: &Config, problems: &mut Problems) {
    if let Some(stage) = config.stage.as_ref().filter(|stage| !is_open(stage)) {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if stage.is_empty() || stage.len() > 128 || !stage.chars().all(is_word) {
            let hint = "1 to 128 letters, digits, `-` and `_`";
            problems.at(&["stage"], format!("`{stage}` is not the name of a stage")).hint(hint);
        }
    }
}

fn description(config: &Config, problems: &mut Problems) {
    if config.description.as_ref().is_some_and(|text| text.chars().count() > 1024) {
        let hint = "API Gateway accepts 1024 characters";
        problems.at(&["description"], "the description is too long").hint(hint);
    }
}

fn is_of_a_variable(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?#&=,".contains(c)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn config(value: Value) -> Config {
        serde_json::from_value(value).expect("a config")
    }

    #[test]
    fn binary_types_are_media_types() {
        let types = json!(["image/png", "*/*", "png", "a b/c", "${env.TYPE}"]);
        let config = config(json!({ "binary_types": types }));
        let paths: Vec<String> = check(&config).into_iter().map(|p| p.path.join(".")).collect();
        assert_eq!(paths, ["binary_types.2", "binary_types.3"]);
    }

    #[test]
    fn what_api_gateway_refuses_is_a_problem() {
        let long = "x".repeat(1025);
        let wrong = config(json!({ "stage": "a b", "description": long, "routes": { "/a": "f" } }));
        let paths: Vec<_> = check(&wrong).into_iter().map(|p| p.path.join(".")).collect();
        assert_eq!(paths, ["routes./a", "stage", "description"]);
        let wrong = config(json!({
            "routes": { "GET /a": { "authorization": "none" } },
            "variables": { "a-b": "c", "d": "e f", "g": "${env.G}" },
        }));
        let paths: Vec<_> = check(&wrong).into_iter().map(|p| p.path.join(".")).collect();
        assert_eq!(paths, ["routes.GET /a", "variables.a-b", "variables.d"]);
        assert_eq!(check(&config(json!({ "stage": "${env.STAGE}" }))), []);
    }
}
