//! `schema`: what editors complete from.

use stackwright_engine::manifest;

use crate::error::Result;
use crate::workspace;

pub async fn run() -> Result<u8> {
    let schema = manifest::document(&workspace::offline_kinds().await);
    anstream::println!("{schema:#}");
    Ok(0)
}
