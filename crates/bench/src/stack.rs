//! Writes stack files of any size.

use std::fmt::Write as _;

/// How many resources the smallest stack has.
pub const SMALLEST: usize = 10;

/// How many routes the API has at most.
pub const ROUTES: usize = 300;

/// A stack of so many resources: instances, security groups, roles and functions, one role that all
/// functions assume, and one API whose routes call them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub instances: usize,
    pub groups: usize,
    /// Besides the one that all functions assume.
    pub roles: usize,
    pub functions: usize,
}

/// What differs between two editions of a stack: one field of each resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edition {
    First,
    Second,
}

impl Shape {
    /// The stack of `resources` resources, of which there are at least [`SMALLEST`].
    pub fn of(resources: usize) -> Self {
        // One role and one API are there in any case.
        let rest = resources.saturating_sub(2);
        let (functions, roles, groups) = (rest * 3 / 10, rest / 5, rest / 4);
        Self { functions, roles, groups, instances: rest - functions - roles - groups }
    }

    pub fn resources(&self) -> usize {
        self.instances + self.groups + self.roles + self.functions + 2
    }

    pub fn routes(&self) -> usize {
        self.functions.min(ROUTES)
    }

    /// The stack file. Its code is in the folder `code`.
    pub fn yaml(&self, edition: Edition) -> String {
        let mut text =
            "stack: scale\ncloud: local\nregion: us-east-1\ntags: {project: scale}\n".to_owned();
        let is_first = edition == Edition::First;
        let title = if is_first { "first edition" } else { "second edition" };
        let mut section = |name: &str, lines: &mut dyn Iterator<Item = String>| {
            let _ = write!(text, "\n{name}:\n");
            lines.for_each(|line| {
                let _ = writeln!(text, "  {line}");
            });
        };
        let monitoring = if is_first { "" } else { ", monitoring: true" };
        section(
            "instance",
            &mut (1..=self.instances).map(|at| {
                let group = around(at, self.groups);
                format!(
                    "web-{at:05}: {{image: ami-ff0fea8310f3, type: t3.micro, \
                 security_groups: [security_group.net-{group:05}]{monitoring}}}"
                )
            }),
        );
        let more = if is_first { "" } else { ", tcp 80 from 10.0.0.0/8" };
        section("security_group", &mut (1..=self.groups).map(|at| {
            format!("net-{at:05}: {{description: a group, ingress: [tcp 443 from 10.0.0.0/8{more}]}}")
        }));
        let hub = format!("hub: {{trust: lambda.amazonaws.com, description: {title}}}");
        let others = (1..=self.roles).map(|at| {
            let instance = around(at, self.instances);
            format!(
                "role-{at:05}: {{trust: lambda.amazonaws.com, description: {title}, \
                 allow: [{{actions: 'ec2:StartInstances', \
                 resources: ['${{instance.web-{instance:05}.arn}}']}}]}}"
            )
        });
        section("role", &mut std::iter::once(hub).chain(others));
        let timeout = if is_first { 3 } else { 4 };
        section("function", &mut (1..=self.functions).map(|at| {
            let instance = around(at, self.instances);
            format!(
                "run-{at:05}: {{code: code/, runtime: python3.13, handler: app.handler, role: role.hub, \
                 timeout: {timeout}, environment: {{INSTANCE: '${{instance.web-{instance:05}.id}}'}}}}"
            )
        }));
        let api = format!("front:\n    description: {title}\n    authorization: none\n    routes:");
        let routes = (1..=self.routes()).map(|at| {
            let (method, path) = (if at % 2 == 0 { "GET" } else { "POST" }, at / 2);
            format!("    {method} /path-{path:05}: function.run-{at:05}")
        });
        section("api", &mut std::iter::once(api).chain(routes));
        text
    }
}

/// A number from 1 to `count` for each number from 1 on.
fn around(at: usize, count: usize) -> usize {
    (at - 1) % count.max(1) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_has_as_many_resources_as_it_should() {
        for resources in [10, 11, 100, 999, 10_000] {
            let shape = Shape::of(resources);
            assert_eq!(shape.resources(), resources);
            let text = shape.yaml(Edition::First);
            let resources =
                text.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
            assert_eq!(resources.count(), shape.resources());
        }
        let Shape { instances, groups, roles, functions } = Shape::of(10);
        assert_eq!((instances, groups, roles, functions), (3, 2, 1, 2));
        assert_eq!(Shape::of(10_000).routes(), ROUTES);
    }

    /// Of the API, the description alone.
    #[test]
    fn an_edition_changes_one_line_of_each_resource() {
        let shape = Shape::of(100);
        let texts = [Edition::First, Edition::Second].map(|edition| shape.yaml(edition));
        let lines = texts[0].lines().zip(texts[1].lines());
        assert_eq!(lines.filter(|(one, other)| one != other).count(), shape.resources());
    }
}
