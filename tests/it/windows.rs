//! Temporary refusals of AWS that emulators do not have: objects that are not visible, assumable or
//! ready yet, conflicts, throttling. One run waits, reports what it waits for, creates nothing twice
//! and gives up where waiting is useless.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use stackwright_testkit::{Act, Call, Emulator, Point, Proxy, Refusal};

use crate::support::{Sandbox, sample_counts};

/// EC2's answer to a filter that matches nothing.
const UNSEEN: &str = "<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
                      <reservationSet/></DescribeInstancesResponse>";

/// Reconciles the sample with its first `times` calls of `name` answered by `act`; then every object
/// exists once.
fn waits_out(name: &'static str, times: usize, act: impl Fn(&Call) -> Act + Send + Sync + 'static) {
    let emulator = Emulator::ministack().start();
    let (proxy, asked) = answering(&emulator, name, times, act);
    let stack =
        Sandbox::sample(&emulator).env("STACKWRIGHT_CONSISTENCY_SECONDS", "30").through(&proxy);
    let ran = stack.run(&["reconcile", "--yes", "--no-check"]);
    assert_eq!(ran.code, 0, "{name}: {ran}");
    assert!(asked.load(Ordering::SeqCst) > times, "{name} was asked again: {ran}");
    let creates = |call: &Call| call.operation.name == "RunInstances";
    assert_eq!(proxy.log().iter().filter(|call| creates(call)).count(), 1, "{name}");
    assert_eq!(emulator.census().counts(), sample_counts(), "{name}");
    stack.at(&emulator).settled(&[]);
}

/// A proxy that answers the first `times` calls of `name` by `act`, and the number of such calls.
fn answering(
    emulator: &Emulator,
    name: &'static str,
    times: usize,
    act: impl Fn(&Call) -> Act + Send + Sync + 'static,
) -> (Proxy, std::sync::Arc<AtomicUsize>) {
    let asked = std::sync::Arc::new(AtomicUsize::new(0));
    let seen = std::sync::Arc::clone(&asked);
    let proxy = Proxy::before(emulator, move |call| {
        match call.operation.name == name && seen.fetch_add(1, Ordering::SeqCst) < times {
            true => act(call),
            false => Act::Pass,
        }
    });
    (proxy, asked)
}

#[test]
fn a_new_instance_that_is_not_visible_yet_is_not_created_again() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator).env("STACKWRIGHT_CONSISTENCY_SECONDS", "30");
    stack.reconcile(&[]);
    let (proxy, asked) = answering(&emulator, "DescribeInstances", 8, |_| Act::Say(UNSEEN));
    let stack = stack.through(&proxy);
    assert_eq!(stack.ok(&["plan", "--json", "--detailed-exitcode"]).json()["steps"], json!([]));
    assert_eq!(asked.load(Ordering::SeqCst), 9);
    // Without a consistency window, an object that is not visible is gone.
    let (proxy, _) = answering(&emulator, "DescribeInstances", 8, |_| Act::Say(UNSEEN));
    let stack = stack.env("STACKWRIGHT_CONSISTENCY_SECONDS", "0").through(&proxy);
    let plan = stack.run(&["plan", "--json"]).json();
    assert_eq!(plan["steps"][0]["action"], "create", "{plan:#}");
}

#[test]
fn a_role_that_is_not_assumable_yet_is_waited_for() {
    let refusal = Refusal::new(400, "InvalidParameterValueException")
        .saying("The role defined for the function cannot be assumed by Lambda.");
    waits_out("CreateFunction", 8, move |_| Act::Refuse(refusal));
}

#[test]
fn writes_to_one_api_in_conflict_are_repeated() {
    let conflict = Refusal::new(409, "ConflictException")
        .saying("Unable to complete operation due to concurrent modification.");
    waits_out("PutMethod", 5, move |_| Act::Refuse(conflict));
}

#[test]
fn throttled_api_creates_are_repeated() {
    let often = Refusal::new(429, "TooManyRequestsException");
    waits_out("CreateRestApi", 3, move |_| Act::Refuse(often));
}

#[test]
fn an_update_in_conflict_with_another_is_repeated() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    stack.reconcile(&[]);
    stack.edit("timeout: 30", "timeout: 31");
    let busy = Refusal::new(409, "ResourceConflictException")
        .saying("The operation cannot be performed at this time. An update is in progress.");
    let (proxy, asked) =
        answering(&emulator, "UpdateFunctionConfiguration", 6, move |_| Act::Refuse(busy));
    let stack = stack.through(&proxy);
    stack.ok(&["reconcile", "--no-check"]);
    assert_eq!(asked.load(Ordering::SeqCst), 7);
    stack.at(&emulator).settled(&[]);
}

