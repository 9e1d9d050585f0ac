//! The two range headers: `Range` of a download (RFC 9110, section 14), and the `Content-Range` of
//! a chunk, which the distribution specification writes as `<start>-<end>`.

use std::ops::Range;

use portolan_registry::ChunkRange;

/// Ranges that are answered in one response. More are taken for an attack, and answered whole.
const MOST: usize = 16;

/// What a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Everything: there is no such header, or one that may be ignored.
    Whole,
    /// These parts, in the order in which they were asked for.
    Parts(Vec<Range<u64>>),
    /// Nothing that there is.
    Nothing,
}

/// Reads the `Range` header of a request for something of `size` bytes.
pub(super) fn wanted(header: Option<&str>, size: u64) -> Wanted {
    let specs = header
        .and_then(|header| header.split_once('='))
        .filter(|(unit, _)| unit.trim().eq_ignore_ascii_case("bytes"));
    let Some((_, specs)) = specs else { return Wanted::Whole };
    let mut parts = Vec::new();
    for spec in specs.split(',').map(str::trim).filter(|spec| !spec.is_empty()) {
        match part(spec, size) {
            None => return Wanted::Whole,
            Some(range) => parts.extend((!range.is_empty()).then_some(range)),
        }
        if parts.len() > MOST {
            return Wanted::Whole;
        }
    }
    let total: u64 = parts.iter().map(|part| part.end - part.start).sum();
    if parts.is_empty() {
        Wanted::Nothing
    } else if parts.len() > 1 && total > size {
        // Overlapping ranges would send more than there is.
        Wanted::Whole
    } else {
        Wanted::Parts(parts)
    }
}

/// One range, empty where nothing of it is there; none where it is no range.
fn part(spec: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = spec.split_once('-')?;
    if first.is_empty() {
        return Some(size.saturating_sub(position(last)?)..size);
    }
    let first = position(first)?;
    let end = match last {
        "" => size,
        last => position(last).filter(|last| *last >= first)?.saturating_add(1).min(size),
    };
    Some(first.min(end)..end)
}

/// A number of digits only, at most the largest one.
fn position(digits: &str) -> Option<u64> {
    let fits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// Reads the `Content-Range` of a chunk: `<start>-<end>`, or as RFC 9110 has it.
pub(super) fn chunk(header: &str) -> Option<ChunkRange> {
    let header = header.trim();
    let header = header.strip_prefix("bytes ").unwrap_or(header);
    let header = header.split_once('/').map_or(header, |(range, _)| range);
    let (start, end) = header.split_once('-')?;
    let (start, end) = (position(start)?, position(end)?);
    (start <= end).then_some(ChunkRange { start, end })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[expect(clippy::single_range_in_vec_init, reason = "one range is what is meant")]
    #[test]
    fn ranges_follow_the_rfc() {
        for (header, expected) in [
            ("bytes=0-0", Wanted::Parts(vec![0..1])),
            ("bytes=2-", Wanted::Parts(vec![2..10])),
            ("bytes=-3", Wanted::Parts(vec![7..10])),
            ("bytes=-99", Wanted::Parts(vec![0..10])),
            ("Bytes=5-99999999999999999999", Wanted::Parts(vec![5..10])),
            ("bytes=0-1, 4-5,", Wanted::Parts(vec![0..2, 4..6])),
            ("bytes=0-1,50-60", Wanted::Parts(vec![0..2])),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=99999999999999999999-", Wanted::Nothing),
            ("bytes=5-4", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=1", Wanted::Whole),
            ("lines=1-2", Wanted::Whole),
            ("bytes", Wanted::Whole),
            ("bytes=0-9,0-9", Wanted::Whole),
        ] {
            assert_eq!(wanted(Some(header), 10), expected, "{header}");
        }
        assert_eq!(wanted(None, 10), Wanted::Whole);
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Nothing);
        assert_eq!(wanted(Some(&format!("bytes={}", "0-0,".repeat(17))), 100), Wanted::Whole);
    }

    #[test]
    fn chunks_are_read_in_both_spellings() {
        let range = ChunkRange { start: 5, end: 9 };
        for text in ["5-9", "bytes 5-9/*", " bytes 5-9/10 "] {
            assert_eq!(chunk(text), Some(range), "{text}");
        }
        for text in ["", "5", "-9", "5-", "9-5", "a-b", "5-9-10", "bytes */10"] {
            assert_eq!(chunk(text), None, "{text}");
        }
        assert_eq!(range.length(), 5);
        assert_eq!(ChunkRange { start: 0, end: u64::MAX }.length(), u64::MAX);
    }

    proptest! {
        #[test]
        fn every_part_lies_inside(header in "bytes=[-0-9, ]{0,40}", size in 0..1000_u64) {
            if let Wanted::Parts(parts) = wanted(Some(&header), size) {
                prop_assert!(!parts.is_empty());
                for part in parts {
                    prop_assert!(part.start < part.end && part.end <= size);
                }
            }
        }
    }
}
