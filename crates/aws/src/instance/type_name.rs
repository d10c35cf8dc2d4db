//! Names of instance types. AWS adds types each month, so that only their form is known here.

use stackwright_engine::manifest::nearest;

/// The sizes without a number.
const SIZES: [&str; 7] = ["nano", "micro", "small", "medium", "large", "xlarge", "metal"];

/// The usual numbers before `xlarge`.
const MULTIPLES: [&str; 12] = ["2", "3", "4", "6", "8", "9", "12", "16", "18", "24", "32", "48"];

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
    let other_size = || {
        let (family, size) = lower.split_once('.')?;
        Some(format!("{family}.{}", size_meant(size)?))
    };
    let all = [Some(lower.clone()), other_size(), with_dot(&lower)];
    all.into_iter().flatten().find(|meant| is_type(meant))
}

/// The size that was probably meant: `8xlarge` by `8xlrage`.
fn size_meant(text: &str) -> Option<String> {
    let (number, word) =
        text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    if number.is_empty() {
        return nearest(word, SIZES).map(str::to_owned);
    }
    let is_xlarge = word == "xl" || nearest(word, ["xlarge"]).is_some();
    is_xlarge.then(|| format!("{number}xlarge"))
}

/// A type that was written without its dot.
fn with_dot(text: &str) -> Option<String> {
    let sizes = SIZES.iter().filter(|size| text.ends_with(*size));
    let size = sizes.max_by_key(|size| size.len())?;
    let family = text.strip_suffix(size)?.trim_end_matches('-');
    // The family has a digit of its own: `m58xlarge` is `m5.8xlarge`.
    let digits = family.len() - family.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let mut splits = (family.len() - digits..family.len()).map(|at| family.split_at(at));
    let numbered = splits
        .find(|(family, number)| is_family(family) && MULTIPLES.contains(number))
        .filter(|_| *size == "xlarge");
    Some(match numbered {
        Some((family, number)) => format!("{family}.{number}{size}"),
        None => format!("{family}.{size}"),
    })
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
            ("m58xlarge", Some("m5.8xlarge")),
            ("m524xlarge", Some("m5.24xlarge")),
            ("c6i2xlarge", Some("c6i.2xlarge")),
            ("m5.8xlrage", Some("m5.8xlarge")),
            ("m5.8xl", Some("m5.8xlarge")),
            ("m5.8large", Some("m5.8xlarge")),
            ("micro", None),
            ("3", None),
        ] {
            assert_eq!(meant(text).as_deref(), expected, "{text}");
        }
    }
}
