//! How a provider gets its connection.

use std::path::PathBuf;
use std::sync::Arc;

use stackwright_engine::kind::Ownership;

use crate::cloud::Cloud;

/// A provider that is made of a connection to a cloud. It builds the SDK clients it needs by
/// [`Cloud::client`] and keeps them.
pub trait Connect: Ownership {
    /// `sources`: where code is read from; only functions have any.
    fn connect(cloud: &Arc<Cloud>, sources: &Sources) -> Self;
}

/// Where code is read from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The folder of the stack file: relative paths start there.
    pub folder: PathBuf,
    pub stack_file: PathBuf,
    /// The folder that keeps vendored packages between runs.
    pub cache: PathBuf,
}
