//! What people and programs see. Nothing else prints.

pub mod awaited;
pub mod blocker;
pub mod changes;
pub mod check;
pub mod diagnostics;
pub mod error;
pub mod event;
pub mod explanation;
pub mod failure;
pub mod fields;
pub mod human;
pub mod json;
pub mod note;
pub mod open;
pub mod outdated;
pub mod reason;
pub mod unfinished;
pub mod usage;
pub mod value;
pub mod wrap;

use std::time::Duration;

/// A text from a cloud or a file, made harmless for a terminal: control characters and those that
/// turn the direction of writing are shown, not sent.
pub fn clean(text: &str) -> String {
    let hidden = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.chars().any(hidden) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hidden(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// `0.2 s`, `1 min 5 s`.
pub fn time(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds >= 60 {
        format!("{} min {} s", seconds / 60, seconds % 60)
    } else if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

/// Progress of the local cloud, on stderr.
pub fn local(event: &stackwright_local::Event) {
    use stackwright_local::Event;
    let line = match event {
        Event::Installing { version, into } => format!(
            "local cloud: installing ministack {version} into {} (once, about 90 MB)",
            into.display()
        ),
        Event::WaitingForInstall => "local cloud: another run is installing it; waiting".into(),
        Event::Installed { took } => format!("local cloud: installed in {}", time(*took)),
        Event::Starting { port } => format!("local cloud: starting on port {port}"),
        Event::WaitingForStart { port, pid, limit } => {
            let who = pid.map_or("another run".to_owned(), |pid| format!("process {pid}"));
            let limit = limit.as_secs();
            format!(
                "local cloud: {who} has port {port} and does not answer yet; waiting, {limit} s at most"
            )
        }
        Event::Started { port, pid, took } => {
            format!("local cloud: runs on port {port} (process {pid}) after {}", time(*took))
        }
        Event::Stopping { pid } => format!("local cloud: process {pid} saves its state and ends"),
        Event::Killed { pid } => {
            format!(
                "local cloud: process {pid} did not end and was killed; its last changes are lost"
            )
        }
        Event::Stopped { took, .. } => format!("local cloud: stopped after {}", time(*took)),
        Event::Emptied => "local cloud: emptied".into(),
    };
    wrap::eprintln!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_reaches_a_terminal() {
        assert_eq!(clean("a\u{1b}[31mb\u{202e}c\nd"), "a\\u{1b}[31mb\\u{202e}c\nd");
    }
}
