//! Changes of a security group.

use aws_sdk_ec2::error::SdkError;
use aws_sdk_ec2::operation::create_security_group::CreateSecurityGroupError;
use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, PrefixListId, UserIdGroupPair};
use stackwright_engine::kind::{Error, Fault, Result};

use super::observe::rules;
use super::rule::{Direction, Messages, Peer, Ports, Rule, Traffic};
use super::service::{CODES, SecurityGroups};
use super::spec::Spec;
use crate::fault::{code, explain};
use crate::wrong::Wrong;

/// What one direction lacks, and what it has too much.
#[derive(Default)]
struct Difference {
    missing: Vec<IpPermission>,
    surplus: Vec<IpPermission>,
}

/// Writing, each aspect by itself.
impl SecurityGroups {
    /// Authorizes what is missing before it revokes what is there too much, so that no traffic is cut
    /// off which passes before and after. The rules are read again: between the comparison and this
    /// call somebody else may have changed them.
    pub(super) async fn set_rules(
        &self,
        id: &str,
        direction: Direction,
        desired: &[String],
    ) -> Result<()> {
        let Some(seen) = self.by_id(id).await? else {
            return Err(Error::new(Fault::Conflict, format!("{id} is not there any more")));
        };
        let difference = difference(id, direction, desired, rules(&seen, direction))?;
        if !difference.missing.is_empty() {
            self.authorize(id, direction, difference.missing).await?;
        }
        if !difference.surplus.is_empty() {
            self.revoke(id, direction, difference.surplus).await?;
        }
        Ok(())
    }

    async fn authorize(
        &self,
        id: &str,
        direction: Direction,
        rules: Vec<IpPermission>,
    ) -> Result<()> {
        let ec2 = &self.ec2;
        match direction {
            Direction::Ingress => {
                let request = ec2.authorize_security_group_ingress().group_id(id);
                let sent = request.set_ip_permissions(Some(rules)).send().await.map(drop);
                sent.map_err(|error| explain_rules("AuthorizeSecurityGroupIngress", error))
            }
            Direction::Egress => {
                let request = ec2.authorize_security_group_egress().group_id(id);
                let sent = request.set_ip_permissions(Some(rules)).send().await.map(drop);
                sent.map_err(|error| explain_rules("AuthorizeSecurityGroupEgress", error))
            }
        }
    }

    async fn revoke(&self, id: &str, direction: Direction, rules: Vec<IpPermission>) -> Result<()> {
        let ec2 = &self.ec2;
        match direction {
            Direction::Ingress => {
                let request = ec2.revoke_security_group_ingress().group_id(id);
                let sent = request.set_ip_permissions(Some(rules)).send().await.map(drop);
                sent.map_err(|error| explain_rules("RevokeSecurityGroupIngress", error))
            }
            Direction::Egress => {
                let request = ec2.revoke_security_group_egress().group_id(id);
                let sent = request.set_ip_permissions(Some(rules)).send().await.map(drop);
                sent.map_err(|error| explain_rules("RevokeSecurityGroupEgress", error))
            }
        }
    }
}

fn difference(
    own: &str,
    direction: Direction,
    desired: &[String],
    seen: Vec<(Rule, IpPermission)>,
) -> Result<Difference> {
    let mut missing = Vec::new();
    for text in desired {
        let rules = direction.parse(text).map_err(|Wrong { message, hint }| {
            Error::terminal(message).with_field(direction.field()).with_hint(hint)
        })?;
        missing.extend(rules);
    }
    let surplus = seen.iter().filter(|(rule, _)| !missing.contains(rule));
    let surplus = surplus.map(|(_, permission)| permission.clone()).collect();
    missing.retain(|rule| seen.iter().all(|(other, _)| other != rule));
    let missing = missing.iter().map(|rule| permission(rule, own)).collect();
    Ok(Difference { missing, surplus })
}

/// A refused change of rules.
fn explain_rules<E>(call: &str, error: SdkError<E>) -> Error
where
    E: std::error::Error + aws_sdk_ec2::error::ProvideErrorMetadata + Send + Sync + 'static,
{
    let is_full = code(&error) == Some("RulesPerSecurityGroupLimitExceeded");
    let error = explain(call, error, CODES);
    if !is_full {
        return error;
    }
    error.with_hint(
        "new rules are added before old ones are removed: use fewer, or ask AWS for a larger quota",
    )
}

/// What came of a create that EC2 refused.
pub(super) fn explain_create(error: SdkError<CreateSecurityGroupError>, spec: &Spec) -> Error {
    let lacks_vpc = code(&error) == Some("VPCIdNotSpecified");
    let error = explain("CreateSecurityGroup", error, CODES);
    if lacks_vpc && spec.vpc.is_none() {
        error.with_hint("this region has no default network: write `vpc: vpc-…`")
    } else {
        error
    }
}

/// A rule as EC2 takes it. `own`: the id of the group that has it.
pub(super) fn permission(rule: &Rule, own: &str) -> IpPermission {
    const EVERY: i32 = -1;
    let number = |number: Option<u8>| number.map_or(EVERY, i32::from);
    let ports = |Ports { first, last }: Ports| (Some(first.into()), Some(last.into()));
    let messages = |Messages { kind, code }: Messages| (Some(number(kind)), Some(number(code)));
    let (protocol, (from, to)) = match &rule.traffic {
        Traffic::All => ("-1", (None, None)),
        Traffic::Tcp(range) => ("tcp", ports(*range)),
        Traffic::Udp(range) => ("udp", ports(*range)),
        Traffic::Icmp(which) => ("icmp", messages(*which)),
        Traffic::Icmpv6(which) => ("icmpv6", messages(*which)),
        Traffic::Other(number) => (number.as_str(), (None, None)),
    };
    let permission =
        IpPermission::builder().ip_protocol(protocol).set_from_port(from).set_to_port(to);
    let pair = |id: &str| UserIdGroupPair::builder().group_id(id).build();
    match &rule.peer {
        Peer::Network(network) if network.address.is_ipv4() => {
            permission.ip_ranges(IpRange::builder().cidr_ip(rule.peer.to_string()).build())
        }
        Peer::Network(_) => {
            permission.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(rule.peer.to_string()).build())
        }
        Peer::PrefixList(id) => {
            permission.prefix_list_ids(PrefixListId::builder().prefix_list_id(id).build())
        }
        Peer::Group(id) => permission.user_id_group_pairs(pair(id)),
        Peer::Itself => permission.user_id_group_pairs(pair(own)),
    }
    .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_difference_is_sent() {
        let rules = |texts: &[&str]| -> Vec<(Rule, IpPermission)> {
            let parse = |text: &&str| Direction::Ingress.parse(text).expect("a rule").remove(0);
            texts.iter().map(parse).map(|rule| (rule.clone(), permission(&rule, "sg-1"))).collect()
        };
        let seen = rules(&["tcp 22 from 10.0.0.0/8", "tcp 80 from self"]);
        let desired = ["tcp 22 from 10.0.0.0/8", "tcp 443 from ::/0"].map(str::to_owned);
        let Difference { missing, surplus } =
            difference("sg-1", Direction::Ingress, &desired, seen).expect("rules");
        let sent = |texts: &[&str]| -> Vec<IpPermission> {
            rules(texts).into_iter().map(|(_, permission)| permission).collect()
        };
        assert_eq!(missing, sent(&["tcp 443 from ::/0"]));
        assert_eq!(surplus, sent(&["tcp 80 from self"]));
    }
}
