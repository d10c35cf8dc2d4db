//! APIs: what a caller meets while routes change.

use super::Edit::{Always, Before, Remove, Replace, Unchain};
use super::Mutant;

pub const MUTANTS: &[Mutant] = &[
    Mutant::aws(
        "an API is created without its tags",
        "Apis::create_api",
        Replace("set_tags(Some(tags))", "set_tags(Some(tags).filter(|_| false))"),
    )
    .suspects(&["strict", "faults"]),
    Mutant::aws(
        "the SDK repeats the create of an API",
        "Apis::create_api",
        Unchain("single_attempt"),
    )
    .suspects(&["strict", "faults"]),
    Mutant::aws(
        "an API is deployed before its routes are set",
        "Apis::converge",
        Before(
            "self.set_definition",
            "if desired.deployed != stages.digest {
                self.deploy(names, stages, &desired.deployed).await?;
            }",
        ),
    )
    .suspects(&["prober::after_each_write", "strict"]),
    Mutant::aws(
        "changed routes are deployed before they are set",
        "Apis::converge",
        Before(
            "self.set_definition",
            "let early = !stages.digest.is_empty() && desired.deployed != stages.digest;
            if early {
                self.deploy(names, stages, &desired.deployed).await?;
            }
            let digest = if early { desired.deployed.clone() } else { stages.digest.clone() };
            let stages = &super::observe::Stages { digest, ..stages.clone() };",
        ),
    )
    .suspects(&["prober::after_each_write", "strict"]),
    Mutant::aws(
        "a function is deployed that may not be called",
        "Apis::grant",
        Always("now.is_correct"),
    )
    .suspects(&["prober::after_each_write", "strict"]),
    Mutant::aws(
        "a permission is removed before the stage has changed",
        "Apis::converge",
        Before(
            "desired.deployed != stages.digest",
            "for (function, now) in &granted {
                if !desired.permissions.contains(function) {
                    self.permissions.revoke(function, &permission, now.count).await?;
                }
            }",
        ),
    )
    .suspects(&["prober::after_each_write", "strict"]),
    Mutant::aws(
        "an import loses the gateway responses of others",
        "Apis::unmanaged",
        Replace("responses: set", "responses: Vec::new()"),
    )
    .suspects(&["imports"]),
    Mutant::aws(
        "an import resets settings that it cannot repeat",
        "Apis::unmanaged",
        Replace("!is_importable(&api)", "false"),
    )
    .suspects(&["imports"]),
    Mutant::aws(
        "an import resets a method that somebody has changed",
        "Apis::unmanaged",
        Replace("has_customized(&tree, desired)", "false"),
    )
    .suspects(&["imports"]),
    Mutant::aws(
        "what an endpoint makes of an import is not looked at",
        "Apis::import",
        Always("has_responses && tree.routes() == desired.routes"),
    )
    .suspects(&["imports"]),
    Mutant::aws(
        "an import makes documentation of descriptions",
        "Apis::put_rest_api",
        Unchain("parameters"),
    )
    .suspects(&["imports"]),
    Mutant::aws("the deployment that is served is deleted", "outdated", Unchain("skip"))
        .suspects(&["strict"]),
    Mutant::aws(
        "a wrong permission stays beside the right one",
        "Permissions::grant",
        Remove("self.revoke"),
    )
    .suspects(&["strict"]),
];
