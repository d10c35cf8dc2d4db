//! A reply to a read is taken as a whole, or not at all.
//!
//! The SDK takes no body for an empty document, and XML that ends early for a shorter list: what is
//! missing there would be taken for gone. (JSON that ends early cannot be read in the first place,
//! and a connection that breaks is an error of its own.)

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, InterceptorContext,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::calls::is_read;

/// Makes an error of a successful reply that lacks its end, to be asked for again.
#[derive(Clone, Copy, Debug)]
pub struct Whole;

impl Intercept for Whole {
    fn name(&self) -> &'static str {
        "whole"
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
            Some(body) if reads && response.status().is_success() && !is_whole(body) => {
                Err("the reply lacks its end".into())
            }
            _ => Ok(()),
        }
    }
}

/// The error above; no other interceptor makes one.
impl ClassifyRetry for Whole {
    fn name(&self) -> &'static str {
        "whole"
    }

    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.output_or_error() {
            Some(Err(error)) if error.is_interceptor_error() => RetryAction::transient_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }
}

fn is_whole(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if !text.starts_with('<') {
        return !text.is_empty();
    }
    // The root is the first element; prologue and comments begin otherwise.
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
    fn the_end_is_there_or_not() {
        let xml = "<?xml version=\"1.0\"?>\n<A xmlns=\"x\"><!-- b --><B>1</B></A>\n";
        assert!(is_whole(xml.as_bytes()));
        for end in 0..xml.len() - 1 {
            assert!(!is_whole(&xml.as_bytes()[..end]), "{end}");
        }
        assert!(is_whole(b"<A b=\"c\"/>") && !is_whole(b"<A><B/>"));
        assert!(is_whole(b"{}") && !is_whole(b"") && !is_whole(b" \n"));
    }
}
