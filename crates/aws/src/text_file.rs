//! A text that stands in the stack file, or in a file of its own.

use schemars::JsonSchema;
use serde::Deserialize;
use stackwright_engine::config::ShortOrLong;

/// A text, or the file that contains it.
pub type TextOrFile = ShortOrLong<String, InFile>;

/// A text in a file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, description = "")]
pub struct InFile {
    /// The path, relative to the stack file.
    #[schemars(required)]
    pub file: Option<String>,
}
