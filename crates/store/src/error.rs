//! Why the store could not do what it was asked.

/// What went wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL names no engine that Portolan knows.
    #[error(
        "`{0}` is not a store: write it as in sqlite:.portolan/portolan.db or \
         postgres://user@host/database"
    )]
    Url(String),
    /// The database could not be opened.
    #[error("could not open the store {url}: check that it exists and may be written")]
    Open {
        /// The URL, without its password.
        url: String,
        /// What the engine said.
        source: sqlx::Error,
    },
    /// The tables could not be brought up to date.
    #[error("could not bring the store's tables up to date")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// A statement failed.
    #[error("the store failed to {doing}")]
    Sql {
        /// The first words of the statement.
        doing: String,
        /// What the engine said.
        source: sqlx::Error,
    },
    /// A row holds what cannot be: another program wrote it, or this is a bug.
    #[error("the store holds a bad value in column {column}: {what}")]
    Corrupt {
        /// The column.
        column: String,
        /// What is wrong with the value.
        what: String,
    },
    /// The store is being closed.
    #[error("the store is closed")]
    Closed,
    /// What a change did beside the database failed, and so the change was not made.
    #[error("could not {doing}")]
    Beside {
        /// What was being done.
        doing: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Changes are committed in groups, and this one's group could not be.
    #[error("the change was not committed: {0}")]
    Commit(String),
}

impl StoreError {
    /// Whether doing the same again later may go through: the engine was busy or out of reach, or
    /// two changes met.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Commit(_) => true,
            Self::Sql { source, .. } | Self::Open { source, .. } => match source {
                sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
                sqlx::Error::Database(error) => error.code().is_some_and(|code| {
                    // PostgreSQL: serialisation failure, deadlock, shutdown. SQLite: busy, locked.
                    matches!(code.as_ref(), "40001" | "40P01" | "57P01" | "5" | "6" | "261" | "517")
                }),
                _ => false,
            },
            _ => false,
        }
    }
}
