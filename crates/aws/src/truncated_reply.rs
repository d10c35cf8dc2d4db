//! Truncated replies to reads are errors.
//!
//! The SDK reads an empty body as an empty document, and XML that ends early as a shorter list: the
//! objects missing there would look deleted. (JSON that ends early cannot be parsed, and a connection
//! that breaks is an error of its own.)

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, InterceptorContext,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::call_tracker::is_read;

/// Turns a successful reply without its end into an error that the SDK retries.
#[derive(Clone, Copy, Debug)]
pub struct TruncatedReply;

impl Intercept for TruncatedReply {
    fn name(&self) -> &'static str {
        "truncated reply"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let reads = bag.load::<Metadata>().is_some_and(|operation| is_read(operation.name()));
        let response = context.response();
        match response.body().bytes() {
            Some(body) if reads && response.status().is_success() && !is_complete(body) => {
                Err("the reply is truncated".into())
            }
            _ => Ok(()),
        }
    }
}

/// The error above: no other interceptor returns one.
impl ClassifyRetry for TruncatedReply {
    fn name(&self) -> &'static str {
        "truncated reply"
    }

    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.output_or_error() {
            Some(Err(error)) if error.is_interceptor_error() => RetryAction::transient_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }
}

fn is_complete(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if !text.starts_with('<') {
        return !text.is_empty();
    }
    // The root is the first tag that begins with a letter: prologue and comments do not.
    let mut elements = text.split('<').skip(1);
    let root = elements.find(|element| element.starts_with(|first: char| first.is_alphabetic()));
    let name =
        root.and_then(|root| root.split(|c: char| c.is_whitespace() || "/>".contains(c)).next());
    let is_bare = root.is_some_and(|root| root.ends_with("/>")) && elements.next().is_none();
    is_bare || name.is_some_and(|name| text.ends_with(&format!("</{name}>")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_complete_when_its_root_element_is_closed() {
        let xml = "<?xml version=\"1.0\"?>\n<A xmlns=\"x\"><!-- b --><B>1</B></A>\n";
        assert!(is_complete(xml.as_bytes()));
        for end in 0..xml.len() - 1 {
            assert!(!is_complete(&xml.as_bytes()[..end]), "{end}");
        }
        assert!(is_complete(b"<A b=\"c\"/>") && !is_complete(b"<A><B/>"));
        assert!(is_complete(b"{}") && !is_complete(b"") && !is_complete(b" \n"));
    }
}
