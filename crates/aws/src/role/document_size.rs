//! The size and the characters of a role's documents, with their references filled in.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::Value;
use stackwright_engine::kind::Problems;

use super::config::Config;
use crate::policy_document::{Document, check_characters};

/// The largest inline policies of a role together, in characters that are no white space.
const INLINE: usize = 10_240;

/// The largest trust policy, unless the account's quota was raised.
const TRUST: usize = 2048;

/// Adds what IAM refuses of the documents of a config whose references are filled in. (What other
/// resources add to `allow` is not counted.)
pub fn check(known: &Value, problems: &mut Problems) {
    // A config that cannot be read has been reported.
    let Ok(Config { trust, allow, policies, .. }) = Config::deserialize(known) else { return };
    let trust = Document::from(trust);
    let policies = policies.into_iter().map(|(name, written)| (name, Document::from(written)));
    let policies: BTreeMap<String, Document> = policies.collect();
    check_characters(&["trust"], &trust, problems);
    check_characters(&["allow"], &Document::allow(&allow), problems);
    for (name, document) in &policies {
        check_characters(&["policies", name], document, problems);
    }
    let size = trust.size();
    if size > TRUST {
        let message = format!("the trust policy has {size} characters; IAM accepts {TRUST}");
        let hint = "unless the account's quota was raised, to 4096 at most";
        problems.warn(&["trust"], message).hint(hint);
    }
    let own = Some(Document::allow(&allow)).filter(|_| !allow.is_empty());
    let total: usize = own.iter().chain(policies.values()).map(Document::size).sum();
    if total > INLINE {
        let message = format!(
            "`allow` and `policies` have {total} characters; IAM accepts {INLINE} of a role"
        );
        let field = if policies.is_empty() { "allow" } else { "policies" };
        problems.at(&[field], message).hint("move a part into a managed policy");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(known: &Value) -> Vec<String> {
        let mut problems = Problems::default();
        check(known, &mut problems);
        let line = |problem: stackwright_engine::kind::Problem| {
            format!("{} {}", problem.severity.as_str(), problem.path.join("."))
        };
        problems.0.into_iter().map(line).collect()
    }

    fn statement(size: usize) -> Value {
        json!({ "Statement": [{ "Action": "*", "Resource": "x".repeat(size) }] })
    }

    #[test]
    fn documents_have_a_largest_size() {
        let policies = |one: usize, other: usize| {
            found(
                &json!({ "trust": "*", "policies": { "a": statement(one), "b": statement(other) } }),
            )
        };
        assert_eq!(policies(5000, 5000), [""; 0]);
        assert_eq!(policies(5200, 5200), ["error policies"]);
        let allow = json!([{ "actions": "*", "resources": "x".repeat(10_240) }]);
        assert_eq!(found(&json!({ "trust": "*", "allow": allow })), ["error allow"]);
        assert_eq!(found(&json!({ "trust": statement(2048) })), ["warning trust"]);
    }

    #[test]
    fn white_space_does_not_count_and_other_alphabets_are_refused() {
        let blank = json!({ "Statement": [{ "Action": "*", "Resource": " ".repeat(20_000) }] });
        assert_eq!(found(&json!({ "trust": "*", "policies": { "a": blank } })), [""; 0]);
        let dash = json!({ "Statement": [{ "Sid": "a – b" }] });
        assert_eq!(
            found(&json!({ "trust": "*", "policies": { "a": dash } })),
            ["error policies.a"]
        );
        assert_eq!(found(&json!({ "trust": { "Statement": [{ "Sid": "ü" }] } })), [""; 0]);
    }
}
