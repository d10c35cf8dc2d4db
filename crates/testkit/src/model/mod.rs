//! AWS's own description of its services: is a request of ours one that AWS would read, and is the reply of an
//! emulator one that AWS would send?
//!
//! Source: the service models of botocore, which come with the emulators' install. A model has the
//! operations of a service and the shapes of their input and output (types, required members, lengths,
//! patterns and enumerations), and the errors of each. Emulators check few of them.

mod check;
mod form;
mod reply;
mod rest;
mod shape;
mod xml;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::Response;
use http::request::Parts;
use serde_json::Value;

use crate::tree::python_path;
pub use check::Breach;
use check::Checker;
use shape::{Protocol, Service};

/// The services that stackwright calls, by the names that requests are signed for.
const SERVICES: [&str; 7] = ["apigateway", "ec2", "iam", "lambda", "logs", "ssm", "sts"];

/// The models of all services; each is read when it is first asked for.
#[derive(Debug)]
pub struct Models(BTreeMap<&'static str, OnceLock<Service>>);

/// What the models say of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `None`: the service has no such operation.
    pub operation: Option<String>,
    /// Why AWS would refuse it: `RoleName: length 65 > 64`. Empty when it would not.
    pub breaches: Vec<String>,
}

impl Models {
    /// The models of the emulators' install.
    pub fn installed() -> &'static Self {
        static MODELS: OnceLock<Models> = OnceLock::new();
        MODELS.get_or_init(|| Self(SERVICES.map(|service| (service, OnceLock::new())).into()))
    }

    fn service(&self, name: &str) -> Option<&Service> {
        let (name, model) = self.0.get_key_value(name)?;
        Some(model.get_or_init(|| read(&python_path().join("botocore/data"), name)))
    }

    /// Checks a request that was signed for `service`; `name` is the operation that a form or a header
    /// names. `None`: there is no model of the service.
    pub fn check(&self, service: &str, name: &str, head: &Parts, body: &[u8]) -> Option<Verdict> {
        let service = self.service(service)?;
        let mut checker = Checker::new(service);
        let found = match service.metadata.protocol {
            Protocol::RestJson => checker.rest(head, body),
            Protocol::Json => service
                .operations
                .get(name)
                .map(|operation| (operation, serde_json::from_slice(body).unwrap_or(Value::Null))),
            Protocol::Query | Protocol::Ec2 => service
                .operations
                .get(name)
                .map(|operation| (operation, checker.form(operation, body))),
        };
        let Some((operation, input)) = found else {
            let breaches = vec![format!("{} {}: no such operation", head.method, head.uri)];
            return Some(Verdict { operation: None, breaches });
        };
        if let Some(shape) = &operation.input {
            checker.value(&shape.shape, &input, &operation.name);
        }
        let breaches = checker.breaches.iter().map(ToString::to_string).collect();
        Some(Verdict { operation: Some(operation.name.clone()), breaches })
    }

    /// Returns what AWS would answer otherwise to an operation of a service. What has no model is not checked.
    pub fn check_reply(
        &self,
        service: &str,
        operation: &str,
        answer: &Response<Bytes>,
    ) -> Vec<Breach> {
        let Some(service) = self.service(service) else { return Vec::new() };
        let Some(operation) = service.operations.get(operation) else { return Vec::new() };
        let mut checker = Checker::new(service);
        checker.reply(operation, answer);
        checker.breaches
    }

    /// Checks one text against a shape of a service, `roleNameType` of `iam`.
    #[track_caller]
    pub fn text(&self, service: &str, shape: &str, text: &str) -> Vec<String> {
        let service = self.service(service).unwrap_or_else(|| panic!("no model of {service}"));
        assert!(service.shapes.contains_key(shape), "no shape {shape}");
        let mut checker = Checker::new(service);
        checker.value(shape, &Value::from(text), shape);
        checker.breaches.iter().map(ToString::to_string).collect()
    }
}

