//! What the file alone shows to be wrong of a security group.

use stackwright_engine::kind::{Problem, Problems};
use stackwright_engine::reference::is_open;

use super::config::Config;
use super::rule::Direction;
use super::spec::is_text;
use crate::id::{is_id, not_an_id};
use crate::wrong::Wrong;

/// No quota of AWS allows more rules in one direction.
const RULES: usize = 1000;

pub fn check(config: &Config, name: &str) -> Vec<Problem> {
    let mut problems = Problems::default();
    if !is_text(name) || name == "default" || name.starts_with("sg-") {
        let message = format!("`{name}` is not a name for a security group");
        problems.at(&["name"], message).hint(
            "1 to 255 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*; neither `default` nor `sg-…`, \
             which are AWS's own",
        );
    }
    if let Some(text) = config.description.as_ref().filter(|text| !is_text(text) && !is_open(text))
    {
        let message = format!("AWS does not take `{text}` as a description");
        let hint = "1 to 255 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*";
        problems.at(&["description"], message).hint(hint);
    }
    if let Some(id) = config.vpc.as_ref().filter(|id| !is_id(id, "vpc-")) {
        problems.at(&["vpc"], not_an_id(id, "vpc-")).hint("write the id, not the name");
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

    use crate::security_group::SecurityGroup;
    use crate::tags::Tags;
    use crate::test_checks::{problems_of, wrong_paths};

    #[track_caller]
    fn paths(config: Value) -> Vec<String> {
        wrong_paths::<SecurityGroup>(&config)
    }

    #[test]
    fn names_are_those_that_ec2_takes() {
        let is_taken =
            |name: &str| problems_of::<SecurityGroup>(name, &Tags::new(), &json!({})).is_empty();
        assert!(is_taken("Web servers (public)") && is_taken(&"x".repeat(255)));
        for name in ["", "default", "sg-1", "größer", &"x".repeat(256)] {
            assert!(!is_taken(name), "{name}");
        }
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
