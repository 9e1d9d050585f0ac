//! What is shown: lines in colour on a terminal, and tables.

use std::io::IsTerminal as _;

use crate::printer::Printer;
use crate::table::printable;

use super::end::Done;

/// A colour, as weco-deploy uses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    Green,
    Yellow,
    Cyan,
    Red,
    BrightGreen,
    BrightRed,
    BrightMagenta,
}

impl Colour {
    fn code(self) -> u8 {
        match self {
            Self::Red => 31,
            Self::Green => 32,
            Self::Yellow => 33,
            Self::Cyan => 36,
            Self::BrightRed => 91,
            Self::BrightGreen => 92,
            Self::BrightMagenta => 95,
        }
    }
}

/// Where it is shown.
#[derive(Debug)]
pub(super) struct Screen {
    printer: Printer,
    colour: bool,
}

impl Screen {
    pub(super) fn new(printer: Printer, no_colour: bool) -> Self {
        Self { printer, colour: !no_colour && std::io::stdout().is_terminal() }
    }

    /// A line.
    pub(super) fn line(&self, colour: Colour, text: &str) -> Done {
        self.plain(&self.paint(colour, &printable(text)))
    }

    /// Lines without colour; an empty one where there is nothing.
    pub(super) fn plain(&self, text: &str) -> Done {
        Ok(self.printer.text(if text.is_empty() { "\n" } else { text })?)
    }

    /// Something beside what is shown, on standard error.
    pub(super) fn note(&self, text: &str) {
        self.printer.note(&printable(text));
    }

    fn paint(&self, colour: Colour, text: &str) -> String {
        if self.colour { format!("\x1b[{}m{text}\x1b[0m", colour.code()) } else { text.to_owned() }
    }

    /// A table.
    pub(super) fn table<const N: usize>(&self, grid: &Grid<N>) -> Done {
        self.plain(&grid.text(|colour, text| self.paint(colour, text)))
    }
}

/// A cell: its lines, in one colour where it has one.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    text: String,
    colour: Option<Colour>,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), colour: None }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, colour: None }
    }
}

impl Cell {
    pub(super) fn of(colour: Colour, text: impl Into<String>) -> Self {
        Self { text: text.into(), colour: Some(colour) }
    }
}

/// A table with a line of dashes under its headings, as the original's.
#[derive(Debug)]
pub(super) struct Grid<const N: usize> {
    headings: [&'static str; N],
    rows: Vec<[Cell; N]>,
}

impl<const N: usize> Grid<N> {
    pub(super) fn new(headings: [&'static str; N]) -> Self {
        Self { headings, rows: Vec::new() }
    }

    pub(super) fn row(&mut self, row: [Cell; N]) {
        self.rows.push(row);
    }

    fn text(&self, paint: impl Fn(Colour, &str) -> String) -> String {
        use unicode_width::UnicodeWidthStr as _;
        // A column is two wider than its heading, or as wide as its widest cell.
        let mut widths = self.headings.map(|heading| heading.width() + 2);
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                let widest = cell.text.lines().map(|line| printable(line).width()).max();
                *width = (*width).max(widest.unwrap_or(0));
            }
        }
        let mut text = String::new();
        let mut line = |cells: [(String, usize); N]| {
            let mut whole = String::new();
            for (at, ((cell, width), column)) in cells.into_iter().zip(widths).enumerate() {
                whole.push_str(if at == 0 { "" } else { "  " });
                whole.push_str(&cell);
                whole.extend(std::iter::repeat_n(' ', column.saturating_sub(width)));
            }
            text.push_str(whole.trim_end());
            text.push('\n');
        };
        line(self.headings.map(|heading| (heading.to_owned(), heading.width())));
        line(widths.map(|width| ("-".repeat(width), width)));
        for row in &self.rows {
            let height = row.iter().map(|cell| cell.text.lines().count()).max().unwrap_or(0).max(1);
            for at in 0..height {
                line(std::array::from_fn(|column| {
                    let cell = &row[column];
                    let part = printable(cell.text.lines().nth(at).unwrap_or_default());
                    let width = part.width();
                    match cell.colour {
                        Some(colour) if !part.is_empty() => (paint(colour, &part), width),
                        _ => (part, width),
                    }
                }));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_drawn_as_the_original_draws_it() {
        let mut grid = Grid::new(["image ID", "services"]);
        grid.row(["image_00".into(), Cell::of(Colour::Green, "svc-a\nsvc-b")]);
        grid.row(["a_longer_image".into(), "".into()]);
        let drawn = "image ID        services\n--------------  ----------\n\
                     image_00        svc-a\n                svc-b\na_longer_image\n";
        assert_eq!(grid.text(|_, text| text.to_owned()), drawn);
        let coloured = grid.text(|_, text| format!("<{text}>"));
        assert!(
            coloured.contains("image_00        <svc-a>\n                <svc-b>\n"),
            "{coloured}"
        );
    }
}
