//! What an API says of itself, beside its routes: its name, how it is reached, which bodies are bytes.

use aws_sdk_apigateway::types::{EndpointConfiguration, EndpointType, Op, PatchOperation};
use schemars::JsonSchema;
use serde::Deserialize;
use stackwright_engine::change::Change;
use stackwright_engine::kind::{Problem, Problems, Result};
use stackwright_engine::reference::is_open;

use super::Apis;
use super::gateway::is_media_type;
use super::names::Names;
use super::spec::Spec;

/// Where calls come in. (A private API needs a policy, which an API here does not have.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Endpoint {
    #[default]
    Regional,
    Edge,
}

impl Endpoint {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regional => "regional",
            Self::Edge => "edge",
        }
    }
}

/// API Gateway's own word, for a request.
pub fn endpoint(spec: &Spec) -> EndpointConfiguration {
    let sort = spec.endpoint.as_deref().unwrap_or(Endpoint::default().as_str());
    let sort = EndpointType::from(sort.to_ascii_uppercase().as_str());
    EndpointConfiguration::builder().types(sort).build()
}

/// What an answer says; `None`: it does not.
pub fn endpoint_seen(seen: Option<&EndpointConfiguration>) -> Option<String> {
    Some(seen?.types().first()?.as_str().to_ascii_lowercase())
}

/// As a set.
pub fn sorted(types: &[String]) -> Vec<String> {
    let mut types = types.to_vec();
    types.sort();
    types.dedup();
    types
}

/// What API Gateway would refuse about `binary_types`.
pub fn check(types: &[String]) -> Vec<Problem> {
    let mut problems = Problems::default();
    let is_wrong = |one: &str| !is_open(one) && !is_media_type(one);
    for (at, one) in types.iter().enumerate().filter(|(_, one)| is_wrong(one)) {
        problems
            .at(&["binary_types", &at.to_string()], format!("`{one}` is not a media type"))
            .hint("as `image/png`, or `*/*` for all");
    }
    problems.0
}

impl Apis {
    pub(super) async fn set_settings(
        &self,
        names: &Names,
        desired: &Spec,
        changes: &[Change],
    ) -> Result<()> {
        let patches = patches(desired, changes);
        if patches.is_empty() {
            return Ok(());
        }
        let request = self.cloud.apigateway.update_rest_api().rest_api_id(&names.id);
        let request = request.set_patch_operations(Some(patches));
        self.call("UpdateRestApi", request.send()).await.map(drop)
    }
}

fn patches(desired: &Spec, changes: &[Change]) -> Vec<PatchOperation> {
    let patch = |op: Op, path: String, value: String| {
        PatchOperation::builder().op(op).path(path).value(value).build()
    };
    let mut patches = Vec::new();
    for change in changes {
        match change.path.field() {
            "name" => patches.push(patch(Op::Replace, "/name".to_owned(), desired.name.clone())),
            "description" => {
                let text = desired.description.clone().unwrap_or_default();
                patches.push(patch(Op::Replace, "/description".to_owned(), text));
            }
            "endpoint" => {
                let wanted = desired.endpoint.as_deref().unwrap_or(Endpoint::default().as_str());
                // A private one becomes regional before it becomes anything else.
                let is_private = change.before.as_ref().is_some_and(|now| now == "private");
                let next = if is_private { Endpoint::Regional.as_str() } else { wanted };
                let path = "/endpointConfiguration/types/0".to_owned();
                patches.push(patch(Op::Replace, path, next.to_ascii_uppercase()));
            }
            "binary_types" => {
                let now: Vec<&str> = change
                    .before
                    .iter()
                    .filter_map(|now| now.as_array())
                    .flatten()
                    .filter_map(|one| one.as_str())
                    .collect();
                let wanted = desired.binary_types.as_deref().unwrap_or_default();
                let gone = now.iter().filter(|one| !wanted.iter().any(|wanted| wanted == *one));
                patches.extend(gone.map(|one| patch(Op::Remove, binary(one), (*one).to_owned())));
                let new = wanted.iter().filter(|one| !now.contains(&one.as_str()));
                patches.extend(new.map(|one| patch(Op::Add, binary(one), one.clone())));
            }
            _ => {}
        }
    }
    patches
}

/// A JSON pointer.
fn binary(sort: &str) -> String {
    format!("/binaryMediaTypes/{}", sort.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::edited::edited;

    fn told(fields: Value, field: &str, before: Value) -> Vec<String> {
        let mut spec = json!({
            "name": "a", "tags": {}, "routes": {}, "permissions": [], "deployed": "x",
        });
        spec.as_object_mut().expect("a map").extend(fields.as_object().expect("a map").clone());
        let spec: Spec = serde_json::from_value(spec).expect("a spec");
        let change = Change { before: Some(before), ..edited(&[field]) };
        let told = |one: &PatchOperation| {
            let op = one.op().map_or("", Op::as_str);
            format!("{op} {} {}", one.path().unwrap_or_default(), one.value().unwrap_or_default())
        };
        patches(&spec, &[change]).iter().map(told).collect()
    }

    #[test]
    fn a_list_is_changed_one_by_one() {
        let wanted = json!({ "binary_types": ["*/*", "image/png"] });
        assert_eq!(
            told(wanted.clone(), "binary_types", json!(["a/b", "image/png"])),
            ["remove /binaryMediaTypes/a~1b a/b", "add /binaryMediaTypes/*~1* */*"]
        );
        assert_eq!(told(wanted.clone(), "binary_types", Value::Null).len(), 2);
        assert_eq!(
            told(json!({ "binary_types": [] }), "binary_types", json!(["a/b"])),
            ["remove /binaryMediaTypes/a~1b a/b"]
        );
    }

    #[test]
    fn a_private_api_becomes_regional_first() {
        let patch = |wanted: &str, now: &str| {
            told(json!({ "endpoint": wanted }), "endpoint", json!(now)).join(" ")
        };
        let path = "replace /endpointConfiguration/types/0";
        assert_eq!(patch("edge", "regional"), format!("{path} EDGE"));
        assert_eq!(patch("edge", "private"), format!("{path} REGIONAL"));
        assert_eq!(patch("regional", "edge"), format!("{path} REGIONAL"));
    }

    #[test]
    fn what_is_no_media_type() {
        let types = ["image/png", "*/*", "png", "a b/c", "${env.TYPE}"].map(str::to_owned);
        let paths: Vec<String> = check(&types).into_iter().map(|p| p.path.join(".")).collect();
        assert_eq!(paths, ["binary_types.2", "binary_types.3"]);
    }
}
