//! What a run has begun and not finished, in words.

use stackwright_engine::state::{OpenOperation, Operation};

use super::clean;

/// One sentence each, with the address.
pub fn sentences(open: &[OpenOperation]) -> Vec<String> {
    let sentence = |open: &OpenOperation| format!("{}: {}", open.address, words(&open.operation));
    open.iter().map(sentence).collect()
}

/// A sentence without the address.
pub fn words(operation: &Operation) -> String {
    match operation {
        Operation::Create { sent } => {
            format!("a create sent at {} has no known outcome yet", clean(&to_the_second(sent)))
        }
        Operation::Adopt(id) => {
            format!("{} was adopted and is not compared with the file yet", clean(id))
        }
        Operation::Complete(id) => format!("{} was created and is not complete yet", clean(id)),
        Operation::Update(id) => format!("the update of {} is not finished", clean(id)),
        Operation::Delete(id) => format!("{} is being deleted", clean(id)),
        Operation::DeleteReplaced(id) => {
            format!("{} was replaced and is still to be deleted", clean(id))
        }
    }
}

/// A time of RFC 3339 without fractions of a second.
fn to_the_second(time: &str) -> String {
    match time.split_once('.') {
        Some((whole, _)) => format!("{whole}Z"),
        None => time.to_owned(),
    }
}
