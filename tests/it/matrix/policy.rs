//! Every field of a managed policy.

use serde_json::{Value, json};

use super::row::{Action, On, Removed, Row, Table, nothing};
use super::walk::{unmoved, walk};

#[test]
fn every_field_on_moto() {
    walk(table(), On::Moto);
}

#[test]
fn every_field_on_ministack() {
    walk(table(), On::Ministack);
}

pub fn table() -> Table {
    let [name, tags, depends_on] =
        Row::header("p", ["policy.other", "policy.third"], Action::Replace);
    // Those that replace it first: each change of `allow` is one more version.
    let rows = vec![
        Row::new("description", "one", "two")
            .action(Action::Replace)
            .sends(REMADE)
            .removed(Removed::Default(json!("")))
            .cannot("a policy keeps its description"),
        Row::new("path", "/one/", "/two/")
            .action(Action::Replace)
            .sends(REMADE)
            .removed(Removed::Default(json!("/")))
            .cannot("a policy keeps its path"),
        name.sends(REMADE).cannot("a policy keeps its name"),
        allow("allow.actions", json!({ "actions": ["s3:GetObject", "s3:PutObject"] })),
        allow("allow.resources", json!({ "resources": ["arn:aws:s3:::b/*", "arn:aws:s3:::a/*"] })),
        allow("allow.effect", json!({ "effect": "Deny" })),
        allow(
            "allow.conditions",
            json!({ "conditions": { "Bool": { "aws:SecureTransport": true } } }),
        ),
        tags.sends(&["TagPolicy", "UntagPolicy"])
            .hand("iam tag-policy --policy-arn <id> --tags Key=a,Value=other"),
        depends_on,
    ];
    let plain = json!([plain()]);
    Table {
        address: "policy.p",
        base: json!({ "stack": "matrix", "policy": {
            "p": {},
            "other": { "allow": plain },
            "third": { "allow": plain },
        }}),
        files: &[],
        given: nothing,
        rows,
    }
}

/// A document in other words, an older version, and a tag that is not in the file.
#[test]
fn what_the_file_does_not_speak_of_is_no_drift() {
    for on in [On::Moto, On::Ministack] {
        unmoved(table(), on, |bench| {
            bench.aws(
                "iam create-policy-version --policy-arn <id> --set-as-default --policy-document \
                 {\"Statement\":{\"Sid\":\"\",\"Resource\":[\"*\"],\"Action\":[\"S3:getobject\"],\"Effect\":\"Allow\"},\"Version\":\"2012-10-17\"}",
            );
            bench.aws(
                "iam create-policy-version --policy-arn <id> --policy-document \
                 {\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}",
            );
            bench.aws("iam tag-policy --policy-arn <id> --tags Key=theirs,Value=x");
        });
    }
}

/// Nothing has it attached: under its own name the old one goes first.
const REMADE: &[&str] = &["CreatePolicy", "DeletePolicy"];

fn plain() -> Value {
    json!({ "actions": "s3:GetObject", "resources": "*" })
}

/// One part of a statement changes: `with` is merged over it.
fn allow(name: &'static str, with: Value) -> Row {
    let mut other = plain();
    for (part, value) in with.as_object().expect("a map") {
        other[part] = value.clone();
    }
    Row::new(name, json!([plain()]), json!([other]))
        .means("allow", document(&plain()), document(&other))
        .sends(&["CreatePolicyVersion"])
        .hands(|bench| {
            bench.aws(
                "iam create-policy-version --policy-arn <id> --set-as-default --policy-document \
                 {\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}",
            );
            // There is room for those of the next rows.
            let listed = bench.aws("iam list-policy-versions --policy-arn <id>");
            for version in listed["Versions"].as_array().expect("a list") {
                if version["IsDefaultVersion"] == false {
                    let id = version["VersionId"].as_str().expect("an id");
                    bench.aws(&format!(
                        "iam delete-policy-version --policy-arn <id> --version-id {id}"
                    ));
                }
            }
        })
}

/// The document that a statement becomes.
pub fn document(statement: &Value) -> Value {
    let sorted = |part: &str| {
        let mut set = statement[part].clone();
        if let Some(list) = set.as_array_mut() {
            list.sort_by_key(Value::to_string);
        }
        set
    };
    let effect = statement["effect"].as_str().unwrap_or("Allow");
    let mut made =
        json!({ "Effect": effect, "Action": sorted("actions"), "Resource": sorted("resources") });
    if statement["conditions"].is_object() {
        made["Condition"] = json!({ "Bool": { "aws:SecureTransport": "true" } });
    }
    json!({ "Version": "2012-10-17", "Statement": [made] })
}
