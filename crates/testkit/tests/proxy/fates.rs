//! Cut, broken off, delayed; the log of it, and the same again.

use std::time::{Duration, Instant};

use stackwright_testkit::{Act, Call, Emulator, Proxy, by_seed, read_log, replay, write_log};

use crate::{call, ec2, iam, raw};

const DESCRIBE: &str = "Action=DescribeInstances";

#[test]
fn a_reply_is_cut_in_two_ways() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |call| match call.number {
        0 => Act::Cut(0),
        1 => Act::Cut(9),
        2 => Act::Break(9),
        3 => Act::Break(0),
        _ => Act::Pass,
    });
    let parts = |reply: &str| {
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        let head = head.to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        (length, body.to_owned())
    };
    let cut = parts(&raw(&proxy, DESCRIBE));
    assert_eq!(cut, (0, String::new()), "well-formed, with nothing in it");
    let (length, body) = parts(&raw(&proxy, DESCRIBE));
    assert_eq!((length, body.len()), (9, 9));
    let (length, body) = parts(&raw(&proxy, DESCRIBE));
    assert!(length > 9 && body.len() == 9, "{length} announced, {body} sent");
    let (length, body) = parts(&raw(&proxy, DESCRIBE));
    assert!(length > 9 && body.is_empty(), "{length} announced, {body} sent");
    let (length, body) = parts(&raw(&proxy, DESCRIBE));
    assert_eq!(length, body.len(), "whole");
}

#[test]
fn a_delayed_reply_is_of_a_call_that_was_made() {
    let emulator = Emulator::ministack().start();
    let delay = Duration::from_millis(300);
    let proxy = Proxy::before(&emulator, move |_| Act::Delay(delay));
    let since = Instant::now();
    let (status, _) = ec2(&proxy, "Action=RunInstances&ImageId=ami-1&MinCount=1&MaxCount=1");
    assert_eq!(status, 200);
    assert!(since.elapsed() >= delay);
    assert_eq!(emulator.census().count("instance"), 1);
}

/// What a script makes of some calls: their acts, and the statuses answered.
fn outcomes(proxy: &Proxy) -> Vec<(String, usize, Act, Option<u16>)> {
    for number in 0..40 {
        match number % 3 {
            0 => drop(raw(proxy, DESCRIBE)),
            1 => drop(raw(proxy, "Action=DescribeVpcs")),
            _ => drop(raw(proxy, "Action=DescribeSubnets")),
        }
    }
    let entries = proxy.entries();
    let outcomes = entries.into_iter().map(|entry| {
        let Call { operation, occurrence, .. } = entry.call;
        (operation.name, occurrence, entry.act, entry.status)
    });
    outcomes.collect()
}

#[test]
fn a_seed_and_its_log_repeat_the_same_faults() {
    let emulator = Emulator::ministack().start();
    let first = Proxy::before(&emulator, by_seed(3, 2));
    let first_outcomes = outcomes(&first);
    let acts = first_outcomes.iter().filter(|(_, _, act, _)| *act != Act::Pass).count();
    assert!((8..32).contains(&acts), "{first_outcomes:?}");
    let status =
        |act: Act| first_outcomes.iter().find(|one| one.2.name() == act.name()).map(|o| o.3);
    assert_eq!(status(Act::Pass), Some(Some(200)));
    assert_eq!(status(Act::Break(0)), Some(None), "nothing was answered");

    assert_eq!(outcomes(&Proxy::before(&emulator, by_seed(3, 2))), first_outcomes);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    write_log(&path, &first.entries()).unwrap();
    let again = Proxy::before(&emulator, replay(&read_log(&path).unwrap()));
    assert_eq!(outcomes(&again), first_outcomes);
}

#[test]
fn requests_that_are_no_service_calls_are_not_counted() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |_| Act::Drop(stackwright_testkit::Point::Arrived));
    let health =
        stackwright_testkit::http::http("GET", &format!("{}/_localstack/health", proxy.url()), "");
    assert_eq!(health.0, 200);
    assert!(proxy.entries().is_empty());
    let pass = Proxy::before(&emulator, |_| Act::Pass);
    assert_eq!(iam(&pass, "Action=ListRoles").0, 200);
    assert_eq!(call(&pass, "apigateway", "GET", "restapis", "").0, 200);
    let names: Vec<_> =
        pass.entries().into_iter().map(|e| (e.call.operation.name, e.status)).collect();
    assert_eq!(names, [("ListRoles".to_owned(), Some(200)), ("GetRestApis".to_owned(), Some(200))]);
}
