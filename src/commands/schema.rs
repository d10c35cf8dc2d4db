//! `schema`: what editors complete from.

use stackwright_aws::kinds;
use stackwright_engine::manifest;

use crate::error::Result;
use crate::print;
use crate::render;

pub async fn run(fields: bool) -> Result<u8> {
    let kinds = kinds::registry();
    match fields {
        true => print::out(&render::fields::fields(&kinds)),
        false => print::stdout!("{:#}", manifest::document(&kinds)),
    }
    Ok(0)
}
