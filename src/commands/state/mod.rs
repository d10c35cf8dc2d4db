//! `state`: the state itself, apart from what it is of.

mod list;
mod moving;
mod rebuild;

use crate::cli::State;
use crate::error::Result;
use crate::progress::Progress;

pub async fn run(command: State, json: bool, progress: &Progress) -> Result<u8> {
    match command {
        State::List { stack } => list::list(&stack.stack(), json).await,
        State::Show { address, stack } => list::show(&stack, &address).await,
        State::Mv { from, to, stack } => moving::mv(&stack, &from, &to, progress).await,
        State::Rm { address, force, stack } => moving::rm(&stack, &address, force, progress).await,
        State::Rebuild { stack, adopt } => rebuild::run(&stack.stack(), adopt, progress).await,
    }
}
