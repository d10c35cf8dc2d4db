//! The script that an instance runs at its first start.

use std::path::Path;

use stackwright_engine::kind::{Error, Result};

use crate::wrong::Wrong;

/// The largest user data before encoding, in bytes.
pub const LARGEST: usize = 16 * 1024;

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

/// Returns why user data would not be accepted, or not run. It has `size` bytes once its references are filled in.
pub fn check(text: &str, size: usize) -> Option<Wrong> {
    let wrong = |message: &str, hint: &str| Some(Wrong::new(message, hint));
    let script = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let is_begun = |text: &str| BEGINNINGS.iter().any(|start| text.starts_with(start));
    if size > LARGEST {
        wrong("user data may have at most 16 KiB", "load the rest from S3 at the first start")
    } else if is_base64(script) {
        let hint = "write the text itself: it is encoded when it is sent";
        wrong("user data is in base64 already", hint)
    } else if is_begun(script) && script.len() < text.len() {
        let hint = "remove the blanks and empty lines before `#`";
        wrong("user data does not begin with `#`, so that nothing runs it", hint)
    } else if script.starts_with("#!") && script.lines().next() != script.split('\n').next() {
        let hint = "save it with the line ends of Unix: sed -i 's/\\r$//' FILE";
        wrong("the first line ends with CR LF, so that its program is not found", hint)
    } else {
        None
    }
}

fn is_base64(text: &str) -> bool {
    let is_digit =
        |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c) || c.is_ascii_whitespace();
    IN_BASE64.iter().any(|start| text.starts_with(start)) && text.chars().all(is_digit)
}

/// Reads a script, which is short enough to be read at once.
pub fn read(path: &Path) -> Result<String> {
    let path_of = path.display();
    let read = std::fs::read(path).map_err(|error| {
        Error::terminal(format!("user_data: {path_of}: {error}"))
            .with_hint("`file` is relative to the stack file")
    })?;
    let size = read.len();
    let text = String::from_utf8(read).map_err(|_| {
        Error::terminal(format!("user_data: {path_of} is not UTF-8 text"))
            .with_hint("a script begins with `#!`; it can load binary data from S3")
    })?;
    match check(&text, size) {
        Some(Wrong { message, hint }) => {
            Err(Error::terminal(format!("user_data: {path_of}: {message}")).with_hint(hint))
        }
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Option<String> {
        check(text, text.len()).map(|wrong| wrong.message)
    }

    #[test]
    fn a_script_that_would_not_run_is_wrong() {
        for right in [
            "",
            "#!/bin/sh\necho a\r\n",
            "#cloud-config\r\npackages: [a]\r\n",
            "<powershell>\r\ndir\r\n</powershell>\r\n",
            "  plain data",
            "IyE is no base64!",
        ] {
            assert_eq!(message(right), None, "{right}");
        }
        let blank = Some("user data does not begin with `#`, so that nothing runs it");
        for text in ["\n#!/bin/sh\n", "  #!/bin/sh\n", "\u{feff}#cloud-config\n"] {
            assert_eq!(message(text).as_deref(), blank, "{text}");
        }
        let ends = Some("the first line ends with CR LF, so that its program is not found");
        assert_eq!(message("#!/bin/sh\r\necho a\r\n").as_deref(), ends);
        let encoded = Some("user data is in base64 already");
        for text in ["IyEvYmluL3NoCmVjaG8gYQo=\n", "I2Nsb3VkLWNvbmZpZwo="] {
            assert_eq!(message(text).as_deref(), encoded, "{text}");
        }
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
        assert!(read().is_err_and(|message| message.contains("a.sh: the first line")));
    }
}
