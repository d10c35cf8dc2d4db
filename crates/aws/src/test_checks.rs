//! For tests: what a kind finds in a config.

use serde_json::Value;
use stackwright_engine::kind::{CheckContext, Problem, ResourceType};

use crate::tags::Tags;

/// Returns the problems of a resource that is alone in its file.
pub fn problems_of<T: ResourceType>(name: &str, tags: &Tags, config: &Value) -> Vec<Problem> {
    let typed: T::Config = serde_json::from_value(config.clone()).expect("a config");
    T::check(&typed, &CheckContext { name, tags, known: config, siblings: &|_| None, files: None })
}

/// Returns where a config without tags is wrong.
pub fn wrong_paths<T: ResourceType>(config: &Value) -> Vec<String> {
    let problems = problems_of::<T>("web", &Tags::new(), config);
    problems.into_iter().map(|problem| problem.path.join(".")).collect()
}
