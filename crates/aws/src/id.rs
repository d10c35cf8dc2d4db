//! Ids of EC2.

use stackwright_engine::reference::is_open;

/// Tells whether a text is an id of EC2, `sg-0a1b2c3d`, or contains a reference that may be one.
pub fn is_id(text: &str, prefix: &str) -> bool {
    let is_hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let rest = text.strip_prefix(prefix).filter(|rest| !rest.is_empty());
    is_open(text) || rest.is_some_and(|rest| rest.chars().all(is_hexadecimal))
}

/// Says that a text is no id.
pub fn not_an_id(text: &str, prefix: &str) -> String {
    format!("`{text}` is not an id of the form `{prefix}…`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_a_prefix_and_hexadecimal_digits() {
        for right in ["sg-0123456789abcdef0", "sg-1a2b3c4d", "${env.GROUP}", "sg-${env.ID}"] {
            assert!(is_id(right, "sg-"), "{right}");
        }
        for wrong in ["sg-", "sg-nope", "sg-0A", "web", "subnet-1", "sg-1 "] {
            assert!(!is_id(wrong, "sg-"), "{wrong}");
        }
    }
}
