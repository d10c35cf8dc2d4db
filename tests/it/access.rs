//! The API as others reach it: through the door, in a codespace, in a shell's variables.

use serde_json::Value;
use stackwright_testkit::Emulator;
use stackwright_testkit::http::http;

use crate::support::{Sandbox, post, text};

#[test]
fn expose_forwards_calls_of_deployed_apis_and_nothing_else() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    stack.ok(&["reconcile"]);
    let mut door = stack.start(&["local", "expose", "--port", "0"]);
    let said = door.hear("forwards calls of deployed APIs");
    let url = said.split_whitespace().find(|word| word.starts_with("http://")).expect("a URL");

    let here = stack.ok(&["output", "url"]).stdout.trim().to_owned();
    let path = here.strip_prefix(&emulator.url()).expect("a path");
    let (status, answer) = post(&format!("{url}{path}"), r#"{"action": "status"}"#);
    assert_eq!(status, 200, "{answer}");
    assert!(text(&answer["message"]).ends_with("is running"), "{answer}");
    for (method, path) in [
        ("GET", "/_localstack/init"),
        ("GET", "/restapis"),
        ("POST", "/"),
        ("POST", "/2015-03-31/functions/ec2-control/invocations"),
    ] {
        assert_eq!(http(method, &format!("{url}{path}"), "").0, 404, "{method} {path}");
    }
    door.signal("INT");
    door.wait().code(0);
}

#[test]
fn expose_prints_where_it_listens_as_json() {
    let stack = Sandbox::empty(9);
    let expose = ["local", "expose", "--port", "0", "--json"];
    let mut door = stack.command(&expose).spawn().expect("the program runs");
    let stdout = door.stdout.take().expect("a pipe");
    let mut documents = serde_json::Deserializer::from_reader(stdout).into_iter::<Value>();
    let document = documents.next().expect("a document").expect("JSON");
    assert!(text(&document["url"]).starts_with("http://127.0.0.1:"), "{document:#}");
    assert_eq!((&document["forwards_to"], &document["public"]), (&9.into(), &Value::Null));
    let ended = std::process::Command::new("kill").arg(door.id().to_string()).status();
    assert!(ended.expect("kill").success());
    door.wait().expect("it ends");
}

#[test]
fn a_codespace_gets_the_public_url_and_the_command_to_open_it() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator)
        .env("CODESPACE_NAME", "fuzzy-robot")
        .env("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN", "app.github.dev");
    let public = "https://fuzzy-robot-4567.app.github.dev/restapis/";
    let command = "gh codespace ports visibility 4567:public -c fuzzy-robot";
    stack.ok(&["reconcile"]).says(public).says(command);
    stack.ok(&["output"]).says(public).says(command);
    let url = stack.ok(&["output", "url"]).stdout;
    assert!(url.starts_with(&emulator.url()), "a script gets the plain value: {url}");
}

#[test]
fn outputs_print_as_text_json_or_variables() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    stack.edit("output:", "output:\n  the.id-of-it: ${instance.web.id}");
    stack.run(&["output"]).code(1).says("no state yet");
    stack.ok(&["reconcile"]);
    let url = stack.ok(&["output", "url"]).stdout.trim().to_owned();
    stack.ok(&["output"]).says(&format!("url = {url}"));
    let document = stack.ok(&["output", "--format", "json"]).json();
    assert_eq!(document["outputs"]["url"], url);
    assert_eq!(stack.ok(&["output", "--json"]).json(), document);
    let variables = stack.ok(&["output", "--format", "env"]).stdout;
    assert!(variables.contains(&format!("export URL='{url}'\n")), "{variables}");
    assert!(variables.contains("export THE_ID_OF_IT='i-"), "{variables}");
    stack.run(&["output", "ulr"]).code(1).says("did you mean `url`?");
}
