//! The tags that say which state owns an object. They are part of the create call itself wherever
//! the service takes tags there.

pub const PREFIX: &str = "stackwright:";
pub const STACK: &str = "stackwright:stack";
pub const LINEAGE: &str = "stackwright:lineage";
pub const ADDRESS: &str = "stackwright:address";
/// Counts from 1 and grows by one at each re-creation.
pub const GENERATION: &str = "stackwright:generation";
/// All ownership tags.
pub const OWN: [&str; 4] = [STACK, LINEAGE, ADDRESS, GENERATION];

/// Tags that a user may give an object. AWS accepts 50; the others are those of ownership, the name of an
/// instance, and one that a kind may set for a while.
pub const MOST: usize = 44;
/// The longest key and value, in characters.
pub const LONGEST: (usize, usize) = (128, 256);

/// Tells whether a key is one of stackwright's.
pub fn is_own(key: &str) -> bool {
    key.starts_with(PREFIX)
}

/// Tells whether a key is one that nobody but stackwright or AWS may set, in any spelling.
pub fn is_reserved(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.starts_with(PREFIX) || key.starts_with("aws:")
}
