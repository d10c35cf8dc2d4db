//! Problems of an address that the file alone shows.

use stackwright_engine::kind::{CheckContext, Problem, Problems};

use super::config::Config;
use crate::ec2;
use crate::id::{is_id, not_an_id};

pub fn check(config: &Config, context: &CheckContext<'_>) -> Vec<Problem> {
    let mut problems = Problems::default();
    ec2::check_name_tag(context, "the address", &mut problems);
    // A text that does not begin with `i-` has been reported.
    if let Some(instance) = &config.instance
        && instance.starts_with("i-")
        && !is_id(instance, "i-")
    {
        problems.at(&["instance"], not_an_id(instance, "i-")).hint("write the id, not the name");
    }
    problems.0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::address::Address;
    use crate::ec2::NAME_TAG;
    use crate::tags::Tags;
    use crate::test_checks::{problems_of, wrong_paths};

    #[test]
    fn what_is_no_id_and_what_is_no_name_is_a_problem() {
        for right in
            [json!({}), json!({ "instance": "i-0a1b" }), json!({ "instance": "${env.WEB}" })]
        {
            assert_eq!(wrong_paths::<Address>(&right), [""; 0], "{right}");
        }
        assert_eq!(wrong_paths::<Address>(&json!({ "instance": "i-web" })), ["instance"]);
        let tags = Tags::from([(NAME_TAG.to_owned(), "x".to_owned())]);
        assert_eq!(problems_of::<Address>(&"x".repeat(257), &tags, &json!({})).len(), 2);
    }
}
