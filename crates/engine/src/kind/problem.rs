//! Problems that a kind finds in a config before any call.

/// A problem of a config. `path` leads to it: `["routes", "GET /a"]`; an item of a list is its position
/// from 0: `["allow", "0"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub path: Vec<String>,
    pub message: String,
    pub hint: Option<String>,
}

/// Collects the problems of one config:
/// `problems.at(&["path"], "`x` is not a path").hint("it begins with `/`")`.
#[derive(Debug, Default)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Adds a problem.
    pub fn at(&mut self, path: &[&str], message: impl Into<String>) -> &mut Problem {
        let path = path.iter().map(|&key| key.to_owned()).collect();
        self.0.push_mut(Problem { path, message: message.into(), hint: None })
    }
}

impl Problem {
    /// What the user can do.
    pub fn hint(&mut self, hint: impl Into<String>) {
        self.hint = Some(hint.into());
    }
}
