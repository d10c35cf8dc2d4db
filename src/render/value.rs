//! Values as a person reads them.

use serde_json::Value;
use stackwright_engine::kind::tag;
use stackwright_engine::reference;
use stackwright_engine::secret;

use super::clean;

/// Lines are broken where they would be longer.
const WIDE: usize = 100;

/// A value as YAML would have it, what is short on one line; lines after the first indented.
pub fn outline(value: &Value, indent: usize) -> String {
    clean(&outlined(&readable(value), indent))
}

fn outlined(value: &Value, indent: usize) -> String {
    let flat = on_a_line(value);
    let nested = |value: &Value| value.is_object() || value.is_array();
    let parts: Vec<String> = match value {
        _ if flat.chars().count() + indent <= WIDE && !flat.contains('\n') => return flat,
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| {
                let flat = on_a_line(value);
                if nested(value) && flat.len() + key.len() + indent > WIDE {
                    format!("{key}:\n{:1$}{2}", "", indent + 2, outlined(value, indent + 2))
                } else {
                    format!("{key}: {flat}")
                }
            })
            .collect(),
        Value::Array(items) => {
            items.iter().map(|item| format!("- {}", outlined(item, indent + 2))).collect()
        }
        _ => flat.trim_end().lines().map(str::to_owned).collect(),
    };
    parts.join(&format!("\n{:indent$}", ""))
}

/// Whether a field says nothing. An empty list does: `egress: []` lets no traffic out.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// Tags that say whose an object is are no news to anybody.
pub fn without_own(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| !is_own(key))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect(),
        other => other.clone(),
    }
}

pub fn is_own(key: &str) -> bool {
    key.starts_with(tag::PREFIX)
}

/// What fits on a line of a plan.
const BRIEF: usize = 72;
/// Of what does not, what is shown of its begin and of its end.
const HEAD: usize = 40;
const TAIL: usize = 28;

fn flat(value: &Value) -> String {
    shown(value).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether [`brief`] cuts it.
pub fn is_long(value: &Value) -> bool {
    flat(value).chars().count() > BRIEF
}

/// A value on one line; of a long one its first words and its last ones, each of them whole.
pub fn brief(value: &Value) -> String {
    let text = flat(value);
    if text.chars().count() <= BRIEF {
        return text;
    }
    let words: Vec<&str> = text.split(' ').collect();
    let first = fitting(words.iter(), HEAD).max(1);
    let (first, rest) = words.split_at(first);
    let last = fitting(rest.iter().rev(), TAIL).max(1);
    match rest.len().checked_sub(last) {
        None | Some(0) => text,
        Some(middle) => format!("{} … {}", first.join(" "), rest[middle..].join(" ")),
    }
}

/// How many of the words are as long as that together.
fn fitting<'a>(words: impl Iterator<Item = &'a &'a str>, length: usize) -> usize {
    let mut sum = 0;
    let fits = |word: &&&str| {
        sum += word.chars().count() + 1;
        sum <= length + 1
    };
    words.take_while(fits).count()
}

/// A value as a person reads it: references instead of markers, no value of a secret.
pub fn shown(value: &Value) -> String {
    clean(&on_a_line(&readable(value)))
}

fn readable(value: &Value) -> Value {
    let readable = reference::map_texts(value, &mut |text| match secret::template(text) {
        Some(template) => format!("{template} (secret)"),
        None if text.contains('\u{1}') => {
            format!("{} (known after apply)", reference::readable(text))
        }
        None => text.to_owned(),
    });
    reference::with_readable_keys(readable)
}

fn on_a_line(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) if is_digest(text) => format!("{}…", &text[..12]),
        Value::String(text) => text.clone(),
        Value::Object(map) if map.values().all(|v| !v.is_object() && !v.is_array()) => {
            let pairs: Vec<String> =
                map.iter().map(|(key, value)| format!("{key}: {}", plain(value))).collect();
            if pairs.is_empty() { "{}".into() } else { pairs.join(", ") }
        }
        Value::Object(_) | Value::Array(_) => compact(value),
        other => other.to_string(),
    }
}

fn plain(value: &Value) -> String {
    match value.as_str() {
        Some(text) if is_digest(text) => format!("{}…", &text[..12]),
        Some(text) => text.to_owned(),
        None => value.to_string(),
    }
}

/// SHA-256 in hexadecimal digits: nobody compares all of them by eye.
fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// YAML-like flow style: JSON without the quotes that nobody needs.
fn compact(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[{}]", items.iter().map(compact).collect::<Vec<_>>().join(", "))
        }
        Value::Object(map) => {
            let pairs = map.iter().map(|(key, value)| format!("{key}: {}", compact(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        other => plain(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_long_value_is_cut_between_words() {
        let words =
            "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omikron";
        assert_eq!(
            brief(&json!(words)),
            "alpha beta gamma delta epsilon zeta eta … lambda mu nu xi omikron"
        );
        let path = format!("/{}", "a-folder/".repeat(12));
        assert_eq!(brief(&json!(path)), path, "one word is whole");
        assert_eq!(brief(&json!(format!("{path} {path}"))), format!("{path} {path}"));
        assert_eq!(brief(&json!(format!("{path} b {path}"))), format!("{path} … {path}"));
    }
}
