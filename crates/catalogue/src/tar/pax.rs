//! PAX extended headers (POSIX.1-2017, pax, "pax Extended Header").

use super::sparse::{Fragment, decimal, fragment, pairs};
use crate::layer::TarProblem;

/// What one extended header says of one keyword.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Said<T> {
    /// Nothing.
    #[default]
    Nothing,
    /// That what was said before, and the ustar header's field with it, does not count: an empty
    /// value.
    Unset,
    /// The value.
    Value(T),
}

impl<T> Said<T> {
    /// What holds where `self` is an entry's own header and `global` the archive's.
    pub(super) fn or<'a>(&'a self, global: &'a Self) -> Option<&'a T> {
        match (self, global) {
            (Self::Value(value), _) | (Self::Nothing, Self::Value(value)) => Some(value),
            _ => None,
        }
    }
}

/// One extended header, the keywords that the scanner needs.
#[derive(Debug, Default)]
pub(super) struct Extended {
    pub(super) path: Said<Vec<u8>>,
    pub(super) link: Said<Vec<u8>>,
    pub(super) size: Said<u64>,
    pub(super) sparse: Sparse,
}

/// GNU's keywords for sparse files.
#[derive(Debug, Default)]
pub(super) struct Sparse {
    /// Version 1.0: the map is before the file's data.
    pub(super) map_in_data: bool,
    pub(super) name: Option<Vec<u8>>,
    pub(super) real_size: Option<u64>,
    /// Versions 0.0 and 0.1.
    pub(super) map: Option<Vec<Fragment>>,
    /// Version 0.0: an offset whose length comes in the next record.
    offset: Option<i64>,
    major: Option<i64>,
}

const MALFORMED: TarProblem = TarProblem::Extended("a record is not `length key=value`");
const NUMBER: TarProblem = TarProblem::Extended("a value that must be a number is none");

fn said<T>(
    value: &[u8],
    read: impl FnOnce(&[u8]) -> Result<T, TarProblem>,
) -> Result<Said<T>, TarProblem> {
    if value.is_empty() { Ok(Said::Unset) } else { read(value).map(Said::Value) }
}

fn size(value: &[u8]) -> Result<u64, TarProblem> {
    if value.starts_with(b"-") {
        return Err(TarProblem::NegativeSize);
    }
    decimal(value).and_then(|number| u64::try_from(number).ok()).ok_or(NUMBER)
}

impl Extended {
    /// Reads the records of `body`, later ones over earlier ones.
    pub(super) fn read(&mut self, body: &[u8]) -> Result<(), TarProblem> {
        let mut rest = body;
        while !rest.is_empty() {
            // Some tools pad the records with NULs to the block's end inside the stated size.
            if rest.iter().all(|byte| *byte == 0) {
                break;
            }
            let space = rest.iter().take(20).position(|byte| *byte == b' ').ok_or(MALFORMED)?;
            let length = decimal(&rest[..space])
                .and_then(|length| usize::try_from(length).ok())
                .filter(|length| *length > space + 1 && *length <= rest.len())
                .ok_or(MALFORMED)?;
            let record = rest[space + 1..length].strip_suffix(b"\n").ok_or(MALFORMED)?;
            let equals = record.iter().position(|byte| *byte == b'=').ok_or(MALFORMED)?;
            self.take(&record[..equals], &record[equals + 1..])?;
            rest = &rest[length..];
        }
        if self.sparse.offset.is_some() {
            return Err(TarProblem::Sparse("a length is missing"));
        }
        Ok(())
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), TarProblem> {
        match key {
            b"path" => self.path = said(value, |value| Ok(value.to_vec()))?,
            b"linkpath" => self.link = said(value, |value| Ok(value.to_vec()))?,
            b"size" => self.size = said(value, size)?,
            _ => {
                if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
                    self.sparse.take(key, value)?;
                }
            }
        }
        Ok(())
    }
}

impl Sparse {
    /// Whether the file is sparse at all.
    pub(super) fn is_some(&self) -> bool {
        self.map_in_data || self.map.is_some()
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), TarProblem> {
        match key {
            b"name" => self.name = Some(value.to_vec()),
            b"size" | b"realsize" => self.real_size = Some(size(value)?),
            b"major" => self.major = Some(decimal(value).ok_or(NUMBER)?),
            b"minor" => {
                // The only version with numbers of its own is 1.0.
                if (self.major, decimal(value)) != (Some(1), Some(0)) {
                    return Err(TarProblem::Sparse("its version is not known"));
                }
                self.map_in_data = true;
            }
            b"map" => self.map = Some(pairs(value.split(|byte| *byte == b','))?),
            b"numblocks" => self.map = Some(self.map.take().unwrap_or_default()),
            b"offset" => self.offset = Some(decimal(value).ok_or(NUMBER)?),
            b"numbytes" => {
                let part = fragment(self.offset.take(), decimal(value))?;
                self.map.get_or_insert_default().push(part);
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(key: &str, value: &str) -> String {
        let rest = format!(" {key}={value}\n");
        let mut length = rest.len() + 1;
        while length != rest.len() + length.to_string().len() {
            length += 1;
        }
        format!("{length}{rest}")
    }

    fn read(text: &str) -> Result<Extended, TarProblem> {
        let mut extended = Extended::default();
        extended.read(text.as_bytes()).map(|()| extended)
    }

    #[test]
    fn the_last_record_counts_and_an_empty_value_unsets() {
        let text = record("path", "a") + &record("path", "b=\nc") + &record("size", "12");
        let own = read(&text).unwrap();
        assert_eq!(own.path, Said::Value(b"b=\nc".to_vec()));
        assert_eq!(own.size, Said::Value(12));
        let global = read(&(record("size", "7") + &record("linkpath", "d"))).unwrap();
        assert_eq!(own.size.or(&global.size), Some(&12));
        assert_eq!(own.link.or(&global.link), Some(&b"d".to_vec()));
        let unset = read(&record("size", "")).unwrap();
        assert_eq!(unset.size.or(&global.size), None);
    }

    #[test]
    fn malformed_records_are_refused() {
        for wrong in
            ["x", "5 a=b\n", "99 a=b\n", "6 ab=\n\n", "3 \n", "0 a=b\n", "-6 a=b\n", "6 a=bc"]
        {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(read(&record("size", "-1")).unwrap_err(), TarProblem::NegativeSize);
        assert!(read(&record("size", "9223372036854775808")).is_err());
        assert!(read(&record("GNU.sparse.offset", "1")).is_err());
        assert!(read(&record("GNU.sparse.minor", "0")).is_err());
    }

    #[test]
    fn padding_is_passed_over() {
        assert_eq!(read(&(record("size", "1") + "\0\0\0")).unwrap().size, Said::Value(1));
    }

    proptest! {
        #[test]
        fn nothing_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Extended::default().read(&body);
        }

        #[test]
        fn any_path_is_read_back(path in "\\PC{1,60}") {
            prop_assert_eq!(read(&record("path", &path)).unwrap().path, Said::Value(path.into()));
        }
    }
}
