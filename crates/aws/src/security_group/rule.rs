//! A rule of a security group: the text of the file, its normal form, and what EC2 takes.
//!
//! A text may mean several rules: `https from anywhere` is one for IPv4 and one for IPv6, `dns from
//! self` one for TCP and one for UDP. The normal form has one text for each rule that EC2 counts.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use stackwright_engine::manifest::nearest;
use stackwright_engine::reference::{is_open, is_reserved};

use crate::id::is_id;
use crate::wrong::Wrong;

/// Which way a rule lets traffic pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Ingress,
    Egress,
}

/// One rule: which traffic, and with whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    pub traffic: Traffic,
    pub peer: Peer,
}

/// A protocol and its ports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Traffic {
    All,
    Tcp(Ports),
    Udp(Ports),
    Icmp(Messages),
    Icmpv6(Messages),
    /// Any other protocol by its number, as text; such a rule has no ports.
    Other(String),
}

/// A range of ports, both ends in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ports {
    pub first: u16,
    pub last: u16,
}

/// ICMP messages by type and code. `None`: every one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Messages {
    pub kind: Option<u8>,
    pub code: Option<u8>,
}

/// Who is at the other end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    Network(Network),
    /// `pl-…`
    PrefixList(String),
    /// `sg-…`, or a reference to a group whose id is known after apply.
    Group(String),
    /// The group that has the rule.
    Itself,
}

/// An address range without host bits, which is how EC2 stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network {
    pub address: IpAddr,
    pub length: u8,
}

/// Every address of IPv4 and IPv6.
const ANYWHERE: &str = "anywhere";

/// Protocols that have a name.
const PROTOCOLS: [&str; 5] = ["tcp", "udp", "icmp", "icmpv6", "all"];

/// Traffic that has a name.
const SERVICES: &[(&str, &[Traffic])] = &[
    ("dns", &[Traffic::Tcp(Ports::one(53)), Traffic::Udp(Ports::one(53))]),
    ("http", &[Traffic::Tcp(Ports::one(80))]),
    ("https", &[Traffic::Tcp(Ports::one(443))]),
    ("mysql", &[Traffic::Tcp(Ports::one(3306))]),
    ("nfs", &[Traffic::Tcp(Ports::one(2049))]),
    ("ntp", &[Traffic::Udp(Ports::one(123))]),
    ("postgres", &[Traffic::Tcp(Ports::one(5432))]),
    ("rdp", &[Traffic::Tcp(Ports::one(3389))]),
    ("redis", &[Traffic::Tcp(Ports::one(6379))]),
    ("ssh", &[Traffic::Tcp(Ports::one(22))]),
];

