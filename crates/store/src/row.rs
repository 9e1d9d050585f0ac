//! One way to bind values and to read columns, whatever the engine.

use std::str::FromStr;

use portolan_model::{Digest, EventId, RepositoryName, Tag, Timestamp};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use crate::StoreError;
use crate::bulk::Columns;

/// A bound value. The options are typed so that a NULL has a type too, which PostgreSQL wants.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Bool(bool),
}

macro_rules! value_from {
    ($($from:ty, |$value:ident| $to:expr);+ $(;)?) => {$(
        impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $to
            }
        }
    )+};
}

value_from! {
    i64, |v| Self::Int(Some(v));
    u32, |v| Self::Int(Some(i64::from(v)));
    u64, |v| Self::Int(Some(i64::try_from(v).unwrap_or(i64::MAX)));
    Option<i64>, |v| Self::Int(v);
    bool, |v| Self::Bool(v);
    &str, |v| Self::Text(Some(v.to_owned()));
    String, |v| Self::Text(Some(v));
    Option<String>, |v| Self::Text(v);
    Option<&str>, |v| Self::Text(v.map(str::to_owned));
    Vec<u8>, |v| Self::Bytes(Some(v));
    &[u8], |v| Self::Bytes(Some(v.to_vec()));
    Option<Vec<u8>>, |v| Self::Bytes(v);
    Digest, |v| Self::Bytes(Some(v.as_bytes().to_vec()));
    &Digest, |v| Self::Bytes(Some(v.as_bytes().to_vec()));
    Option<Digest>, |v| Self::Bytes(v.map(|d| d.as_bytes().to_vec()));
    Timestamp, |v| Self::Int(Some(v.millis()));
    Option<Timestamp>, |v| Self::Int(v.map(Timestamp::millis));
    &RepositoryName, |v| Self::Text(Some(v.as_str().to_owned()));
    &Tag, |v| Self::Text(Some(v.as_str().to_owned()));
}

/// A statement's text: fixed, or put together here from fixed parts.
#[derive(Debug, Clone)]
pub(crate) enum Text {
    Fixed(&'static str),
    Made(String),
}

/// A statement with its values. `$1` is the first value, on both engines.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) text: Text,
    pub(crate) values: Vec<Value>,
    /// Where the values are rows of one list: how to hand them over as columns.
    pub(crate) columns: Option<Columns>,
}

/// The statement `text`.
pub(crate) fn sql(text: &'static str) -> Query {
    Query { text: Text::Fixed(text), values: Vec::new(), columns: None }
}

/// A statement put together from fixed parts. What comes from outside is bound, never part of it.
pub(crate) fn sql_made(text: String) -> Query {
    Query { text: Text::Made(text), values: Vec::new(), columns: None }
}

impl Default for Query {
    fn default() -> Self {
        sql("")
    }
}

impl Query {
    /// With these values and no others.
    pub(crate) fn with(mut self, values: Vec<Value>) -> Self {
        self.values = values;
        self
    }

    /// Binds the next value.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds `text`, in which every `?` becomes the placeholder of the next of `values`.
    pub(crate) fn push(&mut self, text: &str, values: impl IntoIterator<Item = Value>) {
        let mut made = self.as_str().to_owned();
        let mut values = values.into_iter();
        for (index, part) in text.split('?').enumerate() {
            if index > 0 {
                self.values.extend(values.next());
                made.push('$');
                made.push_str(&self.values.len().to_string());
            }
            made.push_str(part);
        }
        self.text = Text::Made(made);
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        match &self.text {
            Text::Fixed(text) => text,
            Text::Made(text) => text,
        }
    }

    /// The error of this statement.
    pub(crate) fn failed(&self, source: sqlx::Error) -> StoreError {
        let doing = self.as_str().split_whitespace().take(8).collect::<Vec<_>>().join(" ");
        StoreError::Sql { doing, source }
    }
}

/// A row that an engine answered.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! get {
    ($row:expr, $column:expr, $type:ty) => {
        match $row {
            Row::Sqlite(row) => row.try_get::<$type, _>($column),
            Row::Postgres(row) => row.try_get::<$type, _>($column),
        }
        .map_err(|source| corrupt($column, &source))
    };
}

pub(crate) fn corrupt(column: &str, what: &impl ToString) -> StoreError {
    StoreError::Corrupt { column: column.to_owned(), what: what.to_string() }
}

impl Row {
    pub(crate) fn int(&self, column: &str) -> Result<i64, StoreError> {
        get!(self, column, i64)
    }

    pub(crate) fn count(&self, column: &str) -> Result<u64, StoreError> {
        self.int(column).and_then(|n| u64::try_from(n).map_err(|error| corrupt(column, &error)))
    }

    pub(crate) fn opt_int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        get!(self, column, Option<i64>)
    }

    pub(crate) fn bool(&self, column: &str) -> Result<bool, StoreError> {
        get!(self, column, bool)
    }

    pub(crate) fn text(&self, column: &str) -> Result<String, StoreError> {
        get!(self, column, String)
    }

    pub(crate) fn opt_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        get!(self, column, Option<String>)
    }

    pub(crate) fn bytes(&self, column: &str) -> Result<Vec<u8>, StoreError> {
        get!(self, column, Vec<u8>)
    }

    pub(crate) fn opt_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, StoreError> {
        get!(self, column, Option<Vec<u8>>)
    }

    pub(crate) fn event_id(&self, column: &str) -> Result<EventId, StoreError> {
        let wrong = || corrupt(column, &"an identity has 16 bytes");
        EventId::from_bytes(&self.bytes(column)?).ok_or_else(wrong)
    }

    pub(crate) fn digest(&self, column: &str) -> Result<Digest, StoreError> {
        Digest::try_from(self.bytes(column)?.as_slice()).map_err(|error| corrupt(column, &error))
    }

    pub(crate) fn opt_digest(&self, column: &str) -> Result<Option<Digest>, StoreError> {
        self.opt_bytes(column)?
            .map(|bytes| {
                Digest::try_from(bytes.as_slice()).map_err(|error| corrupt(column, &error))
            })
            .transpose()
    }

    pub(crate) fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        self.int(column).map(Timestamp::from_millis)
    }

    pub(crate) fn opt_time(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.opt_int(column)?.map(Timestamp::from_millis))
    }

    /// A column whose text is read by `FromStr`: names, tags, ids, states.
    pub(crate) fn parsed<T: FromStr<Err: ToString>>(&self, column: &str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|error| corrupt(column, &error))
    }

    pub(crate) fn opt_parsed<T: FromStr<Err: ToString>>(
        &self,
        column: &str,
    ) -> Result<Option<T>, StoreError> {
        self.opt_text(column)?
            .map(|text| text.parse().map_err(|error| corrupt(column, &error)))
            .transpose()
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(
        &self,
        column: &str,
    ) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(column)?).map_err(|error| corrupt(column, &error))
    }
}

/// The JSON text of `value` for a column. What the store keeps always has string keys, so this
/// cannot fail; should it, NULL is kept and reading says which column is bad.
pub(crate) fn json_text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
