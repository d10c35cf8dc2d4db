//! What exists of security groups.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_ec2::types::{
    Filter, IpPermission, IpRange, Ipv6Range, PrefixListId, SecurityGroup as Seen, UserIdGroupPair,
};
use stackwright_engine::kind::{Found, Handle, Live, Memo, Readiness, Result};

use super::config;
use super::rule::{Direction, Messages, Network, Peer, Ports, Rule, Traffic, protocol};
use super::service::{CODES, SecurityGroups};
use super::spec::Spec;
use crate::ec2::filter;
use crate::fault::{Explain as _, code};
use crate::tags;

/// What EC2 says of the id of a group that does not exist, or of what cannot be such an id.
const NO_SUCH: [&str; 2] = ["InvalidGroup.NotFound", "InvalidGroupId.Malformed"];

/// Reading.
impl SecurityGroups {
    /// At most [`CHUNK`](super::CHUNK) handles. Several are read by a filter: by ids, one unknown id would fail the
    /// whole call.
    pub(super) async fn read(&self, handles: &[Handle<Spec>]) -> Vec<Result<Option<Live<Spec>>>> {
        let seen = match handles {
            [one] => self.by_id(&one.id).await.map(Vec::from_iter),
            _ => {
                let ids = handles.iter().map(|handle| handle.id.clone());
                self.describe(vec![filter("group-id", ids)]).await
            }
        };
        let seen = match seen {
            Ok(seen) => seen,
            Err(error) => return handles.iter().map(|_| Err(error.again())).collect(),
        };
        let by_id: HashMap<&str, &Seen> =
            seen.iter().filter_map(|seen| Some((seen.group_id()?, seen))).collect();
        let live =
            |handle: &Handle<Spec>| by_id.get(handle.id.as_str()).map(|seen| self.live(seen));
        handles.iter().map(|handle| Ok(live(handle))).collect()
    }

    /// Reads one group by its id. An endpoint that ignores the filter for ids would answer with all groups, and
    /// the work of a run would grow with the square of their number.
    pub(super) async fn by_id(&self, id: &str) -> Result<Option<Seen>> {
        let sent = self.ec2.describe_security_groups().group_ids(id).send().await;
        let seen = match sent {
            Err(error) if code(&error).is_some_and(|code| NO_SUCH.contains(&code)) => Vec::new(),
            sent => {
                let reply = sent.explain("DescribeSecurityGroups", CODES)?;
                reply.security_groups.unwrap_or_default()
            }
        };
        Ok(seen.into_iter().find(|seen| seen.group_id() == Some(id)))
    }

    pub(super) async fn describe(&self, filters: Vec<Filter>) -> Result<Vec<Seen>> {
        let request = self.ec2.describe_security_groups().set_filters(Some(filters));
        let pages = request.into_paginator().send();
        let pages: Vec<_> = pages.try_collect().await.explain("DescribeSecurityGroups", CODES)?;
        Ok(pages.into_iter().flat_map(|page| page.security_groups.unwrap_or_default()).collect())
    }

    fn live(&self, seen: &Seen) -> Live<Spec> {
        Live {
            spec: spec(seen),
            outputs: self.outputs(seen.owner_id().unwrap_or_default(), id(seen)),
            fingerprints: BTreeMap::new(),
            identity: None,
            readiness: Readiness::Ready,
            notes: Vec::new(),
            facts: BTreeMap::new(),
            memo: Memo::default(),
        }
    }

    pub(super) fn outputs(&self, owner: &str, id: &str) -> BTreeMap<String, String> {
        let (partition, region) = (self.cloud.partition(), &self.cloud.region);
        let arn = format!("arn:{partition}:ec2:{region}:{owner}:security-group/{id}");
        [("id", id.to_owned()), ("arn", arn)].map(|(name, value)| (name.to_owned(), value)).into()
    }

    pub(super) fn found(&self, seen: &Seen) -> Found {
        Found {
            id: id(seen).to_owned(),
            name: seen.group_name().unwrap_or_default().to_owned(),
            tags: tags::from_ec2(seen.tags()),
            outputs: self.outputs(seen.owner_id().unwrap_or_default(), id(seen)),
            created: None,
        }
    }
}

fn id(seen: &Seen) -> &str {
    seen.group_id().unwrap_or_default()
}

