//! The work of a run grows with the size of a stack, and not with its square. What is counted is comparisons of
//! addresses and looks at steps, of names and characters: the result is the same on every machine.

use std::fmt::Write as _;

use stackwright_engine::manifest::{Manifest, Request, Source};
use stackwright_engine::work::counted;

use crate::support::Stack;

const SMALL: usize = 100;
const LARGE: usize = 3200;

/// A lookup among 3,200 addresses takes 1.75 times as many comparisons as one among 100.
const MOST: f64 = 2.5;

/// A stack of `size` resources: all named ones need one hub, and each plain one needs a named one.
fn file(size: usize, motor: &str) -> String {
    let mut file = "token:\n  hub: {shape: round}\n".to_owned();
    let each = |file: &mut String, kind: &str, entry: &dyn Fn(usize) -> String| {
        let _ = writeln!(file, "{kind}:");
        (0..size / 2).for_each(|at| file.push_str(&entry(at)));
    };
    each(&mut file, "named", &|at| {
        format!("  n{at}: {{motor: {motor}, labels: {{hub: '${{token.hub.id}}'}}}}\n")
    });
    each(&mut file, "plain", &|at| {
        format!("  p{at}: {{motor: {motor}, labels: {{of: '${{named.n{at}.id}}'}}}}\n")
    });
    file
}

/// Returns what each run of a stack's life counts for each of its resources: to create it, to do nothing, to
/// update all, to create it under other addresses and names, and to delete it.
async fn lives(size: usize) -> Vec<(&'static str, f64)> {
    let mut stack = Stack::new(&file(size, "v1"));
    stack.parallelism = 10;
    let mut each = Vec::new();
    let mut before = counted();
    let mut lived = |what| {
        let now = counted();
        each.push((what, (now - before) as f64 / size as f64));
        before = now;
    };
    stack.reconcile().await;
    lived("create");
    stack.reconcile().await;
    lived("nothing to do");
    stack.file = format!("stack: s\n{}", file(size, "v2"));
    stack.reconcile().await;
    lived("update all");
    stack.file =
        stack.file.replace("  n", "  m").replace("named.n", "named.m").replace("  p", "  q");
    stack.reconcile().await;
    lived("replace all keys");
    stack.run(true).await;
    lived("destroy");
    assert_eq!(stack.world.things().len(), 0);
    each
}

#[tokio::test(start_paused = true)]
async fn the_work_for_one_resource_does_not_grow_with_the_stack() {
    let (small, large) = (lives(SMALL).await, lives(LARGE).await);
    for ((what, few), (_, many)) in small.into_iter().zip(large) {
        assert!(few > 0.0, "{what}: nothing is counted");
        let ratio = many / few;
        assert!(
            ratio < MOST,
            "{what}: {few:.0} of {SMALL}, {many:.0} of {LARGE}: {ratio:.1} times"
        );
    }
}

/// Returns what a wrong file counts for each of its resources until the place of every problem is known. Each of them
/// has the line that `wrong` returns, and one problem.
fn problems(size: usize, wrong: &dyn Fn(usize) -> String) -> f64 {
    let mut file = "stack: s\ntoken:\n  hub: {shape: round}\nnamed:\n".to_owned();
    for at in 0..size {
        let _ = writeln!(file, "  n{at}: {{motor: v1, {}}}", wrong(at));
    }
    let kinds = Stack::new("").world.kinds();
    let request =
        Request { cloud: None, region: None, env: &|_| None, needs_env: true, files: None };
    let before = counted();
    let invalid = Manifest::load(Source::new("stack.yaml", file), &request, &kinds)
        .expect_err("a file with problems");
    let lines = invalid.diagnostics.iter().map(|found| invalid.source.position(found.span.start).0);
    assert_eq!(lines.collect::<Vec<_>>(), (5..5 + size).collect::<Vec<_>>());
    (counted() - before) as f64 / size as f64
}

#[test]
fn the_work_for_one_problem_does_not_grow_with_their_number() {
    let wrong: [(&str, &dyn Fn(usize) -> String); 4] = [
        ("one wrong name", &|_| "labels: {hub: '${token.hbu.id}'}".to_owned()),
        ("many wrong names", &|at| format!("labels: {{hub: '${{named.m{at}.id}}'}}")),
        ("many wrong dependencies", &|at| format!("depends_on: [named.m{at}]")),
        ("many unknown keys", &|_| "lables: {}".to_owned()),
    ];
    for (what, wrong) in wrong {
        let (few, many) = (problems(SMALL, wrong), problems(LARGE, wrong));
        let ratio = many / few;
        assert!(
            ratio < MOST,
            "{what}: {few:.0} of {SMALL}, {many:.0} of {LARGE}: {ratio:.1} times"
        );
    }
}
