//! What exists on an emulator, asked without any SDK.

use serde_json::Value;

use crate::Emulator;
use crate::http::send;

/// The ids or names of everything alive, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Instance ids.
    pub instances: Vec<String>,
    pub roles: Vec<String>,
    pub functions: Vec<String>,
    /// API ids.
    pub apis: Vec<String>,
    pub log_groups: Vec<String>,
}

impl Census {
    /// How many of each, in the order of the fields.
    pub fn counts(&self) -> [usize; 5] {
        [&self.instances, &self.roles, &self.functions, &self.apis, &self.log_groups].map(Vec::len)
    }
}

impl Emulator {
    #[track_caller]
    pub fn census(&self) -> Census {
        let functions = self.ask("lambda", "GET", "2015-03-31/functions/", "", "");
        let apis = self.ask("apigateway", "GET", "restapis", "", "");
        let target = "X-Amz-Target: Logs_20140328.DescribeLogGroups\r\n\
                      Content-Type: application/x-amz-json-1.1\r\n";
        let groups = self.ask("logs", "POST", "", target, "{}");
        Census {
            instances: alive(&self.form("ec2", "Action=DescribeInstances&Version=2016-11-15")),
            roles: between(&self.form("iam", "Action=ListRoles&Version=2010-05-08"), "RoleName"),
            functions: field(&functions, "Functions", "FunctionName"),
            apis: field(&apis, "item", "id"),
            log_groups: field(&groups, "logGroups", "logGroupName"),
        }
    }

    #[track_caller]
    fn form(&self, service: &str, form: &str) -> String {
        self.ask(service, "POST", "", "Content-Type: application/x-www-form-urlencoded\r\n", form)
    }

    /// Emulators look at the signature's scope alone.
    #[track_caller]
    fn ask(&self, service: &str, method: &str, path: &str, more: &str, body: &str) -> String {
        let headers = format!(
            "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, \
             SignedHeaders=host, Signature=0\r\nX-Amz-Date: 20260101T000000Z\r\n{more}"
        );
        let (status, reply) = send(method, &format!("{}/{path}", self.url()), &headers, body);
        assert_eq!(status, 200, "{service} {method} /{path}: {reply}");
        reply
    }
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

/// The texts of an XML element.
fn between(xml: &str, element: &str) -> Vec<String> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let texts = xml.split(&open).skip(1).filter_map(|rest| rest.split(&close).next());
    sorted(texts.map(str::to_owned).collect())
}

/// The ids of instances that are not terminated.
fn alive(xml: &str) -> Vec<String> {
    let each = xml.split("<instanceId>").skip(1);
    let alive = each.filter(|rest| !rest.contains("<name>terminated</name>"));
    sorted(alive.filter_map(|rest| rest.split('<').next()).map(str::to_owned).collect())
}

fn field(reply: &str, list: &str, name: &str) -> Vec<String> {
    let reply: Value = serde_json::from_str(reply).expect("JSON");
    // API Gateway's lists are `item` on the wire, and `items` on some emulators.
    let items = reply.get(list).or_else(|| reply.get(format!("{list}s"))).and_then(Value::as_array);
    let names = items.into_iter().flatten().filter_map(|item| item[name].as_str());
    sorted(names.map(str::to_owned).collect())
}
