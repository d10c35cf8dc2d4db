use proptest::prelude::*;

use super::Direction::{Egress, Ingress};
use super::*;

#[track_caller]
fn check(direction: Direction, text: &str, expected: &[&str]) {
    let normal = direction.normalize(&[text.to_owned()]);
    assert_eq!(
        normal.as_deref(),
        Ok(&expected.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>()[..])
    );
    // The normal form is its own normal form, and `check` accepts both.
    assert_eq!(direction.normalize(normal.as_ref().expect("rules")), normal, "{text}");
    assert_eq!(direction.check(text), None, "{text}");
}

#[test]
fn a_rule_has_one_normal_form() {
    check(Ingress, "tcp 22 from 203.0.113.0/24", &["tcp 22 from 203.0.113.0/24"]);
    check(Ingress, "ssh from 203.0.113.7", &["tcp 22 from 203.0.113.7/32"]);
    check(Ingress, "tcp 22-22 from 203.0.113.0/24", &["tcp 22 from 203.0.113.0/24"]);
    check(Ingress, "https from anywhere", &["tcp 443 from 0.0.0.0/0", "tcp 443 from ::/0"]);
    check(Ingress, "tcp 0-65535 from self", &["tcp from self"]);
    check(Ingress, "dns from sg-1", &["tcp 53 from sg-1", "udp 53 from sg-1"]);
    check(Ingress, "udp 60000-61000 from pl-1", &["udp 60000-61000 from pl-1"]);
    check(Ingress, "all from self", &["all from self"]);
    check(Ingress, "protocol 50 from 2001:DB8:0::/32", &["protocol 50 from 2001:db8::/32"]);
    check(Egress, "all to anywhere", &["all to 0.0.0.0/0", "all to ::/0"]);
    check(Egress, "https to 0.0.0.0/1", &["tcp 443 to 0.0.0.0/1"]);
}

#[test]
fn icmp_is_another_protocol_for_ipv6() {
    check(Ingress, "icmp from anywhere", &["icmp from 0.0.0.0/0", "icmpv6 from ::/0"]);
    check(Ingress, "icmp from 2001:db8::/32", &["icmpv6 from 2001:db8::/32"]);
    check(Ingress, "icmp 8 from anywhere", &["icmp 8 from 0.0.0.0/0"]);
    check(Ingress, "icmp 3/4 from sg-1", &["icmp 3/4 from sg-1"]);
    check(Ingress, "icmpv6 128 from anywhere", &["icmpv6 128 from ::/0"]);
}

#[test]
fn rules_are_sorted_and_each_is_there_once() {
    let texts = ["tcp 80 from 0.0.0.0/0", "http from anywhere", "all from self"];
    let normal = Ingress.normalize(&texts.map(str::to_owned)).expect("rules");
    assert_eq!(normal, ["all from self", "tcp 80 from 0.0.0.0/0", "tcp 80 from ::/0"]);
}

#[test]
fn a_text_that_is_no_rule_is_explained() {
    let message = |direction: Direction, text: &str| {
        let Wrong { message, hint } = direction.check(text).expect(text);
        assert!(!hint.is_empty());
        message
    };
    assert_eq!(message(Ingress, "tcp 22"), "`tcp 22` is not a rule");
    assert_eq!(message(Ingress, "ssh to self"), "a rule of `ingress` says `from`");
    assert_eq!(message(Egress, "ssh from self"), "a rule of `egress` says `to`");
    assert_eq!(message(Ingress, "tcp 9-8 from self"), "`9-8` is not a range of ports");
    assert_eq!(message(Ingress, "tcp 70000 from self"), "`70000` is not a range of ports");
    assert_eq!(
        message(Ingress, "telnet from self"),
        "`telnet` is no protocol that a rule can name"
    );
    assert_eq!(message(Ingress, "ssh 22 from self"), "`ssh` has its own port");
    assert_eq!(message(Ingress, "all 22 from self"), "`all` has no ports");
    assert_eq!(message(Ingress, "300 from self"), "`300` is no protocol that a rule can name");
    assert_eq!(message(Ingress, "protocol 6 from self"), "protocol 6 has a name");
    for number in ["256", "-1", "all", "50 1", "050", ""] {
        let said = message(Ingress, &format!("protocol {number} from self"));
        assert_eq!(said, format!("`{number}` is not the number of a protocol"));
    }
    for peer in ["sg-nope", "pl-", "sg-", "vpc-1"] {
        let said = message(Ingress, &format!("ssh from {peer}"));
        assert_eq!(said, format!("`{peer}` is neither a network nor a group"));
    }
    assert_eq!(message(Ingress, "ssh from web"), "`web` is neither a network nor a group");
    assert_eq!(
        message(Ingress, "ssh from 10.0.0.0/33"),
        "`10.0.0.0/33` is neither a network nor a group"
    );
    assert_eq!(
        message(Ingress, "ssh from 203.0.113.5/24"),
        "`203.0.113.5/24` is an address inside the network `203.0.113.0/24`"
    );
    assert_eq!(
        message(Ingress, "ssh from 10.1.2.3/0"),
        "`10.1.2.3/0` is an address inside the network `0.0.0.0/0`"
    );
    for nobody in ["0.0.0.0", "::", "0.0.0.0/8"] {
        let said = message(Ingress, &format!("ssh from {nobody}"));
        assert_eq!(said, format!("`{nobody}` is the address of no machine"));
    }
    assert_eq!(message(Ingress, "ssh from sg-1 sg-2"), "`sg-1 sg-2` is more than one address");
    assert_eq!(message(Ingress, "icmp 8 from 2001:db8::/32"), "`icmp 8` is a message of IPv4");
    assert_eq!(message(Ingress, "icmpv6 from 10.0.0.0/8"), "`icmpv6` is a message of IPv6");
    assert_eq!(message(Ingress, "icmp 8 from ::/0"), "`icmp 8` is a message of IPv4");
}

