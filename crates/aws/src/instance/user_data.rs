//! The script that an instance runs at its first start.

use std::path::Path;

use stackwright_engine::kind::{Error, Result, Severity};
use stackwright_engine::reference::is_open;

use crate::missing_file::{self, Unreadable};

/// The largest user data before encoding, in bytes.
pub const LARGEST: usize = 16 * 1024;

/// Why user data would not be accepted, or not run.
#[derive(Debug, PartialEq, Eq)]
pub struct Flaw {
    pub severity: Severity,
    /// The line that is wrong, from 1.
    line: Option<usize>,
    pub message: String,
    pub hint: String,
}

/// What cloud-init expects in the first bytes.
const BEGINNINGS: &[&str] =
    &["#!", "#cloud-", "#include", "## template:", "Content-Type:", "MIME-Version:"];

/// What such beginnings, and those of Windows and of gzip, are in base64.
const IN_BASE64: &[&str] = &[
    "IyE",
    "I2Nsb3Vk",
    "I2luY2x1",
    "Q29udGVudC1U",
    "TUlNRS1W",
    "PHBvd2Vyc2hl",
    "PHNjcmlwd",
    "H4sI",
];

/// What user data of images without cloud-init begins with: Windows, Bottlerocket, Flatcar.
const OF_OTHERS: &[&str] = &["<", "[", "{", "version:", "variant:"];

const BYTE_ORDER_MARK: char = '\u{feff}';

impl Flaw {
    fn error(line: Option<usize>, message: &str, hint: &str) -> Self {
        let (message, hint) = (message.to_owned(), hint.to_owned());
        Self { severity: Severity::Error, line, message, hint }
    }

    /// What is wrong with the script of a file.
    fn in_file(self, path: &Path) -> Self {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        let message = format!("{}{line}: {}", path.display(), self.message);
        Self { message, ..self }
    }
}

/// Returns what is wrong with user data, which has `size` bytes once its references are filled in.
pub fn check(text: &str, size: usize) -> Option<Flaw> {
    let first = Some(1);
    let script = text.trim_start_matches(|c: char| c.is_whitespace() || c == BYTE_ORDER_MARK);
    let begins = |with: &[&str]| with.iter().any(|start| script.starts_with(start));
    Some(if size > LARGEST {
        let hint = "load the rest from S3 at the first start";
        Flaw::error(None, "user data may have at most 16 KiB", hint)
    } else if is_base64(script) {
        let hint = "write the text itself: it is encoded when it is sent";
        Flaw::error(first, "user data is in base64 already", hint)
    } else if begins(BEGINNINGS) && text.starts_with(BYTE_ORDER_MARK) {
        let message = "user data begins with a byte order mark, so that nothing runs it";
        Flaw::error(first, message, "remove U+FEFF before `#`: save it as UTF-8 without BOM")
    } else if begins(BEGINNINGS) && script.len() < text.len() {
        let message = "user data does not begin with `#`, so that nothing runs it";
        Flaw::error(first, message, "remove the blanks and empty lines before `#`")
    } else if script.starts_with("#!") && script.lines().next() != script.split('\n').next() {
        let message = "the first line ends with CR LF, so that its program is not found";
        let hint = "save it with the line ends of Unix: sed -i 's/\\r$//' FILE";
        Flaw::error(first, message, hint)
    } else if script.is_empty()
        || is_open(first_line(script))
        || begins(BEGINNINGS)
        || begins(OF_OTHERS)
    {
        return None;
    } else {
        let message =
            "user data begins with neither `#!` nor `#cloud-config`: most images run nothing of it";
        let hint = "begin a script with `#!/bin/sh`";
        Flaw { severity: Severity::Warning, ..Flaw::error(first, message, hint) }
    })
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn is_base64(text: &str) -> bool {
    let is_digit =
        |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c) || c.is_ascii_whitespace();
    IN_BASE64.iter().any(|start| text.starts_with(start)) && text.chars().all(is_digit)
}

/// Reads a script, which is short enough to be read at once.
pub fn read(path: &Path) -> Result<String> {
    let refused = |Flaw { message, hint, .. }: Flaw| {
        Error::terminal(format!("user_data: {message}")).with_hint(hint).with_field("user_data")
    };
    let text = text(path).map_err(refused)?;
    match check_file(path, &text) {
        Some(wrong) if wrong.severity == Severity::Error => Err(refused(wrong)),
        _ => Ok(text),
    }
}

