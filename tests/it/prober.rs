//! Clients call the API twenty times a second while its stack is edited thirty times: no call fails on
//! a route that exists before and after. Another test calls it after each single write of an edit.
//!
//! The function calls nothing: one that calls the emulator, as the sample's does, would block its few
//! threads.
//!
//! MiniStack serves routes as soon as they are written, deployed or not, and calls functions without
//! asking for permission. So the calls go through a proxy that is as strict as AWS there: a stage
//! serves what was deployed (403 for all else), by functions that allow it (500 where one does not).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use stackwright_testkit::{Act, Call, Emulator, Point, Proxy, Rules, figures};

use crate::support::{LAMBDA_TRUST, Sandbox, text};

/// Twenty a second: a request is due so long after the one before it, answered or not.
const EVERY: Duration = Duration::from_millis(50);

/// How many workers make the requests, so that one that waits for an answer delays no request.
const WORKERS: usize = 6;

/// The routes that every edit keeps.
const ROUTES: [(&str, &str, &str); 2] =
    [("POST", "/ec2", r#"{"action": "status"}"#), ("GET", "/health", "")];

/// When each request is due; all workers take the next one from it.
struct Schedule {
    since: Instant,
    next: AtomicUsize,
    is_over: AtomicBool,
}

impl Schedule {
    fn new() -> Self {
        let (next, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
        Self { since: Instant::now(), next, is_over }
    }

    /// Waits until the next request is due; its number and time, or `None` at the end.
    fn next(&self) -> Option<(usize, Instant)> {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        let due = self.since + EVERY * u32::try_from(number).expect("a test that ends");
        thread::sleep(due.saturating_duration_since(Instant::now()));
        (!self.is_over.load(Ordering::SeqCst)).then_some((number, due))
    }
}

/// The requests that were not answered with 200.
#[derive(Default)]
struct Probed {
    requests: usize,
    failures: Vec<String>,
    cut: usize,
    /// The time from when each request was due to its answer.
    slowest: Duration,
}

impl Probed {
    fn and(mut self, other: Self) -> Self {
        self.failures.extend(other.failures);
        Self {
            requests: self.requests + other.requests,
            failures: self.failures,
            cut: self.cut + other.cut,
            slowest: self.slowest.max(other.slowest),
        }
    }
}

/// One worker, which calls the routes in turn.
fn probe(url: &str, proxy: &Proxy, schedule: &Schedule) -> Probed {
    let mut probed = Probed::default();
    while let Some((number, due)) = schedule.next() {
        let route = ROUTES[number % ROUTES.len()];
        let (answer, cut) = call(url, proxy, route);
        let took = due.elapsed();
        probed.requests += 1;
        probed.cut += cut;
        probed.slowest = probed.slowest.max(took);
        if answer != Ok(200) {
            let (method, path, _) = route;
            probed.failures.push(format!("{method} {path}: {answer:?} after {took:?}"));
        }
    }
    probed
}

/// The final status of a route, and how often its function was interrupted before.
///
/// MiniStack ends a function at work (502) when it is updated; AWS lets it finish. Such a call is made
/// again at once, so often as a function was updated meanwhile: by the update that was under way when
/// it was made, and by each that came since.
fn call(
    url: &str,
    proxy: &Proxy,
    (method, path, body): (&str, &str, &str),
) -> (Result<u16, String>, usize) {
    let is_update = |call: &Call| call.operation.name.starts_with("UpdateFunction");
    let updates = || proxy.log().iter().filter(|call| is_update(call)).count();
    let (before, mut cut) = (updates(), 0);
    loop {
        match ask(method, &format!("{url}{path}"), body) {
            Ok(502) if cut <= updates() - before => cut += 1,
            answer => return (answer, cut),
        }
    }
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

/// The stack that is edited.
struct Edited<'a> {
    emulator: &'a Emulator,
    proxy: &'a Proxy,
    stack: &'a Sandbox,
}

impl Edited<'_> {
    fn edit(&self, from: &str, to: &str) {
        self.stack.edit(from, to);
    }

    /// Inserts lines after an existing one.
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

    /// Changes the API through the proxy, which must see the writes.
    fn aws(&self, arguments: &[&str]) {
        let url = self.proxy.url();
        self.emulator.aws(&[arguments, &["--endpoint-url", &url]].concat());
    }

    /// As an administrator would who re-created the role by hand.
    fn role_again(&self, name: &str) {
        let role = ["--role-name", name];
        let inline = self.emulator.aws(&[&["iam", "list-role-policies"], &role[..]].concat());
        for policy in inline["PolicyNames"].as_array().expect("a list") {
            let one = ["--policy-name", text(policy)];
            self.aws(&[&["iam", "delete-role-policy"], &role[..], &one].concat());
        }
        self.aws(&[&["iam", "delete-role"], &role[..]].concat());
        let trust = ["--assume-role-policy-document", LAMBDA_TRUST];
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

/// Lines of the file that edits refer to.
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
    ("a permission replaced by hand", |on| {
        let id = on.id("api.EC2-Control-API");
        let (ours, theirs) = (format!("stackwright-{id}"), ["--statement-id", "by-hand"]);
        let source = format!("arn:aws:execute-api:us-east-1:{}:{id}/*", on.emulator.account());
        let function = ["--function-name", "other"];
        let who = ["--principal", "apigateway.amazonaws.com", "--source-arn", &source];
        let what = ["--action", "lambda:InvokeFunction"];
        on.aws(&[&["lambda", "add-permission"], &function[..], &theirs, &what, &who].concat());
        let ours = ["--statement-id", &ours];
        on.aws(&[&["lambda", "remove-permission"], &function[..], &ours].concat());
    }),
    ("a deployment by hand", |on| {
        let id = on.id("api.EC2-Control-API");
        let deploy = ["apigateway", "create-deployment", "--rest-api-id", &id];
        on.aws(&[&deploy[..], &["--stage-name", "prod"]].concat());
    }),
    ("tags for everything", |on| on.edit("project: atelier", "project: workshop")),
];

/// The sample behind the proxy, created with a function that calls nothing, and the URL of its API.
fn made(stack: &Sandbox) -> String {
    stack.write("handler/lambda_function.py", CODE);
    let route = "      POST /ec2: function.ec2-control\n";
    stack.edit(route, &format!("{route}{HEALTH}\n"));
    stack.ok(&["reconcile"]);
    let url = stack.ok(&["output", "url"]).stdout;
    url.trim().trim_end_matches("/ec2").to_owned()
}

#[test]
fn callers_notice_no_edit() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::strict(&emulator, Rules::gateway(), |_| Act::Pass);
    let stack = Sandbox::sample(&emulator).through(&proxy);
    let on = Edited { emulator: &emulator, proxy: &proxy, stack: &stack };
    let url = made(&stack);
    let schedule = Schedule::new();
    let (probed, took, after) = thread::scope(|scope| {
        let probers = [(); WORKERS].map(|()| scope.spawn(|| probe(&url, &proxy, &schedule)));
        // The workers end also when an edit fails.
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
        let took = schedule.since.elapsed();
        schedule.is_over.store(true, Ordering::SeqCst);
        let probed = probers.map(|prober| prober.join().expect("it probes"));
        let probed = probed.into_iter().fold(Probed::default(), Probed::and);
        (probed, took, edits.expect("every edit is made"))
    });
    let rate = probed.requests as f64 / took.as_secs_f64();
    let figures = json!({
        "edits": after.len(), "requests": probed.requests, "failed": probed.failures.len(),
        "cut": probed.cut, "slowest_ms": probed.slowest.as_millis() as u64,
        "a_second": (rate * 10.0).round() / 10.0,
    });
    println!("{figures}");
    figures::note("prober", figures);
    assert_eq!(probed.failures, [""; 0]);
    assert!(probed.requests > 10 * EDITS.len(), "{}", probed.requests);
    let id = on.id("api.EC2-Control-API");
    assert!(emulator.deployed(&id, "prod").0.len() <= 4, "old deployments are pruned");
}

/// Edits that move routes to other functions, which fail on AWS in a wrong order.
const MOVES: [Edit; 3] = [
    ("another key of the function", |on| {
        on.edit("  ec2-control:\n", "  switch:\n");
        on.edit("function.ec2-control", "function.switch");
    }),
    ("a second function, a route more", |on| {
        let whole = on.stack.read("stack.yaml");
        let (start, end) = (whole.find("  switch:\n"), whole.find("\napi:"));
        let other = whole[start.expect("there")..end.expect("there")].replace("switch", "other");
        on.edit("\napi:", &format!("{other}\napi:"));
        let health = "GET /health: function";
        let more = format!("{health}.other\n      ANY /more/{{rest+}}: function.other");
        on.edit(&format!("{health}.switch"), &more);
    }),
    ("both leave again", |on| {
        on.edit("GET /health: function.other", "GET /health: function.switch");
        on.edit("      ANY /more/{rest+}: function.other\n", "");
        let whole = on.stack.read("stack.yaml");
        let (start, end) = (whole.find("  other:\n"), whole.find("\napi:"));
        let (start, end) = (start.expect("there"), end.expect("there"));
        on.stack.write("stack.yaml", &format!("{}{}", &whole[..start], &whole[end..]));
    }),
];

/// Each write is paused when it is done, and meanwhile the routes are called: whenever somebody
/// calls, it is between two of them.
#[test]
fn after_each_write_of_an_edit_the_api_answers() {
    let emulator = Emulator::ministack().start();
    let pauses = Arc::new(AtomicBool::new(false));
    let is_pausing = Arc::clone(&pauses);
    let proxy = Proxy::strict(&emulator, Rules::gateway(), move |call| {
        let pauses = call.operation.writes && is_pausing.load(Ordering::SeqCst);
        if pauses { Act::Pause(Point::Committed) } else { Act::Pass }
    });
    let stack = Sandbox::sample(&emulator).through(&proxy);
    let on = Edited { emulator: &emulator, proxy: &proxy, stack: &stack };
    let url = made(&stack);
    pauses.store(true, Ordering::SeqCst);
    let mut calls = 0;
    for (what, edit) in MOVES {
        edit(&on);
        let mut running = stack.start(&["reconcile", "--yes"]);
        while running.is_paused(&proxy) {
            for route in ROUTES {
                let after = proxy.log().pop().map(|call| call.target);
                assert_eq!(
                    call(&url, &proxy, route).0,
                    Ok(200),
                    "{what}: {route:?} after {after:?}"
                );
                calls += 1;
            }
            proxy.resume();
        }
        running.wait().code(0);
        stack.settled(&[]);
    }
    figures::note(
        "prober after each write",
        json!({ "edits": MOVES.len(), "calls": calls, "failed": 0 }),
    );
    assert!(calls > 10 * MOVES.len(), "{calls}");
    let gone = [("GET", "/more/x", ""), ("PUT", "/ec2", "")];
    for route in gone {
        assert_eq!(call(&url, &proxy, route).0, Ok(403), "{route:?} is not deployed");
    }
}