fn spec(seen: &Seen) -> Spec {
    let rules = |direction: Direction| {
        direction.print(rules(seen, direction).into_iter().map(|(rule, _)| rule))
    };
    Spec {
        name: seen.group_name().unwrap_or_default().to_owned(),
        tags: tags::from_ec2(seen.tags()),
        description: Some(seen.description().unwrap_or_default().to_owned()),
        vpc: seen.vpc_id().map(str::to_owned),
        ingress: Some(rules(Direction::Ingress)),
        egress: Some(rules(Direction::Egress)),
    }
}

/// Rules of a direction that the file does not manage.
pub(super) fn unmanaged(ours: &Spec, seen: &Spec) -> Vec<String> {
    let left = |ours: &Option<Vec<String>>, seen: &Option<Vec<String>>| match ours {
        Some(_) => Vec::new(),
        None => seen.clone().unwrap_or_default(),
    };
    let ingress = left(&ours.ingress, &seen.ingress);
    let mut egress = left(&ours.egress, &seen.egress);
    if egress == [config::EGRESS] {
        egress.clear();
    }
    let phrase =
        |direction: Direction, rule: &String| format!("{} rule `{rule}`", direction.field());
    let ingress = ingress.iter().map(|rule| phrase(Direction::Ingress, rule));
    ingress.chain(egress.iter().map(|rule| phrase(Direction::Egress, rule))).collect()
}

/// The rules of a group, each with what EC2 must be sent to revoke it.
pub(super) fn rules(seen: &Seen, direction: Direction) -> Vec<(Rule, IpPermission)> {
    let permissions = match direction {
        Direction::Ingress => seen.ip_permissions(),
        Direction::Egress => seen.ip_permissions_egress(),
    };
    permissions.iter().flat_map(|permission| split(permission, seen)).collect()
}

/// One permission of EC2 has many peers; each of them is a rule.
fn split(permission: &IpPermission, of: &Seen) -> Vec<(Rule, IpPermission)> {
    let traffic = traffic(permission);
    let bare = || {
        IpPermission::builder()
            .set_ip_protocol(permission.ip_protocol.clone())
            .set_from_port(permission.from_port)
            .set_to_port(permission.to_port)
    };
    let network = |cidr: &str| match Network::parse(cidr) {
        Ok(network) => Peer::Network(network),
        Err(_) => Peer::Group(cidr.to_owned()),
    };
    let ipv4 =
        permission.ip_ranges().iter().filter_map(|range| range.cidr_ip()).map(|cidr| {
            (network(cidr), bare().ip_ranges(IpRange::builder().cidr_ip(cidr).build()))
        });
    let ipv6 = permission.ipv6_ranges().iter().filter_map(|range| range.cidr_ipv6()).map(|cidr| {
        (network(cidr), bare().ipv6_ranges(Ipv6Range::builder().cidr_ipv6(cidr).build()))
    });
    let lists = permission.prefix_list_ids().iter().filter_map(|list| list.prefix_list_id());
    let lists = lists.map(|id| {
        let list = PrefixListId::builder().prefix_list_id(id).build();
        (Peer::PrefixList(id.to_owned()), bare().prefix_list_ids(list))
    });
    let groups = permission.user_id_group_pairs().iter().map(|pair| {
        let group = pair.group_id().unwrap_or_default();
        let peer = if group == id(of) { Peer::Itself } else { Peer::Group(group.to_owned()) };
        // EC2 finds a group of another account only with that account.
        let account = pair.user_id().filter(|account| Some(*account) != of.owner_id());
        let pair = UserIdGroupPair::builder().group_id(group);
        let pair = pair.set_user_id(account.map(str::to_owned));
        (peer, bare().user_id_group_pairs(pair.build()))
    });
    let all = ipv4.chain(ipv6).chain(lists).chain(groups);
    all.map(|(peer, permission)| (Rule { traffic: traffic.clone(), peer }, permission.build()))
        .collect()
}

