//! Problems of a key pair that the file alone shows.

use stackwright_engine::kind::{CheckContext, Problem, Problems};
use stackwright_engine::reference::is_open;

use super::config::Config;
use super::public_key::{self, Flaw};
use crate::text_file::{InFile, TextOrFile};

/// The longest name.
const LONGEST: usize = 255;

pub fn check(config: &Config, context: &CheckContext<'_>) -> Vec<Problem> {
    let mut problems = Problems::default();
    let name = context.name;
    let is_name = (1..=LONGEST).contains(&name.len())
        && name.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
        && name.trim() == name;
    if !is_name {
        let hint = "1 to 255 characters of ASCII, and no space at its beginning or end";
        problems.at(&["name"], format!("`{name}` is not the name of a key pair")).hint(hint);
    }
    let known = &context.known["public_key"];
    let (at, key) = match &config.public_key {
        TextOrFile::Short(written) => {
            // One with a reference is checked once that is known.
            (&["public_key"][..], (!is_open(written)).then(|| public_key::parse(written)))
        }
        TextOrFile::Long(InFile { file }) => {
            let written = file.as_deref().unwrap_or_default();
            if written.is_empty() {
                let hint = "write the key itself, or `{file: id_ed25519.pub}`";
                problems.at(&["public_key"], "`public_key` needs `file`, or a text").hint(hint);
                return problems.0;
            }
            let known = known["file"].as_str().unwrap_or_default();
            let path = context.files.and_then(|files| files.path(written, known));
            (&["public_key", "file"][..], path.map(|path| public_key::read(&path)))
        }
    };
    match key {
        Some(Err(Flaw { message, hint })) => problems.at(at, message).hint(hint),
        Some(Ok(key)) => {
            if let Some(bits) = public_key::unusual_length(&key) {
                let message =
                    format!("this RSA key has {bits} bits; EC2 documents 1024, 2048 and 4096");
                problems
                    .warn(at, message)
                    .hint("`ssh-keygen -t ed25519` makes a key that EC2 takes");
            }
        }
        None => {}
    }
    problems.0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::key_pair::KeyPair;
    use crate::tags::Tags;
    use crate::test_checks::{problems_of, wrong_paths};

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUXqBwHRYQYNfHfHmCWA3lQU1HZ9SDnZpWyUYXnE4gg me";

    #[test]
    fn keys_are_read_and_references_are_not() {
        for right in [json!(KEY), json!({ "file": "a.pub" }), json!("ssh-rsa ${env.KEY}")] {
            assert_eq!(wrong_paths::<KeyPair>(&json!({ "public_key": right })), [""; 0], "{right}");
        }
        for wrong in [json!("ssh-ed25519"), json!({}), json!({ "file": "" })] {
            let found = wrong_paths::<KeyPair>(&json!({ "public_key": wrong }));
            assert_eq!(found, ["public_key"], "{wrong}");
        }
    }

    #[test]
    fn names_are_those_that_ec2_takes() {
        let config = json!({ "public_key": KEY });
        let is_taken = |name: &str| problems_of::<KeyPair>(name, &Tags::new(), &config).is_empty();
        assert!(is_taken("my key/1") && is_taken(&"x".repeat(255)));
        for name in ["", " a", "a ", "ä", &"x".repeat(256)] {
            assert!(!is_taken(name), "{name}");
        }
    }
}
