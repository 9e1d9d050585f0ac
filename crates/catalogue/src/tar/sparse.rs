//! Sparse files: which parts of a file are in the archive, in GNU's old format and in the three
//! that it keeps in PAX headers (0.0, 0.1, 1.0).

use crate::layer::TarProblem;

/// A part of a file that is in the archive: `length` bytes at `offset`. The rest of it are zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fragment {
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// A fragment of two numbers as they were read.
pub(super) fn fragment(offset: Option<i64>, length: Option<i64>) -> Result<Fragment, TarProblem> {
    let read = |number: Option<i64>| {
        number
            .and_then(|number| u64::try_from(number).ok())
            .ok_or(TarProblem::Sparse("a number in it is none, or is negative"))
    };
    Ok(Fragment { offset: read(offset)?, length: read(length)? })
}

/// A decimal number of digits alone.
pub(super) fn decimal(text: &[u8]) -> Option<i64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The map in a list of offsets and lengths by turns.
pub(super) fn pairs<'a>(
    numbers: impl Iterator<Item = &'a [u8]>,
) -> Result<Vec<Fragment>, TarProblem> {
    let mut numbers = numbers;
    let mut map = Vec::new();
    while let Some(offset) = numbers.next() {
        let length = numbers.next().ok_or(TarProblem::Sparse("a length is missing"))?;
        map.push(fragment(decimal(offset), decimal(length))?);
    }
    Ok(map)
}

/// Checks that `map` describes a file of `real` bytes of which `stored` are in the archive:
/// fragments in order, apart, inside the file, and as long as what is stored.
pub(super) fn check(map: &[Fragment], real: u64, stored: u64) -> Result<(), TarProblem> {
    let mut at = 0_u64;
    let mut sum = 0_u64;
    for fragment in map {
        if fragment.offset < at {
            return Err(TarProblem::Sparse("its parts overlap or are out of order"));
        }
        at = fragment
            .offset
            .checked_add(fragment.length)
            .filter(|end| *end <= real)
            .ok_or(TarProblem::Sparse("a part is outside of the file"))?;
        sum += fragment.length;
    }
    if sum == stored {
        Ok(())
    } else {
        Err(TarProblem::Sparse("its parts are not as long as what is stored"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_must_describe_its_file() {
        let part = |offset, length| Fragment { offset, length };
        assert_eq!(check(&[part(0, 10), part(20, 5), part(30, 0)], 30, 15), Ok(()));
        assert_eq!(check(&[], 1 << 40, 0), Ok(()));
        for (map, real, stored) in [
            (&[part(20, 5), part(0, 10)][..], 30, 15),
            (&[part(0, 10), part(9, 5)], 30, 15),
            (&[part(0, 31)], 30, 31),
            (&[part(u64::MAX, 1)], u64::MAX, 1),
            (&[part(0, 10)], 30, 11),
        ] {
            assert!(check(map, real, stored).is_err(), "{map:?}");
        }
    }

    #[test]
    fn a_list_of_numbers_becomes_a_map() {
        let numbers = |text: &'static str| pairs(text.as_bytes().split(|byte| *byte == b','));
        assert_eq!(numbers("1,2"), Ok(vec![Fragment { offset: 1, length: 2 }]));
        for wrong in ["", "1", "1,2,3", "-1,2", "1, 2", "99999999999999999999,1"] {
            assert!(numbers(wrong).is_err(), "{wrong}");
        }
    }
}
