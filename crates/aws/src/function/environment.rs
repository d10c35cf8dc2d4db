//! The environment of a function: what Lambda accepts.

use std::collections::BTreeMap;

use serde_json::Value;
use stackwright_engine::kind::Problems;

/// The largest environment as JSON, in bytes, which is how Lambda measures it.
const LARGEST: usize = 4096;

/// Adds what is wrong with an environment. `known` is the same with its values filled in.
pub fn check(environment: &BTreeMap<String, String>, known: &Value, problems: &mut Problems) {
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
    let size = known.to_string().len();
    if size > LARGEST {
        let message = format!(
            "`environment` has {size} bytes as JSON, values from your environment included; Lambda \
             accepts {LARGEST}"
        );
        problems.at(&["environment"], message).hint("put large values into a file in `code`");
    }
}

fn is_variable(name: &str) -> bool {
    name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(environment: &Value, known: &Value) -> Vec<String> {
        let variables = serde_json::from_value(environment.clone()).expect("variables");
        let mut problems = Problems::default();
        check(&variables, known, &mut problems);
        problems.0.into_iter().map(|problem| problem.path.join(".")).collect()
    }

    #[test]
    fn names_are_those_that_lambda_accepts() {
        let right = json!({ "INSTANCE_ID": "${instance.web.id}", "A1": "" });
        assert_eq!(paths(&right, &right), [""; 0]);
        let wrong = json!({ "1A": "", "X": "", "A-B": "", "_A": "", "AWS_REGION": "x" });
        let expected = ["1A", "A-B", "AWS_REGION", "X", "_A"];
        assert_eq!(paths(&wrong, &wrong), expected.map(|name| format!("environment.{name}")));
    }

    #[test]
    fn the_size_is_that_of_the_json_with_secrets() {
        let written = json!({ "AB": "${env.SECRET}" });
        let of_size = |size: usize| json!({ "AB": "x".repeat(size - r#"{"AB":""}"#.len()) });
        assert_eq!(paths(&written, &of_size(4096)), [""; 0]);
        assert_eq!(paths(&written, &of_size(4097)), ["environment"]);
        // A quote takes two bytes in JSON.
        assert_eq!(paths(&written, &json!({ "AB": "\"".repeat(2045) })), ["environment"]);
        assert_eq!(paths(&written, &json!({ "AB": "ü".repeat(2044) })), ["environment"]);
    }
}
