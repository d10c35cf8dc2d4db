//! The settings of an API itself: name, description, endpoint type, binary media types.

use aws_sdk_apigateway::types::{EndpointConfiguration, EndpointType, Op, PatchOperation};
use stackwright_engine::change::Change;
use stackwright_engine::kind::Result;

use super::config::Endpoint;
use super::names::Names;
use super::service::Apis;
use super::spec::Spec;

/// Returns the endpoint type for a request.
pub fn endpoint(spec: &Spec) -> EndpointConfiguration {
    let sort = spec.endpoint.as_deref().unwrap_or(Endpoint::default().as_str());
    let sort = EndpointType::from(sort.to_ascii_uppercase().as_str());
    EndpointConfiguration::builder().types(sort).build()
}

/// Reads the endpoint type of a reply. `None`: the reply does not have it.
pub fn endpoint_seen(seen: Option<&EndpointConfiguration>) -> Option<String> {
    Some(seen?.types().first()?.as_str().to_ascii_lowercase())
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
        let request = self.gateway.update_rest_api().rest_api_id(&names.id);
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
                // A private API must become regional before it becomes anything else.
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

/// Returns the JSON pointer of a media type.
fn binary(sort: &str) -> String {
    format!("/binaryMediaTypes/{}", sort.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::test_changes::edited;

    fn patched(fields: Value, field: &str, before: Value) -> Vec<String> {
        let mut spec = json!({
            "name": "a", "tags": {}, "routes": {}, "permissions": [], "deployed": "x",
        });
        spec.as_object_mut().expect("a map").extend(fields.as_object().expect("a map").clone());
        let spec: Spec = serde_json::from_value(spec).expect("a spec");
        let change = Change { before: Some(before), ..edited(&[field]) };
        let text = |one: &PatchOperation| {
            let op = one.op().map_or("", Op::as_str);
            format!("{op} {} {}", one.path().unwrap_or_default(), one.value().unwrap_or_default())
        };
        patches(&spec, &[change]).iter().map(text).collect()
    }

    #[test]
    fn media_types_are_added_and_removed_one_by_one() {
        let wanted = json!({ "binary_types": ["*/*", "image/png"] });
        assert_eq!(
            patched(wanted.clone(), "binary_types", json!(["a/b", "image/png"])),
            ["remove /binaryMediaTypes/a~1b a/b", "add /binaryMediaTypes/*~1* */*"]
        );
        assert_eq!(patched(wanted.clone(), "binary_types", Value::Null).len(), 2);
        assert_eq!(
            patched(json!({ "binary_types": [] }), "binary_types", json!(["a/b"])),
            ["remove /binaryMediaTypes/a~1b a/b"]
        );
    }

    #[test]
    fn a_private_api_becomes_regional_first() {
        let patch = |wanted: &str, now: &str| {
            patched(json!({ "endpoint": wanted }), "endpoint", json!(now)).join(" ")
        };
        let path = "replace /endpointConfiguration/types/0";
        assert_eq!(patch("edge", "regional"), format!("{path} EDGE"));
        assert_eq!(patch("edge", "private"), format!("{path} REGIONAL"));
        assert_eq!(patch("regional", "edge"), format!("{path} REGIONAL"));
    }
}
