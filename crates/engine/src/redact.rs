//! Secrets in messages: services quote what they refuse, in encodings of their own.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::reference::Scope;

/// Shorter values are not redacted: they are words that may occur anywhere.
const SHORTEST_SECRET: usize = 4;

impl Scope {
    /// Replaces the values of environment variables in a message by their names, in whatever encoding they
    /// came back.
    pub fn redacted(&self, text: &str) -> String {
        let secrets = self.env.iter().filter(|(_, value)| value.len() >= SHORTEST_SECRET);
        let mut forms: Vec<(String, &String)> = secrets
            .flat_map(|(name, value)| forms(value).into_iter().map(move |f| (f, name)))
            .collect();
        // A form may be part of another one.
        forms.sort_by_key(|(form, _)| std::cmp::Reverse(form.len()));
        forms.into_iter().fold(text.to_owned(), |text, (form, name)| {
            text.replace(&form, &format!("${{env.{name}}}"))
        })
    }
}

/// Every way in which a value may be written in a message.
fn forms(value: &str) -> Vec<String> {
    let json = in_json(value);
    let percent = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    let mut forms = vec![
        value.to_owned(),
        // A text in a text: a JSON body that is quoted in a JSON error.
        in_json(&json),
        in_ascii(&json),
        json,
        format!("{value:?}").trim_matches('"').to_owned(),
        in_xml(value, "&apos;", "&quot;"),
        in_xml(value, "&#39;", "&#34;"),
        in_xml(value, "&#x27;", "&quot;"),
        in_xml(value, "'", "\""),
        sparing(&percent, "-_.~"),
        sparing(&percent, "-_.~").replace("%20", "+"),
        sparing(&percent, "-_.*").replace("%20", "+"),
        sparing(&percent, "-_.!~*'()"),
        BASE64_STANDARD.encode(value),
        BASE64_URL_SAFE_NO_PAD.encode(value),
        value.replace('\n', "\r\n"),
    ];
    forms.sort();
    forms.dedup();
    forms
}

/// The inside of a JSON string.
fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// A JSON string in ASCII alone, as Python writes it.
fn in_ascii(json: &str) -> String {
    let mut ascii = String::new();
    let mut units = [0; 2];
    for c in json.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            let units = c.encode_utf16(&mut units);
            units.iter().for_each(|unit| ascii.push_str(&format!("\\u{unit:04x}")));
        }
    }
    ascii
}

fn in_xml(text: &str, apostrophe: &str, quote: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('\'', apostrophe).replace('"', quote)
}

/// A percent-encoded text in which some characters stand for themselves.
fn sparing(percent: &str, spared: &str) -> String {
    spared.chars().fold(percent.to_owned(), |text, c| {
        text.replace(&format!("%{:02X}", u32::from(c)), &c.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(value: &str) -> Scope {
        Scope { env: [("PW".to_owned(), value.to_owned())].into(), ..Scope::default() }
    }

    #[test]
    fn a_redacted_message_contains_no_secret() {
        let redacted = scope("hunter2").redacted("Value 'xhunter2' at 'handler' is invalid");
        assert_eq!(redacted, "Value 'x${env.PW}' at 'handler' is invalid");
        assert_eq!(scope("abc").redacted("abc"), "abc", "a word");
    }

    #[test]
    fn a_secret_is_redacted_in_every_encoding() {
        let secret = "{\"user\": \"jürgen\",\n \"pass\": \"a<b&c'd/e+f\\\\g=\"}";
        let json = serde_json::Value::from(secret).to_string();
        let twice = serde_json::Value::from(json.as_str()).to_string();
        let python = json.replace('ü', "\\u00fc");
        for message in [
            secret.to_owned(),
            format!("{{\"Environment\": {json}}}"),
            format!("{{\"message\": {twice}}}"),
            python,
            format!("{secret:?}"),
            "<Value>{&quot;user&quot;: &quot;jürgen&quot;,\n &quot;pass&quot;: \
             &quot;a&lt;b&amp;c&apos;d/e+f\\\\g=&quot;}</Value>"
                .to_owned(),
            "Value=%7B%22user%22%3A%20%22j%C3%BCrgen%22%2C%0A%20%22pass%22%3A%20%22a%3Cb%26c%27d%2Fe%2Bf\
             %5C%5Cg%3D%22%7D"
                .to_owned(),
            BASE64_STANDARD.encode(secret),
        ] {
            let redacted = scope(secret).redacted(&message);
            assert!(redacted.contains("${env.PW}"), "{message}");
            for part in ["rgen", "pass", "cGFzcw", "cmdlbg"] {
                assert!(!redacted.contains(part), "{message} became {redacted}");
            }
        }
    }
}
