//! EC2's XML.

use super::groups::{Group, Peer, Rule};
use super::instances::Instance;
use crate::double::answer::{element, elements};
use crate::double::tagged::Tags;
use crate::double::{ACCOUNT, REGION};

/// When everything was created.
const CREATED: &str = "2026-01-01T00:00:00.000Z";
/// The device of an instance's disk.
const DEVICE: &str = "/dev/xvda";
/// The only network.
pub const VPC: &str = "vpc-00000000000000001";

/// A reservation of one instance.
pub fn reservation(id: &str, instances: &str) -> String {
    let id = id.replacen("i-", "r-", 1);
    let head = elements(&[("reservationId", &id), ("ownerId", ACCOUNT)]);
    format!("{head}<groupSet/><instancesSet>{instances}</instancesSet>")
}

pub fn instance((id, one, tags): (&str, &Instance, &Tags)) -> String {
    let (code, power) = one.power.names();
    let mut xml = String::with_capacity(1500);
    xml.push_str("<item>");
    let fields = [
        ("instanceId", id),
        ("imageId", &one.image),
        ("instanceType", &one.kind),
        ("launchTime", CREATED),
        ("privateIpAddress", "10.0.0.1"),
        ("subnetId", &one.subnet),
        ("vpcId", VPC),
        ("architecture", "x86_64"),
        ("rootDeviceType", "ebs"),
        ("rootDeviceName", DEVICE),
    ];
    fields.into_iter().for_each(|(name, text)| element(&mut xml, name, text));
    if let Some(key) = &one.key_name {
        element(&mut xml, "keyName", key);
    }
    let monitoring = if one.is_monitored { "enabled" } else { "disabled" };
    xml.push_str(&format!(
        "<instanceState><code>{code}</code><name>{power}</name></instanceState>\
         <monitoring><state>{monitoring}</state></monitoring>\
         <metadataOptions><state>applied</state><httpTokens>{}</httpTokens>\
         <httpPutResponseHopLimit>{}</httpPutResponseHopLimit><httpEndpoint>enabled</httpEndpoint>\
         </metadataOptions>",
        one.tokens, one.hop_limit
    ));
    if let Some(profile) = &one.profile {
        let arn = format!("arn:aws:iam::{ACCOUNT}:instance-profile/{profile}");
        xml.push_str(&format!(
            "<iamInstanceProfile><arn>{arn}</arn><id>AIPA{id}</id></iamInstanceProfile>"
        ));
    }
    if !one.is_terminated() {
        attachments(&mut xml, id, &one.groups);
    }
    tag_set(&mut xml, tags);
    xml.push_str("</item>");
    xml
}

/// The groups, the disk and the interface of an instance.
fn attachments(xml: &mut String, id: &str, groups: &[String]) {
    let mut group_set = String::new();
    for group in groups {
        group_set.push_str(&format!("<item>{}</item>", elements(&[("groupId", group)])));
    }
    let (disk, interface) = (volume_id(id), id.replacen("i-", "eni-", 1));
    xml.push_str(&format!(
        "<groupSet>{group_set}</groupSet>\
         <blockDeviceMapping><item><deviceName>{DEVICE}</deviceName><ebs><volumeId>{disk}</volumeId>\
         <status>attached</status></ebs></item></blockDeviceMapping>\
         <networkInterfaceSet><item><networkInterfaceId>{interface}</networkInterfaceId>\
         <groupSet>{group_set}</groupSet><attachment><deviceIndex>0</deviceIndex>\
         <status>attached</status></attachment></item></networkInterfaceSet>"
    ));
}

/// The disk of an instance.
pub fn volume((id, _, tags): (&str, &Instance, &Tags)) -> String {
    let disk = volume_id(id);
    let mut xml = format!(
        "<item><volumeId>{disk}</volumeId><size>8</size><volumeType>gp3</volumeType>\
         <encrypted>false</encrypted><status>in-use</status><createTime>{CREATED}</createTime>\
         <attachmentSet><item><volumeId>{disk}</volumeId><instanceId>{id}</instanceId>\
         <device>{DEVICE}</device><status>attached</status></item></attachmentSet>"
    );
    tag_set(&mut xml, tags);
    xml.push_str("</item>");
    xml
}

pub fn terminated(id: &str) -> String {
    format!(
        "<item><instanceId>{id}</instanceId>\
         <currentState><code>32</code><name>shutting-down</name></currentState>\
         <previousState><code>16</code><name>running</name></previousState></item>"
    )
}

pub fn group((id, one, tags): (&str, &Group, &Tags)) -> String {
    let mut xml = String::with_capacity(1000);
    xml.push_str("<item>");
    let arn = format!("arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/{id}");
    let fields = [
        ("ownerId", ACCOUNT),
        ("groupId", id),
        ("groupName", &one.name),
        ("groupDescription", &one.description),
        ("vpcId", &one.vpc),
        ("securityGroupArn", &arn),
    ];
    fields.into_iter().for_each(|(name, text)| element(&mut xml, name, text));
    for (name, rules) in [("ipPermissions", &one.ingress), ("ipPermissionsEgress", &one.egress)] {
        xml.push_str(&format!("<{name}>"));
        rules.iter().for_each(|rule| permission(&mut xml, rule));
        xml.push_str(&format!("</{name}>"));
    }
    tag_set(&mut xml, tags);
    xml.push_str("</item>");
    xml
}

fn permission(xml: &mut String, rule: &Rule) {
    xml.push_str("<item>");
    element(xml, "ipProtocol", &rule.protocol);
    for (name, port) in [("fromPort", &rule.from), ("toPort", &rule.to)] {
        if let Some(port) = port {
            element(xml, name, port);
        }
    }
    let (list, field, value) = match &rule.peer {
        Peer::Group(id) => ("groups", "groupId", id),
        Peer::Ipv4(cidr) => ("ipRanges", "cidrIp", cidr),
        Peer::Ipv6(cidr) => ("ipv6Ranges", "cidrIpv6", cidr),
        Peer::PrefixList(id) => ("prefixListIds", "prefixListId", id),
    };
    let owner = match rule.peer {
        Peer::Group(_) => elements(&[("userId", ACCOUNT)]),
        _ => String::new(),
    };
    let peer = elements(&[(field, value)]);
    xml.push_str(&format!("<{list}><item>{owner}{peer}</item></{list}></item>"));
}

fn tag_set(xml: &mut String, tags: &Tags) {
    xml.push_str("<tagSet>");
    for (key, value) in tags {
        xml.push_str("<item>");
        element(xml, "key", key);
        element(xml, "value", value);
        xml.push_str("</item>");
    }
    xml.push_str("</tagSet>");
}

fn volume_id(instance: &str) -> String {
    instance.replacen("i-", "vol-", 1)
}
