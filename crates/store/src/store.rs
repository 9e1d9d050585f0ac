//! Opening the store, and the two ways to use it: read, write.

use std::fmt;
use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use portolan_model::{Clock, Ids, Timestamp};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};
use tokio::sync::watch;

use crate::db::{Connection, Db, Tx, detached};
use crate::row::{Query, Row, sql};
use crate::wake::{CHANNEL, Topic, Wake, listen};
use crate::writer::{Change, Size, Writer};
use crate::{StoreError, wake};

/// Rows that a reading thread of SQLite may be ahead of whoever takes them. Lists are read a page of
/// a thousand at a time; with less, the two threads wake each other many times for each.
const ROW_BUFFER: usize = 1024;

/// What SQLite's writer keeps of the file in memory, in its own notation: 48 MiB. Events touch rows
/// all over the tables; with less, the writer reads most pages anew for each commit.
const WRITER_CACHE: &str = "-49152";

/// Pages of 4 KiB that SQLite's log may hold before they are copied into the file. A page that many
/// commits touched is copied once; with SQLite's own thousand, after almost every commit of events.
const CHECKPOINT_PAGES: &str = "16384";

/// Makes PostgreSQL find rows by their keys for the rest of a transaction. It keeps the plan of a
/// statement for as long as a connection lives; one that was made while a table was empty reads all
/// of it, however long it has become.
const BY_KEYS: &str = "SELECT set_config('enable_seqscan', 'off', true), \
    set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)";

/// Which engine keeps the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file beside the process: the embedded default.
    Sqlite,
    /// A server, shared by replicas.
    Postgres,
}

/// How to open a store.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// `sqlite:PATH` or `postgres://…`. A SQLite file, and the folder it is in, are made if missing.
    pub url: String,
    /// Connections that read (SQLite) or that read and write (PostgreSQL), at most.
    pub connections: u32,
}

impl StoreOptions {
    /// The options for `url`, with eight connections.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), connections: 8 }
    }
}

/// What Portolan remembers. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) db: Db,
    writer: Option<Writer>,
    wake: Arc<Wake>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("engine", &self.engine()).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store and brings its tables up to date.
    pub async fn open(
        options: &StoreOptions,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Result<Self, StoreError> {
        let wake = Wake::new();
        let (db, writer) = if let Some(path) = options.url.strip_prefix("sqlite:") {
            let (readers, writer) = open_sqlite(path, options).await?;
            (Db::Sqlite(readers), Some(writer))
        } else if ["postgres://", "postgresql://"].iter().any(|p| options.url.starts_with(p)) {
            let pool = open_postgres(options).await?;
            tokio::spawn(listen(pool.clone(), Arc::downgrade(&wake)));
            (Db::Postgres(pool), None)
        } else {
            return Err(StoreError::Url(without_password(&options.url)));
        };
        Ok(Self { db, writer, wake, clock, ids })
    }

    /// Which engine keeps this store.
    pub fn engine(&self) -> Engine {
        match self.db {
            Db::Sqlite(_) => Engine::Sqlite,
            Db::Postgres(_) => Engine::Postgres,
        }
    }

    /// The clock that the store was opened with.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// The present moment, by the clock that the store was opened with.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The source of new identities that the store was opened with.
    pub fn ids(&self) -> &dyn Ids {
        &*self.ids
    }

    /// Makes a change: all of what `change` does is committed, durably, or nothing.
    ///
    /// `change` may be dropped half-way when the engine fails, and so must do nothing outside the
    /// transaction that it could not do again.
    pub async fn write<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        self.write_sized(change, Size::Small).await
    }

    /// Makes a change of thousands of rows. It is the same as [`Store::write`], and faster.
    pub async fn write_many<T, F>(&self, change: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        self.write_sized(change, Size::Large).await
    }

    async fn write_sized<T, F>(&self, change: F, size: Size) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        let Db::Postgres(pool) = &self.db else {
            let Some(writer) = &self.writer else { return Err(StoreError::Closed) };
            let change: Change = Box::new(move |tx| {
                let made = change(tx);
                Box::pin(async move { made.await.map(|value| Box::new(value) as Box<_>) })
            });
            let answer = writer.write(change, size).await?;
            return answer.downcast::<T>().map(|value| *value).map_err(|_| StoreError::Closed);
        };
        let failed = |doing: &str| {
            let doing = doing.to_owned();
            move |source| StoreError::Sql { doing, source }
        };
        let transaction = pool.begin().await.map_err(failed("begin a change"))?;
        let mut tx = Tx(Connection::Postgres(transaction));
        if size == Size::Large {
            tx.first(sql(BY_KEYS)).await?;
        }
        // Dropping the transaction on the way out undoes it.
        let value = change(&mut tx).await?;
        if let Tx(Connection::Postgres(transaction)) = tx {
            transaction.commit().await.map_err(failed("commit a change"))?;
        }
        Ok(value)
    }

    /// A receiver that changes when the journal has a new entry. Take it before looking.
    pub fn journal_wakes(&self) -> watch::Receiver<u64> {
        self.wake.watch(Topic::Journal)
    }

    /// A receiver that changes when the queue has a new job. Take it before looking.
    pub fn job_wakes(&self) -> watch::Receiver<u64> {
        self.wake.watch(Topic::Jobs)
    }

    /// A receiver that changes when something that a page may show has changed.
    pub fn change_wakes(&self) -> watch::Receiver<u64> {
        self.wake.watch(Topic::Changes)
    }

    /// Tells those who wait for the journal, here and in other processes.
    pub async fn wake_journal(&self) {
        self.tell(Topic::Journal).await;
    }

    /// Tells those who wait for jobs, here and in other processes.
    pub async fn wake_jobs(&self) {
        self.tell(Topic::Jobs).await;
    }

    /// Tells those who show what the store holds, here and in other processes.
    pub async fn wake_changes(&self) {
        self.tell(Topic::Changes).await;
    }

    async fn tell(&self, topic: wake::Topic) {
        self.wake.wake(topic);
        if let Db::Postgres(_) = &self.db {
            let notify = sql("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(topic.name());
            // A lost wake-up costs a poll's interval and nothing else.
            if let Err(error) = self.db.first(&notify).await {
                tracing::warn!(%error, "could not notify other processes");
            }
        }
    }

    /// Whether the store answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.db.first(&sql("SELECT 1 AS one")).await.map(|_| ())
    }

    /// Closes the store when what is under way is done.
    pub async fn close(self) {
        match &self.db {
            Db::Sqlite(pool) => pool.close().await,
            Db::Postgres(pool) => pool.close().await,
        }
    }

    pub(crate) async fn all(&self, query: Query) -> Result<Vec<Row>, StoreError> {
        self.db.all(&query).await
    }

    pub(crate) async fn first(&self, query: Query) -> Result<Option<Row>, StoreError> {
        self.db.first(&query).await
    }
}

