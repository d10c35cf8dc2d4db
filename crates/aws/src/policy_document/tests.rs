use proptest::prelude::*;
use proptest::sample::{Index, subsequence};

use super::*;

fn doc(value: Value) -> Document {
    Document::from(value)
}

#[test]
fn trust_names_services_accounts_and_arns() {
    let who = ["lambda.amazonaws.com", "123456789012", "arn:aws:iam::210987654321:role/x"];
    let made = Document::trust(&who.map(str::to_owned));
    let live = doc(json!({ "Version": "2012-10-17", "Statement": {
        "Sid": "", "Action": ["sts:AssumeRole"], "Effect": "Allow", "Principal": {
            "AWS": ["arn:aws:iam::210987654321:role/x", "arn:aws:iam::123456789012:root"],
            "Service": ["lambda.amazonaws.com"],
        },
    }}));
    assert_eq!(made, live);
}

#[test]
fn only_a_reference_that_may_mean_a_principal_leaves_open_whether_it_is_trusted() {
    let trusts = |document: Document| document.may_trust("ec2.amazonaws.com");
    let who = |who: &[&str]| {
        trusts(Document::trust(&who.iter().map(ToString::to_string).collect::<Vec<_>>()))
    };
    assert!(who(&["lambda.amazonaws.com", "ec2.amazonaws.com"]));
    assert!(who(&["${env.WHO}"]) && who(&["${env.SERVICE}.amazonaws.com"]));
    assert!(!who(&["lambda.amazonaws.com", "*", "arn:aws:iam::${aws.account}:root"]));
    assert!(!who(&["lambda.${env.DOMAIN}"]) && !who(&["${env.REGION}.lambda.amazonaws.com"]));
    let principal = |effect: &str, principal: Value| {
        let statement = json!({ "Effect": effect, "Principal": principal });
        trusts(doc(json!({ "Statement": [{ "Effect": "Allow" }, statement] })))
    };
    assert!(principal("Allow", json!({ "Service": ["x.amazonaws.com", "ec2.amazonaws.com"] })));
    assert!(principal("Allow", json!("${env.WHO}")));
    assert!(principal("${env.EFFECT}", json!({ "Service": "ec2.amazonaws.com" })));
    assert!(!principal("Deny", json!({ "Service": "ec2.amazonaws.com" })));
    assert!(!principal("Allow", json!("*")));
    assert!(!trusts(doc(json!({ "Statement": "${env.WHO}" }))));
}

#[test]
fn reads_what_iam_answers() {
    let encoded = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Sid%22%3A\
                   %22a+b%20%C3%A9%22%7D%5D%7D";
    let read = Document::parse(encoded).expect("a document");
    assert_eq!(read, doc(json!({ "Version": "2012-10-17", "Statement": [{ "Sid": "a+b é" }] })));
    assert!(Document::parse("%zz").is_err());
}

#[test]
fn everybody_is_written_in_two_ways() {
    let statement = |principal| doc(json!({ "Statement": [{ "Principal": principal }] }));
    assert_eq!(statement(json!("*")), statement(json!({ "AWS": ["*"] })));
    assert_ne!(statement(json!("*")), statement(json!({ "Service": "*" })));
}

#[test]
fn allow_becomes_one_document() {
    let statement: Statement = serde_json::from_value(json!({
        "actions": ["ec2:StopInstances", "ec2:StartInstances"], "resources": "*",
        "conditions": { "Bool": { "aws:SecureTransport": "true" } },
    }))
    .expect("a statement");
    let live = doc(json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Resource": ["*"],
        "Action": ["EC2:StartInstances", "ec2:StopInstances"],
        "Condition": { "Bool": { "aws:SecureTransport": [true] } },
    }]}));
    assert_eq!(Document::allow(&[statement]), live);
}

#[test]
fn the_case_of_actions_says_nothing() {
    let statement = |part: &str, action: &str| doc(json!({ "Statement": { part: action } }));
    let ours = statement("Action", "ec2:StartInstances");
    for (part, action, is_same) in [
        ("Action", "ec2:startinstances", true),
        ("Action", "EC2:STARTINSTANCES", true),
        ("Action", "ec2:startinstance", false),
        ("NotAction", "ec2:StartInstances", false),
    ] {
        assert_eq!(statement(part, action).means(&ours), is_same, "{part} {action}");
    }
    let theirs = doc(json!({ "Statement": { "Action": ["ec2:startinstances", "s3:getobject"] } }));
    assert!(!theirs.means(&ours));
    // Elsewhere case counts.
    let resource = |arn: &str| doc(json!({ "Statement": { "Resource": arn } }));
    assert!(!resource("arn:aws:s3:::B").means(&resource("arn:aws:s3:::b")));
}

