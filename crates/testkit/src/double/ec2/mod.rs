//! EC2: instances and security groups.

mod groups;
mod instances;
mod render;

use std::collections::HashMap;

use super::answer::{Body, Outcome};
use super::call::Call;
use super::form::Form;
use super::tagged::{Selection, Tagged, Tags};
use crate::proxy::Refusal;
use groups::Group;
use instances::Instance;

/// The namespace of EC2's replies.
const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";
/// The most objects on one page.
const PAGE: usize = 1000;

/// What follows the name of a reply, or an error.
type Answer = Result<String, Refusal>;

#[derive(Default)]
pub struct Ec2 {
    instances: Tagged<Instance>,
    groups: Tagged<Group>,
    group_names: groups::Names,
    /// The instances that were created with a token.
    tokens: HashMap<String, String>,
    last_id: u64,
}

impl Ec2 {
    /// How many instances are not terminated.
    pub fn instances(&self) -> usize {
        self.instances.values().filter(|one| !one.is_terminated()).count()
    }

    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    pub fn answer(&mut self, call: &Call) -> Option<Outcome> {
        let name = call.operation.name.as_str();
        let form = call.form();
        let answer = self.of_instances(name, &form).or_else(|| self.of_groups(name, &form));
        let answer = answer.or_else(|| self.of_tags(name, &form)).or_else(|| nothing_of(name))?;
        Some(answer.map(|inner| {
            Body::Xml(format!(
                "<{name}Response xmlns=\"{NAMESPACE}\"><requestId>0</requestId>{inner}</{name}Response>"
            ))
        }))
    }

    fn of_tags(&mut self, name: &str, form: &Form) -> Option<Answer> {
        let is_known = match name {
            "CreateTags" => {
                let tags = form.tags("Tag");
                form.list("ResourceId").iter().all(|id| self.tag(id, &tags))
            }
            "DeleteTags" => {
                let keys: Vec<String> = form.tags("Tag").into_keys().collect();
                form.list("ResourceId").iter().all(|id| self.untag(id, &keys))
            }
            _ => return None,
        };
        let unknown = Refusal::new(400, "InvalidID").saying("the resource does not exist");
        Some(if is_known { Ok(DONE.to_owned()) } else { Err(unknown) })
    }

    fn tag(&mut self, id: &str, tags: &Tags) -> bool {
        self.instances.tag(id, tags.clone()) || self.groups.tag(id, tags.clone())
    }

    fn untag(&mut self, id: &str, keys: &[String]) -> bool {
        self.instances.untag(id, keys) || self.groups.untag(id, keys)
    }

    /// An id that sorts behind all former ones.
    fn new_id(&mut self, prefix: &str) -> String {
        self.last_id += 1;
        format!("{prefix}-{:017x}", self.last_id)
    }
}

/// Lists of what nobody can make here: a destroy searches objects of every kind.
fn nothing_of(name: &str) -> Option<Answer> {
    match name {
        "DescribeAddresses" => Some(Ok("<addressesSet/>".to_owned())),
        "DescribeKeyPairs" => Some(Ok("<keySet/>".to_owned())),
        _ => None,
    }
}

/// The inside of a reply that says no more than that it was done.
const DONE: &str = "<return>true</return>";

/// The filters of a request, by name.
struct Filters<'a>(Vec<(&'a str, Vec<&'a str>)>);

impl<'a> Filters<'a> {
    fn of(form: &'a Form) -> Self {
        let names = (1..).map_while(|at| Some((at, form.get(&format!("Filter.{at}.Name"))?)));
        Self(names.map(|(at, name)| (name, form.list(&format!("Filter.{at}.Value")))).collect())
    }

    fn take(&mut self, name: &str) -> Option<Vec<&'a str>> {
        let at = self.0.iter().position(|(other, _)| *other == name)?;
        Some(self.0.remove(at).1)
    }

    /// Selects by a list of ids, the filter of ids and those of tags; any other filter is refused.
    fn selection(mut self, ids: Vec<&'a str>, filter: &str) -> Result<Selection<'a>, Refusal> {
        let filtered = self.take(filter);
        let ids = if ids.is_empty() { filtered } else { Some(ids) };
        let of_tag = |(name, values)| Some((str::strip_prefix(name, "tag:")?, values));
        let tags: Option<Vec<_>> = self.0.into_iter().map(of_tag).collect();
        let unknown = Refusal::new(400, "InvalidParameterValue");
        let tags = tags.ok_or(unknown.saying("the double does not know this filter"))?;
        Ok(Selection { ids, tags })
    }
}

/// One page of a list, and the token of the next one.
fn page<T>(all: impl Iterator<Item = T>, form: &Form) -> (Vec<T>, String) {
    let start: usize = form.text("NextToken").parse().unwrap_or_default();
    let size: usize = form.text("MaxResults").parse().unwrap_or(PAGE);
    let mut rest = all.skip(start);
    let page: Vec<T> = rest.by_ref().take(size).collect();
    let next = match rest.next() {
        Some(_) => format!("<nextToken>{}</nextToken>", start + size),
        None => String::new(),
    };
    (page, next)
}
