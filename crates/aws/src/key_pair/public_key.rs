//! Public keys as OpenSSH writes them: `ssh-ed25519 AAAA… comment`.
//!
//! The key itself is a list of fields, each with its length in four bytes before it, in base64 (RFC 4253, section 6.6;
//! RFC 8709). Which keys EC2 takes: "Amazon EC2 key pairs and Amazon EC2 instances" in the EC2 user guide.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::missing_file::{self, Unreadable};

/// Why EC2 would not take a key.
#[derive(Debug, PartialEq, Eq)]
pub struct Flaw {
    pub message: String,
    pub hint: String,
}

const ED25519: &str = "ssh-ed25519";
const RSA: &str = "ssh-rsa";

/// The length of an Ed25519 key, in bytes.
const ED25519_LENGTH: usize = 32;

/// The lengths of RSA keys that EC2 documents, in bits.
const RSA_BITS: [usize; 3] = [1024, 2048, 4096];

const MAKE_ONE: &str = "`ssh-keygen -t ed25519` makes a key that EC2 takes";

impl Flaw {
    fn new(message: impl Into<String>, hint: &str) -> Self {
        Self { message: message.into(), hint: hint.to_owned() }
    }
}

/// Reads a key from a file, and returns it in its normal form.
///
/// # Errors
/// The file cannot be read, or has no key that EC2 takes.
pub fn read(path: &Path) -> Result<String, Flaw> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let Unreadable { message, hint } = missing_file::unreadable(path, &error);
        let shown = path.to_string_lossy();
        let hint = if let Some((_, rest)) = shown.split_once("~/").or(shown.split_once("$HOME/")) {
            format!("the home folder is `${{env.HOME}}`: write `${{env.HOME}}/{rest}`")
        } else {
            hint.unwrap_or_else(|| "`file` is relative to the stack file".to_owned())
        };
        Flaw { message, hint }
    })?;
    let in_file =
        |flaw: Flaw| Flaw { message: format!("{}: {}", path.display(), flaw.message), ..flaw };
    parse(&text).map_err(in_file)
}

/// Returns a key in its normal form: type and key, without the comment.
///
/// # Errors
/// It is no key that EC2 takes. The message has nothing of the text, which may be a secret by mistake.
pub fn parse(text: &str) -> Result<String, Flaw> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.next().unwrap_or_default();
    if line.contains("PRIVATE KEY") || line.starts_with("PuTTY-User-Key-File") {
        let hint = "never write it into a stack: the public key is in the file beside it that ends with `.pub`";
        return Err(Flaw::new("this is a private key", hint));
    }
    if line.starts_with("---") {
        let hint = "`ssh-keygen -i -f FILE` prints it so, with `-m PKCS8` for a file in PEM";
        return Err(Flaw::new("the public key is not written as OpenSSH does it", hint));
    }
    if lines.next().is_some() {
        return Err(Flaw::new(
            "this is more than one line",
            "a key pair has one public key, in one line",
        ));
    }
    let mut words = line.split_whitespace();
    let (sort, encoded) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if ![ED25519, RSA].contains(&sort) {
        let is_other = ["ecdsa-", "sk-", "ssh-"].iter().any(|other| sort.starts_with(other));
        let is_path = line.ends_with(".pub") || line.starts_with(['/', '~', '.']);
        return Err(if is_path {
            let hint = "write `{file: id_ed25519.pub}` for the path of a file";
            Flaw::new("this is not a public key", hint)
        } else if is_other {
            Flaw::new("EC2 takes only keys of the types ssh-ed25519 and ssh-rsa", MAKE_ONE)
        } else {
            let hint =
                "it begins with `ssh-ed25519` or `ssh-rsa`: copy the whole line of the file `.pub`";
            Flaw::new("this is not a public key", hint)
        });
    }
    let decoded = BASE64.decode(encoded).ok();
    let fields = decoded.as_deref().and_then(fields).unwrap_or_default();
    let is_whole = match fields.as_slice() {
        [named, key] => sort == ED25519 && *named == sort.as_bytes() && key.len() == ED25519_LENGTH,
        [named, _, modulus] => sort == RSA && *named == sort.as_bytes() && bits(modulus) > 0,
        _ => false,
    };
    if !is_whole {
        let hint = "copy the whole line of the file that ends with `.pub`";
        return Err(Flaw::new("the public key is cut off or damaged", hint));
    }
    Ok(format!("{sort} {encoded}"))
}

