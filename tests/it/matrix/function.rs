//! Every field of a function.

use serde_json::json;

use super::row::{Action, Lack, On, Removed, Row, Seen, Table, nothing};

const CONFIGURED: &[&str] = &["UpdateFunctionConfiguration"];

pub fn table() -> Table {
    let [name, tags, depends_on] = Row::header("f", ["role.b", "role.c"], Action::Replace);
    let rows = vec![
        Row::new("code", "src/", "other/")
            .seen(Seen::Digest("code"))
            .sends(&["UpdateFunctionCode"])
            .hand("lambda update-function-code --function-name <id> --zip-file fileb://<folder>/empty.zip"),
        Row::new("runtime", "python3.12", "python3.13")
            .sends(CONFIGURED)
            .hand("lambda update-function-configuration --function-name <id> --runtime python3.11"),
        Row::new("handler", "m.one", "m.two")
            .sends(CONFIGURED)
            .hand("lambda update-function-configuration --function-name <id> --handler m.three"),
        Row::new("role", "role.a", "role.b")
            .means(
                "role",
                json!("arn:aws:iam::<account>:role/a"),
                json!("arn:aws:iam::<account>:role/b"),
            )
            .sends(CONFIGURED)
            .hand("lambda update-function-configuration --function-name <id> --role arn:aws:iam::<account>:role/c"),
        Row::new("timeout", 30, 31)
            .sends(CONFIGURED)
            .removed(Removed::Default(json!(3)))
            .hand("lambda update-function-configuration --function-name <id> --timeout 9"),
        Row::new("memory", 256, 512)
            .sends(CONFIGURED)
            .removed(Removed::Default(json!(128)))
            .hand("lambda update-function-configuration --function-name <id> --memory-size 1024"),
        Row::new(
            "environment",
            json!({ "A1": "1", "B1": "2" }),
            json!({ "A1": "3", "C1": "4" }),
        )
        .sends(CONFIGURED)
        .removed(Removed::Becomes(json!({})))
        .hand("lambda update-function-configuration --function-name <id> --environment Variables={A1=other}"),
        Row::new("architecture", "x86_64", "arm64")
            .sends(&["UpdateFunctionCode"])
            .removed(Removed::Default(json!("x86_64")))
            .cannot("only together with the code: see there")
            .lacks(On::Moto, Lack::Change),
        Row::new("logs", false, true)
            .sends(&["CreateLogGroup", "PutRetentionPolicy", "PutRolePolicy"])
            .also(&["update role.a"])
            .removed(Removed::Default(json!(false)))
            .hand("logs delete-log-group --log-group-name /aws/lambda/<id>"),
        Row::new("description", "one", "two")
            .sends(CONFIGURED)
            .removed(Removed::Default(json!("")))
            .hand("lambda update-function-configuration --function-name <id> --description other"),
        name.sends(&["CreateFunction", "DeleteFunction"]).cannot("a function keeps its name"),
        tags.sends(&["TagResource", "UntagResource"])
            .hand("lambda tag-resource --resource <arn> --tags a=other"),
        depends_on,
    ];
    let trust = || json!({ "trust": "lambda.amazonaws.com" });
    Table {
        address: "function.f",
        base: json!({
            "stack": "matrix",
            "role": { "a": trust(), "b": trust(), "c": trust() },
            "function": { "f": {} },
        }),
        files: &[
            ("src/m.py", "def one(event, context): return 1\n"),
            ("other/m.py", "def one(event, context): return 2\n"),
            // A zip with nothing in it.
            ("empty.zip", "PK\u{5}\u{6}\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        ],
        given: nothing,
        rows,
    }
}
