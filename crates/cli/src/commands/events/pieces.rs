//! The events in a file, whichever way it holds them.

use std::io::{self, BufRead, Read as _};

use serde_json::value::RawValue;

/// The longest body that a server takes, less what a batch adds to it.
const MOST_EVENT: usize = (1 << 20) - 2;

/// The longest file that is not one event in each line, in bytes: it is read whole.
const MOST_WHOLE: u64 = 1 << 30;

/// One event of a file, or why what is there is none; and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// The number of the line on which it begins; the first is 1.
    pub(super) line: usize,
    /// Its exact text.
    pub(super) text: Result<String, String>,
}

/// Hands over every event of `reader`, until `take` wants no more.
///
/// Where the first line is a whole event, or no JSON at all, each line is for itself. Else the file
/// is JSON over several lines: one document or several, and of an array each item is an event.
pub(super) fn read(
    mut reader: impl BufRead,
    take: &mut impl FnMut(Piece) -> bool,
) -> io::Result<()> {
    let (mut line, mut bytes) = (0, Vec::new());
    loop {
        bytes.clear();
        line += 1;
        let most = (&mut reader).take(MOST_WHOLE).read_until(b'\n', &mut bytes)?;
        if most == 0 {
            return Ok(());
        }
        let is_first = line == 1;
        if is_first && bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        let text = String::from_utf8_lossy(&bytes);
        let begun = text.trim_start().starts_with(['{', '[']);
        if is_first && begun && serde_json::from_str::<&RawValue>(text.trim()).is_err() {
            (&mut reader).take(MOST_WHOLE).read_to_end(&mut bytes)?;
            documents(&String::from_utf8_lossy(&bytes), take);
            return Ok(());
        }
        let more = match std::str::from_utf8(&bytes) {
            Ok(text) if text.trim().is_empty() => true,
            Ok(text) => one(line, text.trim(), take),
            Err(_) => take(Piece { line, text: Err("not UTF-8".to_owned()) }),
        };
        if !more {
            return Ok(());
        }
    }
}

/// The events of JSON documents, one after the other.
fn documents(text: &str, take: &mut impl FnMut(Piece) -> bool) {
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    loop {
        let begins = text.len() - text[documents.byte_offset()..].trim_start().len();
        let Some(document) = documents.next() else { return };
        let line = 1 + text.bytes().take(begins).filter(|byte| *byte == b'\n').count();
        let more = match document {
            Ok(document) => one(line, document.get(), take),
            Err(error) => {
                take(Piece { line: error.line(), text: Err(format!("not JSON: {error}")) });
                false
            }
        };
        if !more {
            return;
        }
    }
}

/// The events of one document.
fn one(line: usize, text: &str, take: &mut impl FnMut(Piece) -> bool) -> bool {
    let document = match serde_json::from_str::<&RawValue>(text) {
        Ok(document) => document.get(),
        Err(error) => return take(Piece { line, text: Err(format!("not JSON: {error}")) }),
    };
    if document.starts_with('[')
        && let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(document)
    {
        return items.into_iter().all(|item| take(checked(line, item.get())));
    }
    take(checked(line, document))
}

fn checked(line: usize, text: &str) -> Piece {
    let text = if text.len() > MOST_EVENT {
        Err(format!("it has {} bytes; at most {MOST_EVENT} are taken", text.len()))
    } else if text.starts_with(['{', '[']) {
        Ok(text.to_owned())
    } else {
        Err("it is no JSON object".to_owned())
    };
    Piece { line, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line and text of each piece; what is refused has a `!` before it.
    fn pieces(text: &str) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        read(text.as_bytes(), &mut |piece: Piece| {
            found.push((piece.line, piece.text.unwrap_or_else(|why| format!("!{why}"))));
            true
        })
        .unwrap();
        found
    }

    fn event(line: usize, text: &str) -> (usize, String) {
        (line, text.to_owned())
    }

    #[test]
    fn one_event_in_each_line() {
        let found = pieces("\u{feff}{\"a\": 1}\n\n  {\"b\":2}  \r\n{\"c\":3}");
        assert_eq!(found, [event(1, "{\"a\": 1}"), event(3, "{\"b\":2}"), event(4, "{\"c\":3}")]);
        assert_eq!(pieces("[{},{ }]\n{}"), [event(1, "{}"), event(1, "{ }"), event(2, "{}")]);
    }

    #[test]
    fn a_bad_line_does_not_cost_the_others() {
        let found = pieces("garbage\n{}\n5\n{\"a\":\n{}\n");
        let refused: Vec<usize> =
            found.iter().filter(|(_, text)| text.starts_with('!')).map(|(line, _)| *line).collect();
        assert_eq!(refused, [1, 3, 4]);
        assert_eq!(found.len(), 5);
        let mut found = Vec::new();
        read(&b"{}\n\xff\n{}\n"[..], &mut |piece| {
            found.push(piece.text.is_ok());
            true
        })
        .unwrap();
        assert_eq!(found, [true, false, true]);
    }

    #[test]
    fn documents_over_several_lines() {
        assert_eq!(pieces("{\n \"a\": 1\n}\n"), [event(1, "{\n \"a\": 1\n}")]);
        assert_eq!(
            pieces("[\n{\"a\":1},\n {\"b\": 2}\n]"),
            [event(1, "{\"a\":1}"), event(1, "{\"b\": 2}")]
        );
        assert_eq!(pieces("{\n}\n{\n}")[1].0, 3);
        let found = pieces("{\n}\n{\n");
        assert!(found[1].1.starts_with("!not JSON"), "{found:?}");
        assert_eq!((pieces(""), pieces(" \n\n")), (vec![], vec![]));
    }

    #[test]
    fn what_no_server_takes_is_refused_here() {
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MOST_EVENT));
        assert!(pieces(&long)[0].1.starts_with("!it has"), "too long");
        let mut taken = 0;
        read(&b"{}\n{}\n{}"[..], &mut |_| {
            taken += 1;
            taken < 2
        })
        .unwrap();
        assert_eq!(taken, 2, "no more than was wanted");
    }
}
