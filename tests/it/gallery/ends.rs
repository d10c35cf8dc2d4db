//! Runs that end before their work does, and how the next one goes on.

use stackwright_testkit::{Act, Emulator, Point, Proxy, Refusal};

use super::{Story, ministack, tell};

const RECONCILE: &[&str] = &["reconcile", "--yes", "--no-check", "--parallelism", "1"];

/// Short, so that the pages are of what happens and not of what is planned.
const SHORT: &str = "\
stack: shop
instance:
  web: {image: ami-ff0fea8310f3, type: t2.micro}
role:
  worker: {trust: lambda.amazonaws.com, tags: {machine: '${instance.web.id}'}}
function:
  worker: {code: handler/, runtime: python3.13, handler: app.handler, role: role.worker}
";

/// As [`tell`], of the short stack.
fn tell_of_short(story: impl Fn(&mut Story, &Emulator)) {
    tell(ministack, |told, emulator| {
        told.stack.write("stack.yaml", SHORT);
        story(told, emulator);
    });
}

fn refusing(emulator: &Emulator, name: &'static str, refusal: Refusal) -> Proxy {
    Proxy::before(emulator, move |call| match call.operation.name == name {
        true => Act::Refuse(refusal),
        false => Act::Pass,
    })
}

fn holding(emulator: &Emulator, name: &'static str, point: Point) -> Proxy {
    Proxy::before(emulator, move |call| match call.operation.name == name {
        true => Act::Pause(point),
        false => Act::Pass,
    })
}

#[test]
fn a_resource_that_the_cloud_refuses() {
    tell_of_short(|story, emulator| {
        let denied = Refusal::new(403, "AccessDenied").saying(
            "User: arn:aws:iam::000000000000:user/me is not authorized to perform: iam:CreateRole",
        );
        let proxy = refusing(emulator, "CreateRole", denied);
        story.page_through(&proxy, "reconcile-failed", RECONCILE, 4);
        story.page("plan-after-failure", &["plan"], 0);
        story.page("show-after-failure", &["show"], 0);
        story.stack.ok(RECONCILE);
        let denied = Refusal::new(403, "UnauthorizedOperation");
        let proxy = refusing(emulator, "TerminateInstances", denied);
        story.page_through(
            &proxy,
            "destroy-failed",
            &["destroy", "--yes", "--parallelism", "1"],
            4,
        );
    });
}

#[test]
fn what_cannot_be_read() {
    tell_of_short(|story, emulator| {
        story.stack.ok(RECONCILE);
        let denied = Refusal::new(403, "AccessDeniedException").saying("not authorized to look");
        let proxy = refusing(emulator, "GetFunction", denied);
        story.page_through(&proxy, "plan-unreadable", &["plan"], 4);
        story.page_through(&proxy, "drift-unreadable", &["drift"], 4);
        story.page_through(&proxy, "show-live-unreadable", &["show", "--live"], 4);
        let rejected = Refusal::new(403, "InvalidClientTokenId");
        let proxy = refusing(emulator, "GetCallerIdentity", rejected);
        story.scrub.name("proxy", &proxy.port().to_string());
        story.page("plan-rejected", &["plan", "--cloud", &proxy.url()], 3);
        story.page("plan-no-answer", &["drift", "--cloud", "http://127.0.0.1:9"], 1);
    });
}

#[test]
fn an_interruption_and_what_is_open_then() {
    tell_of_short(|story, emulator| {
        let proxy = holding(emulator, "CreateRole", Point::Arrived);
        let mut running = story.start_through(&proxy, RECONCILE);
        proxy.paused();
        running.signal("INT");
        running.hear("stopping:");
        proxy.resume();
        story.ended("reconcile-interrupted", RECONCILE, running, 130);
        story.page("show-interrupted", &["show"], 0);
        story.page("plan-interrupted", &["plan"], 0);

        let proxy = holding(emulator, "CreateFunction", Point::Arrived);
        let mut running = story.start_through(&proxy, RECONCILE);
        proxy.paused();
        running.signal("INT");
        running.hear("stopping:");
        running.signal("INT");
        story.ended("reconcile-interrupted-twice", RECONCILE, running, 130);
        proxy.resume();

        story.page("reconcile-recovered-nothing", RECONCILE, 0);
        story.page("show-recovered", &["show"], 0);
        let proxy = holding(emulator, "DescribeInstances", Point::Arrived);
        let running = story.start_through(&proxy, RECONCILE);
        proxy.paused();
        running.signal("INT");
        story.ended("reconcile-interrupted-idle", RECONCILE, running, 130);
    });
}

#[test]
fn a_run_that_is_killed_and_the_one_that_recovers() {
    tell_of_short(|story, emulator| {
        let proxy = holding(emulator, "RunInstances", Point::Committed);
        let running = story.start_through(&proxy, RECONCILE);
        proxy.paused();
        story.page("reconcile-locked", RECONCILE, 6);
        running.signal("KILL");
        running.wait().code(137);
        story.page("show-killed", &["show"], 0);
        story.page("plan-killed", &["plan"], 0);
        story.page("drift-killed", &["drift"], 0);
        story.page("reconcile-recovered", RECONCILE, 0);

        let state = ".stackwright/shop/local/state.json";
        story.stack.write(state, "}");
        story.page("plan-damaged", &["plan"], 1);
        story.page("state-rebuild", &["state", "rebuild"], 0);
    });
}
