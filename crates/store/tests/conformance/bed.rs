//! An empty store on one engine, with a clock that the test sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use portolan_model::{Clock, Ids, Timestamp};
use portolan_store::{Store, StoreOptions};

#[derive(Debug, Default)]
pub(crate) struct SetClock(AtomicI64);

impl SetClock {
    pub(crate) fn set(&self, millis: i64) {
        self.0.store(millis, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Sequence(AtomicU64);

impl Ids for Sequence {
    fn next(&self) -> uuid::Uuid {
        uuid::Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::SeqCst) + 1))
    }
}

#[derive(Debug)]
#[expect(dead_code, reason = "held so that it is removed when the bed is dropped")]
enum Place {
    Folder(tempfile::TempDir),
    Server(portolan_testkit::postgres::Database),
}

#[derive(Debug)]
pub(crate) struct Bed {
    pub(crate) store: Store,
    pub(crate) clock: Arc<SetClock>,
    url: String,
    _place: Place,
}

impl Bed {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("deep/er/portolan.db").display());
        Self::open(url, Place::Folder(folder)).await
    }

    pub(crate) async fn postgres() -> Self {
        let database = tokio::task::spawn_blocking(portolan_testkit::postgres::database)
            .await
            .unwrap()
            .unwrap();
        Self::open(database.url().clone(), Place::Server(database)).await
    }

    async fn open(url: String, place: Place) -> Self {
        let clock = Arc::new(SetClock::default());
        clock.set(1_000);
        let ids = Arc::new(Sequence::default());
        let store = Store::open(&StoreOptions::new(&url), clock.clone(), ids).await.unwrap();
        Self { store, clock, url, _place: place }
    }

    /// A second process's store on the same database.
    pub(crate) async fn another(&self) -> Store {
        let ids = Arc::new(Sequence(AtomicU64::new(1 << 40)));
        Store::open(&StoreOptions::new(&self.url), self.clock.clone(), ids).await.unwrap()
    }
}

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// `write!(store, |tx| expression)`: one change.
macro_rules! change {
    ($store:expr, |$tx:ident| $body:expr) => {
        $store.write(move |$tx| Box::pin(async move { $body })).await.unwrap()
    };
}
pub(crate) use change;
