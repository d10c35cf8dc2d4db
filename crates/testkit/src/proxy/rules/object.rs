//! Which objects a call names, makes and ends.

use serde_json::Value;

use super::{Answer, Asked};

/// What the rules keep track of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    Instance,
    Role,
    Function,
    Api,
    LogGroup,
}

impl Sort {
    pub const ALL: [Self; 5] =
        [Self::Instance, Self::Role, Self::Function, Self::Api, Self::LogGroup];

    /// The operation that makes one.
    pub fn create(self) -> &'static str {
        match self {
            Self::Instance => "RunInstances",
            Self::Role => "CreateRole",
            Self::Function => "CreateFunction",
            Self::Api => "CreateRestApi",
            Self::LogGroup => "CreateLogGroup",
        }
    }

    fn delete(self) -> &'static str {
        match self {
            Self::Instance => "TerminateInstances",
            Self::Role => "DeleteRole",
            Self::Function => "DeleteFunction",
            Self::Api => "DeleteRestApi",
            Self::LogGroup => "DeleteLogGroup",
        }
    }

    fn service(self) -> &'static str {
        match self {
            Self::Instance => "ec2",
            Self::Role => "iam",
            Self::Function => "lambda",
            Self::Api => "apigateway",
            Self::LogGroup => "logs",
        }
    }
}

/// By its id; roles, functions and log groups by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object {
    pub sort: Sort,
    pub id: String,
}

/// The objects that a call says by id or name.
pub fn named(asked: &Asked) -> Vec<Object> {
    let Some(sort) = sort(asked) else { return Vec::new() };
    let ids = match sort {
        Sort::Instance => {
            let is_id = |field: &str| field == "InstanceId" || field.starts_with("InstanceId.");
            asked.form().into_iter().filter(|(field, _)| is_id(field)).map(|(_, id)| id).collect()
        }
        Sort::Role => asked.field("RoleName").into_iter().collect(),
        Sort::Function => {
            let said = asked.under("functions").or_else(|| asked.under("tags"));
            let created = || asked.json()["FunctionName"].as_str().map(str::to_owned);
            said.or_else(created).map(|said| last(&said, ':')).into_iter().collect()
        }
        Sort::Api => {
            let tagged = || asked.under("tags").map(|arn| last(&arn, '/'));
            asked.under("restapis").or_else(tagged).into_iter().collect()
        }
        Sort::LogGroup => groups(&asked.json()),
    };
    ids.into_iter().map(|id: String| Object { sort, id }).collect()
}

fn sort(asked: &Asked) -> Option<Sort> {
    Sort::ALL.into_iter().find(|sort| sort.service() == asked.operation.service)
}

fn last(text: &str, separator: char) -> String {
    text.rsplit(separator).next().unwrap_or(text).to_owned()
}

/// `…:log-group:NAME`, `…:log-group:NAME:*` or a name.
fn groups(body: &Value) -> Vec<String> {
    let fields = ["logGroupName", "logGroupIdentifier", "resourceArn"];
    let said = fields.iter().filter_map(|field| body[field].as_str());
    said.map(|said| {
        let name = said.split(":log-group:").last().unwrap_or(said);
        name.trim_end_matches(":*").to_owned()
    })
    .collect()
}

/// The objects that a call has made, by what was answered.
pub fn made(asked: &Asked, answer: &Answer) -> Vec<Object> {
    let Some(sort) = sort(asked).filter(|sort| is_done(answer, asked, sort.create())) else {
        return Vec::new();
    };
    let ids = match sort {
        Sort::Instance => texts(&String::from_utf8_lossy(answer.body()), "instanceId"),
        Sort::Api => {
            let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
            body["id"].as_str().map(str::to_owned).into_iter().collect()
        }
        _ => return named(asked),
    };
    ids.into_iter().map(|id| Object { sort, id }).collect()
}

/// The objects that a call has ended, by what was answered.
pub fn ended(asked: &Asked, answer: &Answer) -> Vec<Object> {
    match sort(asked).filter(|sort| is_done(answer, asked, sort.delete())) {
        Some(_) => named(asked),
        None => Vec::new(),
    }
}

fn is_done(answer: &Answer, asked: &Asked, name: &str) -> bool {
    asked.operation.name == name && answer.status().is_success()
}

/// The texts of an XML element.
pub fn texts(xml: &str, element: &str) -> Vec<String> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let texts = xml.split(&open).skip(1).filter_map(|rest| rest.split(&close).next());
    texts.map(str::to_owned).collect()
}