/// Returns the length of an RSA key in bits where EC2 does not document it.
pub fn unusual_length(key: &str) -> Option<usize> {
    let decoded = BASE64.decode(key.strip_prefix(RSA)?.trim()).ok()?;
    let length = bits(fields(&decoded)?.get(2)?);
    (!RSA_BITS.contains(&length)).then_some(length)
}

/// Returns the fields of a key. `None`: it ends in the middle of one.
fn fields(mut key: &[u8]) -> Option<Vec<&[u8]>> {
    let mut fields = Vec::new();
    while !key.is_empty() {
        let (length, rest) = key.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (field, rest) = rest.split_at_checked(length)?;
        fields.push(field);
        key = rest;
    }
    Some(fields)
}

/// Returns the length of a number in bits, leading zeros not counted.
fn bits(number: &[u8]) -> usize {
    let significant: &[u8] = &number[number.iter().take_while(|&&byte| byte == 0).count()..];
    let unused = significant.first().map_or(0, |byte| byte.leading_zeros() as usize);
    significant.len() * 8 - unused
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUXqBwHRYQYNfHfHmCWA3lQU1HZ9SDnZpWyUYXnE4gg";

    fn rsa(bits: usize) -> String {
        let mut modulus = vec![0];
        modulus.extend(vec![0xff; bits / 8]);
        let fields: [&[u8]; 3] = [RSA.as_bytes(), &[1, 0, 1], &modulus];
        let lengthened = |field: &&[u8]| {
            let length = u32::try_from(field.len()).expect("short").to_be_bytes();
            [&length[..], *field].concat()
        };
        let key: Vec<u8> = fields.iter().flat_map(lengthened).collect();
        format!("{RSA} {}", BASE64.encode(key))
    }

    #[test]
    fn a_key_is_its_type_and_itself() {
        for written in
            [KEY.to_owned(), format!("\n{KEY} me@laptop (work)\r\n"), format!("  {KEY}\t")]
        {
            assert_eq!(parse(&written).as_deref(), Ok(KEY), "{written}");
        }
        assert_eq!(parse(&rsa(2048)), Ok(rsa(2048)));
    }

    #[test]
    fn what_ec2_does_not_take_is_told_without_the_text() {
        let cut = &KEY[..KEY.len() - 8];
        let other = KEY.replace(ED25519, RSA);
        for (written, expected) in [
            ("", "this is not a public key"),
            ("AAAAC3NzaC1lZDI1NTE5", "this is not a public key"),
            ("keys/id_ed25519.pub", "this is not a public key"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc", "this is a private key"),
            ("PuTTY-User-Key-File-3: ssh-ed25519", "this is a private key"),
            ("---- BEGIN SSH2 PUBLIC KEY ----", "the public key is not written as OpenSSH does it"),
            (
                "ecdsa-sha2-nistp256 AAAA",
                "EC2 takes only keys of the types ssh-ed25519 and ssh-rsa",
            ),
            ("ssh-dss AAAA", "EC2 takes only keys of the types ssh-ed25519 and ssh-rsa"),
            (&format!("{KEY}\n{KEY}"), "this is more than one line"),
            (cut, "the public key is cut off or damaged"),
            (&other, "the public key is cut off or damaged"),
            ("ssh-rsa", "the public key is cut off or damaged"),
            ("ssh-rsa ????", "the public key is cut off or damaged"),
        ] {
            assert_eq!(
                parse(written).map_err(|flaw| flaw.message),
                Err(expected.to_owned()),
                "{written}"
            );
        }
    }

    #[test]
    fn lengths_of_rsa_keys_are_those_that_ec2_documents() {
        for bits in RSA_BITS {
            assert_eq!(unusual_length(&rsa(bits)), None, "{bits}");
        }
        assert_eq!(unusual_length(&rsa(3072)), Some(3072));
        assert_eq!(unusual_length(KEY), None);
    }

    #[test]
    fn a_file_that_is_not_there_is_told() {
        let hint = |path: &str| read(Path::new(path)).map_err(|flaw| flaw.hint);
        for home in ["/x/~/.ssh/id.pub", "/x/$HOME/.ssh/id.pub"] {
            assert!(hint(home).is_err_and(|hint| hint.contains("${env.HOME}/.ssh/id.pub")));
        }
        assert!(hint("/x/id.pub").is_err_and(|hint| hint.contains("relative to the stack file")));
    }
}
