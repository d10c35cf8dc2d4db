//! STS: whose credentials these are.

use super::ACCOUNT;
use super::answer::{Body, Outcome};
use super::call::Call;

pub fn answer(call: &Call) -> Option<Outcome> {
    (call.operation.name == "GetCallerIdentity").then(|| {
        Ok(Body::Xml(format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <GetCallerIdentityResult><Arn>arn:aws:iam::{ACCOUNT}:root</Arn><UserId>{ACCOUNT}</UserId>\
             <Account>{ACCOUNT}</Account></GetCallerIdentityResult>\
             <ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        )))
    })
}
