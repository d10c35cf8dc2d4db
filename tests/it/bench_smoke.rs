//! The bench against its cloud in memory: what it measures happens at all. Nothing here says how long.

use std::path::Path;

use bench::smoke::{self, Step};

/// The objects of a stack of ten resources; a role and an API are there beside those that are counted.
const OBJECTS: usize = 10;

fn calls(step: &Step) -> u64 {
    assert!(step.calls.unknown.is_empty(), "the double does not know {:?}", step.calls.unknown);
    let deviations = &step.calls.deviations;
    assert!(deviations.is_empty(), "AWS would not answer so: {deviations:#?}");
    step.calls.total()
}

#[test]
fn a_small_stack_lives_on_the_cloud_in_memory() {
    let smoke =
        smoke::run(Path::new(env!("CARGO_BIN_EXE_stackwright"))).expect("every run succeeds");
    let smoke::Smoke { shape, create, nothing, update, destroy } = smoke;
    assert_eq!(shape.resources(), OBJECTS);

    assert_eq!(create.objects, OBJECTS);
    for (operation, count) in [
        ("ec2 RunInstances", shape.instances),
        ("ec2 CreateSecurityGroup", shape.groups),
        ("iam CreateRole", shape.roles + 1),
        ("lambda CreateFunction", shape.functions),
        ("apigateway CreateRestApi", 1),
        ("apigateway CreateDeployment", 1),
    ] {
        assert_eq!(create.calls.of(operation), count as u64, "{operation}");
    }

    assert_eq!((nothing.calls.writes, nothing.objects), (0, OBJECTS), "{:?}", nothing.calls);

    assert_eq!(update.objects, OBJECTS);
    for (operation, count) in [
        ("ec2 MonitorInstances", shape.instances),
        ("ec2 AuthorizeSecurityGroupIngress", shape.groups),
        ("iam UpdateRole", shape.roles + 1),
        ("lambda UpdateFunctionConfiguration", shape.functions),
        ("apigateway UpdateRestApi", 1),
        ("ec2 RunInstances", 0),
    ] {
        assert_eq!(update.calls.of(operation), count as u64, "{operation}");
    }

    assert_eq!(destroy.objects, 0, "{:?}", destroy.calls);
    // At most as many as there were when this was written. Where the state knows nothing, and before it forgets all, objects
    // of every kind are searched by their tags: a kind more is a call more.
    for (step, most) in [(&create, 52), (&nothing, 20), (&update, 60), (&destroy, 43)] {
        assert!((1..=most).contains(&calls(step)), "more than {most}: {:#?}", step.calls);
    }
}
