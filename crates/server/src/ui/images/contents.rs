//! Contents of a file, as text with numbered lines, or as the first of its bytes.

use crate::ui::show::{Visible, bytes, count};

/// Bytes of a text that a page shows at most.
const TEXT: usize = 512 * 1024;
/// Lines that a page shows at most.
const LINES: usize = 5000;
/// Bytes of what is no text that a page shows.
const DUMP: usize = 512;
/// Bytes in one row of those.
const ROW: usize = 16;

/// Contents of a file on a page.
#[derive(Debug)]
pub(super) enum Contents {
    /// There are none.
    Empty,
    /// UTF-8 without NUL.
    Text {
        /// The lines, in which nothing is invisible.
        lines: Vec<Visible>,
        /// What is not shown, in words.
        cut: Option<String>,
    },
    /// Anything else.
    Binary {
        /// How much it is.
        size: String,
        /// Offset, hexadecimal digits and ASCII characters of the first rows.
        rows: Vec<(String, String, String)>,
    },
}

impl Contents {
    /// The contents `all`.
    pub(super) fn of(all: &[u8]) -> Self {
        if all.is_empty() {
            return Self::Empty;
        }
        let shown = &all[..all.len().min(TEXT)];
        // A character that the limit cuts through is left out.
        let text = match std::str::from_utf8(shown) {
            Ok(text) => text,
            Err(error) if error.error_len().is_none() && shown.len() < all.len() => {
                std::str::from_utf8(&shown[..error.valid_up_to()]).unwrap_or_default()
            }
            Err(_) => return Self::binary(all),
        };
        if text.contains('\0') {
            return Self::binary(all);
        }
        let lines = text.lines().count();
        let cut = if shown.len() < all.len() || lines > LINES {
            let of = bytes(all.len() as u64);
            let first = count(lines.min(LINES) as u64);
            Some(format!("Only the first {first} lines of {of} are shown."))
        } else {
            None
        };
        let lines = text
            .lines()
            .take(LINES)
            .map(|line| Visible::keeping_tabs(line.strip_suffix('\r').unwrap_or(line)));
        Self::Text { lines: lines.collect(), cut }
    }

    fn binary(all: &[u8]) -> Self {
        let rows = all[..all.len().min(DUMP)].chunks(ROW).enumerate().map(|(index, row)| {
            let hex: Vec<_> = row.iter().map(|byte| format!("{byte:02x}")).collect();
            let text =
                row.iter().map(|b| if (0x20..0x7f).contains(b) { char::from(*b) } else { '.' });
            (format!("{:04x}", index * ROW), hex.join(" "), text.collect())
        });
        Self::Binary { size: bytes(all.len() as u64), rows: rows.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(contents: &[u8]) -> (Vec<String>, Option<String>) {
        match Contents::of(contents) {
            Contents::Text { lines, cut } => (lines.iter().map(ToString::to_string).collect(), cut),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn text_has_lines_in_which_nothing_hides() {
        assert_eq!(lines(b"a\r\n\tb\n").0, ["a", "\tb"]);
        assert_eq!(lines("\u{1b}[2Jx\u{202e}".as_bytes()).0, ["⟨U+001B⟩[2Jx⟨U+202E⟩"]);
        assert!(matches!(Contents::of(b""), Contents::Empty));
    }

    #[test]
    fn long_texts_are_cut_with_a_word() {
        let (shown, cut) = lines("x\n".repeat(6000).as_bytes());
        assert_eq!(
            (shown.len(), cut.unwrap()),
            (5000, "Only the first 5,000 lines of 12 kB are shown.".to_owned())
        );
        let (shown, cut) = lines("ä".repeat(TEXT).as_bytes());
        assert_eq!(shown[0].len(), TEXT);
        assert!(cut.is_some());
        let mut odd = b"x".to_vec();
        odd.extend("ä".repeat(TEXT).bytes());
        assert_eq!(lines(&odd).0[0].len(), TEXT - 1);
    }

    #[test]
    fn what_is_no_text_is_dumped() {
        for bytes in [&b"a\0b"[..], b"\xff\xfe", b"ab\xc3"] {
            match Contents::of(bytes) {
                Contents::Binary { rows, .. } => assert_eq!(rows.len(), 1),
                other => panic!("{other:?}"),
            }
        }
        let Contents::Binary { rows, size } = Contents::of(&[0x41; 5000].map(|b| b * 3)) else {
            panic!()
        };
        assert_eq!((rows.len(), size.as_str()), (32, "5.0 kB"));
        assert_eq!(rows[1].0, "0010");
    }
}
