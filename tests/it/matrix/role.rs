//! Every field of a role.

use serde_json::{Value, json};

use super::policy::document;
use super::row::{Action, Lack, On, Removed, Row, Table, nothing};
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
    let [name, tags, depends_on] = Row::header("r", ["role.other", "role.third"], Action::Replace);
    let rows = vec![
        Row::new("trust", "lambda.amazonaws.com", json!(["lambda.amazonaws.com", "123456789012"]))
            .means(
                "trust",
                trust(json!({ "Service": "lambda.amazonaws.com" })),
                trust(json!({ "Service": "lambda.amazonaws.com", "AWS": "123456789012" })),
            )
            .sends(&["UpdateAssumeRolePolicy"])
            .hand(
                "iam update-assume-role-policy --role-name <id> --policy-document \
                 {\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\",\"Principal\":{\"Service\":\"ec2.amazonaws.com\"}}]}",
            ),
        allow("allow.actions", json!({ "actions": ["s3:GetObject", "s3:PutObject"] })),
        allow("allow.resources", json!({ "resources": ["arn:aws:s3:::b/*", "arn:aws:s3:::a/*"] })),
        allow("allow.effect", json!({ "effect": "Deny" })),
        allow("allow.conditions", json!({ "conditions": { "Bool": { "aws:SecureTransport": true } } })),
        Row::new(
            "policies",
            json!({ "extra": { "Version": "2012-10-17", "Statement": one("s3:GetObject") } }),
            json!({ "extra": { "Version": "2012-10-17", "Statement": [one("s3:PutObject")] } }),
        )
        .means("policies", extra("s3:GetObject"), extra("s3:PutObject"))
        .sends(&["PutRolePolicy"])
        .removed(Removed::Becomes(json!({})))
        .hand("iam delete-role-policy --role-name <id> --policy-name extra"),
        Row::new("managed_policies", json!([READ]), json!([WRITE]))
            .means("managed_policies", json!({ READ: true }), json!({ WRITE: true }))
            .sends(&["AttachRolePolicy", "DetachRolePolicy"])
            .removed(Removed::Becomes(json!({})))
            .hands(|bench| {
                bench.aws(&format!("iam detach-role-policy --role-name <id> --policy-arn {WRITE}"));
            }),
        Row::new("managed_policies_exclusive", false, true)
            .removed(Removed::Default(json!(false)))
            .drifts_in("managed_policies")
            .hands(|bench| {
                bench.aws(&format!("iam attach-role-policy --role-name <id> --policy-arn {WRITE}"));
            }),
        Row::new("permissions_boundary", READ, WRITE)
            .sends(&["PutRolePermissionsBoundary"])
            .removed(Removed::Default(json!("")))
            .hand("iam delete-role-permissions-boundary --role-name <id>"),
        Row::new("path", "/one/", "/two/")
            .action(Action::Replace)
            .sends(REMADE)
            .removed(Removed::Default(json!("/")))
            .cannot("a role keeps its path"),
        Row::new("description", "one", "two")
            .sends(&["UpdateRole"])
            .removed(Removed::Default(json!("")))
            .hand("iam update-role-description --role-name <id> --description other")
            .lacks(On::Ministack, Lack::Unset),
        Row::new("max_session", 7200, 10800)
            .sends(&["UpdateRole"])
            .removed(Removed::Default(json!(3600)))
            .hand("iam update-role --role-name <id> --description one --max-session-duration 4000"),
        name.sends(REMADE).cannot("a role keeps its name"),
        tags.sends(&["TagRole", "UntagRole"])
            .hand("iam tag-role --role-name <id> --tags Key=a,Value=other"),
        depends_on,
    ];
    Table {
        address: "role.r",
        base: json!({ "stack": "matrix", "role": {
            "r": {},
            "other": { "trust": "lambda.amazonaws.com" },
            "third": { "trust": "lambda.amazonaws.com" },
        }}),
        files: &[],
        given: nothing,
        rows,
    }
}

/// Documents in other words, and what the file does not speak of.
#[test]
fn semantically_equal_policies_are_not_drift() {
    for on in [On::Moto, On::Ministack] {
        unmoved(table(), on, |bench| {
            bench.aws(
                "iam put-role-policy --role-name <id> --policy-name stackwright --policy-document \
                 {\"Statement\":{\"Sid\":\"\",\"Resource\":[\"*\"],\"Action\":[\"S3:getobject\"],\"Effect\":\"Allow\"},\"Version\":\"2012-10-17\"}",
            );
            bench.aws(
                "iam update-assume-role-policy --role-name <id> --policy-document \
                 {\"Statement\":[{\"Principal\":{\"Service\":[\"lambda.amazonaws.com\"]},\"Action\":[\"sts:AssumeRole\"],\"Effect\":\"Allow\"}],\"Version\":\"2012-10-17\"}",
            );
            bench.aws(&format!("iam attach-role-policy --role-name <id> --policy-arn {WRITE}"));
            bench.aws("iam tag-role --role-name <id> --tags Key=theirs,Value=x");
        });
    }
}

const READ: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
const WRITE: &str = "arn:aws:iam::aws:policy/AmazonS3FullAccess";

/// Under its own name the old one goes first.
const REMADE: &[&str] = &[
    "AttachRolePolicy",
    "CreateRole",
    "DeleteRole",
    "DeleteRolePolicy",
    "DetachRolePolicy",
    "PutRolePolicy",
];

fn trust(principal: Value) -> Value {
    json!({ "Statement": [
        { "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" },
    ]})
}

fn one(action: &str) -> Value {
    json!({ "Effect": "Allow", "Action": action, "Resource": "*" })
}

fn extra(action: &str) -> Value {
    json!({ "extra": { "Version": "2012-10-17", "Statement": [one(action)] } })
}

/// One part of a statement changes: `with` is merged over it.
fn allow(name: &'static str, with: Value) -> Row {
    let plain = json!({ "actions": "s3:GetObject", "resources": "*" });
    let mut other = plain.clone();
    for (part, value) in with.as_object().expect("a map") {
        other[part] = value.clone();
    }
    Row::new(name, json!([plain]), json!([other]))
        .means("policies", ours(&plain), ours(&other))
        .sends(&["PutRolePolicy"])
        .removed(Removed::Becomes(json!({})))
        .hand(
            "iam put-role-policy --role-name <id> --policy-name stackwright --policy-document \
             {\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}",
        )
}

/// The inline policy that `allow` becomes.
fn ours(statement: &Value) -> Value {
    json!({ "stackwright": document(statement) })
}
