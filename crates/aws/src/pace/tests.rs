use super::*;
use crate::call_tracker::CallTracker;

const QUOTAS: &[Quota] = &[
    Quota::of(&["Delete"], 1, 30_000),
    Quota::of(&["List", "ListMore"], 5, 400),
    Quota::of_all(40, 100),
];

/// A service whose operations have buckets of their own, as EC2's.
const EACH: &[Quota] = &[
    Quota::of(&["RunInstances"], 5, 500),
    Quota::of_each_other_read(3, 1_000),
    Quota::of_each_other_write(2, 1_000),
];

/// Returns full buckets.
async fn pace(quotas: &'static [Quota]) -> Pace {
    let pace = Pace::new(quotas, Stop::default());
    sleep(bucket::SINCE_LAST_RUN).await;
    pace
}

/// Sends one call after another, each as soon as it may be, and returns when they were sent, in milliseconds.
async fn sent(pace: &Pace, calls: &[&str]) -> Vec<u128> {
    let (tracker, since) = (CallTracker::default(), Instant::now());
    let mut at = Vec::new();
    for call in calls {
        let awaiting = tracker.awaits("the answer", Duration::MAX);
        pace.turn(call, &awaiting).await.expect("nobody interrupts");
        at.push(since.elapsed().as_millis());
    }
    at
}

/// Starts a call that waits for its turn.
fn start(pace: &Pace, call: &'static str) -> tokio::task::JoinHandle<Instant> {
    let pace = pace.clone();
    tokio::spawn(async move {
        let awaiting = CallTracker::default().awaits("the answer", Duration::MAX);
        pace.turn(call, &awaiting).await.expect("nobody interrupts");
        Instant::now()
    })
}

