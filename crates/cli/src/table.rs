//! Aligned columns, with nothing drawn around them: fit for eyes and for `awk`.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};

/// Rows under headings.
#[derive(Debug)]
pub(crate) struct Columns {
    table: Table,
}

impl Columns {
    /// A table with these headings. Rows are never wrapped: a line is a row.
    pub(crate) fn new<const N: usize>(headings: [&str; N]) -> Self {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(headings);
        Self { table }
    }

    /// Adds a row. Control characters, which could steer a terminal, are shown as `\u{fffd}`.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.table.add_row(cells.map(|cell| printable(&cell)));
    }

    /// The text, without blanks at the ends of lines. `right` names the columns of numbers.
    pub(crate) fn finish(mut self, right: &[usize]) -> String {
        for (at, column) in self.table.column_iter_mut().enumerate() {
            let first = u16::from(at > 0);
            column.set_padding((first, 1)).set_constraint(ColumnConstraint::ContentWidth);
            if right.contains(&at) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let mut text = String::new();
        for line in self.table.lines() {
            text.push_str(line.trim_end());
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
    fn what_could_steer_a_terminal_is_replaced() {
        let mut columns = Columns::new(["LABEL"]);
        columns.row(["\x1b[2Ja\nb".into()]);
        assert_eq!(columns.finish(&[]), "LABEL\n\u{fffd}[2Ja\u{fffd}b\n");
    }
}
