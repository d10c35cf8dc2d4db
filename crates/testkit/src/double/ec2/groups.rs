//! Security groups.

use std::collections::{BTreeSet, HashMap};

use super::render::{self, VPC};
use super::{Answer, DONE, Ec2, Filters, page};
use crate::double::form::Form;
use crate::proxy::Refusal;

/// The group of an instance that names none.
pub const DEFAULT_GROUP: &str = "sg-00000000000000000";

pub const GONE: Refusal =
    Refusal::new(400, "InvalidGroup.NotFound").saying("the security group does not exist");
const DUPLICATE: Refusal =
    Refusal::new(400, "InvalidGroup.Duplicate").saying("the network has a group of this name");
const IN_USE: Refusal =
    Refusal::new(400, "DependencyViolation").saying("something uses the security group");
const RULE_DUPLICATE: Refusal =
    Refusal::new(400, "InvalidPermission.Duplicate").saying("the group has this rule");
const RULE_GONE: Refusal =
    Refusal::new(400, "InvalidPermission.NotFound").saying("the group does not have this rule");

#[derive(Clone, Debug)]
pub struct Group {
    pub name: String,
    pub description: String,
    pub vpc: String,
    pub ingress: BTreeSet<Rule>,
    pub egress: BTreeSet<Rule>,
    /// How many instances, and rules of other groups, name it.
    uses: usize,
}

/// One protocol, range of ports and peer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    pub protocol: String,
    pub from: Option<String>,
    pub to: Option<String>,
    pub peer: Peer,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    Group(String),
    Ipv4(String),
    Ipv6(String),
    PrefixList(String),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Ingress,
    Egress,
}

impl Rule {
    /// What AWS lets out of a new group: everything.
    fn open() -> Self {
        let peer = Peer::Ipv4("0.0.0.0/0".to_owned());
        Self { protocol: "-1".to_owned(), from: None, to: None, peer }
    }

    /// The rules of a request: one for each peer of each permission.
    fn read(form: &Form) -> Vec<Self> {
        type Make = fn(String) -> Peer;
        let peers: [(&str, &str, Make); 4] = [
            ("Groups", "GroupId", Peer::Group),
            ("IpRanges", "CidrIp", Peer::Ipv4),
            ("Ipv6Ranges", "CidrIpv6", Peer::Ipv6),
            ("PrefixListIds", "PrefixListId", Peer::PrefixList),
        ];
        let mut rules = Vec::new();
        for number in 1.. {
            let permission = format!("IpPermissions.{number}");
            let Some(protocol) = form.get(&format!("{permission}.IpProtocol")) else { break };
            let port = |name: &str| form.get(&format!("{permission}.{name}")).map(str::to_owned);
            for (list, field, make) in peers {
                let value = |at: usize| form.get(&format!("{permission}.{list}.{at}.{field}"));
                rules.extend((1..).map_while(value).map(|value| Self {
                    protocol: protocol.to_owned(),
                    from: port("FromPort"),
                    to: port("ToPort"),
                    peer: make(value.to_owned()),
                }));
            }
        }
        rules
    }
}

impl Group {
    fn rules(&mut self, direction: Direction) -> &mut BTreeSet<Rule> {
        match direction {
            Direction::Ingress => &mut self.ingress,
            Direction::Egress => &mut self.egress,
        }
    }
}

impl Ec2 {
    pub(super) fn of_groups(&mut self, name: &str, form: &Form) -> Option<Answer> {
        Some(match name {
            "CreateSecurityGroup" => self.create_group(form),
            "DescribeSecurityGroups" => self.describe_groups(form),
            "AuthorizeSecurityGroupIngress" => self.authorize(form, Direction::Ingress),
            "AuthorizeSecurityGroupEgress" => self.authorize(form, Direction::Egress),
            "RevokeSecurityGroupIngress" => self.revoke(form, Direction::Ingress),
            "RevokeSecurityGroupEgress" => self.revoke(form, Direction::Egress),
            "DeleteSecurityGroup" => self.delete_group(form),
            _ => return None,
        })
    }

    fn create_group(&mut self, form: &Form) -> Answer {
        let vpc = form.get("VpcId").unwrap_or(VPC).to_owned();
        let key = (vpc.clone(), form.text("GroupName").to_owned());
        if self.group_names.contains_key(&key) {
            return Err(DUPLICATE);
        }
        let id = self.new_id("sg");
        let group = Group {
            name: key.1.clone(),
            description: form.text("GroupDescription").to_owned(),
            vpc,
            ingress: BTreeSet::new(),
            egress: BTreeSet::from([Rule::open()]),
            uses: 0,
        };
        self.groups.insert(&id, group, form.tags("TagSpecification.1.Tag"));
        self.group_names.insert(key, id.clone());
        Ok(format!("<groupId>{id}</groupId>"))
    }

    fn describe_groups(&self, form: &Form) -> Answer {
        let ids = form.list("GroupId");
        if ids.iter().any(|id| self.groups.get(id).is_none()) {
            return Err(GONE);
        }
        let selection = Filters::of(form).selection(ids, "group-id")?;
        let (page, next) = page(self.groups.select(&selection), form);
        let items: String = page.into_iter().map(render::group).collect();
        Ok(format!("<securityGroupInfo>{items}</securityGroupInfo>{next}"))
    }

    /// All of the rules, or none of them.
    fn authorize(&mut self, form: &Form, direction: Direction) -> Answer {
        let id = form.text("GroupId");
        let new = Rule::read(form);
        if !peers(&new, id).iter().all(|peer| self.groups.get(peer).is_some()) {
            return Err(GONE);
        }
        let rules = self.groups.get_mut(id).ok_or(GONE)?.rules(direction);
        if new.iter().any(|rule| rules.contains(rule)) {
            return Err(RULE_DUPLICATE);
        }
        rules.extend(new.iter().cloned());
        self.use_groups(&peers(&new, id), true);
        Ok(DONE.to_owned())
    }

    fn revoke(&mut self, form: &Form, direction: Direction) -> Answer {
        let id = form.text("GroupId");
        let old = Rule::read(form);
        let rules = self.groups.get_mut(id).ok_or(GONE)?.rules(direction);
        if !old.iter().all(|rule| rules.contains(rule)) {
            return Err(RULE_GONE);
        }
        rules.retain(|rule| !old.contains(rule));
        self.use_groups(&peers(&old, id), false);
        Ok(DONE.to_owned())
    }

    fn delete_group(&mut self, form: &Form) -> Answer {
        let id = form.text("GroupId");
        if self.groups.get(id).ok_or(GONE)?.uses > 0 {
            return Err(IN_USE);
        }
        if let Some(group) = self.groups.remove(id) {
            let rules: Vec<Rule> = group.ingress.into_iter().chain(group.egress).collect();
            self.use_groups(&peers(&rules, id), false);
            self.group_names.remove(&(group.vpc, group.name));
        }
        Ok(DONE.to_owned())
    }

    /// Notes that something begins to use groups, or ends it.
    pub(super) fn use_groups(&mut self, ids: &[String], begins: bool) {
        for id in ids {
            let Some(group) = self.groups.get_mut(id) else { continue };
            group.uses = if begins { group.uses + 1 } else { group.uses.saturating_sub(1) };
        }
    }
}

/// The other groups that rules name.
fn peers(rules: &[Rule], own: &str) -> Vec<String> {
    let group = |rule: &Rule| match &rule.peer {
        Peer::Group(id) if id != own => Some(id.clone()),
        _ => None,
    };
    rules.iter().filter_map(group).collect()
}

/// The ids of groups by network and name.
pub type Names = HashMap<(String, String), String>;
