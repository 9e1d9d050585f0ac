//! Names as they are kept: printable text, from which the archive's bytes can be had back.

use portolan_model::path::normalise;

/// A name as text, and the archive's bytes where the text is not just them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) raw: Option<Vec<u8>>,
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A path inside the image: escaped, then [normalised](normalise). The archive's bytes are kept
/// where they were escaped or point somewhere else than they seem to.
pub(super) fn path(raw: &[u8]) -> Name {
    let escaped = escape(raw);
    let text = normalise(&escaped);
    let plain = raw.strip_prefix(b"./").unwrap_or(raw);
    let plain = plain.strip_suffix(b"/").unwrap_or(plain);
    let same = plain == text.as_bytes() || (text.is_empty() && plain == b".");
    Name { raw: (!same).then(|| raw.to_vec()), text }
}

/// `raw` as text that can be printed: bytes that are no UTF-8, control characters and the marks
/// that turn the direction of writing become `\xNN`, as many as they have bytes. Everything else
/// stays, the backslash of a name like `a\x2db` too: only one that could be taken for an escape of
/// ours becomes `\x5c`. So two names never have one text.
pub(super) fn escape(raw: &[u8]) -> String {
    if raw.iter().all(|byte| matches!(byte, b' '..=b'~') && *byte != b'\\') {
        return String::from_utf8_lossy(raw).into_owned();
    }
    let mut text = String::with_capacity(raw.len() + 16);
    for chunk in raw.utf8_chunks() {
        let valid = chunk.valid();
        for (at, character) in valid.char_indices() {
            let bytes = &valid.as_bytes()[at..at + character.len_utf8()];
            let ambiguous = character == '\\' && is_escape(&valid.as_bytes()[at..]);
            if ambiguous || is_hidden(character) {
                push_escaped(&mut text, bytes);
            } else {
                text.push(character);
            }
        }
        push_escaped(&mut text, chunk.invalid());
    }
    text
}

/// The bytes that [`escape`] made `text` from.
#[cfg(test)]
fn unescape(text: &str) -> Vec<u8> {
    let mut raw = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if is_escape(rest) {
            raw.push(u8::from_str_radix(&text[text.len() - rest.len() + 2..][..2], 16).unwrap());
            rest = &rest[4..];
        } else {
            raw.push(first);
            rest = tail;
        }
    }
    raw
}

/// Whether `rest` begins with what [`push_escaped`] writes: `\x` and the two digits of a byte that
/// is ever escaped.
fn is_escape(rest: &[u8]) -> bool {
    let digit = |byte: &u8| HEX.iter().position(|digit| digit == byte);
    match rest {
        [b'\\', b'x', high, low, ..] => match (digit(high), digit(low)) {
            (Some(high), Some(low)) => {
                let byte = high * 16 + low;
                !(0x20..0x7f).contains(&byte) || byte == usize::from(b'\\')
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether a reader would not see `character`, or would see others in another order.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn push_escaped(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push_str("\\x");
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_be_printed_is_escaped() {
        for (raw, text) in [
            (&b"usr/bin/env"[..], "usr/bin/env"),
            ("caf\u{e9}".as_bytes(), "caf\u{e9}"),
            (b"caf\xe9", "caf\\xe9"),
            (b"a\nb\0", "a\\x0ab\\x00"),
            (b"a\\x2db", "a\\x2db"),
            (b"a\\x00b", "a\\x5cx00b"),
            ("\u{202e}gpj".as_bytes(), "\\xe2\\x80\\xaegpj"),
            (b"\\", "\\"),
        ] {
            assert_eq!(escape(raw), text);
        }
    }

    #[test]
    fn the_bytes_are_kept_where_the_path_is_not_just_them() {
        for raw in [&b"./a/b/"[..], b"a/b", b"./", b".", b"", b"a b"] {
            assert_eq!(path(raw).raw, None, "{raw:?}");
        }
        for raw in [&b"/a"[..], b"a/../b", b"a//b", b"caf\xe9", b".."] {
            assert_eq!(path(raw).raw.as_deref(), Some(raw), "{raw:?}");
        }
        assert_eq!(path(b"/../../etc/passwd").text, "etc/passwd");
        assert_eq!(path(b"\xff/../a").text, "a");
    }

    proptest! {
        #[test]
        fn two_names_never_have_one_text(raw in proptest::collection::vec(any::<u8>(), 0..24)) {
            prop_assert_eq!(unescape(&escape(&raw)), raw);
        }

        #[test]
        fn nor_do_names_that_look_like_escapes(raw in "[\\\\x0-9a-f]{0,12}") {
            prop_assert_eq!(unescape(&escape(raw.as_bytes())), raw.as_bytes());
        }
    }
}
