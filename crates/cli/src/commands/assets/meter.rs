//! How many bytes are through, on the line of progress.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::human::size;
use crate::printer::Printer;
use crate::progress::Progress;

/// Bytes between two looks of whoever watches.
const STEP: u64 = 1 << 20;

/// Counts bytes, and says so where a person looks.
pub(super) struct Meter {
    progress: Progress,
    doing: String,
    total: Option<u64>,
    through: AtomicU64,
}

impl Meter {
    /// Starts at nothing, on the way to `total`.
    pub(super) fn start(printer: &Printer, doing: String, total: Option<u64>) -> Self {
        let progress = Progress::start(printer, &doing);
        Self { progress, doing, total, through: AtomicU64::new(0) }
    }

    /// Hears of bytes that are through.
    pub(super) fn told(&self, bytes: u64) {
        let before = self.through.fetch_add(bytes, Ordering::Relaxed);
        let through = before + bytes;
        if before / STEP == through / STEP {
            return;
        }
        let of = self.total.map(|total| format!(" of {}", size(total))).unwrap_or_default();
        self.progress.say(format!("{}: {}{of}", self.doing, size(through)));
    }
}
