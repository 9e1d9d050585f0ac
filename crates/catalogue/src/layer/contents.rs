//! Which contents are kept, within the limits.

use std::io::Read;

use portolan_model::Limits;

use super::Content;
use super::raw::RawLayer;
use super::turn::LIGHT_FILE;
use crate::Rules;

/// The contents that were kept of one layer.
pub(super) struct Contents<'a> {
    rules: &'a Rules,
    kept: u64,
}

impl<'a> Contents<'a> {
    pub(super) fn new(rules: &'a Rules) -> Self {
        Self { rules, kept: 0 }
    }

    /// Whether the content of the file at `path` is to be kept: [`Content::Kept`] with room for it
    /// where it is. Room for much is taken by one scan at a time.
    pub(super) fn begin<R: Read>(
        &mut self,
        path: &str,
        size: u64,
        raw: &mut RawLayer<'_, R>,
    ) -> Content {
        let Limits { kept_file_bytes, kept_layer_bytes, .. } = raw.limits();
        if !self.rules.ask_for(path) {
            return Content::NotAsked;
        }
        let room = match usize::try_from(size) {
            Ok(room) if size <= *kept_file_bytes => room,
            _ => return Content::FileTooLarge,
        };
        if self.kept.saturating_add(size) > *kept_layer_bytes {
            return Content::LayerTooLarge;
        }
        if size > LIGHT_FILE {
            raw.turn.take();
        }
        self.kept += size;
        Content::Kept(Vec::with_capacity(room))
    }
}
