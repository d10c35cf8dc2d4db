//! What `validate` calls valid is valid by AWS's service models.

use std::path::Path;

use stackwright_aws::kinds;
use stackwright_engine::manifest::{Manifest, Request, Source};
use stackwright_testkit::Dice;
use stackwright_testkit::model::Models;

/// A stack file with `VALUE` where a text of the shape stands.
struct Place {
    service: &'static str,
    shape: &'static str,
    file: &'static str,
    /// What every text of this shape begins with, so that some are valid.
    start: &'static str,
}

const fn place(service: &'static str, shape: &'static str, file: &'static str) -> Place {
    Place { service, shape, file, start: "" }
}

const FUNCTION: &str =
    "code: handler/, runtime: python3.13, role: arn:aws:iam::123456789012:role/r";

const PLACES: &[Place] = &[
    place("iam", "roleNameType", "role: {r: {name: VALUE, trust: lambda.amazonaws.com}}"),
    place(
        "iam",
        "roleDescriptionType",
        "role: {r: {description: VALUE, trust: lambda.amazonaws.com}}",
    ),
    Place {
        start: "/",
        ..place("iam", "pathType", "role: {r: {path: VALUE, trust: lambda.amazonaws.com}}")
    },
    place(
        "iam",
        "policyNameType",
        "role: {r: {trust: lambda.amazonaws.com, policies: {VALUE: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:GetObject', Resource: '*'}]}}}}",
    ),
    place("iam", "tagKeyType", "role: {r: {tags: {VALUE: x}, trust: lambda.amazonaws.com}}"),
    place("iam", "tagValueType", "role: {r: {tags: {x: VALUE}, trust: lambda.amazonaws.com}}"),
    place(
        "lambda",
        "FunctionName",
        "function: {f: {name: VALUE, handler: lambda_function.lambda_handler, FUNCTION}}",
    ),
    place(
        "lambda",
        "Description",
        "function: {f: {description: VALUE, handler: lambda_function.lambda_handler, FUNCTION}}",
    ),
    place(
        "lambda",
        "Handler",
        "function: {f: {handler: VALUE, code: handler/, runtime: provided.al2023, role: 'arn:aws:iam::123456789012:role/r'}}",
    ),
    place(
        "lambda",
        "EnvironmentVariableName",
        "function: {f: {handler: lambda_function.lambda_handler, environment: {VALUE: x}, FUNCTION}}",
    ),
    place(
        "lambda",
        "TagKey",
        "function: {f: {handler: lambda_function.lambda_handler, tags: {VALUE: x}, FUNCTION}}",
    ),
    place(
        "lambda",
        "TagValue",
        "function: {f: {handler: lambda_function.lambda_handler, tags: {x: VALUE}, FUNCTION}}",
    ),
];

const LENGTHS: &[usize] =
    &[0, 1, 2, 3, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257, 512, 999, 1000, 1001];
const LETTERS: &[&str] = &[
    "abz", "ABZ", "059", "_-", "_", "+=,.@", "/", ":", " ", "\t", "\n", "~", "%$&", "\"'\\",
    "\u{e9}", "\u{20ac}", "\u{4e2d}", "\u{7f}", "{}", "#", "*?",
];

/// A text of one of the lengths, of letters of one, two or three sorts.
fn drawn(dice: &mut Dice, start: &str) -> String {
    let length = LENGTHS[dice.below(LENGTHS.len())];
    let sorts: Vec<Vec<char>> = (0..=dice.below(3))
        .map(|sort| {
            // The first sort is of plain letters, or few texts would be valid.
            let at = if sort == 0 { dice.below(3) } else { dice.below(LETTERS.len()) };
            LETTERS[at].chars().collect()
        })
        .collect();
    let letter = |dice: &mut Dice| {
        let sort = &sorts[dice.below(sorts.len())];
        sort[dice.below(sort.len())]
    };
    let rest = (0..length).map(|_| letter(dice)).collect::<String>();
    format!("{start}{rest}{start}")
}

fn is_valid(file: &str) -> bool {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("stack.yaml");
    let env = |_: &str| None;
    let request = Request { cloud: None, region: None, env: &env, needs_env: true, files: None };
    let source = Source::new(path, format!("stack: s\n{file}\n"));
    Manifest::load(source, &request, &kinds::registry()).is_ok()
}

#[test]
fn what_is_valid_is_valid_by_the_models() {
    let mut wrong = Vec::new();
    for Place { service, shape, file, start } in PLACES {
        let mut dice = Dice::about(7, shape);
        let mut valid = 0;
        for _ in 0..400 {
            let text = drawn(&mut dice, start);
            let quoted = serde_json::Value::from(text.as_str()).to_string();
            if is_valid(&file.replace("FUNCTION", FUNCTION).replace("VALUE", &quoted)) {
                valid += 1;
                let breaches = Models::installed().text(service, shape, &text);
                wrong.extend(breaches.into_iter().map(|breach| format!("{service} {breach}")));
            }
        }
        assert!(valid > 10, "{service} {shape}: {valid} of 400 texts are valid");
    }
    let some: Vec<&String> = wrong.iter().take(20).collect();
    assert!(wrong.is_empty(), "{} are valid and not: {some:#?}", wrong.len());
}
