//! One scan at a time may need much memory.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a scan may hold without taking the turn: a zstd window up to here, in bytes. It is the
/// largest window that every decoder must support (RFC 8878, 3.1.1.1.2).
pub(super) const LIGHT_WINDOW: u64 = 8 << 20;

/// What a scan may hold without taking the turn: the content of one file up to here, in bytes.
pub(super) const LIGHT_FILE: u64 = 2 << 20;

/// A scan's claim to the memory that only one scan has at a time. It is kept until the scan ends,
/// so that no scan ever waits for one that waits for it.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    lock: &'a Mutex<()>,
    held: Option<MutexGuard<'a, ()>>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(lock: &'a Mutex<()>) -> Self {
        Self { lock, held: None }
    }

    /// Waits until no other scan has the turn. At once where this scan has it already.
    pub(super) fn take(&mut self) {
        if self.held.is_none() {
            self.held = Some(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_turn_is_kept_until_the_scan_ends() {
        let lock = Mutex::new(());
        let mut turn = Turn::new(&lock);
        assert!(lock.try_lock().is_ok());
        turn.take();
        turn.take();
        assert!(lock.try_lock().is_err());
        drop(turn);
        assert!(lock.try_lock().is_ok());
    }
}