impl Direction {
    /// The word between traffic and peer.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ingress => "from",
            Self::Egress => "to",
        }
    }

    /// The field that has the rules.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }

    /// Parses one text of the file.
    ///
    /// # Errors
    /// The text is no rule of this direction.
    pub fn parse(self, text: &str) -> Result<Vec<Rule>, Wrong> {
        let (traffic, peer) = self.split(text)?;
        let is_anywhere = peer == ANYWHERE;
        let (traffic, peers) = (parse_traffic(traffic)?, parse_peer(peer)?);
        let mut rules = Vec::new();
        for traffic in &traffic {
            for peer in &peers {
                match paired(traffic, peer) {
                    // It means the addresses that can have such traffic.
                    Err(_) if is_anywhere => {}
                    rule => rules.push(rule?),
                }
            }
        }
        Ok(rules)
    }

    /// Returns what is wrong with a text in which references may stand that are not known yet.
    pub fn check(self, text: &str) -> Option<Wrong> {
        let (traffic, peer) = match self.split(text) {
            Ok(parts) => parts,
            // The whole rule may come from a variable.
            Err(_) if is_open(text) => return None,
            Err(wrong) => return Some(wrong),
        };
        let traffic = parse_traffic(traffic).err().filter(|_| !is_open(traffic));
        let peer = parse_peer(peer).err().filter(|_| !is_open(peer));
        let pairing = || self.parse(text).err().filter(|_| !is_open(text));
        traffic.or(peer).or_else(pairing)
    }

    /// Returns the normal form of a list of rules: one text for each, sorted.
    ///
    /// # Errors
    /// One of the texts is no rule of this direction.
    pub fn normalize(self, texts: &[String]) -> Result<Vec<String>, Wrong> {
        let mut rules = BTreeSet::new();
        for text in texts {
            rules.extend(self.parse(text)?);
        }
        Ok(self.print(rules))
    }

    pub fn print(self, rules: impl IntoIterator<Item = Rule>) -> Vec<String> {
        let rules: BTreeSet<Rule> = rules.into_iter().collect();
        let text = |Rule { traffic, peer }| format!("{traffic} {} {peer}", self.word());
        rules.into_iter().map(text).collect()
    }

    /// Splits a text into traffic and peer.
    fn split(self, text: &str) -> Result<(&str, &str), Wrong> {
        let word = format!(" {} ", self.word());
        if let Some((traffic, peer)) = text.split_once(&word) {
            return Ok((traffic.trim(), peer.trim()));
        }
        let other = if self == Self::Ingress { "to" } else { "from" };
        Err(match text.contains(&format!(" {other} ")) {
            true => Wrong::new(
                format!("a rule of `{}` says `{}`", self.field(), self.word()),
                format!("`{}`", text.replacen(&format!(" {other} "), &word, 1)),
            ),
            false => Wrong::new(
                format!("`{text}` is not a rule"),
                format!(
                    "write PROTOCOL {} ADDRESS, for example `tcp 22 {0} 203.0.113.0/24`",
                    self.word()
                ),
            ),
        })
    }
}

fn parse_traffic(text: &str) -> Result<Vec<Traffic>, Wrong> {
    let (name, rest) = text.split_once(' ').map_or((text, ""), |(name, rest)| (name, rest.trim()));
    if let Some((_, traffic)) = SERVICES.iter().find(|(service, _)| *service == name) {
        return match rest {
            "" => Ok(traffic.to_vec()),
            _ => Err(Wrong::new(
                format!("`{name}` has its own port"),
                format!("write `{name}` alone, or `tcp {rest}`"),
            )),
        };
    }
    let traffic = match name {
        "tcp" => Traffic::Tcp(parse_ports(rest)?),
        "udp" => Traffic::Udp(parse_ports(rest)?),
        "icmp" => Traffic::Icmp(parse_messages(rest)?),
        "icmpv6" => Traffic::Icmpv6(parse_messages(rest)?),
        "protocol" => Traffic::Other(parse_protocol(rest)?),
        "all" if rest.is_empty() => Traffic::All,
        "all" => {
            let hint = "write `all` alone; `tcp` and `udp` have ports";
            return Err(Wrong::new("`all` has no ports", hint));
        }
        _ => return Err(no_traffic(text)),
    };
    Ok(vec![traffic])
}

/// Says that a text names no protocol, and what was probably meant.
fn no_traffic(text: &str) -> Wrong {
    let lower = text.to_lowercase();
    let (name, rest) = lower.split_once(' ').map_or((lower.as_str(), ""), |parts| parts);
    let words = || SERVICES.iter().map(|(service, _)| *service).chain(PROTOCOLS);
    let meant = match name {
        "-1" | "any" => Some("all".to_owned()),
        // EC2 takes a number for a protocol; whoever writes one alone means a port.
        _ if parse_ports(name).is_ok() => Some(format!("tcp {name}")),
        _ => nearest(name, words()).map(|near| format!("{near} {rest}").trim_end().to_owned()),
    };
    let hint = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => {
            let services: Vec<&str> = SERVICES.iter().map(|(service, _)| *service).collect();
            format!(
                "`tcp 8000-8100`, `udp 53`, `icmp`, `icmpv6`, `all`, `protocol 50` for others, or one of {}",
                services.join(", ")
            )
        }
    };
    Wrong::new(format!("`{text}` is no protocol that a rule can name"), hint)
}

