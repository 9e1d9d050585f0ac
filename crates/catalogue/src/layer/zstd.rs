//! Zstandard (RFC 8878), any number of frames, skippable ones among them.

use std::io::Read;

use zstd::stream::raw::{DParameter, Decoder, Operation};

use super::source::Source;
use super::turn::{LIGHT_WINDOW, Turn};
use super::{Compression, ScanError};

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];
/// The longest frame header (RFC 8878, 3.1.1.1) with its magic number.
const HEADER: usize = 18;

/// A decoder between two calls.
pub(super) struct Zstd {
    decoder: Decoder<'static>,
    between_frames: bool,
    window_limit: u64,
}

pub(super) fn is_zstd(start: &[u8]) -> bool {
    start.starts_with(&MAGIC) || is_skippable(start)
}

fn is_skippable(start: &[u8]) -> bool {
    matches!(start, [first, rest @ ..] if first & 0xf0 == 0x50 && rest.starts_with(&SKIPPABLE))
}

/// The window that the frame starting with `header` asks its decoder to keep, in bytes. None where
/// the header is cut short, which the decoder itself will say.
fn window(header: &[u8]) -> Option<u64> {
    let rest = header.strip_prefix(&MAGIC)?;
    let (&descriptor, rest) = rest.split_first()?;
    let single_segment = descriptor & 0x20 != 0;
    if !single_segment {
        let byte = u64::from(*rest.first()?);
        let base = 1_u64 << (10 + (byte >> 3));
        return Some(base + base / 8 * (byte & 7));
    }
    let dictionary_id = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let size = rest.get(dictionary_id..)?;
    Some(match descriptor >> 6 {
        0 => u64::from(*size.first()?),
        1 => u64::from(u16::from_le_bytes(size.first_chunk().copied()?)) + 256,
        2 => u64::from(u32::from_le_bytes(size.first_chunk().copied()?)),
        _ => u64::from_le_bytes(size.first_chunk().copied()?),
    })
}

fn damaged<R: Read>(source: &Source<R>, reason: impl Into<String>) -> ScanError {
    let at = source.consumed();
    ScanError::Damaged { compression: Compression::Zstd, at, reason: reason.into() }
}

impl Zstd {
    /// A decoder for frames whose window has at most `window_limit` bytes.
    pub(super) fn new(window_limit: u64) -> Result<Self, ScanError> {
        let mut decoder = Decoder::new().map_err(ScanError::Read)?;
        // The exact limit is checked on each frame's header; this is the decoder's own, rounded up
        // to the power of two that it can express (10 to 31).
        let log = window_limit.clamp(1 << 10, 1 << 31).next_power_of_two().ilog2();
        decoder.set_parameter(DParameter::WindowLogMax(log)).map_err(ScanError::Read)?;
        Ok(Self { decoder, between_frames: true, window_limit })
    }

    /// Writes the next bytes to `output` and answers how many; none at the end of the stream.
    pub(super) fn decode<R: Read>(
        &mut self,
        source: &mut Source<R>,
        turn: &mut Turn<'_>,
        output: &mut [u8],
    ) -> Result<usize, ScanError> {
        let mut written = 0;
        while written < output.len() {
            if self.between_frames && !self.begin_frame(source, turn)? {
                break;
            }
            // With no input left, the decoder may still hold output of an unfinished frame.
            let input = source.fill()?;
            let ended = input.is_empty();
            let status = self
                .decoder
                .run_on_buffers(input, &mut output[written..])
                .map_err(|error| damaged(source, error.to_string()))?;
            source.consume(status.bytes_read);
            written += status.bytes_written;
            self.between_frames = status.remaining == 0;
            if ended && status.bytes_written == 0 && !self.between_frames {
                return Err(damaged(source, "it ends in the middle of a frame"));
            }
        }
        Ok(written)
    }

    /// Whether another frame begins here, and its window may be had.
    fn begin_frame<R: Read>(
        &mut self,
        source: &mut Source<R>,
        turn: &mut Turn<'_>,
    ) -> Result<bool, ScanError> {
        let limit = self.window_limit;
        let header = source.peek(HEADER)?;
        if header.is_empty() {
            return Ok(false);
        }
        if !is_zstd(header) {
            return Err(damaged(source, "what follows the last frame is no zstd frame"));
        }
        if let Some(window) = window(header) {
            if window > limit {
                return Err(ScanError::Window { window, limit });
            }
            if window > LIGHT_WINDOW {
                turn.take();
            }
        }
        self.between_frames = false;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_read_from_both_kinds_of_header() {
        let header = |bytes: &[u8]| window(&[&MAGIC[..], bytes].concat());
        assert_eq!(header(&[0x00, 0x00]), Some(1024));
        assert_eq!(header(&[0x00, 0x68]), Some(8 << 20));
        assert_eq!(header(&[0x00, 0x69]), Some(9 << 20));
        assert_eq!(header(&[0x00, 0xff]), Some((1 << 41) + 7 * (1 << 38)));
        assert_eq!(header(&[0x20, 0x07]), Some(7));
        assert_eq!(header(&[0x61, 0xaa, 0x01, 0x00]), Some(257));
        assert_eq!(header(&[0xa0, 0, 0, 0, 1]), Some(1 << 24));
        assert_eq!(header(&[0xe0, 0, 0, 0, 0, 0, 0, 0, 0x80]), Some(1 << 63));
        assert_eq!(header(&[]), None);
        assert_eq!(header(&[0xe0, 1]), None);
    }
}
