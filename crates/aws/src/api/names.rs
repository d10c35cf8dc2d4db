//! Names of an API and of what belongs to it.

use std::collections::BTreeMap;

use stackwright_engine::kind::{Error, Result};
use stackwright_engine::partition::Partition;

use crate::function::permission::Permission;

/// An API and its stage: everything that their names are made of.
#[derive(Clone, Debug)]
pub struct Names {
    pub partition: String,
    pub region: String,
    /// Twelve digits.
    pub account: String,
    /// The URL of an emulator.
    pub endpoint: Option<String>,
    /// The id of the REST API.
    pub id: String,
    pub stage: String,
}

impl Names {
    pub fn arn(&self) -> String {
        format!("arn:{}:apigateway:{}::/restapis/{}", self.partition, self.region, self.id)
    }

    pub fn url(&self) -> String {
        let Self { region, id, stage, .. } = self;
        match &self.endpoint {
            Some(endpoint) => format!("{endpoint}/restapis/{id}/{stage}/_user_request_"),
            None => {
                let domain = Partition::of(region).map_or("amazonaws.com", |known| known.domain);
                format!("https://{id}.execute-api.{region}.{domain}/{stage}")
            }
        }
    }

    pub fn outputs(&self) -> BTreeMap<String, String> {
        [("id", self.id.clone()), ("arn", self.arn()), ("url", self.url())]
            .map(|(output, value)| (output.to_owned(), value))
            .into()
    }

    /// Returns the permission that a function must grant: one for the whole stage, since a statement
    /// for each route would soon fill the policy.
    pub fn permission(&self) -> Permission {
        let Self { partition, region, account, id, stage, .. } = self;
        Permission {
            id: format!("stackwright-{id}"),
            principal: "apigateway.amazonaws.com",
            source: format!("arn:{partition}:execute-api:{region}:{account}:{id}/{stage}/*"),
        }
    }
}

/// Returns the URI of an integration that calls a function.
pub fn invocation(function: &str) -> Result<String> {
    let mut parts = function.split(':');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("arn"), Some(partition), Some("lambda"), Some(region)) => Ok(format!(
            "arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations"
        )),
        _ => Err(Error::terminal(format!("`{function}` is not the ARN of a function"))),
    }
}

/// Returns the function of an [`invocation`].
pub fn invoked(uri: &str) -> Option<&str> {
    let (_, function) = uri.split_once(":lambda:path/2015-03-31/functions/")?;
    let function = function.strip_suffix("/invocations")?;
    (invocation(function).ok()? == uri).then_some(function)
}

/// The prefix of a deployment's description. The number changes with what the digest covers.
const PREFIX: &str = "stackwright:1:";

/// Returns the description of a deployment with this digest.
pub fn described(digest: &str) -> String {
    format!("{PREFIX}{digest}")
}

/// Returns the digest in the description of a deployment, if stackwright created it.
pub fn digest_of(description: &str) -> Option<&str> {
    description.strip_prefix(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let mut names = Names {
            partition: "aws".into(),
            region: "eu-west-1".into(),
            account: "123456789012".into(),
            endpoint: None,
            id: "abc".into(),
            stage: "prod".into(),
        };
        assert_eq!(names.url(), "https://abc.execute-api.eu-west-1.amazonaws.com/prod");
        assert_eq!(names.arn(), "arn:aws:apigateway:eu-west-1::/restapis/abc");
        assert_eq!(
            names.permission().source,
            "arn:aws:execute-api:eu-west-1:123456789012:abc/prod/*"
        );
        names.endpoint = Some("http://127.0.0.1:4566".into());
        assert_eq!(names.url(), "http://127.0.0.1:4566/restapis/abc/prod/_user_request_");
    }

    #[test]
    fn the_uri_of_an_invocation_names_its_function() {
        let arn = "arn:aws-cn:lambda:cn-north-1:123456789012:function:f:live";
        let uri = invocation(arn).expect("a function");
        assert_eq!(
            uri,
            format!(
                "arn:aws-cn:apigateway:cn-north-1:lambda:path/2015-03-31/functions/{arn}/invocations"
            )
        );
        assert_eq!(invoked(&uri), Some(arn));
        assert_eq!(invoked("https://example.org"), None);
        assert!(invocation("f").is_err());
    }
}
