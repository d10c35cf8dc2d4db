//! Names of instance types. AWS adds types each month, so that only their form is known here.

use stackwright_engine::manifest::nearest;

/// The sizes without a number.
const SIZES: [&str; 7] = ["nano", "micro", "small", "medium", "large", "xlarge", "metal"];

/// Tells whether a text has the form of an instance type: `t3.micro`, `u7in-16tb.224xlarge`,
/// `m7i.metal-24xl`.
pub fn is_type(text: &str) -> bool {
    text.split_once('.').is_some_and(|(family, size)| is_family(family) && is_size(size))
}

fn is_family(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(is_part)
        && text.contains(|c: char| c.is_ascii_digit())
}

fn is_size(text: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let metal = || text.strip_prefix("metal-")?.strip_suffix("xl");
    let number = || text.strip_suffix("xlarge").or_else(metal);
    SIZES.contains(&text) || number().is_some_and(is_number)
}

/// Returns the type that was probably meant.
pub fn meant(text: &str) -> Option<String> {
    let lower = text.trim().to_lowercase().replace('_', ".");
    let size_meant = || {
        let (family, size) = lower.split_once('.')?;
        let near = nearest(size, SIZES)?;
        Some(format!("{family}.{near}"))
    };
    let without_dot = || {
        let sizes = SIZES.iter().filter(|size| lower.ends_with(*size));
        let size = sizes.max_by_key(|size| size.len())?;
        let family = lower.strip_suffix(size)?.trim_end_matches('-');
        Some(format!("{family}.{size}"))
    };
    let all = [Some(lower.clone()), size_meant(), without_dot()];
    all.into_iter().flatten().find(|meant| is_type(meant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_type() {
        for right in [
            "t2.micro",
            "m7i-flex.large",
            "u-6tb1.metal",
            "u7in-16tb.224xlarge",
            "mac2-m1ultra.metal",
            "mac-m4.metal",
            "c8g.metal-48xl",
            "p6e-gb200.36xlarge",
            "x2iezn.12xlarge",
        ] {
            assert!(is_type(right), "{right}");
        }
        for wrong in [
            "",
            "t3",
            "t3micro",
            "T3.micro",
            "t3.tiny",
            "micro",
            "t.micro",
            "t3.",
            "t3.xxlarge",
            "3",
        ] {
            assert!(!is_type(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_type_that_was_meant() {
        for (text, expected) in [
            ("T3.Micro", Some("t3.micro")),
            ("t3.mirco", Some("t3.micro")),
            ("t3micro", Some("t3.micro")),
            ("t3-micro", Some("t3.micro")),
            ("m5_large", Some("m5.large")),
            ("m5xlarge", Some("m5.xlarge")),
            ("micro", None),
            ("3", None),
        ] {
            assert_eq!(meant(text).as_deref(), expected, "{text}");
        }
    }
}
