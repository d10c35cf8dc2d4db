//! Endpoints that accept an update and do not apply it.

use std::time::Duration;

use stackwright_engine::change::Path;
use stackwright_engine::execute::Failure;
use stackwright_engine::plan::Note;
use stackwright_testkit::world::Fate;

use crate::support::{Ended, Stack, made, notes, steps};

/// Runs once: how many steps failed with an update that was not applied, and how many calls wrote.
async fn ignored(stack: &Stack) -> (usize, usize) {
    stack.world.script(|_| Fate::Happens);
    let Ended::Done(outcome) = stack.run(false).await else { panic!("it runs") };
    assert_eq!(outcome.skipped, [], "what depends on it goes on");
    for (address, why) in &outcome.failed {
        let is_recorded = matches!(**why, Failure::NotApplied { is_recorded: true, .. });
        assert!(is_recorded, "{address}: {why:?}");
    }
    (outcome.failed.len(), stack.world.writes())
}

#[tokio::test(start_paused = true)]
async fn an_ignored_update_fails_once_and_is_reported_from_then_on() {
    let file = "token:\n  a: {size: 1, labels: {keeps: size}}\n\
                named:\n  b: {motor: v1, rules: {upstream: '${token.a.id}'}}\n";
    let mut stack = made(file).await;
    stack.file = stack.file.replace("size: 1", "size: 2").replace("v1", "v2");
    stack.consistency_window = Duration::from_secs(1);
    assert_eq!(ignored(&stack).await, (1, 2), "both are updated once, and one fails");
    assert_eq!(ignored(&stack).await, (0, 0), "it is not sent again");
    let noted = [Note::Unapplied(Path(vec!["size".to_owned()]))];
    assert_eq!(notes(&stack, "token.a").await, noted);
    assert_eq!(steps(&stack.drift().await), [""; 0]);
    // An edit is sent, and so is what somebody else changes.
    stack.file = stack.file.replace("size: 2", "size: 3");
    assert_eq!(ignored(&stack).await, (1, 1));
    stack.world.meddle(|things| {
        let thing = things.iter_mut().find(|thing| thing.kind == "token").expect("it is there");
        thing.spec["size"] = 9.into();
        thing.spec["labels"] = serde_json::json!({});
    });
    assert_eq!(ignored(&stack).await, (0, 1));
    stack.holds("an endpoint that applies it").await;
    assert_eq!(notes(&stack, "token.a").await, []);
}
