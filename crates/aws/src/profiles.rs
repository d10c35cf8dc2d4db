//! Whether a profile of the AWS CLI exists. The SDK goes on to other sources of credentials where it does not.

use aws_types::os_shim_internal::{Env, Fs};

/// Returns the profiles that there are if `name` is none of them. Files that cannot be read are reported by whoever
/// loads credentials from them.
pub async fn instead_of(name: &str) -> Option<Vec<String>> {
    let files = &Default::default();
    let known = aws_config::profile::load(&Fs::real(), &Env::real(), files, None).await.ok()?;
    if known.get_profile(name).is_some() {
        return None;
    }
    let mut names: Vec<String> = known.profiles().map(str::to_owned).collect();
    names.sort();
    Some(names)
}
