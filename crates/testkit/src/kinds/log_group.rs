//! A log group of CloudWatch Logs. It belongs to a function and is not declared by itself.

use super::text::without_items;
use super::{Kind, List, ListRequest, NotFound, plain_items};
use crate::request::ApiRequest;

pub const KIND: Kind = Kind {
    name: "log_group",
    service: "logs",
    is_declared: false,
    create: "CreateLogGroup",
    delete: "DeleteLogGroup",
    list: List {
        operation: "DescribeLogGroups",
        request: ListRequest::Target("Logs_20140328"),
        has_tags: false,
        objects: |reply| plain_items(reply, "logGroups", "logGroupName"),
        without: |reply, hides| without_items(reply, "logGroups", "logGroupName", hides),
    },
    named,
    created: |request, _| named(request),
    not_found: |_| NotFound {
        status: 400,
        code: "ResourceNotFoundException",
        message: "The specified log group does not exist.".to_owned(),
    },
    paths: &[],
};

/// By its name or its ARN: `…:log-group:NAME` or `…:log-group:NAME:*`.
fn named(request: &ApiRequest) -> Vec<String> {
    let body = request.json();
    let fields = ["logGroupName", "logGroupIdentifier", "resourceArn"];
    let texts = fields.iter().filter_map(|field| body[field].as_str());
    let name = |text: &str| {
        let name = text.split(":log-group:").last().unwrap_or(text);
        name.trim_end_matches(":*").to_owned()
    };
    texts.map(name).collect()
}
