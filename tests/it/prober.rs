//! Somebody calls the API twenty times a second while its stack is edited thirty times: no call
//! fails on a route that is there before and after.
//!
//! The function answers by itself: one that calls the emulator back, as the sample's does, would keep
//! its few threads waiting for each other.
//!
//! MiniStack serves routes as soon as they are written, deployed or not, and calls functions without
//! asking for permission. So the order in which AWS would notice is shown by the log of the calls.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use stackwright_testkit::{Act, Emulator, Proxy, figures};

use crate::support::{Sandbox, text};

/// Twenty a second, where the machine is quick enough to answer them.
const EVERY: Duration = Duration::from_millis(50);

/// The routes that every edit leaves.
const ROUTES: [(&str, &str, &str); 2] =
    [("POST", "/ec2", r#"{"action": "status"}"#), ("GET", "/health", "")];

/// What was asked for and answered otherwise than with 200.
#[derive(Default)]
struct Probed {
    requests: usize,
    failures: Vec<String>,
    /// MiniStack ends a function at work (502) when it is updated; AWS lets it finish. Such a call
    /// is made again at once, and has failed when it fails then.
    cut: usize,
    slowest: Duration,
}

/// Asks for each route in its turn, one call at a time, until `over`.
fn probe(url: &str, over: &AtomicBool) -> Probed {
    let mut probed = Probed::default();
    while !over.load(Ordering::SeqCst) {
        let since = Instant::now();
        let (method, path, body) = ROUTES[probed.requests % ROUTES.len()];
        let ask = || ask(method, &format!("{url}{path}"), body);
        let mut answer = ask();
        if answer == Ok(502) {
            probed.cut += 1;
            answer = ask();
        }
        let took = since.elapsed();
        probed.requests += 1;
        probed.slowest = probed.slowest.max(took);
        if answer != Ok(200) {
            probed.failures.push(format!("{method} {path}: {answer:?} after {took:?}"));
        }
        thread::sleep(EVERY.saturating_sub(took));
    }
    probed
}

/// The status of one call over a connection of its own.
fn ask(method: &str, url: &str, body: &str) -> Result<u16, String> {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let exchange = || {
        let mut stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let length = body.len();
        write!(
            stream,
            "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply)?;
        Ok(reply)
    };
    let reply = exchange().map_err(|error: std::io::Error| error.to_string())?;
    reply.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or(reply)
}

/// What an edit acts on.
struct Edited<'a> {
    emulator: &'a Emulator,
    stack: &'a Sandbox,
}

impl Edited<'_> {
    fn edit(&self, from: &str, to: &str) {
        self.stack.edit(from, to);
    }

    /// Puts lines behind one that is there.
    fn after(&self, line: &str, more: &str) {
        self.stack.edit(&format!("{line}\n"), &format!("{line}\n{more}\n"));
    }

    fn code(&self, from: &str, to: &str) {
        let text = self.stack.read("handler/lambda_function.py");
        assert!(text.contains(from), "`{from}` is not in the handler");
        self.stack.write("handler/lambda_function.py", &text.replace(from, to));
    }

    fn id(&self, address: &str) -> String {
        let shown = self.stack.ok(&["show", "--json"]).json();
        text(&shown["resources"][address]["object"]["id"]).to_owned()
    }

    fn aws(&self, arguments: &[&str]) {
        self.emulator.aws(arguments);
    }

    /// As an administrator would who made the role anew by hand.
    fn role_again(&self, name: &str) {
        let role = ["--role-name", name];
        let inline = self.emulator.aws(&[&["iam", "list-role-policies"], &role[..]].concat());
        for policy in inline["PolicyNames"].as_array().expect("a list") {
            let one = ["--policy-name", text(policy)];
            self.aws(&[&["iam", "delete-role-policy"], &role[..], &one].concat());
        }
        self.aws(&[&["iam", "delete-role"], &role[..]].concat());
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": { "Service": "lambda.amazonaws.com" },
            }],
        });
        let trust = ["--assume-role-policy-document", &trust.to_string()];
        let tags = ["--tags", "Key=by,Value=hand"];
        self.aws(&[&["iam", "create-role"], &role[..], &trust, &tags].concat());
    }
}

