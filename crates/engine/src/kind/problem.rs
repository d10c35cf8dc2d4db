//! What a kind finds wrong in a config, before anything is called.

/// A problem that a kind found in a config. `path` leads to it: `["routes", "GET /a"]`; in a list, by
/// the position from 0: `["allow", "0"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub path: Vec<String>,
    pub message: String,
    pub hint: Option<String>,
}

/// The problems of one config as they are found:
/// `problems.at(&["path"], "`x` is not a path").hint("it begins with `/`")`.
#[derive(Debug, Default)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// One more.
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
