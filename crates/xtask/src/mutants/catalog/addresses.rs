//! Addresses, key pairs and managed policies: what their services refuse, and what a plan must not do with them.

use super::Edit::{Body, Never, Remove, Replace};
use super::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant::aws(
        "a key pair is deleted before it is known that its successor may be imported",
        "KeyPairs::exchange",
        Remove("self.may_import"),
    )
    .suspects(&["key_pairs"]),
    Mutant::aws(
        "an import that fails after its delete is not repeated",
        "KeyPairs::exchange",
        Replace("Fault::Unknown | Fault::NameTaken", "Fault::Denied"),
    )
    .suspects(&["key_pairs"]),
    Mutant::aws(
        "an address is released while it leads to an instance",
        "Addresses::release_address",
        Remove("self.disassociate"),
    )
    .suspects(&["addresses"]),
    Mutant::aws(
        "a policy is deleted with its versions",
        "Policies::delete_policy",
        Remove("self.delete_version"),
    )
    .suspects(&["managed_policies"]),
    Mutant::engine(
        "names that a service takes for one are two",
        "Kind::is_same_name",
        Body("one == other"),
    ),
    Mutant::engine(
        "what another stack has made its own is adopted",
        "Claiming::taken_over",
        Never("is_other(tag::STACK, &stack)"),
    ),
    Mutant::engine(
        "two resources have what one alone can have",
        "Reader::unique_values",
        Replace("field.is_unique", "field.is_unique && field.path.is_empty()"),
    )
    .suspects(&["addresses"]),
];
