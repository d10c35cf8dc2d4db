//! AWS's quotas: the program keeps to them, and gets along with programs that use the same account.
//!
//! Where nothing is written about it, emulators have no quotas: a double in the place of AWS's hosts has them.

use std::path::Path;
use std::time::Duration;

use bench::quotas::{Step, live};
use bench::stack::Shape;
use stackwright_testkit::Double;

/// Beyond what may be called at once: of instances, functions and their policies, and the control plane of APIs.
const SHAPE: Shape = Shape { instances: 8, groups: 1, roles: 1, functions: 24 };

/// No run takes as long.
const LIMIT: f64 = 300.0;

fn lives(double: &Double) -> Vec<Step> {
    let program = Path::new(env!("CARGO_BIN_EXE_stackwright"));
    let steps = live(program, LIMIT, double, SHAPE).expect("the program runs");
    for Step { name, ran, .. } in &steps {
        assert_eq!(ran.failure(), None, "{name}: {}", ran.output);
    }
    let names: Vec<_> = steps.iter().map(|step| step.name).collect();
    assert_eq!(names, ["create", "nothing to do", "destroy"]);
    assert!(double.counts().is_empty(), "{:?}", double.counts());
    steps
}

#[test]
fn no_call_is_throttled() {
    let steps = lives(&Double::with_quotas(Duration::from_millis(5)));
    for Step { name, calls, .. } in &steps {
        assert!(calls.throttled.is_empty(), "{name}: {:?}", calls.throttled);
    }
    let create = &steps[0].calls;
    for (operation, at_once) in
        [("ec2 RunInstances", 5), ("lambda CreateFunction", 15), ("lambda GetPolicy", 15)]
    {
        assert!(create.of(operation) > at_once, "{operation}: no quota was in the way");
    }
}

/// What may be called at once is half of what the program believes. So many calls too many are throttled before it
/// can know, and then one now and then.
#[test]
fn a_quota_that_others_use_is_found_by_few_throttled_calls() {
    for Step { name, calls, .. } in lives(&Double::with_shared_quotas(Duration::from_millis(5))) {
        let (throttled, total) = (calls.throttled(), calls.total());
        assert!(
            throttled <= 30 && throttled * 5 <= total,
            "{name}: {total}, {:?}",
            calls.throttled
        );
    }
}
