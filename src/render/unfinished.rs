//! What is said of a run that did not do everything: what is done, what is open, and how to go on.

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
    pub not_begun: Vec<String>,
    /// What the state has as begun and not finished.
    pub open: Vec<OpenOperation>,
    /// For a shell.
    pub go_on: String,
}

impl Unfinished {
    pub fn human(&self) -> String {
        let failed = self.failed.len();
        let mut lines = vec![if self.is_broken {
            format!("interrupted{}; the next run recovers what was begun", self.during)
        } else if self.is_interrupted {
            format!("interrupted{}; everything is recorded", self.during)
        } else {
            format!("{failed} failed; everything is recorded")
        }];
        let cut_short = if self.is_interrupted { "cut short" } else { "failed" };
        for (what, which) in
            [("done", &self.done), (cut_short, &self.failed), ("not begun", &self.not_begun)]
        {
            if !which.is_empty() {
                lines.push(format!("  {what}: {}", cut(which).join(", ")));
            }
        }
        let open = open::sentences(&self.open);
        lines.extend(cut(&open).iter().map(|open| format!("  open: {open}")));
        let advice = if self.is_interrupted { "Go on with" } else { "Fix the cause, then run" };
        lines.push(format!("{advice}: {}", self.go_on));
        lines.join("\n")
    }

    pub fn json(&self) -> Value {
        json!({
            "event": "unfinished", "interrupted": self.is_interrupted, "done": self.done,
            "failed": self.failed, "not_begun": self.not_begun, "open": open::sentences(&self.open),
            "go_on": self.go_on,
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
pub fn idle(go_on: &str, json: bool) -> String {
    if json {
        let idle = Unfinished { is_interrupted: true, go_on: go_on.into(), ..<_>::default() };
        return idle.json().to_string();
    }
    format!("\ninterrupted; nothing was under way. Go on with: {go_on}")
}

/// A second signal came before what was under way had ended.
pub fn left(go_on: &str, json: bool) -> String {
    if json {
        let left = Unfinished { is_interrupted: true, go_on: go_on.into(), ..<_>::default() };
        let mut event = left.json();
        event["at_once"] = true.into();
        return event.to_string();
    }
    format!("stopped; the next run recovers. Go on with: {go_on}")
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
            not_begun: texts(9),
            open: vec![OpenOperation {
                address: Address::new("role", "0"),
                operation: Operation::Update("a\u{1b}b".into()),
            }],
            go_on: "stackwright reconcile".into(),
            ..Unfinished::default()
        };
        assert_eq!(
            unfinished.human(),
            "1 failed; everything is recorded\n  \
             done: role.0, role.1, role.2, role.3, role.4, role.5, role.6, role.7, and 32 more\n  \
             failed: role.0\n  \
             not begun: role.0, role.1, role.2, role.3, role.4, role.5, role.6, role.7, role.8\n  \
             open: role.0: an update of a\\u{1b}b did not finish\n\
             Fix the cause, then run: stackwright reconcile"
        );
    }
}
