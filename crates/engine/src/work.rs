//! Counts the work of a run, so that a test can show that it grows with the size of a stack and not with its
//! square. Timed tests depend on the machine; counted ones do not.

use std::cell::Cell;

thread_local! {
    static COUNTED: Cell<u64> = const { Cell::new(0) };
}

/// Counts one comparison of addresses, names or keys, or one look at a step or a character. Does nothing in an optimised build.
#[inline]
pub(crate) fn count() {
    if cfg!(debug_assertions) {
        COUNTED.with(|counted| counted.set(counted.get() + 1));
    }
}

/// Returns what this thread has counted.
pub fn counted() -> u64 {
    COUNTED.with(Cell::get)
}
