//! `access_log`: a line in a log group for each request to a stage.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stackwright_engine::kind::{Error, Problem, Problems};
use stackwright_engine::reference::is_open;

/// A line for each request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessLogConfig {
    /// The ARN of the log group. stackwright does not create it.
    #[serde(default)]
    pub group: String,
    /// The format of a line: `json`, `csv`, `clf` (the common log format of web servers), or your own
    /// line, which must contain `$context.requestId`.
    #[schemars(extend("default" = "json"))]
    pub format: Option<String>,
}

/// An access log in its normal form; what a stage does not set is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessLog {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// The formats that AWS's console offers under these names.
const FORMATS: [(&str, &str); 3] = [
    (
        "json",
        r#"{"requestId":"$context.requestId","extendedRequestId":"$context.extendedRequestId","ip":"$context.identity.sourceIp","caller":"$context.identity.caller","user":"$context.identity.user","requestTime":"$context.requestTime","httpMethod":"$context.httpMethod","resourcePath":"$context.resourcePath","status":"$context.status","protocol":"$context.protocol","responseLength":"$context.responseLength"}"#,
    ),
    (
        "csv",
        "$context.identity.sourceIp,$context.identity.caller,$context.identity.user,$context.requestTime,$context.httpMethod,$context.resourcePath,$context.protocol,$context.status,$context.responseLength,$context.requestId,$context.extendedRequestId",
    ),
    (
        "clf",
        r#"$context.identity.sourceIp $context.identity.caller $context.identity.user [$context.requestTime]"$context.httpMethod $context.resourcePath $context.protocol" $context.status $context.responseLength $context.requestId $context.extendedRequestId"#,
    ),
];

impl From<AccessLogConfig> for AccessLog {
    fn from(config: AccessLogConfig) -> Self {
        let format = config.format.as_deref().unwrap_or("json").trim();
        let named = FORMATS.iter().find(|(name, _)| *name == format);
        let format = named.map_or(format, |(_, format)| format).to_owned();
        // CloudWatch writes ARNs with `:*`, which a stage does not accept.
        let group = config.group.strip_suffix(":*").unwrap_or(&config.group).to_owned();
        Self { group: Some(group), format: Some(format) }
    }
}

impl AccessLogConfig {
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        let group = "as `arn:aws:logs:us-east-1:123456789012:log-group:NAME`";
        if self.group.is_empty() {
            problems
                .at(&["access_log"], "`access_log` has no log group")
                .hint(format!("write `group`, {group}"));
        } else if !is_open(&self.group) && !is_group(&self.group) {
            let message = format!("`{}` is not the ARN of a log group", self.group);
            problems.at(&["access_log", "group"], message).hint(group);
        }
        let format = self.format.as_deref().unwrap_or("json").trim();
        let is_named = FORMATS.iter().any(|(name, _)| *name == format);
        if is_named || is_open(format) {
            return problems.0;
        }
        if format.contains(['\n', '\r']) {
            let hint = "a request is one line: in YAML, `>-` joins several";
            problems.at(&["access_log", "format"], "the format has several lines").hint(hint);
        } else if !["$context.requestId", "$context.extendedRequestId"]
            .iter()
            .any(|id| format.contains(id))
        {
            let hint = "`json`, `csv`, `clf`, or a line with `$context.requestId` in it";
            problems.at(&["access_log", "format"], "the format contains no request id").hint(hint);
        }
        problems.0
    }
}

fn is_group(arn: &str) -> bool {
    let mut parts = arn.splitn(7, ':');
    let mut next = || parts.next().unwrap_or_default();
    let is_logs = next() == "arn" && !next().is_empty() && next() == "logs";
    let is_placed = !next().is_empty() && !next().is_empty() && next() == "log-group";
    let name = next();
    let name = name.strip_suffix(":*").unwrap_or(name);
    is_logs && is_placed && !name.is_empty() && !name.contains([':', '*'])
}

/// Adds a hint to the error of an account without a role for access logs.
pub fn explain_role(error: Error) -> Error {
    if !error.message.contains("CloudWatch Logs role ARN") {
        return error;
    }
    error.with_hint(
        "API Gateway writes logs with a role of the account, one for each region. Create a role that \
         trusts apigateway.amazonaws.com and has the policy AmazonAPIGatewayPushToCloudWatchLogs, then: \
         aws apigateway update-account --patch-operations op=replace,path=/cloudwatchRoleArn,value=ARN",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "arn:aws:logs:us-east-1:123456789012:log-group:/a/b";

    fn config(group: &str, format: Option<&str>) -> AccessLogConfig {
        AccessLogConfig { group: group.to_owned(), format: format.map(str::to_owned) }
    }

    #[test]
    fn normal_form() {
        let log = AccessLog::from(config(&format!("{GROUP}:*"), None));
        assert_eq!(log.group.as_deref(), Some(GROUP));
        assert!(log.format.expect("json").starts_with(r#"{"requestId":"$context.requestId""#));
        let own = AccessLog::from(config(GROUP, Some("$context.requestId\n")));
        assert_eq!(own.format.as_deref(), Some("$context.requestId"));
    }

    #[test]
    fn what_api_gateway_refuses_is_a_problem() {
        let wrong = |group: &str, format: Option<&str>| -> Vec<String> {
            let problems = config(group, format).check().into_iter();
            problems.map(|problem| problem.path.join(".")).collect()
        };
        for format in FORMATS.map(|(name, _)| name) {
            assert_eq!(wrong(GROUP, Some(format)), [""; 0], "{format}");
        }
        for format in FORMATS.map(|(_, format)| format) {
            assert_eq!(wrong(GROUP, Some(format)), [""; 0], "{format}");
        }
        assert_eq!(wrong("${env.GROUP}", Some("${env.FORMAT}")), [""; 0]);
        assert_eq!(wrong("", None), ["access_log"]);
        for group in ["/a/b", "arn:aws:s3:::b", &format!("{GROUP}:log-stream:x")] {
            assert_eq!(wrong(group, None), ["access_log.group"], "{group}");
        }
        for format in ["$context.status", "jsn", "$context.requestId\n$context.status"] {
            assert_eq!(wrong(GROUP, Some(format)), ["access_log.format"], "{format}");
        }
    }

    #[test]
    fn an_account_without_a_role_gets_a_hint() {
        let said = "UpdateStage: BadRequestException: CloudWatch Logs role ARN must be set in \
                    account settings to enable logging";
        assert!(
            explain_role(Error::terminal(said)).hint.expect("a hint").contains("update-account")
        );
        assert_eq!(explain_role(Error::terminal("UpdateStage: no")).hint, None);
    }
}
