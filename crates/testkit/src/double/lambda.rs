//! Lambda: functions and their policies. A function is active as soon as it is created.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Map, Value, json};

use super::answer::Outcome;
use super::call::Call;
use super::tagged::Tags;
use super::{ACCOUNT, REGION};
use crate::proxy::Refusal;

const GONE: Refusal =
    Refusal::new(404, "ResourceNotFoundException").saying("the function does not exist");
const TAKEN: Refusal =
    Refusal::new(409, "ResourceConflictException").saying("Function already exist");
const STATEMENT_TAKEN: Refusal =
    Refusal::new(409, "ResourceConflictException").saying("the statement exists");
const REVISION: Refusal =
    Refusal::new(412, "PreconditionFailedException").saying("the function has another revision");

/// The most functions on one page.
const PAGE: usize = 50;
/// What UpdateFunctionConfiguration sets of what it is given.
const CONFIGURED: [&str; 11] = [
    "Runtime",
    "Handler",
    "Role",
    "Timeout",
    "MemorySize",
    "Environment",
    "Description",
    "EphemeralStorage",
    "TracingConfig",
    "Layers",
    "VpcConfig",
];

type Answer = Result<Value, Refusal>;

#[derive(Default)]
pub struct Lambda {
    functions: BTreeMap<String, Function>,
    last_revision: u64,
}

struct Function {
    /// As GetFunctionConfiguration reports it.
    configuration: Map<String, Value>,
    tags: Tags,
    concurrency: Option<Value>,
    /// By the ids of the statements.
    policy: BTreeMap<String, Value>,
}

impl Lambda {
    pub fn count(&self) -> usize {
        self.functions.len()
    }

    pub fn answer(&mut self, call: &Call) -> Option<Outcome> {
        // `functions/NAME/…`, where the name may be an ARN.
        let name = call.segment(1).rsplit(':').next().unwrap_or_default();
        let answer = match call.operation.name.as_str() {
            "CreateFunction" => self.create(&call.json()),
            "ListFunctions" => Ok(self.list(call)),
            "GetFunction" => self.get(name).map(Function::reply),
            "GetFunctionConfiguration" => {
                self.get(name).map(|one| Value::Object(one.configuration.clone()))
            }
            "UpdateFunctionCode" => self.update_code(name, &call.json()),
            "UpdateFunctionConfiguration" => self.configure(name, &call.json()),
            "PutFunctionConcurrency" => self.get_mut(name).map(|one| {
                one.concurrency = Some(call.json());
                call.json()
            }),
            "DeleteFunctionConcurrency" => self.change(name, |one| one.concurrency = None),
            "DeleteFunction" => self.functions.remove(name).map(|_| json!({})).ok_or(GONE),
            "GetPolicy" => self.policy(name),
            "AddPermission" => self.permit(name, &call.json()),
            "RemovePermission" => self
                .get_mut(name)
                .and_then(|one| one.policy.remove(call.segment(3)).map(|_| json!({})).ok_or(GONE)),
            "ListTags" => self.get(name).map(|one| json!({ "Tags": one.tags })),
            "TagResource" => self.change(name, |one| one.tags.extend(texts(&call.json()["Tags"]))),
            "UntagResource" => self.change(name, |one| {
                for key in call.queried("tagKeys") {
                    one.tags.remove(&key);
                }
            }),
            _ => return None,
        };
        Some(answer.map(Into::into))
    }

    fn get(&self, name: &str) -> Result<&Function, Refusal> {
        self.functions.get(name).ok_or(GONE)
    }

    fn get_mut(&mut self, name: &str) -> Result<&mut Function, Refusal> {
        self.functions.get_mut(name).ok_or(GONE)
    }

    fn change(&mut self, name: &str, change: impl FnOnce(&mut Function)) -> Answer {
        change(self.get_mut(name)?);
        Ok(json!({}))
    }