const ACTIONS: &[&str] =
    &["ec2:StartInstances", "ec2:Describe*", "logs:PutLogEvents", "s3:*", "*", "sts:AssumeRole"];
const RESOURCES: &[&str] =
    &["arn:aws:ec2:*:*:instance/i-1", "*", "arn:aws:s3:::B", "arn:aws:s3:::b", "${aws:username}é%"];
const MEMBERS: &[&str] =
    &["123456789012", "arn:aws:iam::210987654321:role/x", "arn:aws:iam::210987654321:root"];
const SERVICES: &[&str] = &["ec2.amazonaws.com", "lambda.amazonaws.com"];
const VALUES: &[&str] = &["10.0.0.0/8", "192.0.2.1", "true", "7"];

fn texts(of: &'static [&'static str]) -> impl Strategy<Value = Value> {
    subsequence(of, 1..=of.len()).prop_map(|texts| json!(texts))
}

fn principal() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!("*")),
        texts(SERVICES).prop_map(|members| json!({ "Service": members })),
        (texts(MEMBERS), texts(SERVICES))
            .prop_map(|(members, services)| json!({ "AWS": members, "Service": services })),
    ]
}

fn condition() -> impl Strategy<Value = Value> {
    let operators = subsequence(&["IpAddress", "StringEquals", "Bool"], 1..=2);
    let keys = subsequence(&["aws:SourceIp", "aws:SourceArn", "aws:SecureTransport"], 1..=2);
    (operators, keys, texts(VALUES)).prop_map(|(operators, keys, values)| {
        let tests: Value = keys.iter().map(|key| ((*key).to_owned(), values.clone())).collect();
        operators.iter().map(|operator| ((*operator).to_owned(), tests.clone())).collect()
    })
}

/// Every part is there or not, under either of its names.
fn statement() -> impl Strategy<Value = Value> {
    let side = |yes: &'static str, not: &'static str| prop_oneof![Just(yes), Just(not)];
    (
        prop_oneof![Just("Allow"), Just("Deny")],
        (side("Action", "NotAction"), texts(ACTIONS)),
        prop::option::of((side("Resource", "NotResource"), texts(RESOURCES))),
        prop::option::of((side("Principal", "NotPrincipal"), principal())),
        prop::option::of(condition()),
        prop::option::of(prop_oneof![Just("one"), Just("two")]),
    )
        .prop_map(|(effect, action, resource, principal, condition, sid)| {
            let mut statement = json!({ "Effect": effect, action.0: action.1 });
            for (part, value) in resource.into_iter().chain(principal) {
                statement[part] = value;
            }
            if let Some(condition) = condition {
                statement["Condition"] = condition;
            }
            if let Some(sid) = sid {
                statement["Sid"] = json!(sid);
            }
            statement
        })
}

fn document() -> impl Strategy<Value = Value> {
    prop::collection::vec(statement(), 1..4)
        .prop_map(|statements| json!({ "Version": "2012-10-17", "Statement": statements }))
}

/// Numbers to decide by, one after the other, for ever.
struct Turns<'a>(std::iter::Cycle<std::slice::Iter<'a, u8>>);

impl<'a> Turns<'a> {
    fn new(of: &'a [u8]) -> Self {
        Self(of.iter().cycle())
    }

    fn below(&mut self, end: usize) -> usize {
        usize::from(*self.0.next().expect("there is one")) % end
    }
}

/// The same meaning, written otherwise: lists turned and repeated, one of one as a text or the text
/// as a list, accounts by their root, truth and numbers bare, actions in any case.
fn rewritten(value: &Value, part: &str, turns: &mut Turns<'_>) -> Value {
    match value {
        Value::Array(items) if items.len() == 1 && turns.below(2) == 0 => {
            rewritten(&items[0], part, turns)
        }
        Value::Array(items) => {
            let mut items: Vec<Value> =
                items.iter().map(|item| rewritten_one(item, part, turns)).collect();
            let by = turns.below(items.len());
            items.rotate_left(by);
            if turns.below(3) == 0 {
                items.push(items[0].clone());
            }
            Value::Array(items)
        }
        Value::String(_)
            if !["Version", "Effect", "Sid", "Principal", "NotPrincipal"].contains(&part) =>
        {
            let one = rewritten_one(value, part, turns);
            if turns.below(2) == 0 { json!([one]) } else { one }
        }
        Value::String(all) if all == "*" && turns.below(2) == 0 => json!({ "AWS": "*" }),
        Value::Object(map) => {
            let parts = map.iter().map(|(key, value)| (key.clone(), rewritten(value, key, turns)));
            let mut parts: Vec<(String, Value)> = parts.collect();
            parts.rotate_left(turns.below(map.len().max(1)));
            if part == "Statement" && !map.contains_key("Sid") && turns.below(2) == 0 {
                parts.push(("Sid".to_owned(), json!("")));
            }
            parts.into_iter().collect()
        }
        other => other.clone(),
    }
}

