//! What was said, packed: most of a journal is the same words again and again.
//!
//! Events of one source differ in a few values. Compressed with a dictionary of what they have in
//! common, an event of ECS takes a fifth of its bytes, in the file, in the log and in memory. The
//! dictionary is part of the format: another one needs another way to say how a payload is packed.

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

use crate::StoreError;
use crate::row::corrupt;

/// What events have in common, as bytes that may be referred to.
const DICTIONARY: &[u8] = include_bytes!("dictionary.txt");
/// The fastest that still finds what is in the dictionary.
const LEVEL: i32 = 1;
/// Up to here packing gains nothing.
const SHORT: usize = 64;

/// What an entry of the journal says, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// How many bytes it has unpacked; none where it is kept as it is.
    pub(super) raw_bytes: Option<i64>,
    pub(super) bytes: Vec<u8>,
}

thread_local! {
    // A context takes longer to make than an event to pack.
    static PACKER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

impl Payload {
    /// Packs `text`.
    pub fn of(text: &str) -> Self {
        let plain = || Self { raw_bytes: None, bytes: text.as_bytes().to_vec() };
        let (true, Ok(raw_bytes)) = (text.len() > SHORT, i64::try_from(text.len())) else {
            return plain();
        };
        let packed = PACKER.with_borrow_mut(|packer| {
            if packer.is_none() {
                *packer = Some(Compressor::with_dictionary(LEVEL, DICTIONARY)?);
            }
            packer.as_mut().map_or_else(|| Ok(Vec::new()), |it| it.compress(text.as_bytes()))
        });
        match packed {
            Ok(bytes) if !bytes.is_empty() && bytes.len() < text.len() => {
                Self { raw_bytes: Some(raw_bytes), bytes }
            }
            // It is kept all the same.
            _ => plain(),
        }
    }

    /// What was said.
    pub(super) fn text(self) -> Result<String, StoreError> {
        let bytes = match self.raw_bytes {
            None => self.bytes,
            Some(raw_bytes) => unpacked(&self.bytes, raw_bytes)?,
        };
        String::from_utf8(bytes).map_err(|error| corrupt("payload", &error))
    }
}

fn unpacked(bytes: &[u8], raw_bytes: i64) -> Result<Vec<u8>, StoreError> {
    let capacity = usize::try_from(raw_bytes).map_err(|error| corrupt("raw_bytes", &error))?;
    let unpacked = UNPACKER.with_borrow_mut(|unpacker| {
        if unpacker.is_none() {
            *unpacker = Some(Decompressor::with_dictionary(DICTIONARY)?);
        }
        unpacker.as_mut().map_or_else(|| Ok(Vec::new()), |it| it.decompress(bytes, capacity))
    });
    unpacked.map_err(|error| corrupt("payload", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked() {
        let long = format!("{{\"detail-type\": \"{}\"}}", "Ünlike ".repeat(100_000));
        for text in
            ["", "{}", "not JSON, and longer than what is kept as it is: no gain at all", &long]
        {
            assert_eq!(Payload::of(text).text().unwrap(), text);
        }
        assert!(Payload::of(&long).bytes.len() * 100 < long.len());
    }

    #[test]
    fn a_damaged_payload_is_an_error() {
        let text = "word after word after word after word after word after word after word";
        let mut packed = Payload::of(text);
        assert!(packed.raw_bytes.is_some());
        packed.bytes.truncate(8);
        assert!(packed.text().is_err());
        let negative = Payload { raw_bytes: Some(-1), bytes: vec![0] };
        assert!(negative.text().is_err());
    }
}
