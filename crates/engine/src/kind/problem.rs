//! Problems that a kind finds in a config before any call.

/// Whether a problem makes a file invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Error,
    /// It may be right: AWS alone can tell, or accepts it in some cases.
    Warning,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A problem of a config. `path` leads to it: `["routes", "GET /a"]`; an item of a list is its position
/// from 0: `["allow", "0"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub path: Vec<String>,
    pub severity: Severity,
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
        self.add(Severity::Error, path, message)
    }

    /// Adds what may be wrong. It makes no file invalid.
    pub fn warn(&mut self, path: &[&str], message: impl Into<String>) -> &mut Problem {
        self.add(Severity::Warning, path, message)
    }

    /// Adds a problem, or what may be one.
    pub fn add(
        &mut self,
        severity: Severity,
        path: &[&str],
        message: impl Into<String>,
    ) -> &mut Problem {
        self.0.push_mut(Problem { severity, ..Problem::error(path, message) })
    }
}

impl Problem {
    pub fn error(path: &[&str], message: impl Into<String>) -> Self {
        let path = path.iter().map(|&key| key.to_owned()).collect();
        Self { path, severity: Severity::Error, message: message.into(), hint: None }
    }

    /// What the user can do.
    pub fn hint(&mut self, hint: impl Into<String>) {
        self.hint = Some(hint.into());
    }
}