#[tokio::test(start_paused = true)]
async fn each_call_waits_for_its_token() {
    assert_eq!(sent(&pace(QUOTAS).await, &["Delete"; 3]).await, [0, 30_000, 60_000]);
    let list = sent(&pace(QUOTAS).await, &["List"; 7]).await;
    assert_eq!(list, [0, 0, 0, 0, 0, 400, 800]);
    assert_eq!(sent(&pace(QUOTAS).await, &["Other"; 42]).await[39..], [0, 100, 200]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_follows_another_starts_with_what_that_may_have_left() {
    let pace = Pace::new(QUOTAS, Stop::default());
    assert_eq!(sent(&pace, &["List"; 5]).await, [0, 400, 800, 1_200, 1_600]);
    let full = sent(&Pace::new(QUOTAS, Stop::default()), &["Other"; 40]).await;
    assert_eq!(full[28..32], [2_800, 2_900, 3_000, 3_100]);
}

#[tokio::test(start_paused = true)]
async fn calls_share_a_bucket_or_have_their_own_as_the_service_declares() {
    let shared = pace(QUOTAS).await;
    // A clone is what another kind has.
    let other = shared.clone();
    sent(&shared, &["List"; 5]).await;
    assert_eq!(sent(&other, &["ListMore"]).await, [400]);
    let each = pace(EACH).await;
    assert_eq!(sent(&each, &["DescribeA", "DescribeB", "DescribeA", "DescribeB"]).await, [0; 4]);
    assert_eq!(sent(&each, &["StopInstances"; 3]).await, [0, 0, 1_000]);
    assert_eq!(sent(&each, &["RunInstances"; 6]).await[4..], [0, 500], "only its own quota");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_answered_may_still_arrive() {
    let pace = pace(QUOTAS).await;
    let awaiting = CallTracker::default().awaits("the answer", Duration::MAX);
    let mut under_way = Vec::new();
    for _ in 0..5 {
        under_way.push(pace.turn("List", &awaiting).await.expect("nobody interrupts"));
    }
    let (since, sixth) = (Instant::now(), start(&pace, "List"));
    sleep(Duration::from_secs(3)).await;
    drop(under_way);
    let waited = sixth.await.expect("its turn") - since;
    assert_eq!(waited.as_millis(), 3_400);
}

#[tokio::test(start_paused = true)]
async fn a_service_without_quotas_keeps_nothing_waiting() {
    assert_eq!(sent(&pace(&[]).await, &["Delete"; 100]).await, [0; 100]);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_whose_calls_are_throttled_is_empty_and_slow_and_recovers() {
    let pace = pace(QUOTAS).await;
    sent(&pace, &["List"]).await;
    pace.throttled("List");
    // Sent before the first answer came.
    pace.throttled("List");
    let slow = sent(&pace, &["List"; 3]).await;
    assert!((800..=1_000).contains(&slow[0]), "{slow:?}");
    assert!((780..=800).contains(&(slow[2] - slow[1])), "{slow:?}");
    // Other buckets of the service are full.
    sleep(Duration::from_secs(60)).await;
    let half_recovered = sent(&pace, &["List"; 20]).await;
    let apart = half_recovered[19] - half_recovered[18];
    assert!((500..=560).contains(&apart), "{half_recovered:?}");
    sleep(Duration::from_secs(300)).await;
    assert_eq!(sent(&pace, &["List"; 7]).await, [0, 0, 0, 0, 0, 400, 800]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_when_another_is_throttled_waits_longer() {
    let pace = pace(QUOTAS).await;
    sent(&pace, &["List"; 5]).await;
    let (since, waiting) = (Instant::now(), start(&pace, "List"));
    sleep(Duration::from_millis(100)).await;
    pace.throttled("List");
    let sent = waiting.await.expect("its turn");
    assert!((sent - since).as_millis() >= 100 + 790, "{:?}", sent - since);
}

#[tokio::test(start_paused = true)]
async fn nothing_waits_for_an_unpublished_quota_until_a_call_is_throttled() {
    const UNPUBLISHED: &[Quota] = &[Quota::of_all(20, 50).unpublished()];
    let pace = pace(UNPUBLISHED).await;
    assert_eq!(sent(&pace, &["GetRole"; 1_000]).await, [0; 1_000]);
    pace.throttled("GetRole");
    let slow = sent(&pace, &["CreateRole"; 30]).await;
    assert!(slow.windows(2).all(|pair| (90..=110).contains(&(pair[1] - pair[0]))), "{slow:?}");
    sleep(Duration::from_secs(300)).await;
    assert_eq!(sent(&pace, &["GetRole"; 1_000]).await, [0; 1_000]);
}

#[tokio::test(start_paused = true)]
async fn a_write_goes_before_reads_that_wait() {
    let pace = pace(QUOTAS).await;
    sent(&pace, &["Get"; 40]).await;
    let since = Instant::now();
    let reads: Vec<_> = (0..300).map(|_| start(&pace, "Get")).collect();
    sleep(Duration::from_millis(10)).await;
    let write = start(&pace, "Put").await.expect("its turn");
    assert!((write - since).as_millis() <= 100, "{:?}", write - since);
    let mut last = since;
    for read in reads {
        last = last.max(read.await.expect("its turn"));
    }
    assert_eq!((last - since).as_secs(), 30, "301 calls, ten a second");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cancelled_takes_nothing() {
    let pace = pace(QUOTAS).await;
    sent(&pace, &["Delete"]).await;
    let cancelled: Vec<_> = (0..50).map(|_| start(&pace, "Delete")).collect();
    sleep(Duration::from_secs(1)).await;
    cancelled.iter().for_each(tokio::task::JoinHandle::abort);
    for call in cancelled {
        assert!(call.await.expect_err("it was cancelled").is_cancelled());
    }
    assert_eq!(sent(&pace, &["Delete"]).await, [29_000]);
    assert!(pace.lock().queue.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_run_waits_for_no_turn() {
    let (asks, asked) = watch::channel(false);
    let stop = Stop::default();
    stop.set(asked).expect("the only one");
    let pace = Pace::new(QUOTAS, stop);
    sleep(bucket::SINCE_LAST_RUN).await;
    sent(&pace, &["Delete"]).await;
    let since = Instant::now();
    let awaiting = CallTracker::default().awaits("the answer", Duration::MAX);
    let interrupt = async {
        sleep(Duration::from_secs(1)).await;
        asks.send_replace(true);
    };
    let (turn, ()) = tokio::join!(pace.turn("Delete", &awaiting), interrupt);
    assert_eq!((turn.err(), since.elapsed().as_secs()), (Some(Interrupted), 1));
    assert_eq!(pace.turn("Delete", &awaiting).await.err(), Some(Interrupted));
    assert_eq!(pace.turn("List", &awaiting).await.err(), None, "its turn has come");
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_turn_is_listed_in_the_place_of_the_answer() {
    let tracker = CallTracker::default();
    let pace = pace(QUOTAS).await;
    sent(&pace, &["Delete"]).await;
    let (second, awaiting) = (pace.clone(), tracker.awaits("the answer", Duration::from_secs(60)));
    let second = tokio::spawn(async move {
        second.turn("Delete", &awaiting).await.expect("nobody interrupts");
        sleep(Duration::from_secs(5)).await;
    });
    sleep(Duration::from_secs(8)).await;
    let awaited = tracker.awaited();
    assert_eq!(awaited.len(), 1, "{awaited:?}");
    assert_eq!(awaited[0].what, "the turn of Delete, which AWS accepts once every 30 s");
    assert_eq!((awaited[0].since.elapsed().as_secs(), awaited[0].limit.as_secs()), (8, 30));
    sleep(Duration::from_secs(25)).await;
    let awaited = tracker.awaited();
    assert_eq!(awaited[0].what, "the answer", "{awaited:?}");
    assert_eq!((awaited[0].since.elapsed().as_secs(), awaited[0].limit.as_secs()), (3, 60));
    second.await.expect("its turn");
    assert_eq!(tracker.awaited(), []);
}
