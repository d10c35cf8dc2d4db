//! Problems of an API that the file alone shows.

use stackwright_engine::kind::{CheckContext, Problem, Problems};
use stackwright_engine::reference::is_open;

use super::access_log::AccessLogConfig;
use super::config::Config;
use super::cors::Cors;
use super::text::is_media_type;
use super::{gateway, routes};
use crate::tags;

/// How many resources (parts of paths) an API has, unless its quota was raised.
const RESOURCES: usize = 300;

/// How many variables a stage has.
const VARIABLES: usize = 100;

/// The longest name and value of a stage variable.
const LONGEST_NAME: usize = 64;
const LONGEST_VALUE: usize = 512;

pub fn check(config: &Config, context: &CheckContext<'_>) -> Vec<Problem> {
    let mut problems = Problems(routes::check(config.routes.keys()));
    problems.0.extend(config.cors.0.iter().flat_map(Cors::check));
    problems.0.extend(gateway::check(&config.gateway_responses));
    problems.0.extend(config.access_log.iter().flat_map(AccessLogConfig::check));
    for part in [functions, resources, binary_types, variables, stage, description] {
        part(config, &mut problems);
    }
    if context.name.trim().is_empty() {
        problems.at(&["name"], "the name is empty").hint("an API needs a name");
    }
    tags::check(context.tags, &mut problems);
    problems.0
}

fn resources(config: &Config, problems: &mut Problems) {
    let count = routes::resources(config.routes.keys());
    if count > RESOURCES {
        let message = format!(
            "the paths have {count} different parts; API Gateway accepts {RESOURCES} of an API"
        );
        let hint = "unless its quota was raised; `{proxy+}` matches many paths, or make two APIs";
        problems.warn(&["routes"], message).hint(hint);
    }
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
    if config.variables.as_ref().is_some_and(|all| all.len() > VARIABLES) {
        let message = format!("a stage has at most {VARIABLES} variables");
        problems.at(&["variables"], message).hint("remove some of them");
    }
    for (name, value) in config.variables.iter().flatten() {
        if name.len() > LONGEST_NAME || value.len() > LONGEST_VALUE && !is_open(value) {
            let message = format!("the stage variable `{name}` is too long");
            let hint =
                format!("a name has at most {LONGEST_NAME} characters, a value {LONGEST_VALUE}");
            problems.at(&["variables", name], message).hint(hint);
        }
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
    use stackwright_engine::kind::Severity;

    use crate::api::Api;
    use crate::tags::Tags;
    use crate::test_checks::{problems_of, wrong_paths};

    #[test]
    fn binary_types_are_media_types() {
        let types = json!(["image/png", "*/*", "png", "a b/c", "${env.TYPE}"]);
        let paths = wrong_paths::<Api>(&json!({ "binary_types": types }));
        assert_eq!(paths, ["binary_types.2", "binary_types.3"]);
    }

    #[test]
    fn what_api_gateway_refuses_is_a_problem() {
        let long = "x".repeat(1025);
        let wrong = json!({ "stage": "a b", "description": long, "routes": { "/a": "f" } });
        assert_eq!(wrong_paths::<Api>(&wrong), ["routes./a", "stage", "description"]);
        let wrong = json!({
            "routes": { "GET /a": { "authorization": "none" } },
            "variables": { "a-b": "c", "d": "e f", "g": "${env.G}", "h": "x".repeat(513) },
        });
        let expected = ["routes.GET /a", "variables.a-b", "variables.d", "variables.h"];
        assert_eq!(wrong_paths::<Api>(&wrong), expected);
        assert_eq!(wrong_paths::<Api>(&json!({ "stage": "${env.STAGE}" })), [""; 0]);
        let many: Value = (0..101)
            .map(|n| (format!("v{n}"), json!("")))
            .collect::<serde_json::Map<_, _>>()
            .into();
        assert_eq!(wrong_paths::<Api>(&json!({ "variables": many })), ["variables"]);
    }

    #[test]
    fn a_name_is_needed_and_tags_have_few_signs() {
        let tags: Tags = [("a#".to_owned(), String::new())].into();
        let found = problems_of::<Api>(" ", &tags, &json!({})).into_iter();
        assert_eq!(
            found.map(|found| found.path.join(".")).collect::<Vec<_>>(),
            ["name", "tags.a#"]
        );
    }

    #[test]
    fn more_resources_than_the_quota_are_a_warning() {
        // `/`, `/a`, and what is below it.
        let routes = |count: usize| {
            let route = |n: usize| (format!("GET /a/{n}"), json!("function.f"));
            let routes: serde_json::Map<_, _> = (0..count).map(route).collect();
            problems_of::<Api>("a", &Tags::new(), &json!({ "routes": routes }))
        };
        assert_eq!(routes(298), []);
        let found = routes(299).remove(0);
        assert_eq!(
            (found.severity, found.path.join(".")),
            (Severity::Warning, "routes".to_owned())
        );
        assert!(
            found.message.starts_with("the paths have 301 different parts"),
            "{}",
            found.message
        );
    }
}
