//! The proxy before a real emulator: what it makes of calls, and the rules that it adds.

#![allow(clippy::unwrap_used, reason = "a wrong assumption fails the test")]

mod deployed;
mod fates;
mod models;
mod power;
mod recorded;
mod rules;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;
use stackwright_testkit::Proxy;
use stackwright_testkit::http::{send, signed};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// One call of a service, signed as emulators want it, in plain HTTP: status and body.
#[track_caller]
fn call(proxy: &Proxy, service: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    send(method, &format!("{}/{path}", proxy.url()), &signed(service), body)
}

#[track_caller]
fn ec2(proxy: &Proxy, form: &str) -> (u16, String) {
    let form = format!("{form}&Version=2016-11-15");
    send("POST", &proxy.url(), &(signed("ec2") + FORM), &form)
}

#[track_caller]
fn iam(proxy: &Proxy, form: &str) -> (u16, String) {
    let form = format!("{form}&Version=2010-05-08");
    send("POST", &proxy.url(), &(signed("iam") + FORM), &form)
}

#[track_caller]
fn logs(proxy: &Proxy, operation: &str, body: &str) -> (u16, String) {
    let target = format!(
        "X-Amz-Target: Logs_20140328.{operation}\r\nContent-Type: application/x-amz-json-1.1\r\n"
    );
    send("POST", &proxy.url(), &(signed("logs") + &target), body)
}

#[track_caller]
fn lambda(proxy: &Proxy, method: &str, path: &str, body: &str) -> (u16, Value) {
    let (status, body) =
        call(proxy, "lambda", method, &format!("2015-03-31/functions{path}"), body);
    (status, serde_json::from_str(&body).unwrap_or_default())
}

#[track_caller]
fn gateway(proxy: &Proxy, method: &str, path: &str, body: &str) -> (u16, Value) {
    let (status, body) = call(proxy, "apigateway", method, path, body);
    (status, serde_json::from_str(&body).unwrap_or_default())
}

/// All that comes on one connection for a call of EC2, as text.
fn raw(proxy: &Proxy, form: &str) -> String {
    let form = format!("{form}&Version=2016-11-15");
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    let (head, length) = (signed("ec2") + FORM, form.len());
    let request = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}Content-Length: {length}\r\n\r\n{form}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = Vec::new();
    // A connection that was reset has given what it has.
    let _ = stream.read_to_end(&mut reply);
    String::from_utf8_lossy(&reply).into_owned()
}
