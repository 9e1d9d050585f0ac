//! Text that others wrote, with what cannot be seen made visible.

use std::fmt;

/// A text in which no character is invisible or changes how its neighbours are shown: control
/// characters, marks of direction, zero-width characters and tags are written `⟨U+202E⟩`, a line's
/// end `↵` and a tab `⇥`. It is not HTML: the template escapes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::ui) struct Visible(String);

/// Whether `character` shows nothing, or turns what stands around it.
fn hides(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn write_visible(text: &str, keep: &[char], out: &mut String) {
    for character in text.chars() {
        match character {
            kept if keep.contains(&kept) => out.push(kept),
            '\n' => out.push('↵'),
            '\t' => out.push('⇥'),
            hidden if hides(hidden) => {
                let number = format!("⟨U+{:04X}⟩", u32::from(hidden));
                out.push_str(&number);
            }
            shown => out.push(shown),
        }
    }
}

impl Visible {
    /// `text`, on one line.
    pub(in crate::ui) fn new(text: impl AsRef<str>) -> Self {
        let mut out = String::with_capacity(text.as_ref().len());
        write_visible(text.as_ref(), &[], &mut out);
        Self(out)
    }

    /// Whether there is nothing to show.
    pub(in crate::ui) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `text`, which may have lines and tabs of its own.
    pub(in crate::ui) fn lines(text: impl AsRef<str>) -> Self {
        let mut out = String::with_capacity(text.as_ref().len());
        write_visible(text.as_ref(), &['\n', '\t'], &mut out);
        Self(out)
    }

    /// The line `text`, with tabs of its own.
    pub(in crate::ui) fn keeping_tabs(text: &str) -> Self {
        let mut out = String::with_capacity(text.len());
        write_visible(text, &['\t'], &mut out);
        Self(out)
    }

    /// `text` on one line, at most `limit` characters of it and an ellipsis.
    pub(in crate::ui) fn cut(text: &str, limit: usize) -> Self {
        match text.char_indices().nth(limit) {
            Some((end, _)) => Self(format!("{}…", Self::new(&text[..end]))),
            None => Self::new(text),
        }
    }
}

impl fmt::Display for Visible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_is_shown() {
        assert_eq!(Visible::new("a\u{202e}b").to_string(), "a⟨U+202E⟩b");
        assert_eq!(Visible::new("\u{1b}[31m\0").to_string(), "⟨U+001B⟩[31m⟨U+0000⟩");
        assert_eq!(Visible::new("a\nb\tc").to_string(), "a↵b⇥c");
        assert_eq!(Visible::lines("a\nb\tc\r").to_string(), "a\nb\tc⟨U+000D⟩");
        assert_eq!(
            Visible::new("\u{e0041}\u{2066}\u{200b}").to_string(),
            "⟨U+E0041⟩⟨U+2066⟩⟨U+200B⟩"
        );
    }

    #[test]
    fn what_does_not_hide_stays() {
        for text in ["Grüße, 世界", "שלום", "a b-c_d.e/f", "<script>"] {
            assert_eq!(Visible::new(text).to_string(), text);
        }
    }

    #[test]
    fn a_cut_falls_between_characters() {
        assert_eq!(Visible::cut("äöü", 2).to_string(), "äö…");
        assert_eq!(Visible::cut("äö", 2).to_string(), "äö");
    }
}
