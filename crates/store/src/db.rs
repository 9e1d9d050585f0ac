//! The two engines behind one way to run a statement.

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgArguments;
use sqlx::query::Query as Sqlx;
use sqlx::{
    AssertSqlSafe, Database, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction,
};

use crate::StoreError;
use crate::row::{Query, Row, Text, Value};

/// Where reads go.
#[derive(Debug, Clone)]
pub(crate) enum Db {
    /// Readers only: the one writer is apart.
    Sqlite(SqlitePool),
    /// Readers and writers.
    Postgres(PgPool),
}

/// A change that is being made: all of it is committed, or nothing.
#[derive(Debug)]
pub struct Tx(pub(crate) Connection);

#[derive(Debug)]
pub(crate) enum Connection {
    Sqlite(Box<SqliteConnection>),
    Postgres(Transaction<'static, Postgres>),
}

/// How an engine wants its placeholders.
trait Dialect: Database {
    fn text(text: &str) -> String;
}

impl Dialect for Postgres {
    fn text(text: &str) -> String {
        text.to_owned()
    }
}

impl Dialect for Sqlite {
    /// Each placeholder as `?`, where they stand in their order: SQLite goes through all that have a
    /// number whenever it is asked for one, which of thousands takes longer than the statement.
    fn text(text: &str) -> String {
        let mut made = String::with_capacity(text.len());
        let mut parts = text.split('$');
        made.push_str(parts.next().unwrap_or_default());
        for (before, part) in parts.enumerate() {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = part.split_at(digits);
            if number.parse() != Ok(before + 1) {
                return text.to_owned();
            }
            made.push('?');
            made.push_str(rest);
        }
        made
    }
}

macro_rules! bound {
    ($engine:ty, $query:expr) => {{
        let mut statement: Sqlx<'_, $engine, <$engine as Database>::Arguments> = match &$query.text
        {
            Text::Fixed(text) => sqlx::query(*text),
            Text::Made(text) => sqlx::query(AssertSqlSafe(<$engine as Dialect>::text(text))),
        };
        for value in &$query.values {
            statement = match value {
                Value::Int(value) => statement.bind(*value),
                Value::Text(value) => statement.bind(value.as_deref()),
                Value::Bytes(value) => statement.bind(value.as_deref()),
                Value::Bool(value) => statement.bind(*value),
            };
        }
        statement
    }};
}

/// A statement for PostgreSQL: with its values one by one, or as columns.
fn for_postgres(query: &Query) -> Sqlx<'_, Postgres, PgArguments> {
    let Some(columns) = &query.columns else { return bound!(Postgres, query) };
    let mut statement = sqlx::query(AssertSqlSafe(columns.text.clone()));
    for column in 0..columns.width {
        let values = || query.values.iter().skip(column).step_by(columns.width);
        // The values of one column are all of one kind.
        statement = match query.values.get(column) {
            Some(Value::Text(_)) => statement.bind(
                values()
                    .map(|value| if let Value::Text(it) = value { it.as_deref() } else { None })
                    .collect::<Vec<_>>(),
            ),
            Some(Value::Bytes(_)) => statement.bind(
                values()
                    .map(|value| if let Value::Bytes(it) = value { it.as_deref() } else { None })
                    .collect::<Vec<_>>(),
            ),
            Some(Value::Bool(_)) => statement
                .bind(values().map(|value| matches!(value, Value::Bool(true))).collect::<Vec<_>>()),
            Some(Value::Int(_)) | None => statement.bind(
                values()
                    .map(|value| if let Value::Int(it) = value { *it } else { None })
                    .collect::<Vec<_>>(),
            ),
        };
    }
    statement
}

impl Db {
    /// All rows.
    pub(crate) async fn all(&self, query: &Query) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(pool) => bound!(Sqlite, query)
                .fetch_all(pool)
                .await
                .map(|rows| rows.into_iter().map(Row::Sqlite).collect()),
            Self::Postgres(pool) => for_postgres(query)
                .fetch_all(pool)
                .await
                .map(|rows| rows.into_iter().map(Row::Postgres).collect()),
        }
        .map_err(|source| query.failed(source))
    }

    /// The first row, where there is one.
    pub(crate) async fn first(&self, query: &Query) -> Result<Option<Row>, StoreError> {
        match self {
            Self::Sqlite(pool) => {
                bound!(Sqlite, query).fetch_optional(pool).await.map(|row| row.map(Row::Sqlite))
            }
            Self::Postgres(pool) => {
                for_postgres(query).fetch_optional(pool).await.map(|row| row.map(Row::Postgres))
            }
        }
        .map_err(|source| query.failed(source))
    }
}

impl Tx {
    /// Whether the engine is PostgreSQL, for the few statements that need two texts.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.0, Connection::Postgres(_))
    }

    /// Runs a statement; how many rows it touched.
    pub(crate) async fn run(&mut self, query: Query) -> Result<u64, StoreError> {
        match &mut self.0 {
            Connection::Sqlite(connection) => bound!(Sqlite, query)
                .execute(&mut **connection)
                .await
                .map(|done| done.rows_affected()),
            Connection::Postgres(connection) => for_postgres(&query)
                .execute(&mut **connection)
                .await
                .map(|done| done.rows_affected()),
        }
        .map_err(|source| query.failed(source))
    }

    /// All rows.
    pub(crate) async fn all(&mut self, query: Query) -> Result<Vec<Row>, StoreError> {
        match &mut self.0 {
            Connection::Sqlite(connection) => bound!(Sqlite, query)
                .fetch_all(&mut **connection)
                .await
                .map(|rows| rows.into_iter().map(Row::Sqlite).collect()),
            Connection::Postgres(connection) => for_postgres(&query)
                .fetch_all(&mut **connection)
                .await
                .map(|rows| rows.into_iter().map(Row::Postgres).collect()),
        }
        .map_err(|source| query.failed(source))
    }

    /// The first row, where there is one.
    pub(crate) async fn first(&mut self, query: Query) -> Result<Option<Row>, StoreError> {
        Ok(self.all(query).await?.into_iter().next())
    }
}

/// Runs a statement that has no values and answers nothing, such as `BEGIN`.
pub(crate) async fn plain(
    connection: &mut SqliteConnection,
    text: &'static str,
) -> Result<(), sqlx::Error> {
    sqlx::query(text).execute(connection).await.map(|_| ())
}

/// Takes the connection out of its pool for good.
pub(crate) fn detached(connection: PoolConnection<Sqlite>) -> SqliteConnection {
    connection.detach()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_in_order_lose_their_numbers() {
        let text = |text| <Sqlite as Dialect>::text(text);
        assert_eq!(text("a = $1 AND b IN ($2, $3)"), "a = ? AND b IN (?, ?)");
        for kept in ["a = $1 OR b = $1", "a = $2 AND b = $1", "a", "a = '$'"] {
            assert_eq!(text(kept), kept);
        }
    }
}
