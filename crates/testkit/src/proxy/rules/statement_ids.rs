//! A statement's id is unique in a function's policy: AddPermission does not replace a statement.
//!
//! Source: the error of AddPermission, hashicorp/terraform-provider-aws issue 3312.

use super::object::named;
use super::{Answer, ApiRequest, Rule, Upstream};
use crate::proxy::refusal::error;

pub struct StatementIds {
    upstream: Upstream,
}

impl StatementIds {
    pub fn new(upstream: &Upstream) -> Self {
        Self { upstream: upstream.clone() }
    }
}

impl Rule for StatementIds {
    fn before(&self, request: &ApiRequest) -> Option<Answer> {
        if !request.is("lambda", "AddPermission") {
            return None;
        }
        let id = request.json()["StatementId"].as_str()?.to_owned();
        let function = named(request).pop()?.id;
        let is_there = self.upstream.statements(&function).iter().any(|one| one["Sid"] == *id);
        let said = format!(
            "The statement id ({id}) provided already exists. Please provide a new statement id, or \
             remove the existing statement."
        );
        is_there.then(|| error(&request.operation, 409, "ResourceConflictException", &said))
    }
}
