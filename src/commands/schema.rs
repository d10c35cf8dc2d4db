//! `schema`: what editors complete from.

use stackwright_engine::manifest;

use crate::error::Result;
use crate::render;
use crate::workspace;

pub async fn run(fields: bool) -> Result<u8> {
    let kinds = workspace::offline_kinds().await;
    match fields {
        true => anstream::print!("{}", render::fields::fields(&kinds)),
        false => anstream::println!("{:#}", manifest::document(&kinds)),
    }
    Ok(0)
}