type Edit = (&'static str, fn(&Edited<'_>));

const CODE: &str = r#"import json

GREETING = "hello"


def lambda_handler(event, context):
    return {"statusCode": 200, "body": json.dumps({"message": GREETING})}
"#;

/// Lines of the file that edits lean on.
const HEALTH: &str = "      GET /health: function.ec2-control";
const TIMEOUT: &str = "    timeout: 30";
const ID: &str = "      INSTANCE_ID: ${instance.web.id}";
const HANDLER: &str = "    handler: lambda_function.lambda_handler";

const EDITS: [Edit; 30] = [
    ("a route added", |on| on.after(HEALTH, "      GET /more: function.ec2-control")),
    ("one with a variable", |on| on.after(HEALTH, "      GET /a/{id}: function.ec2-control")),
    ("one for all that follows", |on| {
        on.after(HEALTH, "      ANY /b/{proxy+}: function.ec2-control");
    }),
    ("another method", |on| on.edit("GET /more", "ANY /more")),
    ("another variable", |on| on.edit("GET /a/{id}", "GET /a/{name}")),
    ("a route removed", |on| on.edit("      GET /a/{name}: function.ec2-control\n", "")),
    ("the API's description", |on| on.edit("API to control EC2 instances", "Another text")),
    ("the API's name", |on| on.after("  EC2-Control-API:", "    name: control")),
    ("the API's tags", |on| on.after("    name: control", "    tags: {team: red}")),
    ("a longer timeout", |on| on.edit(TIMEOUT, "    timeout: 40")),
    ("more memory", |on| on.after("    timeout: 40", "    memory: 256")),
    ("the function's description", |on| on.after(HANDLER, "    description: Switches it")),
    ("a variable of the environment", |on| on.after(ID, "      COLOUR: red")),
    ("another value", |on| on.edit("COLOUR: red", "COLOUR: blue")),
    ("none again", |on| on.edit("      COLOUR: blue\n", "")),
    ("other code", |on| on.code("hello", "good day")),
    ("more code", |on| on.code("import json", "import json\nimport os")),
    ("all in one", |on| {
        on.edit("    timeout: 40", TIMEOUT);
        on.code("good day", "good evening");
        on.after(HEALTH, "      GET /c: function.ec2-control");
    }),
    ("another name of the function", |on| on.after("  ec2-control:", "    name: switch")),
    ("another key of the function", |on| {
        on.edit("  ec2-control:\n    name: switch", "  toggle:");
        on.edit("function.ec2-control", "function.toggle");
    }),
    ("and the old one again", |on| {
        on.edit("  toggle:", "  ec2-control:");
        on.edit("function.toggle", "function.ec2-control");
    }),
    ("a role deleted and created by hand", |on| on.role_again("lambda-ec2-role")),
    ("less for the role", |on| on.edit("[ec2:StartInstances, ec2:StopInstances]", "ec2:Start*")),
    ("another name of the role", |on| on.after("  lambda-ec2-role:", "    name: switch-role")),
    ("another function for the routes", |on| {
        let whole = on.stack.read("stack.yaml");
        let (start, end) = (whole.find("  ec2-control:\n"), whole.find("\napi:"));
        let one = &whole[start.expect("there")..end.expect("there")];
        let other = one.replace("  ec2-control:", "  other:");
        on.edit("\napi:", &format!("{other}\napi:"));
        on.edit(": function.ec2-control", ": function.other");
    }),
    ("both of them", |on| {
        on.edit("POST /ec2: function.other", "POST /ec2: function.ec2-control");
    }),
    ("the first one leaves", |on| {
        on.edit("POST /ec2: function.ec2-control", "POST /ec2: function.other");
        let whole = on.stack.read("stack.yaml");
        let (start, end) = (whole.find("  ec2-control:\n"), whole.find("  other:\n"));
        let (start, end) = (start.expect("there"), end.expect("there"));
        on.stack.write("stack.yaml", &format!("{}{}", &whole[..start], &whole[end..]));
    }),
    ("a permission removed by hand", |on| {
        let statement = format!("stackwright-{}", on.id("api.EC2-Control-API"));
        let remove = ["lambda", "remove-permission", "--function-name", "other"];
        on.aws(&[&remove[..], &["--statement-id", &statement]].concat());
    }),
    ("a deployment by hand", |on| {
        let id = on.id("api.EC2-Control-API");
        let deploy = ["apigateway", "create-deployment", "--rest-api-id", &id];
        on.aws(&[&deploy[..], &["--stage-name", "prod"]].concat());
    }),
    ("tags for everything", |on| on.edit("project: atelier", "project: workshop")),
];

