//! `schema`: what editors complete from.

use stackwright_aws::kinds;
use stackwright_engine::manifest;

use crate::error::Result;
use crate::render;

pub async fn run(fields: bool) -> Result<u8> {
    let kinds = kinds::registry();
    match fields {
        true => anstream::print!("{}", render::fields::fields(&kinds)),
        false => anstream::println!("{:#}", manifest::document(&kinds)),
    }
    Ok(0)
}
