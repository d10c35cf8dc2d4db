//! What the file alone shows to be wrong of a security group.

use stackwright_engine::kind::{Problem, Problems};
use stackwright_engine::reference::is_open;

use super::config::Config;
use super::rule::{Direction, Wrong};
use super::spec::is_text;

/// No quota of AWS allows more rules in one direction.
const RULES: usize = 1000;

pub fn check(config: &Config) -> Vec<Problem> {
    let mut problems = Problems::default();
    if let Some(text) = config.description.as_ref().filter(|text| !is_text(text) && !is_open(text))
    {
        let message = format!("AWS does not take `{text}` as a description");
        let hint = "1 to 255 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*";
        problems.at(&["description"], message).hint(hint);
    }
    if let Some(id) = config.vpc.as_ref().filter(|id| !id.starts_with("vpc-") && !is_open(id)) {
        let message = format!("`{id}` is not an id of the form `vpc-…`");
        problems.at(&["vpc"], message).hint("write the id, not the name");
    }
    for (direction, texts) in
        [(Direction::Ingress, &config.ingress), (Direction::Egress, &config.egress)]
    {
        let texts = texts.as_deref().unwrap_or_default();
        for (at, text) in texts.iter().enumerate() {
            if let Some(Wrong { message, hint }) = direction.check(text) {
                problems.at(&[direction.field(), &at.to_string()], message).hint(hint);
            }
        }
        if texts.len() > RULES {
            let message = format!("a security group has at most {RULES} rules in a direction");
            problems.at(&[direction.field()], message);
        }
    }
    problems.0
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn paths(config: Value) -> Vec<String> {
        let config: Config = serde_json::from_value(config).expect("a config");
        check(&config).into_iter().map(|problem| problem.path.join(".")).collect()
    }

    #[test]
    fn each_wrong_field_is_reported_where_it_is() {
        let right = json!({
            "description": "Web servers (public)", "vpc": "${env.VPC}",
            "ingress": ["https from anywhere", "ssh from ${security_group.bastion.id}"],
            "egress": [],
        });
        assert_eq!(paths(right), [""; 0]);
        let wrong = json!({
            "description": "größer", "vpc": "main", "ingress": ["all from self", "telnet from self"],
            "egress": ["ssh from self"],
        });
        assert_eq!(paths(wrong), ["description", "vpc", "ingress.1", "egress.0"]);
        assert_eq!(paths(json!({ "description": "" })), ["description"]);
    }
}