async fn open_sqlite(
    path: &str,
    options: &StoreOptions,
) -> Result<(SqlitePool, Writer), StoreError> {
    let failed = |source| StoreError::Open { url: options.url.clone(), source };
    let path = path.strip_prefix("//").unwrap_or(path);
    if let Some(parent) = Path::new(path).parent() {
        std::fs::create_dir_all(parent).map_err(|error| failed(sqlx::Error::Io(error)))?;
    }
    let connect = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(20));
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(
            connect
                .clone()
                .row_buffer_size(ROW_BUFFER)
                .pragma("cache_size", WRITER_CACHE)
                .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
                .pragma("journal_size_limit", "134217728"),
        )
        .await
        .map_err(failed)?;
    sqlx::migrate!("migrations/sqlite").run(&writer).await.map_err(StoreError::Migrate)?;
    let connection = writer.acquire().await.map_err(failed)?;
    let readers = SqlitePoolOptions::new()
        .max_connections(options.connections)
        .connect_with(
            // Not for the writer: it goes through all that a savepoint keeps in memory after each
            // statement, which makes a large change take the square of its time.
            connect
                .create_if_missing(false)
                .row_buffer_size(ROW_BUFFER)
                .pragma("query_only", "1")
                .pragma("cache_size", "-8192")
                .pragma("temp_store", "MEMORY"),
        )
        .await
        .map_err(failed)?;
    Ok((readers, Writer::start(detached(connection))))
}

async fn open_postgres(options: &StoreOptions) -> Result<PgPool, StoreError> {
    let failed = |source| StoreError::Open { url: without_password(&options.url), source };
    let connect = PgConnectOptions::from_str(&options.url).map_err(failed)?;
    let pool = PgPoolOptions::new()
        .max_connections(options.connections)
        .acquire_timeout(Duration::from_secs(20))
        .connect_with(connect.application_name("portolan"))
        .await
        .map_err(failed)?;
    sqlx::migrate!("migrations/postgres").run(&pool).await.map_err(StoreError::Migrate)?;
    Ok(pool)
}

/// `url` with `***` in place of its password.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    match authority.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split_once(':').map_or(user, |(user, _)| user);
            format!("{scheme}://{user}:***@{host}/{path}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(without_password("postgres://u:p@ss@h/db"), "postgres://u:***@h/db");
        assert_eq!(without_password("postgres://h/db"), "postgres://h/db");
        assert_eq!(without_password("mysql"), "mysql");
    }
}
