//! Runtimes of Lambda: which there are, and which new functions cannot have any more.

use stackwright_engine::kind::{Problems, Severity};
use stackwright_engine::manifest::nearest;
use stackwright_engine::reference::is_open;

/// Runtimes for zip files that a new function can have, the newest of each language last. From Lambda's
/// service model.
const CURRENT: &[&str] = &[
    "dotnet6",
    "dotnet8",
    "dotnet10",
    "java8.al2",
    "java11",
    "java17",
    "java21",
    "java25",
    "java8.al2023",
    "java11.al2023",
    "java17.al2023",
    "nodejs16.x",
    "nodejs18.x",
    "nodejs20.x",
    "nodejs22.x",
    "nodejs24.x",
    "nodejs26.x",
    "provided.al2",
    "provided.al2023",
    "python3.8",
    "python3.9",
    "python3.10",
    "python3.11",
    "python3.12",
    "python3.13",
    "python3.14",
    "python3.15",
    "ruby3.2",
    "ruby3.3",
    "ruby3.4",
    "ruby4.0",
];

/// Those of [`CURRENT`] that get no security updates any more. Lambda refuses them for new functions from a date
/// on that it has postponed several times. From the table "Deprecated runtimes" of Lambda's guide.
const DEPRECATED: &[&str] =
    &["dotnet6", "nodejs16.x", "nodejs18.x", "nodejs20.x", "python3.8", "python3.9", "ruby3.2"];

/// Runtimes that only functions which exist can keep.
const NOT_FOR_NEW: &[&str] = &["go1.x", "java8", "nodejs14.x", "provided", "python3.7", "ruby2.7"];

/// Runtimes with which no function is created or updated any more.
const RETIRED: &[&str] = &[
    "dotnetcore1.0",
    "dotnetcore2.0",
    "dotnetcore2.1",
    "dotnetcore3.1",
    "nodejs",
    "nodejs4.3",
    "nodejs4.3-edge",
    "nodejs6.10",
    "nodejs8.10",
    "nodejs10.x",
    "nodejs12.x",
    "python2.7",
    "python3.6",
    "ruby2.5",
];

/// What to write instead of an old runtime.
const SUCCESSORS: &[(&str, &str)] = &[
    ("dotnet", "dotnet10"),
    ("go", "provided.al2023"),
    ("java", "java21"),
    ("nodejs", "nodejs22.x"),
    ("provided", "provided.al2023"),
    ("python", "python3.13"),
    ("ruby", "ruby3.4"),
];

/// Adds what is wrong with a runtime. One that may be newer than this program is a warning.
pub fn check(runtime: &str, problems: &mut Problems) {
    let is_deprecated = DEPRECATED.contains(&runtime);
    if is_open(runtime) || CURRENT.contains(&runtime) && !is_deprecated {
        return;
    }
    let successor = SUCCESSORS.iter().find(|(family, _)| runtime.starts_with(family));
    let successor = successor.map_or("python3.13", |(_, successor)| *successor);
    let (severity, message, hint) = if RETIRED.contains(&runtime) {
        let message = format!("Lambda has retired the runtime `{runtime}`");
        (Severity::Error, message, format!("write `{successor}`"))
    } else if is_deprecated {
        let message = format!("Lambda has deprecated the runtime `{runtime}`");
        let hint = format!(
            "it gets no security updates, and new functions will be refused: write `{successor}`"
        );
        (Severity::Warning, message, hint)
    } else if NOT_FOR_NEW.contains(&runtime) {
        let message = format!("Lambda creates no function with the runtime `{runtime}` any more");
        let hint =
            format!("a function that exists keeps it for now; write `{successor}` for others");
        (Severity::Warning, message, hint)
    } else if is_newer(runtime) {
        let message = format!("`{runtime}` is newer than this version of stackwright");
        (Severity::Warning, message, "Lambda decides whether there is such a runtime".to_owned())
    } else {
        let supported = CURRENT.iter().copied().filter(|known| !DEPRECATED.contains(known));
        let hint = match nearest(&runtime.to_lowercase(), supported) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "for example `python3.13` or `nodejs22.x`".to_owned(),
        };
        (Severity::Error, format!("Lambda has no runtime `{runtime}`"), hint)
    };
    problems.add(severity, &["runtime"], message).hint(hint);
}

/// Tells whether a runtime is written like current ones and has a higher version than all of them.
fn is_newer(runtime: &str) -> bool {
    let alike = CURRENT.iter().filter(|known| form(known) == form(runtime));
    alike.map(|known| version(known)).max().is_some_and(|newest| version(runtime) > newest)
}

/// `python#.#` of `python3.13`.
fn form(runtime: &str) -> String {
    let mut form = String::new();
    for c in runtime.chars() {
        match c {
            '0'..='9' if form.ends_with('#') => {}
            '0'..='9' => form.push('#'),
            other => form.push(other),
        }
    }
    form
}

/// `[3, 13]` of `python3.13`.
fn version(runtime: &str) -> Vec<u32> {
    let numbers = runtime.split(|c: char| !c.is_ascii_digit());
    numbers.filter_map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `error` or `warning`, and the hint.
    fn found(runtime: &str) -> Option<String> {
        let mut problems = Problems::default();
        check(runtime, &mut problems);
        let problem = problems.0.pop()?;
        let hint = problem.hint.expect("a hint");
        Some(format!("{}: {hint}", problem.severity.as_str()))
    }

    #[test]
    fn runtimes_that_are_known_are_right() {
        let is_current = |runtime: &&&str| !DEPRECATED.contains(runtime);
        for runtime in CURRENT.iter().filter(is_current).chain(&["${env.RUNTIME}"]) {
            assert_eq!(found(runtime), None, "{runtime}");
        }
        for (_, successor) in SUCCESSORS {
            assert_eq!(found(successor), None, "{successor}");
        }
    }

    #[test]
    fn what_may_be_right_is_a_warning() {
        for runtime in
            ["python3.16", "python4.0", "nodejs28.x", "java29", "ruby4.1", "provided.al2026"]
        {
            let newer = "warning: Lambda decides whether there is such a runtime";
            assert_eq!(found(runtime).as_deref(), Some(newer), "{runtime}");
        }
        let deprecated =
            "warning: it gets no security updates, and new functions will be refused: write ";
        for runtime in DEPRECATED {
            assert!(found(runtime).is_some_and(|found| found.starts_with(deprecated)), "{runtime}");
        }
        for runtime in NOT_FOR_NEW {
            assert!(found(runtime).is_some_and(|found| found.starts_with("warning: a function")));
        }
    }

    #[test]
    fn what_no_function_can_have_is_an_error() {
        for (runtime, hint) in [
            ("python2.7", "write `python3.13`"),
            ("dotnetcore3.1", "write `dotnet10`"),
            ("nodejs", "write `nodejs22.x`"),
            ("nodejs22", "did you mean `nodejs22.x`?"),
            ("nodejs23.x", "did you mean `nodejs22.x`?"),
            ("Python3.13", "did you mean `python3.13`?"),
            ("python3.1", "did you mean `python3.10`?"),
            ("cobol", "for example `python3.13` or `nodejs22.x`"),
            ("", "for example `python3.13` or `nodejs22.x`"),
        ] {
            assert_eq!(found(runtime), Some(format!("error: {hint}")), "{runtime}");
        }
    }
}
