//! Holds a reply against the model of its operation: the shape of a success, the code and status of an error.

use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value};

use super::check::Checker;
use super::form::scalar;
use super::shape::{Member, Operation, Protocol, Shape, Type};
use super::xml::Element;

/// The answer of a service to a call.
type Answer = Response<Bytes>;

/// Codes that any operation may answer with. Source: "Common errors" in the API references.
const COMMON: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InternalFailure",
    "InvalidAction",
    "InvalidClientTokenId",
    "InvalidParameterCombination",
    "InvalidParameterValue",
    "MalformedQueryString",
    "MissingAction",
    "MissingAuthenticationToken",
    "MissingParameter",
    "OptInRequired",
    "RequestExpired",
    "ServiceUnavailable",
    "SignatureDoesNotMatch",
    "Throttling",
    "ThrottlingException",
    "UnrecognizedClientException",
    "ValidationError",
    "ValidationException",
];

impl Checker<'_> {
    /// Checks a reply to an operation.
    pub fn reply(&mut self, operation: &Operation, answer: &Answer) {
        if !answer.status().is_success() {
            return self.error(operation, answer);
        }
        // Where the model has no status, AWS may answer with any of a success.
        let expected = operation.http.response_code.unwrap_or(answer.status().as_u16());
        if answer.status() != expected {
            let given = format!("status {}", answer.status().as_u16());
            self.breach_of(&operation.name, given, format!("is not {expected}"));
        }
        let Some(output) = &operation.output else { return };
        match self.service.metadata.protocol {
            Protocol::Json | Protocol::RestJson => self.json(operation, &output.shape, answer),
            Protocol::Query | Protocol::Ec2 => {
                let tree = Element::read(&String::from_utf8_lossy(answer.body()));
                let result = match (tree, &output.result_wrapper) {
                    (Some(tree), Some(wrapper)) => tree.child(wrapper).cloned(),
                    (tree, _) => tree,
                };
                let Some(mut result) = result else {
                    return self.breach(&operation.name, "the body is no such result");
                };
                result.children.retain(|child| !["requestId", "RequestId"].contains(&&*child.name));
                let value = self.of_xml(&output.shape, &result);
                self.value(&output.shape, &value, &operation.name);
            }
        }
    }

    fn json(&mut self, operation: &Operation, name: &str, answer: &Answer) {
        let shape = self.shape(name);
        let body = match &shape.payload {
            None => name,
            Some(payload) => match self.shape(&shape.members[payload].shape) {
                Shape { of: Type::Structure, .. } => &shape.members[payload].shape,
                _ => return,
            },
        };
        let in_body = |member: &Member| member.location.is_none();
        let is_none = answer.body().is_empty();
        match serde_json::from_slice(answer.body()) {
            Ok(value @ Value::Object(_)) => self.value(body, &value, &operation.name),
            _ if is_none && !self.shape(body).members.values().any(in_body) => {}
            _ => self.breach(&operation.name, "the body is no JSON object"),
        }
    }

    fn error(&mut self, operation: &Operation, answer: &Answer) {
        let status = answer.status();
        let Some(code) = self.code(answer) else {
            let given = format!("status {}", status.as_u16());
            return self.breach_of(&operation.name, given, "has no error code");
        };
        let shapes = operation.errors.iter().map(|error| (&error.shape, self.shape(&error.shape)));
        let of = |name: &String, shape: &Shape| {
            let own = shape.error.as_ref().and_then(|error| error.code.clone());
            own.unwrap_or_else(|| name.clone())
        };
        let declared =
            shapes.filter(|(name, shape)| of(name, shape) == code).map(|(_, shape)| shape);
        let declared: Vec<&Shape> = declared.collect();
        // The model of EC2 declares no errors.
        let is_known = self.service.metadata.protocol == Protocol::Ec2
            || COMMON.contains(&code.as_str())
            || !declared.is_empty();
        if !is_known {
            self.breach_of(&operation.name, code.clone(), "is not an error of the operation");
        }
        let expected = declared.first().and_then(|shape| shape.error.as_ref()?.http_status_code);
        if let Some(expected) = expected.filter(|expected| status != *expected) {
            let given = format!("{code} with status {}", status.as_u16());
            self.breach_of(&operation.name, given, format!("has status {expected}"));
        }
    }

    /// The code of an error, as the protocol has it.
    fn code(&self, answer: &Answer) -> Option<String> {
        let text = String::from_utf8_lossy(answer.body());
        let code = match self.service.metadata.protocol {
            Protocol::Json | Protocol::RestJson => {
                let header = answer.headers().get("x-amzn-errortype");
                let header = header.and_then(|value| Some(value.to_str().ok()?.to_owned()));
                let body: Value = serde_json::from_str(&text).unwrap_or_default();
                let code = header.or_else(|| body["__type"].as_str().map(str::to_owned))?;
                let code = code.rsplit('#').next().unwrap_or_default();
                code.split(':').next().unwrap_or_default().to_owned()
            }
            Protocol::Query => Element::read(&text)?.child("Error")?.child("Code")?.text.clone(),
            Protocol::Ec2 => {
                let tree = Element::read(&text)?;
                tree.child("Errors")?.child("Error")?.child("Code")?.text.clone()
            }
        };
        Some(code).filter(|code| !code.is_empty())
    }

    /// Puts an element into the shape that it should have. What the shape does not have stays, and is found
    /// by the check.
    fn of_xml(&self, name: &str, element: &Element) -> Value {
        let shape = self.shape(name);
        match shape.of {
            Type::Structure => {
                let mut object = Map::new();
                for child in &element.children {
                    let member =
                        shape.members.iter().find(|(name, it)| it.wire(name) == child.name);
                    let value = match member {
                        Some((_, member)) => self.of_xml(&member.shape, child),
                        None => Value::from(child.text.trim()),
                    };
                    object.insert(child.name.clone(), value);
                }
                Value::Object(object)
            }
            Type::List => {
                let item = &shape.member.as_ref().expect("a list has items").shape;
                element.children.iter().map(|child| self.of_xml(item, child)).collect()
            }
            Type::Map => {
                let value = &shape.value.as_ref().expect("a map has values").shape;
                let entry = |entry: &Element| {
                    let key = entry.child("key")?.text.clone();
                    Some((key, self.of_xml(value, entry.child("value")?)))
                };
                Value::Object(element.children.iter().filter_map(entry).collect())
            }
            of => scalar(of, &element.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::Answer;
    use crate::model::Models;

    /// Checks a reply to an operation of a service.
    fn check(on: (&str, &str), status: u16, body: &str, expected: &[&str]) {
        let mut answer = Answer::new(Bytes::from(body.to_owned()));
        *answer.status_mut() = status.try_into().expect("a status");
        let found: Vec<String> = Models::installed()
            .check_reply(on.0, on.1, &answer)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(found, expected, "{on:?} {status} {body}");
    }

    #[test]
    fn a_success_has_the_shape_of_its_operation() {
        let lambda = ("lambda", "GetFunctionConfiguration");
        check(lambda, 200, r#"{"FunctionName":"f","Timeout":3,"State":"Active"}"#, &[]);
        check(
            lambda,
            200,
            r#"{"Timeout":"3","State":"Ready","Extra":1}"#,
            &[
                "GetFunctionConfiguration.Extra: is not a field",
                r#"GetFunctionConfiguration.State: "Ready" is none of State"#,
                r#"GetFunctionConfiguration.Timeout: "3" is no integer"#,
            ],
        );
        check(
            lambda,
            200,
            r#"{"Layers":null}"#,
            &[
                "GetFunctionConfiguration: GetFunctionConfiguration.Layers is null, and should be left out",
            ],
        );
        check(lambda, 200, "[]", &["GetFunctionConfiguration: the body is no JSON object"]);
        check(("lambda", "CreateFunction"), 200, "{}", &["CreateFunction: status 200 is not 201"]);
        let role = |inner: &str| {
            format!(
                "<GetRoleResponse><GetRoleResult><Role>{inner}</Role></GetRoleResult></GetRoleResponse>"
            )
        };
        let whole = "<Path>/</Path><RoleName>r</RoleName><RoleId>AROA1234567890123</RoleId>\
                     <Arn>arn:aws:iam::123456789012:role/r</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate>";
        check(("iam", "GetRole"), 200, &role(whole), &[]);
        let less =
            whole.replace("<Path>/</Path>", "<Tags><member><Value>v</Value></member></Tags>");
        let missing = ["GetRole.Role.Tags[].Key: is required", "GetRole.Role.Path: is required"];
        check(("iam", "GetRole"), 200, &role(&less), &missing);
        check(
            ("iam", "GetRole"),
            200,
            "<GetRoleResponse/>",
            &["GetRole: the body is no such result"],
        );
        let reservations = |state: &str| {
            format!(
                "<DescribeInstancesResponse><requestId>1</requestId><reservationSet><item><instancesSet><item>\
                 <instanceState><code>16</code><name>{state}</name></instanceState></item></instancesSet></item>\
                 </reservationSet></DescribeInstancesResponse>"
            )
        };
        let instances = ("ec2", "DescribeInstances");
        check(instances, 200, &reservations("running"), &[]);
        check(
            instances,
            200,
            &reservations("on"),
            &[
                r#"DescribeInstances.Reservations[].Instances[].State.Name: "on" is none of InstanceStateName"#,
            ],
        );
    }

    #[test]
    fn an_error_is_one_of_its_operation() {
        let lambda = ("lambda", "GetFunction");
        check(lambda, 404, r#"{"__type":"ResourceNotFoundException"}"#, &[]);
        check(lambda, 429, r#"{"__type":"com.amazonaws#ThrottlingException"}"#, &[]);
        check(
            lambda,
            400,
            r#"{"__type":"ResourceNotFoundException"}"#,
            &["GetFunction: ResourceNotFoundException with status 400 has status 404"],
        );
        check(
            lambda,
            400,
            r#"{"__type":"NotFound"}"#,
            &["GetFunction: NotFound is not an error of the operation"],
        );
        check(lambda, 500, "down", &["GetFunction: status 500 has no error code"]);
        let iam = "<ErrorResponse><Error><Code>NoSuchEntity</Code></Error></ErrorResponse>";
        check(("iam", "GetRole"), 404, iam, &[]);
        let ec2 = "<Response><Errors><Error><Code>Any.Code</Code></Error></Errors></Response>";
        check(("ec2", "DescribeInstances"), 400, ec2, &[]);
    }
}
