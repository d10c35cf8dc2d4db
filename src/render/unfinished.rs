//! The report of a run that did not do everything: what is done, what is incomplete, and how to continue.

use serde_json::{Value, json};
use stackwright_engine::state::OpenOperation;

use super::open;

/// Of a list, what a person is shown.
const SHOWN: usize = 8;

/// A run that was interrupted, or in which something failed.
#[derive(Clone, Debug, Default)]
pub struct Unfinished {
    pub is_interrupted: bool,
    /// While what it was interrupted; completes "interrupted …".
    pub during: &'static str,
    /// The disk failed: what was begun is on record, and no more.
    pub is_broken: bool,
    /// Addresses; also of the two that follow.
    pub done: Vec<String>,
    pub failed: Vec<String>,
    pub not_started: Vec<String>,
    /// What the state has as begun and not finished.
    pub open: Vec<OpenOperation>,
    /// For a shell.
    pub resume: String,
}

impl Unfinished {
    pub fn human(&self) -> String {
        let failed = self.failed.len();
        let mut lines = vec![if self.is_broken {
            format!("interrupted{}; the next run recovers what was started", self.during)
        } else if self.is_interrupted {
            format!("interrupted{}; progress is saved", self.during)
        } else {
            format!("{failed} failed; progress is saved")
        }];
        let incomplete = if self.is_interrupted { "interrupted" } else { "failed" };
        for (what, which) in
            [("done", &self.done), (incomplete, &self.failed), ("not started", &self.not_started)]
        {
            if !which.is_empty() {
                lines.push(format!("  {what}: {}", cut(which).join(", ")));
            }
        }
        let open = open::sentences(&self.open);
        lines.extend(cut(&open).iter().map(|open| format!("  incomplete: {open}")));
        let advice =
            if self.is_interrupted { "To continue, run" } else { "Fix the cause, then run" };
        lines.push(format!("{advice}: {}", self.resume));
        lines.join("\n")
    }

    /// As [`human`](Self::human), of checks, which leave nothing to be saved.
    pub fn of_checks(&self) -> String {
        let mut lines = vec!["interrupted in the checks".to_owned()];
        for (what, which) in [("done", &self.done), ("not done", &self.not_started)] {
            if !which.is_empty() {
                lines.push(format!("  {what}: {}", cut(which).join(", ")));
            }
        }
        lines.push(format!("To continue, run: {}", self.resume));
        lines.join("\n")
    }

    pub fn json(&self) -> Value {
        json!({
            "event": "unfinished", "interrupted": self.is_interrupted, "done": self.done,
            "failed": self.failed, "not_started": self.not_started, "open": open::sentences(&self.open),
            "resume": self.resume,
        })
    }
}

/// The first of them, and how many more there are.
fn cut(items: &[String]) -> Vec<String> {
    let mut shown: Vec<String> = items.iter().take(SHOWN).cloned().collect();
    match items.len() - shown.len() {
        0 => {}
        1 => shown.push(items[SHOWN].clone()),
        more => shown.push(format!("and {more} more")),
    }
    shown
}

/// A signal came while nothing was under way.
pub fn idle(resume: &str, json: bool) -> String {
    if json {
        let idle = Unfinished { is_interrupted: true, resume: resume.into(), ..<_>::default() };
        return idle.json().to_string();
    }
    format!("\ninterrupted; nothing was in progress. To continue, run: {resume}")
}

/// A second signal came before what was under way had ended.
pub fn left(resume: &str, json: bool) -> String {
    if json {
        let left = Unfinished { is_interrupted: true, resume: resume.into(), ..<_>::default() };
        let mut event = left.json();
        event["at_once"] = true.into();
        return event.to_string();
    }
    format!("stopped; the next run recovers. To continue, run: {resume}")
}

#[cfg(test)]
mod tests {
    use stackwright_engine::Address;
    use stackwright_engine::state::Operation;

    use super::*;

    #[test]
    fn long_lists_are_cut_with_a_count() {
        let texts = |count: usize| (0..count).map(|n| format!("role.{n}")).collect::<Vec<_>>();
        let unfinished = Unfinished {
            done: texts(40),
            failed: texts(1),
            not_started: texts(9),
            open: vec![OpenOperation {
                address: Address::new("role", "0"),
                operation: Operation::Update("a\u{1b}b".into()),
            }],
            resume: "stackwright reconcile".into(),
            ..Unfinished::default()
        };
        assert_eq!(
            unfinished.human(),
            "1 failed; progress is saved\n  \
             done: role.0, role.1, role.2, role.3, role.4, role.5, role.6, role.7, and 32 more\n  \
             failed: role.0\n  \
             not started: role.0, role.1, role.2, role.3, role.4, role.5, role.6, role.7, role.8\n  \
             incomplete: role.0: the update of a\\u{1b}b is not finished\n\
             Fix the cause, then run: stackwright reconcile"
        );
    }
}