/// Reads the newest model of a service.
fn read(data: &Path, service: &str) -> Service {
    let folder = data.join(service);
    let versions = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut versions: Vec<PathBuf> = versions.flatten().map(|entry| entry.path()).collect();
    versions.sort();
    let newest = versions.last().unwrap_or_else(|| panic!("{}: empty", folder.display()));
    let path = newest.join("service-2.json.gz");
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).expect("a compressed text");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn breaches(service: &str, request: (&str, &str), name: &str, body: &str) -> Vec<String> {
        let (method, uri) = request;
        let request = Request::builder().method(method).uri(uri).body(()).expect("a request");
        let head = request.into_parts().0;
        let verdict = Models::installed().check(service, name, &head, body.as_bytes());
        verdict.expect("a service with a model").breaches
    }

    #[test]
    fn a_form_is_checked() {
        let check = |service: &str, body: &str, expected: &[&str]| {
            let name = body.split(['=', '&']).nth(1).expect("an action");
            assert_eq!(breaches(service, ("POST", "/"), name, body), expected, "{body}");
        };
        let role = "Action=CreateRole&Version=2010-05-08&AssumeRolePolicyDocument=x";
        check("iam", &format!("{role}&RoleName=a&Tags.member.1.Key=k&Tags.member.1.Value="), &[]);
        check("iam", role, &["CreateRole.RoleName: is required"]);
        check(
            "iam",
            &format!("{role}&RoleName=a+b"),
            &[r#"CreateRole.RoleName: "a b" does not match [\w+=,.@-]+"#],
        );
        let long = "a".repeat(65);
        check("iam", &format!("{role}&RoleName={long}"), &["CreateRole.RoleName: length 65 > 64"]);
        check("iam", &format!("{role}&RoleName=a&Name=b"), &["CreateRole.Name: is not a field"]);
        check(
            "iam",
            &format!("{role}&RoleName=a&MaxSessionDuration=1h"),
            &[r#"CreateRole.MaxSessionDuration: "1h" is no integer"#],
        );
        let run = "Action=RunInstances&Version=2016-11-15&MinCount=1&MaxCount=1";
        check(
            "ec2",
            &format!("{run}&BlockDeviceMapping.1.Ebs.VolumeType=gp9"),
            &[r#"RunInstances.BlockDeviceMappings[].Ebs.VolumeType: "gp9" is none of VolumeType"#],
        );
        check(
            "ec2",
            &format!("{run}&Monitoring.Enabled=yes"),
            &[r#"RunInstances.Monitoring.Enabled: "yes" is no boolean"#],
        );
        check("ec2", "Action=GetRole&Version=2016-11-15", &["POST /: no such operation"]);
        check("iam", "Action=GetRole&RoleName=a&Version=x", &["GetRole: Version x"]);
    }

    #[test]
    fn a_path_and_a_body_are_checked() {
        let check = |service: &str, method: &str, uri: &str, body: &str, expected: &[&str]| {
            assert_eq!(breaches(service, (method, uri), "", body), expected, "{uri} {body}");
        };
        let functions = "/2015-03-31/functions/";
        let function = r#""FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{}"#;
        check("lambda", "POST", functions, &format!("{{{function}}}"), &[]);
        check(
            "lambda",
            "POST",
            functions,
            &format!(r#"{{{function},"Timeout":0}}"#),
            &["CreateFunction.Timeout: 0 < 1"],
        );
        check(
            "lambda",
            "POST",
            functions,
            &format!(r#"{{{function},"Timeouts":0}}"#),
            &["CreateFunction.Timeouts: is not a field"],
        );
        check(
            "lambda",
            "POST",
            functions,
            &format!(r#"{{{function},"Layers":"x"}}"#),
            &[r#"CreateFunction.Layers: "x" is no list"#],
        );
        check("apigateway", "GET", "/restapis/a/resources?embed=methods&limit=500", "", &[]);
        check("apigateway", "PUT", "/restapis/a?mode=overwrite&ignore=documentation", "{}", &[]);
        check(
            "apigateway",
            "PUT",
            "/restapis/a?mode=replace",
            "{}",
            &[r#"PutRestApi.mode: "replace" is none of PutMode"#],
        );
        check(
            "apigateway",
            "GET",
            "/restapis/a/resources?limit=many",
            "",
            &[r#"GetResources.limit: "many" is no integer"#],
        );
        check(
            "apigateway",
            "GET",
            "/restapis/a/resources?depth=1",
            "",
            &["GetResources.depth: is not a field"],
        );
        check(
            "apigateway",
            "PUT",
            "/restapis/a/resources",
            "",
            &["PUT /restapis/a/resources: no such operation"],
        );
        check(
            "apigateway",
            "POST",
            "/restapis/a/resources/b",
            "{}",
            &["CreateResource.pathPart: is required"],
        );
    }
}
