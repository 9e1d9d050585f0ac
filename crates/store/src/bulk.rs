//! Many rows in one statement.
//!
//! A statement for each row costs more in going to and fro than in work. SQLite is handed rows one
//! after the other, in statements of a few sizes, so that it prepares each of them once. PostgreSQL,
//! which plans such a list anew each time, is handed the columns as arrays.

use crate::row::{Query, Value, sql_made};

/// Rows of one statement: as many of the first as fit, then of the second, and so on.
const SIZES: [usize; 4] = [128, 32, 8, 1];

/// The statements that together hold all of `rows`: `before (…), (…) after`, where `before` ends
/// with the word `VALUES`.
pub(crate) fn statements(before: &str, rows: Vec<Vec<Value>>, after: &str) -> Vec<Query> {
    let mut made = Vec::with_capacity(rows.len() / SIZES[0] + 4);
    let mut rows = rows.into_iter();
    while !rows.as_slice().is_empty() {
        let left = rows.as_slice().len();
        let size = SIZES.into_iter().find(|size| *size <= left).unwrap_or(1);
        let width = rows.as_slice().first().map_or(0, Vec::len);
        let mut query = sql_made(listed(before, size, width, after));
        query.values.reserve(size * width);
        rows.by_ref().take(size).for_each(|row| query.values.extend(row));
        query.columns = Some(Columns { text: unnested(before, width, after), width });
        made.push(query);
    }
    made
}

/// The same statement for an engine that takes columns as arrays.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    /// The text, with a placeholder for each column.
    pub(crate) text: String,
    /// How many columns there are.
    pub(crate) width: usize,
}

fn listed(before: &str, rows: usize, width: usize, after: &str) -> String {
    let mut row = String::from(" (");
    for column in 0..width {
        row.push_str(if column == 0 { "?" } else { ", ?" });
    }
    row.push_str("),");
    let mut text = String::with_capacity(before.len() + after.len() + rows * row.len() + 1);
    text.push_str(before);
    for _ in 0..rows {
        text.push_str(&row);
    }
    text.pop();
    text.push(' ');
    text.push_str(after);
    text
}

fn unnested(before: &str, width: usize, after: &str) -> String {
    let before = before.strip_suffix("VALUES").unwrap_or(before);
    let arrays: Vec<_> = (1..=width).map(|number| format!("${number}")).collect();
    format!("{before}SELECT * FROM UNNEST({}) {after}", arrays.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_statement() {
        let rows: Vec<Vec<Value>> = (0..171_i64).map(|n| vec![n.into(), (n * 2).into()]).collect();
        let made = statements("INSERT INTO t VALUES", rows, "ON CONFLICT DO NOTHING");
        let sizes: Vec<_> = made.iter().map(|query| query.values.len() / 2).collect();
        assert_eq!(sizes, [128, 32, 8, 1, 1, 1]);
        assert_eq!(made[5].as_str(), "INSERT INTO t VALUES (?, ?) ON CONFLICT DO NOTHING");
        let columns = made[5].columns.as_ref().unwrap();
        assert_eq!(
            (columns.text.as_str(), columns.width),
            ("INSERT INTO t SELECT * FROM UNNEST($1, $2) ON CONFLICT DO NOTHING", 2)
        );
    }
}