/// Returns what is wrong with the script of a file, whose messages name the file and the line.
pub fn check_path(path: &Path) -> Option<Flaw> {
    match text(path) {
        Ok(text) => check_file(path, &text),
        Err(wrong) => Some(wrong),
    }
}

fn check_file(path: &Path, text: &str) -> Option<Flaw> {
    check(text, text.len()).map(|wrong| wrong.in_file(path))
}

fn text(path: &Path) -> Result<String, Flaw> {
    let read = std::fs::read(path).map_err(|error| {
        let Unreadable { message, hint } = missing_file::unreadable(path, &error);
        let hint = hint.unwrap_or_else(|| "`file` is relative to the stack file".to_owned());
        Flaw { severity: Severity::Error, line: None, message, hint }
    })?;
    String::from_utf8(read).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let hint = "a script begins with `#!`; it can load binary data from S3";
        Flaw::error(Some(line), "this is not UTF-8 text", hint).in_file(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Option<String> {
        let wrong = check(text, text.len())?;
        Some(format!("{}: {}", wrong.severity.as_str(), wrong.message))
    }

    #[test]
    fn a_script_that_would_not_run_is_wrong() {
        for right in [
            "",
            "#!/bin/sh\necho a\r\n",
            "#cloud-config\r\npackages: [a]\r\n",
            "<powershell>\r\ndir\r\n</powershell>\r\n",
            "version: 1.0\ntasks: []\n",
            "[settings.host-containers.admin]\nenabled = true\n",
            "{\"ignition\": {\"version\": \"3.3.0\"}}",
            "${env.SCRIPT}",
        ] {
            assert_eq!(message(right), None, "{right}");
        }
        let check = |texts: &[&str], expected: &str| {
            for text in texts {
                assert_eq!(message(text).as_deref(), Some(expected), "{text}");
            }
        };
        let blank = "error: user data does not begin with `#`, so that nothing runs it";
        check(&["\n#!/bin/sh\n", "  #!/bin/sh\n"], blank);
        let mark = "error: user data begins with a byte order mark, so that nothing runs it";
        check(&["\u{feff}#cloud-config\n", "\u{feff}#!/bin/sh\n"], mark);
        let ends = "error: the first line ends with CR LF, so that its program is not found";
        check(&["#!/bin/sh\r\necho a\r\n"], ends);
        let encoded = "error: user data is in base64 already";
        check(&["IyEvYmluL3NoCmVjaG8gYQo=\n", "I2Nsb3VkLWNvbmZpZwo="], encoded);
        let nothing = "warning: user data begins with neither `#!` nor `#cloud-config`: most images run \
                       nothing of it";
        check(&["echo hi\n", "  plain data", "IyE is no base64!", "# a comment\n"], nothing);
    }

    #[test]
    fn the_size_is_that_of_the_filled_text() {
        assert_eq!(check("${env.SCRIPT}", LARGEST), None);
        assert!(check("${env.SCRIPT}", LARGEST + 1).is_some());
    }

    #[test]
    fn a_script_is_read_from_a_file_next_to_the_stack() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |bytes: &[u8]| std::fs::write(folder.path().join("a.sh"), bytes);
        let read = || read(&folder.path().join("a.sh")).map_err(|error| error.message);
        assert!(read().is_err_and(|message| message.contains("a.sh")));
        write(b"#!/bin/sh\n").expect("written");
        assert_eq!(read(), Ok("#!/bin/sh\n".to_owned()));
        write(&[0xff]).expect("written");
        assert!(read().is_err_and(|message| message.contains("UTF-8")));
        write(&[b'x'; LARGEST + 1]).expect("written");
        assert!(read().is_err_and(|message| message.contains("16 KiB")));
        write(b"#!/bin/sh\r\n").expect("written");
        assert!(read().is_err_and(|message| message.contains("a.sh:1: the first line")));
        write(b"#!/bin/sh\necho caf\xe9\n").expect("written");
        assert!(read().is_err_and(|message| message.contains("a.sh:2: this is not UTF-8")));
        write(b"echo hi\n").expect("written");
        assert!(read().is_ok(), "a warning is no error");
    }
}