    fn new_revision(&mut self) -> String {
        self.last_revision += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.last_revision)
    }

    fn create(&mut self, asked: &Value) -> Answer {
        let name = asked["FunctionName"].as_str().unwrap_or_default();
        if self.functions.contains_key(name) {
            return Err(TAKEN);
        }
        let mut configuration = defaults(name);
        configuration.insert("Architectures".to_owned(), architectures(asked));
        set(&mut configuration, asked);
        load(&mut configuration, &asked["Code"]["ZipFile"]);
        configuration.insert("RevisionId".to_owned(), self.new_revision().into());
        let reply = Value::Object(configuration.clone());
        let tags = texts(&asked["Tags"]);
        let function = Function { configuration, tags, concurrency: None, policy: BTreeMap::new() };
        self.functions.insert(name.to_owned(), function);
        Ok(reply)
    }

    fn list(&self, call: &Call) -> Value {
        let number = |name: &str| call.queried(name).first().and_then(|text| text.parse().ok());
        let start: usize = number("Marker").unwrap_or_default();
        let size: usize = number("MaxItems").unwrap_or(PAGE).min(PAGE);
        let page = self.functions.values().skip(start).take(size);
        let page: Vec<&Map<String, Value>> = page.map(|one| &one.configuration).collect();
        let next = start + size;
        let marker = (next < self.functions.len()).then(|| next.to_string());
        json!({ "Functions": page, "NextMarker": marker })
    }

    fn update_code(&mut self, name: &str, asked: &Value) -> Answer {
        let revision = self.new_revision();
        let configuration = &mut self.get_mut(name)?.configuration;
        load(configuration, &asked["ZipFile"]);
        if asked["Architectures"].is_array() {
            configuration.insert("Architectures".to_owned(), architectures(asked));
        }
        configuration.insert("RevisionId".to_owned(), revision.into());
        Ok(Value::Object(configuration.clone()))
    }

    fn configure(&mut self, name: &str, asked: &Value) -> Answer {
        let revision = self.new_revision();
        let configuration = &mut self.get_mut(name)?.configuration;
        let expected = &asked["RevisionId"];
        if !expected.is_null() && configuration.get("RevisionId") != Some(expected) {
            return Err(REVISION);
        }
        set(configuration, asked);
        configuration.insert("RevisionId".to_owned(), revision.into());
        Ok(Value::Object(configuration.clone()))
    }

    fn policy(&self, name: &str) -> Answer {
        let function = self.get(name)?;
        if function.policy.is_empty() {
            return Err(GONE);
        }
        let statements: Vec<&Value> = function.policy.values().collect();
        let policy = json!({ "Version": "2012-10-17", "Id": "default", "Statement": statements });
        Ok(json!({ "Policy": policy.to_string(), "RevisionId": "0" }))
    }

    fn permit(&mut self, name: &str, asked: &Value) -> Answer {
        let function = self.get_mut(name)?;
        let id = asked["StatementId"].as_str().unwrap_or_default();
        if function.policy.contains_key(id) {
            return Err(STATEMENT_TAKEN);
        }
        let statement = json!({
            "Sid": id,
            "Effect": "Allow",
            "Principal": { "Service": asked["Principal"] },
            "Action": asked["Action"],
            "Resource": function.configuration["FunctionArn"],
            "Condition": { "ArnLike": { "AWS:SourceArn": asked["SourceArn"] } },
        });
        let reply = json!({ "Statement": statement.to_string() });
        function.policy.insert(id.to_owned(), statement);
        Ok(reply)
    }
}

impl Function {
    /// As GetFunction reports it.
    fn reply(&self) -> Value {
        let mut reply = json!({
            "Configuration": self.configuration,
            "Code": { "RepositoryType": "S3", "Location": "https://example.org/code" },
            "Tags": self.tags,
        });
        if let Some(concurrency) = &self.concurrency {
            reply["Concurrency"] = concurrency.clone();
        }
        reply
    }
}

/// What Lambda reports of a function of which nothing is set.
fn defaults(name: &str) -> Map<String, Value> {
    let configuration = json!({
        "FunctionName": name,
        "FunctionArn": format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"),
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "LastModified": "2026-01-01T00:00:00.000+0000",
        "Version": "$LATEST",
        "TracingConfig": { "Mode": "PassThrough" },
        "EphemeralStorage": { "Size": 512 },
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "SnapStart": { "ApplyOn": "None", "OptimizationStatus": "Off" },
        "LoggingConfig": { "LogFormat": "Text", "LogGroup": format!("/aws/lambda/{name}") },
    });
    match configuration {
        Value::Object(configuration) => configuration,
        _ => Map::new(),
    }
}

fn architectures(asked: &Value) -> Value {
    let asked = &asked["Architectures"];
    if asked.is_array() { asked.clone() } else { json!(["x86_64"]) }
}

/// Sets what a request has, in the form of a reply.
fn set(configuration: &mut Map<String, Value>, asked: &Value) {
    for field in CONFIGURED {
        let value = match &asked[field] {
            Value::Null => continue,
            Value::Array(layers) if field == "Layers" => {
                layers.iter().map(|arn| json!({ "Arn": arn, "CodeSize": 1 })).collect()
            }
            value => value.clone(),
        };
        configuration.insert(field.to_owned(), value);
    }
}

/// Notes the code that a request brings: its size, and a digest of its text.
fn load(configuration: &mut Map<String, Value>, zip: &Value) {
    let text = zip.as_str().unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    configuration.insert("CodeSha256".to_owned(), format!("{:016x}", hasher.finish()).into());
    configuration.insert("CodeSize".to_owned(), (text.len() / 4 * 3).into());
}

/// A map of texts.
pub fn texts(value: &Value) -> Tags {
    let pairs = value.as_object().into_iter().flatten();
    pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}
