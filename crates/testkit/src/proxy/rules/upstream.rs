//! Requests of a rule to the emulator itself, without script and rules.

use serde_json::Value;

use crate::http::{send, signed};

#[derive(Clone, Debug)]
pub struct Upstream(String);

impl Upstream {
    pub fn at(url: String) -> Self {
        Self(url)
    }

    /// `GET /path` of a service that speaks JSON; `None` when it fails.
    pub fn get(&self, service: &str, path: &str) -> Option<Value> {
        let (status, body) = send("GET", &format!("{}/{path}", self.0), &signed(service), "");
        (status == 200).then(|| serde_json::from_str(&body).unwrap_or_default())
    }

    /// The list that a read of API Gateway's has: `item` on the wire, `items` on some emulators.
    pub fn items(&self, path: &str) -> Option<Vec<Value>> {
        let reply = self.get("apigateway", path)?;
        let items = reply.get("item").or_else(|| reply.get("items"));
        Some(items.and_then(Value::as_array).cloned().unwrap_or_default())
    }

    /// The statements of a function's policy; empty when there is no policy or no function.
    pub fn statements(&self, function: &str) -> Vec<Value> {
        let reply = self.get("lambda", &format!("2015-03-31/functions/{function}/policy"));
        let policy = reply.as_ref().and_then(|reply| reply["Policy"].as_str()).unwrap_or_default();
        let policy: Value = serde_json::from_str(policy).unwrap_or_default();
        policy["Statement"].as_array().cloned().unwrap_or_default()
    }

    /// DescribeInstances of one instance, as XML.
    pub fn instance(&self, id: &str) -> String {
        self.ec2(&format!("Action=DescribeInstances&InstanceId.1={id}"))
    }

    /// Whether an account has a policy of that ARN.
    pub fn has_policy(&self, arn: &str) -> bool {
        self.form("iam", &format!("Action=GetPolicy&PolicyArn={arn}&Version=2010-05-08")).0 == 200
    }

    /// A read of IAM, as XML. `form`: its action and parameters.
    pub fn iam(&self, form: &str) -> String {
        self.form("iam", &format!("{form}&Version=2010-05-08")).1
    }

    /// A read of EC2, as XML. `form`: its action and parameters.
    pub fn ec2(&self, form: &str) -> String {
        self.form("ec2", &format!("{form}&Version=2016-11-15")).1
    }

    fn form(&self, service: &str, form: &str) -> (u16, String) {
        let sort = "Content-Type: application/x-www-form-urlencoded\r\n";
        send("POST", &self.0, &(signed(service) + sort), form)
    }
}