/// Parses the number of a protocol without a name here.
fn parse_protocol(text: &str) -> Result<String, Wrong> {
    let is_number = text.parse::<u8>().is_ok_and(|number| number.to_string() == text);
    match protocol(text).filter(|_| is_number) {
        Some(number) if number == text => Ok(number.to_owned()),
        Some(name) => {
            Err(Wrong::new(format!("protocol {text} has a name"), format!("write `{name}`")))
        }
        None => {
            let hint = "0 to 255, without ports: `protocol 50`";
            Err(Wrong::new(format!("`{text}` is not the number of a protocol"), hint))
        }
    }
}

/// What EC2 calls a protocol, by its name or number; `-1` for all of them.
pub fn protocol(name: &str) -> Option<&str> {
    match name {
        "all" | "-1" => Some("-1"),
        "tcp" | "6" => Some("tcp"),
        "udp" | "17" => Some("udp"),
        "icmp" | "1" => Some("icmp"),
        "icmpv6" | "58" => Some("icmpv6"),
        number => number.parse::<u8>().ok().filter(|at| at.to_string() == number).map(|_| number),
    }
}

fn parse_ports(text: &str) -> Result<Ports, Wrong> {
    let wrong = || {
        let hint = "one port, or two with `-` between them: `tcp 22`, `tcp 8000-8100`";
        Wrong::new(format!("`{text}` is not a range of ports"), hint)
    };
    if text.is_empty() {
        return Ok(Ports::ALL);
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let port = |text: &str| text.trim().parse::<u16>().map_err(|_| wrong());
    let ports = Ports { first: port(first)?, last: port(last)? };
    if ports.first > ports.last { Err(wrong()) } else { Ok(ports) }
}

fn parse_messages(text: &str) -> Result<Messages, Wrong> {
    let number = |text: &str| {
        text.parse::<u8>().map(Some).map_err(|_| {
            let hint = "a type, or type and code: `icmp 8`, `icmp 3/4`";
            Wrong::new(format!("`{text}` is not a kind of ICMP message"), hint)
        })
    };
    match text.split_once('/') {
        _ if text.is_empty() => Ok(Messages::ALL),
        None => Ok(Messages { kind: number(text)?, code: None }),
        Some((kind, code)) => Ok(Messages { kind: number(kind)?, code: number(code)? }),
    }
}

fn parse_peer(text: &str) -> Result<Vec<Peer>, Wrong> {
    Ok(match text {
        ANYWHERE => vec![Peer::Network(Network::ALL_IPV4), Peer::Network(Network::ALL_IPV6)],
        "self" => vec![Peer::Itself],
        _ if text.contains(' ') => {
            let hint = "a rule has one source or destination: write a rule for each";
            return Err(Wrong::new(format!("`{text}` is more than one address"), hint));
        }
        _ if is_id(text, "pl-") => vec![Peer::PrefixList(text.to_owned())],
        _ if is_id(text, "sg-") || is_reserved(text) => vec![Peer::Group(text.to_owned())],
        _ => vec![Peer::Network(parse_network(text)?)],
    })
}

/// Parses the network of a file. EC2 takes `203.0.113.5/24` for the network around that address, and
/// `0.0.0.0` for a single address: whoever writes that seldom means it.
fn parse_network(text: &str) -> Result<Network, Wrong> {
    let network = Network::parse(text)?;
    let address = text.split('/').next().unwrap_or(text);
    if address.parse() != Ok(network.address) {
        let peer = Peer::Network(network);
        return Err(Wrong::new(
            format!("`{text}` is an address inside the network `{peer}`"),
            format!("`{peer}` for the whole network, `{address}` for the address alone"),
        ));
    }
    // Half of all addresses, 0.0.0.0/1, is a network like others.
    let is_nobody =
        if network.address.is_ipv4() { network.length >= 8 } else { network.length == 128 };
    if network.address.is_unspecified() && is_nobody {
        let hint = "`anywhere` is every address; `0.0.0.0/0` and `::/0` are those of IPv4 and IPv6";
        return Err(Wrong::new(format!("`{text}` is the address of no machine"), hint));
    }
    Ok(network)
}

/// Pairs traffic with a peer. ICMP is another protocol for IPv6 than for IPv4.
fn paired(traffic: &Traffic, peer: &Peer) -> Result<Rule, Wrong> {
    let is_ipv6 = match peer {
        Peer::Network(network) => Some(network.address.is_ipv6()),
        Peer::PrefixList(_) | Peer::Group(_) | Peer::Itself => None,
    };
    let traffic = match (traffic, is_ipv6) {
        (Traffic::Icmp(Messages::ALL), Some(true)) => Traffic::Icmpv6(Messages::ALL),
        (Traffic::Icmp(_), Some(true)) => {
            let hint = "types differ between both: write `icmpv6` and its type";
            return Err(Wrong::new(format!("`{traffic}` is a message of IPv4"), hint));
        }
        (Traffic::Icmpv6(_), Some(false)) => {
            let hint = "write `icmp`, or a range of IPv6 addresses";
            return Err(Wrong::new(format!("`{traffic}` is a message of IPv6"), hint));
        }
        _ => traffic.clone(),
    };
    Ok(Rule { traffic, peer: peer.clone() })
}

impl Ports {
    pub const ALL: Self = Self { first: 0, last: u16::MAX };

    const fn one(port: u16) -> Self {
        Self { first: port, last: port }
    }
}

impl Messages {
    pub const ALL: Self = Self { kind: None, code: None };
}

impl Network {
    pub const ALL_IPV4: Self =
        Self { address: IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), length: 0 };
    pub const ALL_IPV6: Self =
        Self { address: IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED), length: 0 };

    /// Parses `203.0.113.0/24`, `2001:db8::/32`, or a single address. Host bits are dropped, as EC2 does.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = || {
            let hint = match nearest(&text.to_lowercase(), [ANYWHERE, "self"]) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    "`203.0.113.0/24`, `2001:db8::/32`, `anywhere`, `self`, `security_group.KEY`, \
                         or an id, `sg-…` or `pl-…`"
                        .to_owned()
                }
            };
            Wrong::new(format!("`{text}` is neither a network nor a group"), hint)
        };
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(length) => length.parse::<u8>().map_err(|_| wrong())?,
            None => most,
        };
        if length > most { Err(wrong()) } else { Ok(Self { address, length }.without_host()) }
    }

    fn without_host(self) -> Self {
        let Self { address, length } = self;
        let address = match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
                IpAddr::V4((u32::from(address) & mask).into())
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
                IpAddr::V6((u128::from(address) & mask).into())
            }
        };
        Self { address, length }
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Tcp(ports) => write!(f, "tcp{ports}"),
            Self::Udp(ports) => write!(f, "udp{ports}"),
            Self::Icmp(messages) => write!(f, "icmp{messages}"),
            Self::Icmpv6(messages) => write!(f, "icmpv6{messages}"),
            Self::Other(number) => write!(f, "protocol {number}"),
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            &Self::ALL => Ok(()),
            Self { first, last } if first == last => write!(f, " {first}"),
            Self { first, last } => write!(f, " {first}-{last}"),
        }
    }
}

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, self.code) {
            (None, _) => Ok(()),
            (Some(kind), None) => write!(f, " {kind}"),
            (Some(kind), Some(code)) => write!(f, " {kind}/{code}"),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(Network { address, length }) => write!(f, "{address}/{length}"),
            Self::PrefixList(id) | Self::Group(id) => f.write_str(id),
            Self::Itself => f.write_str("self"),
        }
    }
}

#[cfg(test)]
mod tests;
