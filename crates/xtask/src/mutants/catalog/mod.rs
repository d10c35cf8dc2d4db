//! The mutants, by what they break.

mod addresses;
mod api;
mod creates;
mod difference;
mod disk;
mod execution;
mod functions;
mod instances;
mod journal;
mod ownership;
mod planning;
mod protection;
mod quotas;
mod roles;

use super::Mutant;
use super::edit::Edit;

const GROUPS: &[&[Mutant]] = &[
    planning::MUTANTS,
    difference::MUTANTS,
    protection::MUTANTS,
    creates::MUTANTS,
    execution::MUTANTS,
    ownership::MUTANTS,
    journal::MUTANTS,
    disk::MUTANTS,
    instances::MUTANTS,
    roles::MUTANTS,
    functions::MUTANTS,
    api::MUTANTS,
    quotas::MUTANTS,
    addresses::MUTANTS,
];

pub fn all() -> impl Iterator<Item = &'static Mutant> {
    GROUPS.iter().copied().flatten()
}
