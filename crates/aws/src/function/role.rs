//! Explains that Lambda cannot assume a role: not yet, or never.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use stackwright_engine::kind::{Error, Fault};

use super::service::{CODES, EC2_THROTTLES, Functions, NEW_ROLE};
use crate::fault::{code, explain};
use crate::policy_document::Document;

/// Messages of Lambda about a role that it does not know yet: the second if the grant of a key names
/// the role, the third if the policy for its network has just been attached.
const UNKNOWN_ROLE: &[&str] = &[
    "cannot be assumed by Lambda",
    "KMS key is invalid for CreateGrant",
    "The provided execution role does not have permissions",
];

impl Functions {
    /// Explains an error of a call with a role.
    pub(super) async fn explain_role<E>(
        &self,
        call: &str,
        error: SdkError<E, HttpResponse>,
        role: Option<&str>,
    ) -> Error
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let message = error.as_service_error().and_then(ProvideErrorMetadata::message);
        let unknown_role = code(&error) == Some("InvalidParameterValueException")
            && message.is_some_and(|said| UNKNOWN_ROLE.iter().any(|mark| said.contains(mark)));
        let is_throttled = code(&error) == Some("InvalidParameterValueException")
            && message.is_some_and(|said| said.contains("throttled by EC2"));
        let mut explained = explain(call, error, CODES);
        if is_throttled {
            let what = "EC2 to accept Lambda's calls for the function's network".to_owned();
            explained.fault = Fault::Awaiting { what, within: EC2_THROTTLES };
            return explained;
        }
        match role {
            Some(role) if unknown_role => self.not_yet_or_never(explained, role).await,
            _ => explained,
        }
    }

    async fn not_yet_or_never(&self, mut error: Error, role: &str) -> Error {
        let name = role.rsplit('/').next().unwrap_or(role);
        let reply = self.iam.get_role().role_name(name).send().await;
        // A role that cannot be read may be new as well: then the time limit decides.
        let trust = reply.ok().and_then(|reply| reply.role?.assume_role_policy_document);
        if let Some(trust) = trust.and_then(|trust| Document::parse(&trust).ok())
            && !trusts_lambda(&trust.to_string())
        {
            let message =
                format!("Lambda cannot assume the role {name}, which does not trust it: {trust}");
            return Error::terminal(message)
                .with_hint("`trust: lambda.amazonaws.com` at the role allows it")
                .with_source(error);
        }
        let what = "the role to be assumable by Lambda".to_owned();
        error.fault = Fault::Awaiting { what, within: NEW_ROLE };
        error
    }
}

/// Tells whether a trust policy names Lambda. It decides about a message only, so that a search in the
/// text is enough.
fn trusts_lambda(trust: &str) -> bool {
    ["\"lambda.amazonaws.com", "\"*\""].iter().any(|principal| trust.contains(principal))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use stackwright_engine::kind::{Intent, Provider as _};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::super::package::{Selection, Source};
    use super::super::spec::Spec;
    use super::*;
    use crate::cloud::{Access, Cloud};
    use crate::connect::Sources;

    const REFUSAL: &str =
        r#"{"message": "The role defined for the function cannot be assumed by Lambda."}"#;

    fn http(status: &str, header: &str, body: &str) -> String {
        let size = body.len();
        format!(
            "HTTP/1.1 {status}\r\n{header}connection: close\r\ncontent-length: {size}\r\n\r\n{body}"
        )
    }

    /// Starts a server that refuses every CreateFunction for its role, and reports the role's trust.
    async fn lambda_without_the_role(trusted: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let role = format!(
            "<GetRoleResponse><GetRoleResult><Role><Path>/</Path><RoleName>r</RoleName>\
             <RoleId>A</RoleId><Arn>a</Arn><CreateDate>2020-01-01T00:00:00Z</CreateDate>\
             <AssumeRolePolicyDocument>{trusted}</AssumeRolePolicyDocument>\
             </Role></GetRoleResult></GetRoleResponse>"
        );
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut start = [0; 5];
                let _ = stream.read_exact(&mut start).await;
                let mut rest = vec![0; 1 << 16];
                let size = stream.read(&mut rest).await.unwrap_or_default();
                let reply = if rest[..size].starts_with(b"/2015-03-31/functions") {
                    let kind = "x-amzn-errortype: InvalidParameterValueException\r\n";
                    http("400 Bad Request", kind, REFUSAL)
                } else {
                    http("200 OK", "", &role)
                };
                let _ = stream.write_all(reply.as_bytes()).await;
                // Reads the rest of the request until the client has its reply.
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            }
        });
        url
    }

    async fn refused(trusted: &str) -> Error {
        let url = lambda_without_the_role(trusted).await;
        let cloud =
            Cloud::open(&Access::Endpoint { url }, "us-east-1", crate::trust::Trust::none()).await;
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.py"), "").expect("written");
        let path = folder.path().join(".");
        let source = Source::read(&Selection { path, ..Selection::default() }).expect("read");
        let spec: Spec = serde_json::from_value(json!({
            "name": "f",
            "role": "arn:aws:iam::123456789012:role/r",
            "runtime": "python3.13",
            "code": {"path": ".", "digest": source.contents().digest("python3.13", "x86_64")},
        }))
        .expect("a spec");
        let sources = Sources { folder: folder.path().into(), ..Sources::default() };
        let kind = Functions::new(&Arc::new(cloud), sources);
        let address = stackwright_engine::Address::new("function", "f");
        let intent = Intent { address, generation: 1, token: String::new() };
        kind.create(&intent, &spec).await.err().expect("refused")
    }

    #[tokio::test]
    async fn a_new_role_is_awaited() {
        let error = refused("%7B%22Service%22%3A%22lambda.amazonaws.com%22%7D").await;
        assert!(matches!(error.fault, Fault::Awaiting { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_role_that_does_not_trust_lambda_is_an_error() {
        let error = refused("%7B%22Service%22%3A%22ec2.amazonaws.com%22%7D").await;
        assert_eq!(error.fault, Fault::Terminal, "{error:?}");
        assert_eq!(
            error.message,
            r#"Lambda cannot assume the role r, which does not trust it: {"Service":"ec2.amazonaws.com"}"#
        );
    }

    #[test]
    fn a_trust_policy_names_lambda_or_not() {
        assert!(trusts_lambda(r#"{"Service":["ec2.amazonaws.com","lambda.amazonaws.com"]}"#));
        assert!(!trusts_lambda(r#"{"Service":"edgelambda.amazonaws.com"}"#));
    }
}