fn rewritten_one(value: &Value, part: &str, turns: &mut Turns<'_>) -> Value {
    let Some(text) = value.as_str() else { return rewritten(value, part, turns) };
    match part {
        "Action" | "NotAction" => {
            let in_any_case = |c: char| match turns.below(3) {
                0 => c.to_ascii_uppercase(),
                1 => c.to_ascii_lowercase(),
                _ => c,
            };
            json!(text.chars().map(in_any_case).collect::<String>())
        }
        "AWS" if is_account(text) && turns.below(2) == 0 => {
            json!(format!("arn:aws:iam::{text}:root"))
        }
        _ => match (text, turns.below(2)) {
            ("true", 0) => json!(true),
            ("7", 0) => json!(7),
            _ => value.clone(),
        },
    }
}

/// As IAM and others send it: with any white space, any of its bytes as `%XX`.
fn sent(value: &Value, turns: &mut Turns<'_>) -> String {
    let text = match turns.below(2) {
        0 => serde_json::to_string_pretty(value).expect("text"),
        _ => value.to_string(),
    };
    if turns.below(2) == 0 {
        return format!("\n {text} ");
    }
    // The first byte tells whether the rest is encoded.
    let encoded = |(at, byte): (usize, u8)| match byte {
        b'%' => "%25".to_owned(),
        byte if at == 0 || !byte.is_ascii() || turns.below(2) == 0 => format!("%{byte:02X}"),
        byte => char::from(byte).to_string(),
    };
    text.bytes().enumerate().map(encoded).collect()
}

/// Another meaning: one place that says something says something else. `at` chooses it.
fn changed(document: &Value, at: Index, how: usize) -> Value {
    let mut document = document.clone();
    let statements = document["Statement"].as_array_mut().expect("a list");
    let chosen = at.index(statements.len());
    let parts = statements[chosen].as_object_mut().expect("a map");
    let name = parts.keys().nth(at.index(parts.len())).cloned().expect("a part");
    let other = json!("arn:aws:s3:::another");
    let part = parts.get_mut(&name).expect("it is there");
    match (name.as_str(), how) {
        ("Effect", _) => *part = json!(if *part == "Allow" { "Deny" } else { "Allow" }),
        ("Sid", _) => *part = json!("another"),
        // A part of its own that goes, or turns into its contrary.
        ("Action" | "NotAction" | "Resource" | "NotResource", 0) => {
            let contrary = match name.strip_prefix("Not") {
                Some(plain) => plain.to_owned(),
                None => format!("Not{name}"),
            };
            let value = parts.remove(&name).expect("it is there");
            parts.insert(contrary, value);
        }
        ("Principal" | "NotPrincipal" | "Condition", 0) => drop(parts.remove(&name)),
        ("Principal" | "NotPrincipal", _) => *part = json!({ "Service": ["sns.amazonaws.com"] }),
        ("Condition", _) => {
            let operator = part.as_object_mut().and_then(|map| map.values_mut().next());
            *operator.expect("an operator") = json!({ "aws:PrincipalTag/a": "b" });
        }
        // One member more, one less, or another.
        (_, 1) => part.as_array_mut().expect("a set").push(other),
        (_, _) => {
            let set = part.as_array_mut().expect("a set");
            if set.len() > 1 { drop(set.remove(at.index(set.len()))) } else { set[0] = other }
        }
    }
    document
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_same_meaning_is_equal(
        document in document(), turns in prop::collection::vec(any::<u8>(), 1..200),
    ) {
        let turns = &mut Turns::new(&turns);
        let text = sent(&rewritten(&document, "", turns), turns);
        let ours = doc(document);
        let theirs = Document::parse(&text).expect("a document");
        prop_assert!(theirs.means(&ours), "{}", text);
        prop_assert_eq!(doc(ours.0.clone()), ours);
    }

    #[test]
    fn another_meaning_is_different(
        document in document(), at in any::<Index>(), how in 0usize..3,
        turns in prop::collection::vec(any::<u8>(), 1..200),
    ) {
        let turns = &mut Turns::new(&turns);
        let other = changed(&document, at, how);
        let text = sent(&rewritten(&other, "", turns), turns);
        let ours = doc(document);
        let theirs = Document::parse(&text).expect("a document");
        prop_assert!(!theirs.means(&ours), "{}", text);
    }
}
