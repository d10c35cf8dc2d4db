//! Durations and sizes as people write them: `30`, `30s`, `2m`; `512`, `512MB`, `1GB`.
//!
//! A kind declares what a whole number counts (`field("timeout").seconds()`). Its config reads that
//! number, however it was written.

use serde_json::{Value, json};

use super::annotate;

/// Returns the amount in `unit`; `None` if the text has no unit of this sort, or is no whole number.
pub(super) fn measured(text: &str, unit: &str) -> Option<i64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: i64 = text[..digits].parse().ok()?;
    let written = text[digits..].trim();
    if written.is_empty() {
        return Some(number);
    }
    let units = units(unit)?;
    let of = |name: &str| units.iter().find(|(known, _)| *known == name).map(|(_, size)| *size);
    let total = number.checked_mul(of(written)?)?;
    let one = of(unit)?;
    (total % one == 0).then_some(total / one)
}

/// The units that may be written where `unit` is meant, with their sizes.
fn units(unit: &str) -> Option<&'static [(&'static str, i64)]> {
    match unit {
        "s" => Some(&[("s", 1), ("m", 60), ("h", 3600), ("d", 86400)]),
        "MB" | "GB" => Some(&[("MB", 1), ("GB", 1024)]),
        _ => None,
    }
}

/// Describes how an amount may be written.
pub(super) fn example(unit: &str) -> &'static str {
    match unit {
        "s" => "a number of seconds, or `30s`, `2m`, `1h`",
        "MB" => "a number of MB, or `512MB`, `1GB`",
        _ => "a number of GB, or `8GB`",
    }
}

/// Makes a schema accept numbers and amounts with a unit, for editors.
pub(super) fn allow(schema: &mut Value) {
    if let Some(unit) = schema[annotate::UNIT].as_str().and_then(units) {
        let names: Vec<&str> = unit.iter().map(|(name, _)| *name).collect();
        schema["type"] = json!(["integer", "string"]);
        schema["pattern"] = format!("^[0-9]+ ?({})?$|\\$\\{{", names.join("|")).into();
    }
    match schema {
        Value::Object(map) => map.values_mut().for_each(allow),
        Value::Array(items) => items.iter_mut().for_each(allow),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_can_be_written_in_several_units() {
        for (text, unit, amount) in [
            ("30", "s", Some(30)),
            ("30s", "s", Some(30)),
            ("30 s", "s", Some(30)),
            ("2m", "s", Some(120)),
            ("1h", "s", Some(3600)),
            ("512MB", "MB", Some(512)),
            ("1GB", "MB", Some(1024)),
            ("8", "GB", Some(8)),
            ("2048MB", "GB", Some(2)),
            ("100MB", "GB", None),
            ("30x", "s", None),
            ("s", "s", None),
            ("-1", "s", None),
            ("99999999999999999999", "s", None),
            ("9999999999999999GB", "MB", None),
        ] {
            assert_eq!(measured(text, unit), amount, "{text} in {unit}");
        }
    }
}
