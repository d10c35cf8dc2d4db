//! When Lambda says that it cannot assume a role: not yet, or never?

use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use stackwright_engine::kind::{Error, Fault};

use super::Function;
use crate::fault::{code, explain};

/// How long a new role may take until every part of Lambda knows it.
const PROPAGATION: Duration = Duration::from_secs(60);
/// What Lambda says of a role it does not know yet; the second where a key's grant is to name it.
const UNKNOWN_ROLE: &[&str] =
    &["cannot be assumed by Lambda", "KMS key is invalid for CreateGrant"];

impl Function {
    /// Explains an error of a call that gave a role.
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
        let explained = explain(call, error);
        match role {
            Some(role) if unknown_role => self.not_yet_or_never(explained, role).await,
            _ => explained,
        }
    }

    async fn not_yet_or_never(&self, mut error: Error, role: &str) -> Error {
        let name = role.rsplit('/').next().unwrap_or(role);
        let reply = self.cloud.iam.get_role().role_name(name).send().await;
        // A role that cannot be read may be new as well: the limit of time decides.
        let trust = reply.ok().and_then(|reply| reply.role?.assume_role_policy_document);
        if let Some(trust) = trust.map(|trust| decode(&trust))
            && !trusts_lambda(&trust)
        {
            let trust: String = trust.split_whitespace().collect();
            let message =
                format!("Lambda cannot assume the role {name}, which trusts others: {trust}");
            return Error::terminal(message)
                .with_hint("`trust: lambda.amazonaws.com` at the role allows it")
                .with_source(error);
        }
        let what = "the role to be assumable by Lambda".to_owned();
        error.fault = Fault::Awaiting { what, within: PROPAGATION };
        error
    }
}

/// Reads for a message only, so a search must do.
fn trusts_lambda(trust: &str) -> bool {
    ["\"lambda.amazonaws.com", "\"*\""].iter().any(|principal| trust.contains(principal))
}

/// IAM answers with its documents URL-encoded.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            decoded.push(byte);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_who_is_trusted() {
        let lambda = "%7B%22Service%22%3A%20%22lambda.amazonaws.com%22%7D";
        assert_eq!(decode(lambda), r#"{"Service": "lambda.amazonaws.com"}"#);
        assert!(trusts_lambda(&decode(lambda)));
        assert!(!trusts_lambda(r#"{"Service":["edgelambda.amazonaws.com"]}"#));
        assert_eq!(decode("100%, é%zz"), "100%, é%zz");
    }
}
