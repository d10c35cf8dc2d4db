//! What a user writes about an address.

use schemars::JsonSchema;
use serde::Deserialize;

/// An elastic IP address: a public address of your own, which stays the same when its instance is stopped, started
/// or replaced. It costs extra.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The instance that the address leads to: `instance.KEY` of this stack, or an id `i-...`. If it is never set,
    /// stackwright leaves it to others. An instance
    /// has one address: another one that leads to it is taken off.
    #[schemars(extend("default" = ""))]
    #[schemars(extend("x-also-called" = ["instance_id"]))]
    pub instance: Option<String>,
}