#[test]
fn what_was_probably_meant_is_suggested() {
    let hint = |text: &str| Ingress.check(text).expect(text).hint;
    for (text, meant) in [
        ("TCP 22 from self", "tcp 22"),
        ("tpc 22 from self", "tcp 22"),
        ("8080 from self", "tcp 8080"),
        ("22 from self", "tcp 22"),
        ("8000-8100 from self", "tcp 8000-8100"),
        ("postgress from self", "postgres"),
        ("HTTPS from self", "https"),
        ("-1 from self", "all"),
        ("any from self", "all"),
        ("ssh from Anywhere", "anywhere"),
        ("ssh from anywere", "anywhere"),
    ] {
        assert_eq!(hint(text), format!("did you mean `{meant}`?"), "{text}");
    }
    assert!(hint("telnet from self").contains("protocol 50"));
}

#[test]
fn references_may_stand_anywhere_until_they_are_known() {
    for text in ["ssh from ${security_group.a.id}", "tcp ${env.P} from self", "${env.RULE}"] {
        assert_eq!(Ingress.check(text), None, "{text}");
    }
    let wrong = Ingress.check("telnet from ${env.OFFICE}").expect("no such service");
    assert_eq!(wrong.message, "`telnet` is no protocol that a rule can name");
    let unknown = "ssh from \u{1}security_group.a.id\u{1}";
    let normal = Ingress.normalize(&[unknown.to_owned()]).expect("a rule");
    assert_eq!(normal, ["tcp 22 from \u{1}security_group.a.id\u{1}"]);
}

fn traffic() -> impl Strategy<Value = Traffic> {
    let ports = || {
        (0..=u16::MAX, 0..=u16::MAX).prop_map(|(a, b)| Ports { first: a.min(b), last: a.max(b) })
    };
    let messages = || {
        let number = || proptest::option::of(0..=u8::MAX);
        (number(), number())
            .prop_map(|(kind, code)| Messages { kind, code: code.filter(|_| kind.is_some()) })
    };
    let other = (0..=u8::MAX).prop_filter("one of the others", |n| ![1, 6, 17, 58].contains(n));
    prop_oneof![
        Just(Traffic::All),
        ports().prop_map(Traffic::Tcp),
        ports().prop_map(Traffic::Udp),
        messages().prop_map(Traffic::Icmp),
        messages().prop_map(Traffic::Icmpv6),
        other.prop_map(|number| Traffic::Other(number.to_string())),
    ]
}

fn peer() -> impl Strategy<Value = Peer> {
    let network =
        |address: IpAddr, length| Peer::Network(Network { address, length }.without_host());
    let is_somebody = |peer: &Peer| match peer {
        Peer::Network(network) => network.length < 8 || !network.address.is_unspecified(),
        _ => true,
    };
    prop_oneof![
        (0..=u32::MAX, 0..=32u8)
            .prop_map(move |(at, length)| network(IpAddr::V4(at.into()), length)),
        (0..=u128::MAX, 0..=128u8)
            .prop_map(move |(at, length)| network(IpAddr::V6(at.into()), length)),
        "pl-[0-9a-f]{8}".prop_map(Peer::PrefixList),
        "sg-[0-9a-f]{17}".prop_map(Peer::Group),
        Just(Peer::Itself),
    ]
    .prop_filter("the address of no machine", is_somebody)
}

proptest! {
    #[test]
    fn a_rule_that_is_printed_is_parsed_as_the_same_rule(traffic in traffic(), peer in peer()) {
        if let Ok(rule) = paired(&traffic, &peer) {
            for direction in [Ingress, Egress] {
                let texts = direction.print([rule.clone()]);
                prop_assert_eq!(direction.parse(&texts[0]), Ok(vec![rule.clone()]));
            }
        }
    }
}
