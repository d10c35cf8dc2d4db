//! A key pair in its normal form.

use serde::{Deserialize, Serialize};
use stackwright_engine::kind::{Context, Error, Result};
use stackwright_engine::reference;

use super::config::Config;
use super::public_key;
use crate::tags::Tags;
use crate::text_file::{InFile, TextOrFile};

/// A key pair in its normal form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    pub name: String,
    pub tags: Tags,
    /// Type and key, `ssh-ed25519 AAAA…`: EC2 replaces the comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
}

/// Returns the normal form of a config.
pub fn normalize(config: Config, context: &Context) -> Result<Spec> {
    let text = match config.public_key {
        // It has an output that is not known yet.
        TextOrFile::Short(text) if reference::markers(&text).next().is_some() => Ok(text),
        TextOrFile::Short(text) => public_key::parse(&text),
        TextOrFile::Long(InFile { file }) => {
            public_key::read(&context.folder.join(file.unwrap_or_default()))
        }
    };
    let public_key = text.map_err(|flaw| {
        let error = Error::terminal(format!("public_key: {}", flaw.message));
        error.with_hint(flaw.hint).with_field("public_key")
    })?;
    Ok(Spec {
        name: context.name.clone(),
        tags: context.tags.clone(),
        public_key: Some(public_key),
    })
}