fn traffic(permission: &IpPermission) -> Traffic {
    let name = permission.ip_protocol().unwrap_or("-1");
    let port = |port: Option<i32>, otherwise: u16| {
        port.and_then(|port| u16::try_from(port).ok()).unwrap_or(otherwise)
    };
    let ports = || Ports {
        first: port(permission.from_port(), Ports::ALL.first),
        last: port(permission.to_port(), Ports::ALL.last),
    };
    let number = |number: Option<i32>| number.and_then(|number| u8::try_from(number).ok());
    let messages = || {
        let kind = number(permission.from_port());
        Messages { kind, code: number(permission.to_port()).filter(|_| kind.is_some()) }
    };
    match protocol(name) {
        Some("-1") => Traffic::All,
        Some("tcp") => Traffic::Tcp(ports()),
        Some("udp") => Traffic::Udp(ports()),
        Some("icmp") => Traffic::Icmp(messages()),
        Some("icmpv6") => Traffic::Icmpv6(messages()),
        _ => Traffic::Other(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security_group::write::permission;

    fn seen(permission: IpPermission) -> Seen {
        Seen::builder()
            .group_id("sg-own")
            .owner_id("111111111111")
            .group_name("web")
            .description("d")
            .vpc_id("vpc-1")
            .ip_permissions(permission)
            .build()
    }

    /// As DescribeSecurityGroups reports what a person has set in the console.
    #[test]
    fn each_peer_of_a_permission_is_a_rule() {
        let pair = |id: &str, account: &str| {
            let pair = UserIdGroupPair::builder().group_id(id).user_id(account);
            pair.description("by hand").build()
        };
        let permission = IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(22)
            .to_port(22)
            .ip_ranges(IpRange::builder().cidr_ip("10.0.0.0/8").description("office").build())
            .ipv6_ranges(Ipv6Range::builder().cidr_ipv6("::/0").build())
            .prefix_list_ids(PrefixListId::builder().prefix_list_id("pl-1").build())
            .user_id_group_pairs(pair("sg-other", "222222222222"))
            .user_id_group_pairs(pair("sg-own", "111111111111"))
            .build();
        let seen = seen(permission);
        let expected = ["10.0.0.0/8", "::/0", "pl-1", "sg-other", "self"];
        let expected = expected.map(|peer| format!("tcp 22 from {peer}"));
        assert_eq!(spec(&seen).ingress.as_deref(), Some(&expected[..]));
        assert_eq!(spec(&seen).egress, Some(Vec::new()));
        let revoked: Vec<IpPermission> = rules(&seen, Direction::Ingress)
            .into_iter()
            .map(|(_, permission)| permission)
            .collect();
        assert_eq!(revoked.len(), 5, "one peer each");
        assert_eq!(revoked[0].ip_ranges()[0].description(), None, "a rule is known without it");
        let account = |at: usize| revoked[at].user_id_group_pairs()[0].user_id();
        assert_eq!((account(3), account(4)), (Some("222222222222"), None));
    }

    /// Whatever is authorized is reported as the rule that was meant.
    #[test]
    fn what_is_sent_is_what_is_read() {
        let texts = [
            "all from self",
            "tcp from sg-1",
            "tcp 22 from 10.0.0.0/8",
            "udp 60000-61000 from pl-1",
            "icmp from 0.0.0.0/0",
            "icmp 8 from 10.0.0.0/8",
            "icmp 3/4 from sg-1",
            "icmpv6 from ::/0",
            "protocol 50 from 2001:db8::/32",
        ];
        for text in texts {
            let rule = Direction::Ingress.parse(text).expect(text).remove(0);
            let seen = seen(permission(&rule, "sg-own"));
            assert_eq!(spec(&seen).ingress, Some(vec![text.to_owned()]));
        }
    }

    #[test]
    fn only_what_the_file_leaves_to_others_is_reported() {
        let of = |ingress: Option<&[&str]>, egress: Option<&[&str]>| {
            let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
            Spec { ingress: ingress.map(list), egress: egress.map(list), ..Spec::default() }
        };
        let live = of(Some(&["all from self"]), Some(&[config::EGRESS]));
        let phrase = "ingress rule `all from self`";
        assert_eq!(unmanaged(&of(None, None), &live), [phrase]);
        assert_eq!(unmanaged(&of(Some(&[]), None), &live), [""; 0]);
        let open = of(Some(&[]), Some(&["all to ::/0"]));
        assert_eq!(unmanaged(&of(None, None), &open).len(), 1);
    }
}
