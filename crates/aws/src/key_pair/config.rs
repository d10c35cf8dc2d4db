//! What a user writes about a key pair.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text_file::TextOrFile;

/// The public half of an SSH key, which EC2 puts on the instances that name it in `key_name`. The private half stays
/// with you: `ssh-keygen -t ed25519` makes both.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The public key as OpenSSH writes it, `ssh-ed25519 AAAA...` or `ssh-rsa AAAA...`, or `{file: PATH}`, relative to
    /// the stack file. For a change the key pair is deleted and imported again under its name; instances keep the
    /// key with which they were launched.
    #[schemars(extend("x-also-called" = ["public_key_material"]))]
    pub public_key: TextOrFile,
}
