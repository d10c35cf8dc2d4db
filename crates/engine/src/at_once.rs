//! Many calls, some at a time.

use futures_util::stream::{FuturesUnordered, StreamExt as _};

/// Makes a call for each item, at most `limit` of them at a time, and returns the answers in the order of the items.
/// A call's future is made when its turn comes: those of thousands of items would take more memory than what they
/// read. (`buffered` of a stream does the same, but a borrowed item makes its future not `Send`.)
///
/// # Panics
/// The limit is 0.
pub async fn at_once<T, F: Future>(
    limit: usize,
    items: impl IntoIterator<Item = T>,
    mut call: impl FnMut(T) -> F,
) -> Vec<F::Output> {
    assert!(limit > 0, "nothing is called at a limit of 0");
    let mut calls = items.into_iter().enumerate().map(|(place, item)| {
        let answer = call(item);
        async move { (place, answer.await) }
    });
    let mut under_way: FuturesUnordered<_> = calls.by_ref().take(limit).collect();
    let mut answers = Vec::new();
    while let Some(answer) = under_way.next().await {
        answers.push(answer);
        under_way.extend(calls.next());
    }
    answers.sort_unstable_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::at_once;

    #[tokio::test(start_paused = true)]
    async fn a_slow_call_leaves_the_other_places_to_the_next_ones() {
        let (made, ended, most) = (Cell::new(0), Cell::new(0), Cell::new(0));
        let call = |item: u64| {
            made.set(made.get() + 1);
            most.set(most.get().max(made.get() - ended.get()));
            let (made, ended) = (&made, &ended);
            async move {
                tokio::time::sleep(Duration::from_secs(if item == 0 { 100 } else { 1 })).await;
                ended.set(ended.get() + 1);
                if item == 0 {
                    assert_eq!(made.get(), 20, "the others were called meanwhile");
                }
                item
            }
        };
        let answers = at_once(3, 0..20, call).await;
        assert_eq!(answers, (0..20).collect::<Vec<_>>());
        assert_eq!(most.get(), 3, "so many futures at a time");
    }
}
