//! IAM, as all its kinds use it: the client, quotas, error codes, and what its names look like.

use std::time::Duration;

use stackwright_engine::kind::{Problems, Result};

use crate::client::sdk_client;
use crate::fault::{Codes, Explain as _, Meaning, code};
use crate::pace::Quota;

sdk_client!(aws_sdk_iam, QUOTAS);

/// IAM throttles, and "IAM and AWS STS quotas" does not say when.
const QUOTAS: &[Quota] = &[Quota::of_all(20, 50).unpublished()];

/// How long IAM may not know an object that it has just created.
pub const CONSISTENCY_WINDOW: Duration = Duration::from_secs(20);

/// How many objects are read at once: IAM has one small quota for the whole account.
pub const AT_ONCE: usize = 10;

/// The default path.
pub const PATH: &str = "/";

/// The error codes of IAM. Reads take `NoSuchEntity` for "gone" before it is looked up here: only a
/// write that follows a create meets it.
pub const CODES: Codes = &[
    ("EntityAlreadyExists", Meaning::NameTaken),
    ("ConcurrentModification", Meaning::Conflict),
    ("DeleteConflict", Meaning::Conflict),
    (
        "NoSuchEntity",
        Meaning::NotYet { what: "IAM to know what the call names", within: CONSISTENCY_WINDOW },
    ),
];

/// Returns `None` if IAM says that the thing does not exist.
pub fn unless_gone<T, E>(
    sent: std::result::Result<T, aws_sdk_iam::error::SdkError<E>>,
    call: &str,
) -> Result<Option<T>>
where
    E: std::error::Error + aws_sdk_iam::error::ProvideErrorMetadata + Send + Sync + 'static,
{
    match sent {
        Err(error) if code(&error) == Some("NoSuchEntity") => Ok(None),
        sent => sent.explain(call, CODES).map(Some),
    }
}

/// Tells whether a text is a name that IAM takes.
pub fn is_name(text: &str, longest: usize) -> bool {
    let is_taken = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    (1..=longest).contains(&text.len()) && text.chars().all(is_taken)
}

/// Tells whether a text is a path between slashes, of characters that `is_taken` accepts.
pub fn is_path(path: &str, is_taken: impl Fn(u8) -> bool) -> bool {
    let is_whole = path == PATH || path.len() > 2 && path.starts_with('/') && path.ends_with('/');
    is_whole && path.len() <= 512 && path.bytes().all(is_taken)
}

/// Adds a path that is none.
pub fn not_a_path(path: &str, problems: &mut Problems) {
    problems.at(&["path"], format!("`{path}` is not a path")).hint(
        "it begins and ends with `/`, for example `/service/`, and has at most 512 characters",
    );
}

/// Adds a description that is too long.
pub fn check_length(description: &str, problems: &mut Problems) {
    if description.chars().count() > 1000 {
        problems
            .at(&["description"], "the description is too long")
            .hint("IAM accepts 1000 characters");
    }
}

#[cfg(test)]
mod tests {
    use stackwright_engine::kind::Fault;

    use super::*;
    use crate::fault::by_code;

    #[test]
    fn codes_of_iam_come_before_the_status() {
        assert_eq!(by_code("EntityAlreadyExists", 409, CODES), Fault::NameTaken);
        assert_eq!(by_code("DeleteConflict", 409, CODES), Fault::Conflict);
        assert_eq!(by_code("LimitExceeded", 409, CODES), Fault::Terminal);
        assert!(matches!(by_code("NoSuchEntity", 404, CODES), Fault::Awaiting { .. }));
    }
}
