//! Aligned columns, with nothing drawn around them: fit for eyes and for `awk`.

use unicode_width::UnicodeWidthStr as _;

/// Between two columns.
const GAP: usize = 2;

/// Rows under headings. Rows are never wrapped: a line is a row.
#[derive(Debug)]
pub(crate) struct Columns<const N: usize> {
    rows: Vec<[String; N]>,
    /// The width of the widest cell of each column, as a terminal shows it.
    widths: [usize; N],
}

impl<const N: usize> Columns<N> {
    /// A table with these headings.
    pub(crate) fn new(headings: [&str; N]) -> Self {
        let mut columns = Self { rows: Vec::new(), widths: [0; N] };
        columns.row(headings.map(ToOwned::to_owned));
        columns
    }

    /// Adds a row. Control characters, which could steer a terminal, are shown as `\u{fffd}`.
    pub(crate) fn row(&mut self, cells: [String; N]) {
        let cells = cells
            .map(|cell| if cell.chars().any(char::is_control) { printable(&cell) } else { cell });
        for (width, cell) in self.widths.iter_mut().zip(&cells) {
            *width = (*width).max(cell.width());
        }
        self.rows.push(cells);
    }

    /// The text, without blanks at the ends of lines. `right` names the columns of numbers.
    pub(crate) fn finish(self, right: &[usize]) -> String {
        let line: usize = self.widths.iter().map(|width| width + GAP).sum();
        let mut text = String::with_capacity(self.rows.len() * line);
        for row in &self.rows {
            let start = text.len();
            for (at, (cell, width)) in row.iter().zip(self.widths).enumerate() {
                let blank = width.saturating_sub(cell.width());
                let (before, after) = if right.contains(&at) { (blank, 0) } else { (0, blank) };
                let before = if at == 0 { before } else { before + GAP };
                text.extend(std::iter::repeat_n(' ', before));
                text.push_str(cell);
                text.extend(std::iter::repeat_n(' ', after));
            }
            let end = text[start..].trim_end().len();
            text.truncate(start + end);
            text.push('\n');
        }
        text
    }
}

/// `text` with control characters replaced.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_clean() {
        let mut columns = Columns::new(["TAG", "SIZE"]);
        columns.row(["latest".into(), "1 B".into()]);
        columns.row(["1".into(), "100 MB".into()]);
        assert_eq!(columns.finish(&[1]), "TAG       SIZE\nlatest     1 B\n1       100 MB\n");
    }

    #[test]
    fn wide_letters_take_two_places() {
        let mut columns = Columns::new(["NAME", "N"]);
        columns.row(["海図".into(), "1".into()]);
        columns.row(["chart".into(), "2".into()]);
        assert_eq!(columns.finish(&[]), "NAME   N\n海図   1\nchart  2\n");
    }

    #[test]
    fn what_could_steer_a_terminal_is_replaced() {
        let mut columns = Columns::new(["LABEL"]);
        columns.row(["\x1b[2Ja\nb".into()]);
        assert_eq!(columns.finish(&[]), "LABEL\n\u{fffd}[2Ja\u{fffd}b\n");
    }
}
