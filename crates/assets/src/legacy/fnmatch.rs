//! One segment of a pattern against one name, as Python's
//! [`fnmatch`](https://docs.python.org/3/library/fnmatch.html) matches them: by code point, with
//! bytes that are no UTF-8 as the code points that Python gives them.

/// A name as Python sees it: bytes that are no UTF-8 are lone surrogates
/// ([PEP 383](https://peps.python.org/pep-0383/)).
pub(super) fn code_points(bytes: &[u8]) -> Vec<u32> {
    let mut all = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        all.extend(chunk.valid().chars().map(u32::from));
        all.extend(chunk.invalid().iter().map(|byte| 0xdc00 + u32::from(*byte)));
    }
    all
}

/// A segment of a pattern, ready to be held against names.
#[derive(Debug)]
pub(super) struct Segment(Vec<Token>);

#[derive(Debug, PartialEq, Eq)]
enum Token {
    /// Any number of any characters.
    Many,
    /// One of any character.
    Any,
    /// This one.
    One(u32),
    /// One of these ranges, or one of none of them.
    Of { not: bool, ranges: Vec<(u32, u32)> },
}

impl Segment {
    pub(super) fn new(pattern: &[u8]) -> Self {
        let pattern = code_points(pattern);
        let mut tokens = Vec::new();
        let mut at = 0;
        while let Some(&next) = pattern.get(at) {
            at += 1;
            let token = match char::from_u32(next) {
                Some('*') if tokens.last() == Some(&Token::Many) => continue,
                Some('*') => Token::Many,
                Some('?') => Token::Any,
                Some('[') => match end_of_class(&pattern, at) {
                    Some(end) => {
                        let class = class(&pattern[at..end]);
                        at = end + 1;
                        class
                    }
                    None => Token::One(next),
                },
                _ => Token::One(next),
            };
            tokens.push(token);
        }
        Self(tokens)
    }

    pub(super) fn matches(&self, name: &[u8]) -> bool {
        let name = code_points(name);
        let (mut token, mut at) = (0, 0);
        // Where to go on when what follows the last `*` does not fit: the `*` takes one more.
        let mut back = None;
        while at < name.len() {
            let fits = match self.0.get(token) {
                Some(Token::Many) => {
                    token += 1;
                    back = Some((token, at));
                    continue;
                }
                Some(Token::Any) => true,
                Some(Token::One(one)) => *one == name[at],
                Some(Token::Of { not, ranges }) => {
                    let within = |(from, to): &(u32, u32)| (*from..=*to).contains(&name[at]);
                    ranges.iter().any(within) != *not
                }
                None => false,
            };
            if fits {
                token += 1;
                at += 1;
            } else if let Some((after, taken)) = back {
                back = Some((after, taken + 1));
                token = after;
                at = taken + 1;
            } else {
                return false;
            }
        }
        self.0[token..].iter().all(|token| *token == Token::Many)
    }
}

const NOT: u32 = '!' as u32;
const END: u32 = ']' as u32;
const TO: u32 = '-' as u32;

/// Where the class ends that begins at `start`, behind its bracket; none where it has no end, and
/// the bracket stands for itself. A `]` that comes first stands for itself too.
fn end_of_class(pattern: &[u32], start: usize) -> Option<usize> {
    let mut at = start;
    if pattern.get(at) == Some(&NOT) {
        at += 1;
    }
    if pattern.get(at) == Some(&END) {
        at += 1;
    }
    pattern.get(at..)?.iter().position(|next| *next == END).map(|found| at + found)
}

/// The class of what stands between brackets. A range that goes backwards is none, and takes its
/// two ends with it; only `!` turns a class round, and `^` is a character like any other.
fn class(inner: &[u32]) -> Token {
    let (not, inner) = match inner.split_first() {
        Some((&NOT, rest)) => (true, rest),
        _ => (false, inner),
    };
    // Pieces between the hyphens that make ranges: a hyphen does not where it comes first or last,
    // or right behind the end of a range.
    let mut pieces: Vec<Vec<u32>> = Vec::new();
    let (mut start, mut from) = (0, 1);
    while let Some(found) = inner
        .get(from..)
        .and_then(|rest| rest.iter().position(|next| *next == TO))
        .map(|found| from + found)
    {
        pieces.push(inner[start..found].to_vec());
        start = found + 1;
        from = found + 3;
    }
    match (inner.get(start..), pieces.last_mut()) {
        (Some([]) | None, Some(last)) => last.push(TO),
        (rest, _) => pieces.push(rest.unwrap_or_default().to_vec()),
    }
    for at in (1..pieces.len()).rev() {
        if pieces[at - 1].last() > pieces[at].first() {
            let behind = pieces.remove(at);
            pieces[at - 1].pop();
            pieces[at - 1].extend(behind.into_iter().skip(1));
        }
    }
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        ranges.extend(piece.iter().map(|one| (*one, *one)));
        if let (Some(from), Some(to)) =
            (piece.last(), pieces.get(at + 1).and_then(|next| next.first()))
        {
            ranges.push((*from, *to));
        }
    }
    // Of nothing: no character; and not of nothing: any.
    Token::Of { not, ranges }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Python 3's `fnmatch.fnmatchcase` answers.
    #[test]
    fn as_python_has_it() {
        for (pattern, name, expected) in [
            ("*.txt", "a.txt", true),
            ("*.txt", ".txt", true),
            ("*.txt", "a.txt.gz", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "abX", false),
            ("**.py", "x.py", true),
            ("?", "é", true),
            ("?", "", false),
            ("*", "a\nb", true),
            ("[ab].txt", "b.txt", true),
            ("[!a]", "a", false),
            ("[!a]", "b", true),
            ("[^a]", "^", true),
            ("[^a]", "a", true),
            ("[^a]", "b", false),
            ("[ab", "[ab", true),
            ("[]", "[]", true),
            ("[]a]", "]", true),
            ("[!]a]", "]", false),
            ("[!]a]", "b", true),
            ("a[*].txt", "a*.txt", true),
            ("a[*].txt", "ab.txt", false),
            ("[a-c]", "b", true),
            ("[c-a]", "b", false),
            ("[c-a]", "c", false),
            ("[!c-a]", "c", true),
            ("[a-]", "-", true),
            ("[-a]", "-", true),
            ("[-a]", "b", false),
            ("[a-c-e]", "-", true),
            ("[a-c-e]", "d", false),
            ("[a-c-e]", "e", true),
            ("[--0]", ".", true),
            ("[\\]", "\\", true),
            ("\\*", "\\x", true),
            ("\\*", "*", false),
            ("[a&&b]", "&", true),
            ("[[a]", "[", true),
            ("{a,b}", "{a,b}", true),
            ("", "", true),
        ] {
            let matched = Segment::new(pattern.as_bytes()).matches(name.as_bytes());
            assert_eq!(matched, expected, "{pattern} {name}");
        }
        assert!(Segment::new(b"?").matches(b"\xff"));
        assert!(!Segment::new(b"??").matches("é".as_bytes()));
    }

    #[test]
    fn bytes_that_are_no_text_come_before_what_is_private_use() {
        assert_eq!(code_points(b"a\xff"), [0x61, 0xdcff]);
        assert!(code_points(b"\xff") < code_points("\u{e000}".as_bytes()));
        assert!(code_points(b"\xff") > code_points("\u{d7ff}".as_bytes()));
        assert_eq!(code_points(b"\xe2\x82A"), [0xdce2, 0xdc82, 0x41]);
    }
}
