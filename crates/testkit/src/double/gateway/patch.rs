//! Patches, as API Gateway takes them: of settings, variables and lists.

use serde_json::{Value, json};

/// Applies the `patchOperations` of a request.
pub fn patched(to: &mut Value, asked: &Value) {
    for operation in asked["patchOperations"].as_array().into_iter().flatten() {
        let text = |field: &str| operation[field].as_str().unwrap_or_default();
        let parts: Vec<String> = text("path").split('/').skip(1).map(unescaped).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        patch(to, text("op"), &parts, &operation["value"]);
    }
}

fn patch(to: &mut Value, op: &str, path: &[&str], value: &Value) {
    match path {
        // A stage's settings for all methods of all paths, whose values are numbers.
        [path, method, "throttling", limit] => {
            let field = match *limit {
                "rateLimit" => "throttlingRateLimit",
                _ => "throttlingBurstLimit",
            };
            let number = value.as_str().and_then(|text| text.parse().ok()).unwrap_or(Value::Null);
            to["methodSettings"][format!("{path}/{method}")][field] = number;
        }
        ["binaryMediaTypes", sort] => {
            let list = to["binaryMediaTypes"].as_array().cloned().unwrap_or_default();
            let mut list: Vec<Value> = list.into_iter().filter(|one| one != sort).collect();
            if op == "add" {
                list.push(json!(sort));
            }
            to["binaryMediaTypes"] = list.into();
        }
        ["endpointConfiguration", "types", _] => {
            to["endpointConfiguration"]["types"] = json!([value]);
        }
        [field] if op == "remove" => to[*field] = Value::Null,
        [field] => to[*field] = value.clone(),
        [map, key] => {
            let map = &mut to[*map];
            match (op, map.as_object_mut()) {
                ("remove", Some(map)) => drop(map.remove(*key)),
                _ => map[*key] = value.clone(),
            }
        }
        _ => {}
    }
}

fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_maps_and_lists_are_patched() {
        let mut stage = json!({ "stageName": "prod", "variables": { "gone": "x" } });
        let operation =
            |op: &str, path: &str, value: &str| json!({ "op": op, "path": path, "value": value });
        let operations = [
            operation("replace", "/description", "d"),
            operation("replace", "/variables/colour", "red"),
            operation("remove", "/variables/gone", ""),
            operation("replace", "/*/*/throttling/rateLimit", "12.5"),
            operation("add", "/binaryMediaTypes/image~1png", "image/png"),
        ];
        patched(&mut stage, &json!({ "patchOperations": operations }));
        let expected = json!({
            "stageName": "prod",
            "description": "d",
            "variables": { "colour": "red" },
            "methodSettings": { "*/*": { "throttlingRateLimit": 12.5 } },
            "binaryMediaTypes": ["image/png"],
        });
        assert_eq!(stage, expected);
    }
}
