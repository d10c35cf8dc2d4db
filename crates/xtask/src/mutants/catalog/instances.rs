//! Instances.

use super::Edit::{Before, Never, Unchain};
use super::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant::aws(
        "an instance is created without a token",
        "Instances::run_instance",
        Unchain("client_token"),
    )
    .suspects(&["strict", "faults"]),
    Mutant::aws(
        "an instance is created without its tags",
        "Instances::run_instance",
        Unchain("set_tag_specifications"),
    )
    .suspects(&["strict", "faults"]),
    Mutant::aws(
        "an instance that the reply does not name counts as created",
        "Instances::run_instance",
        Before(
            "instance.filter(|_| !id.is_empty())",
            "let (id, instance) = match instance {
                None => {
                    let unnamed = aws_sdk_ec2::types::Instance::builder().build();
                    (\"i-0\".to_owned(), Some(unnamed))
                }
                instance => (id, instance),
            };",
        ),
    )
    .suspects(&["faults"]),
    Mutant::aws(
        "an instance that must be stopped first is an error",
        "Instances::set_type",
        Never("\"IncorrectInstanceState\""),
    )
    .suspects(&["strict"]),
];