#[test]
fn nobody_who_calls_notices_an_edit() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    let on = Edited { emulator: &emulator, stack: &stack };
    stack.write("handler/lambda_function.py", CODE);
    on.after("      POST /ec2: function.ec2-control", HEALTH);
    stack.ok(&["reconcile"]);
    let url = stack.ok(&["output", "url"]).stdout.trim().trim_end_matches("/ec2").to_owned();
    let over = AtomicBool::new(false);
    let (probed, after) = thread::scope(|scope| {
        let prober = scope.spawn(|| probe(&url, &over));
        // However an edit fails, the prober ends.
        let edits = scope.spawn(|| {
            EDITS.map(|(what, edit)| {
                edit(&on);
                let ran = stack.run(&["reconcile", "--yes"]);
                assert_eq!(ran.code, 0, "{what}:\n{ran}");
                stack.settled(&[]);
                what
            })
        });
        let edits = edits.join();
        over.store(true, Ordering::SeqCst);
        (prober.join().expect("it probes"), edits.expect("every edit is made"))
    });
    let figures = json!({
        "edits": after.len(), "requests": probed.requests, "failed": probed.failures.len(),
        "cut": probed.cut, "slowest_ms": probed.slowest.as_millis() as u64,
    });
    println!("{figures}");
    figures::note("prober", figures);
    assert_eq!(probed.failures, [""; 0]);
    // At most one for each time that a function is written.
    assert!(probed.cut <= EDITS.len(), "{} calls were cut off", probed.cut);
    assert!(probed.requests > 10 * EDITS.len(), "{}", probed.requests);
    let id = on.id("api.EC2-Control-API");
    assert!(emulator.deployed(&id, "prod").0.len() <= 4, "old deployments are pruned");
}

/// The first call of that name whose path has `part`, among those from `from` on.
#[track_caller]
fn place(proxy: &Proxy, from: usize, name: &str, part: &str) -> usize {
    let log = proxy.log();
    let is = |call: &&stackwright_testkit::Call| {
        call.number >= from && call.operation.name == name && call.target.contains(part)
    };
    let found = log.iter().find(is);
    found.unwrap_or_else(|| panic!("no {name} {part} among {log:#?}")).number
}

#[test]
fn the_new_function_may_be_called_before_it_is_and_the_old_one_until_it_is_not() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |_| Act::Pass);
    let stack = Sandbox::sample(&emulator).through(&proxy);
    stack.ok(&["reconcile"]);
    let from = proxy.log().len();
    stack.edit("  ec2-control:\n", "  switch:\n");
    stack.edit("function.ec2-control", "function.switch");
    stack.ok(&["reconcile", "--yes"]);
    let place = |name: &str, part: &str| place(&proxy, from, name, part);
    let order = [
        place("CreateFunction", "/functions"),
        place("AddPermission", "switch"),
        place("CreateDeployment", "/deployments"),
        place("RemovePermission", "ec2-control"),
        place("DeleteFunction", "ec2-control"),
    ];
    assert!(order.is_sorted(), "{order:?}");
    let integrated = place("PutIntegration", "/methods/POST/");
    assert!(integrated < order[2], "what is deployed is what was set");
    let ran = stack.ok(&["plan", "--detailed-exitcode"]);
    assert_eq!(ran.code, 0, "{ran}");
}
