//! What exists on an emulator, asked without any SDK.

use std::collections::BTreeMap;

use crate::Emulator;
use crate::http::{send, signed};
use crate::kinds::text::items;
use crate::kinds::{KINDS, Kind, ListRequest, Object, kind};

/// Everything that exists: the objects of each kind, sorted by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census(BTreeMap<&'static str, Vec<Object>>);

/// How many objects there are of each kind; kinds without any are left out.
pub type Counts = BTreeMap<&'static str, usize>;

/// Expected counts, by the names of the kinds: `counts([("instance", 1), ("role", 2)])`.
#[track_caller]
pub fn counts<const N: usize>(expected: [(&str, usize); N]) -> Counts {
    let present = expected.into_iter().filter(|(_, count)| *count > 0);
    present.map(|(name, count)| (kind(name).name, count)).collect()
}

impl Census {
    /// How many objects there are of each kind.
    pub fn counts(&self) -> Counts {
        let counts = self.0.iter().map(|(kind, objects)| (*kind, objects.len()));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// How many objects there are of one kind.
    #[track_caller]
    pub fn count(&self, name: &str) -> usize {
        self.objects(name).len()
    }

    /// All objects of a kind.
    #[track_caller]
    pub fn objects(&self, name: &str) -> &[Object] {
        self.0.get(kind(name).name).map_or(&[], Vec::as_slice)
    }

    /// The ids of all objects of a kind; their names, where those are unique.
    #[track_caller]
    pub fn ids(&self, name: &str) -> Vec<String> {
        self.objects(name).iter().map(|object| object.id.clone()).collect()
    }

    /// The power state of each object that has one.
    pub fn power(&self) -> Vec<String> {
        self.0.values().flatten().filter_map(|object| object.power.clone()).collect()
    }

    /// The objects that are not in `other`, by their ids.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let left = |(kind, objects): (&&'static str, &Vec<Object>)| {
            let known = other.ids(kind);
            let left = objects.iter().filter(|object| !known.contains(&object.id)).cloned();
            (*kind, left.collect())
        };
        Self(self.0.iter().map(left).collect())
    }
}

impl Emulator {
    /// Lists all objects of all kinds.
    #[track_caller]
    pub fn census(&self) -> Census {
        Census(KINDS.iter().map(|kind| (kind.name, self.listed(kind))).collect())
    }

    #[track_caller]
    fn listed(&self, kind: &Kind) -> Vec<Object> {
        let Kind { service, list, .. } = kind;
        let operation = list.operation;
        let reply = match list.request {
            ListRequest::Form(form) => self.form(service, &format!("Action={operation}&{form}")),
            ListRequest::Get(path) => self.ask(service, "GET", path, "", ""),
            ListRequest::Target(prefix) => {
                let headers = format!(
                    "X-Amz-Target: {prefix}.{operation}\r\n\
                     Content-Type: application/x-amz-json-1.1\r\n"
                );
                self.ask(service, "POST", "", &headers, "{}")
            }
        };
        let mut objects = (list.objects)(&reply);
        objects.sort();
        objects
    }

    /// The deployments of an API, and the one that its stage points at, if it has that stage.
    #[track_caller]
    pub fn deployed(&self, api: &str, stage: &str) -> (Vec<String>, Option<String>) {
        let ask = |list: &str| {
            let reply = self.ask("apigateway", "GET", &format!("restapis/{api}/{list}"), "", "");
            items(&reply, "item")
        };
        let deployments = ask("deployments");
        let mut deployments: Vec<String> = deployments
            .iter()
            .filter_map(|deployment| deployment["id"].as_str().map(str::to_owned))
            .collect();
        deployments.sort();
        let stages = ask("stages");
        let stage = stages.iter().find(|found| found["stageName"] == stage);
        let current = stage.and_then(|stage| stage["deploymentId"].as_str());
        (deployments, current.map(str::to_owned))
    }

    /// Sends a form to EC2 or IAM without any client; the reply.
    #[track_caller]
    pub fn form(&self, service: &str, form: &str) -> String {
        self.ask(service, "POST", "", "Content-Type: application/x-www-form-urlencoded\r\n", form)
    }

    #[track_caller]
    fn ask(&self, service: &str, method: &str, path: &str, more: &str, body: &str) -> String {
        let headers = signed(service) + more;
        let (status, reply) = send(method, &format!("{}/{path}", self.url()), &headers, body);
        assert_eq!(status, 200, "{service} {method} /{path}: {reply}");
        reply
    }
}
