//! Many rows in one statement.
//!
//! A statement for each row costs more in going to and fro than in work. Texts are made for a few
//! numbers of rows alone, so that each engine prepares each of them once.

use crate::row::{Query, Value, sql_made};

/// Rows of one statement: as many of the first as fit, then of the second, and so on.
const SIZES: [usize; 4] = [128, 32, 8, 1];

/// The statements that together hold all of `rows`, each `before (…), (…) after`.
pub(crate) fn statements(before: &str, rows: Vec<Vec<Value>>, after: &str) -> Vec<Query> {
    let mut made = Vec::with_capacity(rows.len() / SIZES[0] + 4);
    let mut rows = rows.into_iter();
    while !rows.as_slice().is_empty() {
        let left = rows.as_slice().len();
        let size = SIZES.into_iter().find(|size| *size <= left).unwrap_or(1);
        let width = rows.as_slice().first().map_or(0, Vec::len);
        let mut query = sql_made(text(before, size, width, after));
        query.values.reserve(size * width);
        rows.by_ref().take(size).for_each(|row| query.values.extend(row));
        made.push(query);
    }
    made
}

fn text(before: &str, rows: usize, width: usize, after: &str) -> String {
    let mut text = String::with_capacity(before.len() + after.len() + rows * (width * 6 + 3));
    text.push_str(before);
    let mut number = 0_usize;
    for row in 0..rows {
        text.push_str(if row == 0 { " (" } else { ", (" });
        for column in 0..width {
            number += 1;
            text.push_str(if column == 0 { "$" } else { ", $" });
            text.push_str(&number.to_string());
        }
        text.push(')');
    }
    text.push(' ');
    text.push_str(after);
    text
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
        assert_eq!(made[5].as_str(), "INSERT INTO t VALUES ($1, $2) ON CONFLICT DO NOTHING");
    }
}
