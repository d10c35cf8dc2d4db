//! What exists on an emulator, asked without any SDK.

use serde_json::Value;
use stackwright_engine::kind::tag;

use crate::Emulator;
use crate::http::{send, signed};

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
    /// Address and generation in the tags of instances and APIs, whose names are not unique.
    pub tagged: Vec<(String, String)>,
    /// The power state of each instance, in their order.
    pub power: Vec<String>,
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
        let instances = self.form("ec2", "Action=DescribeInstances&Version=2016-11-15");
        let instances = alive(&instances);
        let mut tagged: Vec<_> = instances.iter().filter_map(|(_, xml)| xml_tags(xml)).collect();
        tagged.extend(listed(&apis, "item").iter().filter_map(|api| tags(&api["tags"])));
        tagged.sort();
        Census {
            instances: instances.iter().map(|(id, _)| id.clone()).collect(),
            power: instances.iter().map(|(_, xml)| between(xml, "name").remove(0)).collect(),
            tagged,
            roles: between(&self.form("iam", "Action=ListRoles&Version=2010-05-08"), "RoleName"),
            functions: field(&functions, "Functions", "FunctionName"),
            apis: field(&apis, "item", "id"),
            log_groups: field(&groups, "logGroups", "logGroupName"),
        }
    }

    /// The deployments of an API, and the one that its stage points at, if it has that stage.
    #[track_caller]
    pub fn deployed(&self, api: &str, stage: &str) -> (Vec<String>, Option<String>) {
        let deployments =
            self.ask("apigateway", "GET", &format!("restapis/{api}/deployments"), "", "");
        let stages = self.ask("apigateway", "GET", &format!("restapis/{api}/stages"), "", "");
        let stages = listed(&stages, "item");
        let stage = stages.iter().find(|found| found["stageName"] == stage);
        let current = stage.and_then(|stage| stage["deploymentId"].as_str());
        (field(&deployments, "item", "id"), current.map(str::to_owned))
    }

    /// A call of EC2's or IAM's, with no client between; its reply.
    #[track_caller]
    pub fn form(&self, service: &str, form: &str) -> String {
        self.ask(service, "POST", "", "Content-Type: application/x-www-form-urlencoded\r\n", form)
    }

    #[track_caller]
    fn ask(&self, service: &str, method: &str, path: &str, more: &str, body: &str) -> String {
        let headers = signed(service) + more;
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

/// The ids of instances that are not terminated, each with the XML behind it.
fn alive(xml: &str) -> Vec<(String, String)> {
    let each = xml.split("<instanceId>").skip(1);
    let alive = each.filter(|rest| !rest.contains("<name>terminated</name>"));
    let mut alive: Vec<_> = alive
        .filter_map(|rest| rest.split_once('<'))
        .map(|(id, rest)| (id.to_owned(), rest.to_owned()))
        .collect();
    alive.sort();
    alive
}

/// Address and generation.
fn xml_tags(xml: &str) -> Option<(String, String)> {
    let value = |key: &str| {
        let rest = xml.split_once(&format!("<key>{key}</key>"))?.1;
        Some(rest.split_once("<value>")?.1.split_once('<')?.0.to_owned())
    };
    Some((value(tag::ADDRESS)?, value(tag::GENERATION)?))
}

fn tags(tags: &Value) -> Option<(String, String)> {
    let value = |key: &str| tags[key].as_str().map(str::to_owned);
    Some((value(tag::ADDRESS)?, value(tag::GENERATION)?))
}

/// API Gateway's lists are `item` on the wire, and `items` on some emulators.
fn listed(reply: &str, list: &str) -> Vec<Value> {
    let reply: Value = serde_json::from_str(reply).expect("JSON");
    let items = reply.get(list).or_else(|| reply.get(format!("{list}s")));
    items.and_then(Value::as_array).cloned().unwrap_or_default()
}

fn field(reply: &str, list: &str, name: &str) -> Vec<String> {
    let items = listed(reply, list);
    sorted(items.iter().filter_map(|item| item[name].as_str()).map(str::to_owned).collect())
}
