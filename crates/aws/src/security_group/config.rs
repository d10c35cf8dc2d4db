//! What a user writes about a security group.

use schemars::JsonSchema;
use serde::Deserialize;

/// What AWS gives a new group: everything may leave, over IPv4.
pub(super) const EGRESS: &str = "all to 0.0.0.0/0";

/// Which traffic may reach the network interfaces that use it, and which may leave them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A sentence for people, which AWS never changes: another one means another group.
    pub description: Option<String>,
    /// The network it belongs to: `vpc-…`. The region's default network when nothing is written.
    /// Another network means another group.
    #[schemars(extend("x-also-called" = ["vpc_id"]))]
    pub vpc: Option<String>,
    /// What may come in, a rule each: `ssh from 203.0.113.0/24`, `https from anywhere`, `tcp 8000-8100
    /// from security_group.web`, `icmp from anywhere`, `all from self`. The list is complete: a rule
    /// that somebody else adds is removed. When nothing is written, it is left to others. Two groups
    /// that let each other in depend on each other: give what they share a third group instead.
    #[schemars(extend("default" = []))]
    #[schemars(extend("x-also-called" = ["ingress_rules", "inbound"]))]
    pub ingress: Option<Vec<String>>,
    /// What may go out, with `to`: `postgres to security_group.db`. The list is complete, and `[]` lets
    /// nothing out. When nothing is written, it is left to others, and a new group lets everything out.
    #[schemars(extend("default" = [EGRESS]))]
    #[schemars(extend("x-also-called" = ["egress_rules", "outbound"]))]
    pub egress: Option<Vec<String>>,
}
