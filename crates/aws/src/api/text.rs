//! Texts in HTTP and in API Gateway's mappings.

/// Tells whether a text is a token of HTTP: the name of a header, a method.
pub fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&*+-.^_`|~".contains(c))
}

/// Tells whether a text is `type/subtype`; either may be `*`.
pub fn is_media_type(text: &str) -> bool {
    let are_tokens = |(one, other)| is_token(one) && is_token(other);
    text.split_once('/').is_some_and(are_tokens)
}

/// Quotes a text, as API Gateway's mappings need it.
pub fn quoted(text: &str) -> String {
    format!("'{text}'")
}

/// Returns the text of a mapping. A mapping that is not a quoted text stays as it is.
pub fn unquoted(mapping: &str) -> String {
    let text = mapping.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    text.unwrap_or(mapping).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_texts_are_read_back_and_other_mappings_stay() {
        assert_eq!(unquoted(&quoted("it is")), "it is");
        assert_eq!(unquoted("method.request.header.A"), "method.request.header.A");
    }
}
