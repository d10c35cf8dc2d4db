//! A request that no model allows fails the test that sends it.

use stackwright_testkit::http::{send, signed};
use stackwright_testkit::{Act, Emulator, Proxy};

/// Creates a role of that name by hand.
fn create_role(proxy: &Proxy, name: &str) {
    let headers = format!("{}Content-Type: application/x-www-form-urlencoded\r\n", signed("iam"));
    let form = format!(
        "Action=CreateRole&Version=2010-05-08&RoleName={name}&AssumeRolePolicyDocument=%7B%7D"
    );
    let _answer = send("POST", &proxy.url(), &headers, &form);
}

#[test]
fn requests_are_checked() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |_| Act::Pass);
    create_role(&proxy, "a");
    let checked = proxy.checked();
    assert_eq!((checked.requests, checked.breaches), (1, Vec::<String>::new()));
    assert!(checked.operations.contains("iam CreateRole"), "{:?}", checked.operations);
}

#[test]
#[should_panic(expected = "iam CreateRole.RoleName: \"a b\" does not match")]
fn a_request_that_aws_would_refuse_fails_the_test() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |_| Act::Pass);
    create_role(&proxy, "a+b");
}