#[test]
fn a_created_object_that_may_not_be_read_is_in_the_state() {
    let emulator = Emulator::ministack().start();
    let denied = Refusal::new(403, "AccessDeniedException");
    let (proxy, asked) =
        answering(&emulator, "GetResources", usize::MAX, move |_| Act::Refuse(denied));
    let stack = Sandbox::sample(&emulator).through(&proxy);
    let ran = stack.run(&["reconcile"]).code(4).says("AccessDenied");
    assert_eq!(asked.load(Ordering::SeqCst), 1, "{ran}");
    let shown = stack.ok(&["show", "--json"]).json();
    let id = &shown["resources"]["api.EC2-Control-API"]["object"]["id"];
    assert!(id.is_string(), "{shown:#}");
    let stack = stack.at(&emulator);
    stack.reconcile(&[]);
    assert_eq!(emulator.census().counts(), sample_counts());
    assert_eq!(
        stack.ok(&["show", "--json"]).json()["resources"]["api.EC2-Control-API"]["object"]["id"],
        *id
    );
}

#[test]
fn an_object_that_may_not_be_read_can_be_excluded() {
    let emulator = Emulator::ministack().start();
    let denied = Refusal::new(403, "AccessDeniedException");
    let (proxy, _) = answering(&emulator, "GetFunction", usize::MAX, move |_| Act::Refuse(denied));
    let stack = Sandbox::sample(&emulator);
    stack.ok(&["reconcile"]);
    let stack = stack.through(&proxy);
    for command in [&["plan"][..], &["drift"], &["show", "--live"], &["destroy", "--yes"]] {
        let ran = stack.run(command).code(4).says("function.ec2-control: GetFunction");
        ran.says("AccessDenied").says("leave it out with `--exclude function.ec2-control`");
    }
    let shown = stack.run(&["show", "--live"]).stdout;
    assert!(shown.contains("running") && shown.contains("function.ec2-control"), "{shown}");
    let without = ["--exclude", "function.ec2-control"];
    stack.edit("type: t2.micro", "type: t2.micro\n    tags: {a: b}");
    let done = stack.reconcile(&[&without[..], &["--no-check"]].concat()).finished;
    assert_eq!(done, ["update instance.web"]);
    stack.settled(&without);
    // It is released only on request, and found again by its tags.
    stack
        .run(&["state", "rm", "function.ec2-control"])
        .code(4)
        .says("`state rm --force function.ec2-control` releases it as it is");
    stack.ok(&["show", "function.ec2-control"]);
    stack.ok(&["state", "rm", "--force", "function.ec2-control"]).says("keeps its tags");
    stack.run(&["show", "function.ec2-control"]).code(1);
    let stack = stack.at(&emulator);
    stack.reconcile(&["--no-check"]);
    stack.settled(&[]);
    assert_eq!(emulator.census().counts(), sample_counts());
}

#[test]
fn a_role_that_can_never_be_assumed_is_reported_at_once() {
    let emulator = Emulator::ministack().start();
    let refusal = Refusal::new(400, "InvalidParameterValueException")
        .saying("The role defined for the function cannot be assumed by Lambda.");
    let (proxy, asked) =
        answering(&emulator, "CreateFunction", usize::MAX, move |_| Act::Refuse(refusal));
    // A trust policy that is written in the file is refused by `validate`.
    let stack = Sandbox::sample(&emulator).through(&proxy).env("TRUST", "ec2.amazonaws.com");
    stack.edit("trust: lambda.amazonaws.com", "trust: ${env.TRUST}");
    let ran = stack.run(&["reconcile", "--yes"]).code(4);
    assert!(ran.stderr.contains("cannot assume the role"), "{ran}");
    assert!(ran.stderr.contains("trust: lambda.amazonaws.com"), "{ran}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

/// LocalStack answers GetTags so for what only a create has tagged.
#[test]
fn that_one_of_two_sources_has_no_tags_proves_nothing() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |call| match call.operation.name.as_str() {
        "CreateRestApi" if call.occurrence == 0 => Act::Drop(Point::Committed),
        "GetTags" => Act::Say(r#"{"tags":{}}"#),
        _ => Act::Pass,
    });
    let stack = Sandbox::sample(&emulator).through(&proxy);
    stack.reconcile(&["--no-check"]);
    stack.settled(&[]);
    assert_eq!(emulator.census().counts(), sample_counts());
}

/// MiniStack reports the tags of the create with the API forever.
#[test]
fn a_released_api_is_not_found_again_where_its_first_tags_stay_visible() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    stack.reconcile(&["--no-check"]);
    stack.ok(&["state", "rm", "api.EC2-Control-API"]);
    stack.ok(&["destroy", "--yes"]);
    assert_eq!(emulator.census().ids("api").len(), 1, "it was released");
    stack.reconcile(&["--no-check", "--adopt"]);
    assert_eq!(emulator.census().ids("api").len(), 2, "the released one is not ours");
}
