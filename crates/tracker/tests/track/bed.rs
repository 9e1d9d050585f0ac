//! A tracker on an empty store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use portolan_model::{Clock, Digest, EventId, Ids, Timestamp, media};
use portolan_store::{
    Deployment, DeploymentFilter, ImageKind, Page, ScannedImage, Store, StoreOptions, Task,
    TaskFilter,
};
use portolan_tracker::{Environment, Intake, Message, Places, Rules, Tracker};

/// Accounts of the environments `dev` and `prod`.
pub(crate) const ACCOUNTS: [&str; 2] = ["111111111111", "222222222222"];

/// The time stands still: what the tracker makes of events does not depend on when they come.
#[derive(Debug)]
struct StillClock;

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000)
    }
}

#[derive(Debug, Default)]
struct Sequence(AtomicU64);

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

pub(crate) struct Bed {
    pub(crate) store: Store,
    pub(crate) intake: Intake,
    pub(crate) tracker: Tracker,
    _place: Place,
}

impl Bed {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("portolan.db").display());
        Self::open(url, Place::Folder(folder)).await
    }

    pub(crate) async fn postgres() -> Self {
        let database = tokio::task::spawn_blocking(portolan_testkit::postgres::database);
        let database = database.await.unwrap().unwrap();
        Self::open(database.url(), Place::Server(database)).await
    }

    async fn open(url: String, place: Place) -> Self {
        let options = StoreOptions::new(url);
        let ids = Arc::new(Sequence::default());
        let store = Store::open(&options, Arc::new(StillClock), ids).await.unwrap();
        let environment = |(name, account): (&str, &str)| Environment {
            name: name.to_owned(),
            account: Some(account.to_owned()),
            ..Environment::default()
        };
        let places = [("dev", ACCOUNTS[0]), ("prod", ACCOUNTS[1])].map(environment);
        let rules = Rules { places: Places::new(places.to_vec()), ..Rules::default() };
        let tracker = Tracker::new(store.clone(), rules);
        Self { intake: Intake::new(store.clone()), store, tracker, _place: place }
    }

    /// Takes these bodies in, as one way in would.
    pub(crate) async fn say(&self, bodies: impl IntoIterator<Item = String>) {
        let messages = bodies
            .into_iter()
            .map(|body| Message { source: "test".into(), body, id: None, sent_at: None })
            .collect();
        self.intake.take(messages).await.unwrap();
    }

    /// Acts on all that waits, `batch` entries at a time.
    pub(crate) async fn work(&self, batch: u32) {
        loop {
            let pending = self.store.pending_events(None, batch).await.unwrap();
            if pending.is_empty() {
                return;
            }
            self.tracker.apply(&pending).await.unwrap();
        }
    }

    /// Makes an image known, as a scan does.
    pub(crate) async fn know(&self, repository: &str, digest: Digest, service: Option<&str>) {
        let (repository, now) = (repository.parse().unwrap(), self.store.now());
        let found = ScannedImage {
            scan_key: None,
            config_digest: None,
            created_at: None,
            platform: None,
            service_name: service.map(str::to_owned),
            source_url: None,
            revision: None,
            labels: BTreeMap::new(),
            config: serde_json::Value::Null,
            compressed_bytes: 0,
            raw_bytes: 0,
            layers: Vec::new(),
            children: Vec::new(),
        };
        let (kind, media_type) = (ImageKind::Image, media::OCI_MANIFEST);
        let known = self.store.write(move |tx| {
            Box::pin(async move {
                tx.see_image(&repository, &digest, media_type, kind, now).await?;
                tx.put_scanned_image(&digest, kind, &found, now).await
            })
        });
        known.await.unwrap();
    }

    /// Points a tag, as a push does.
    pub(crate) async fn tag(&self, repository: &str, tag: &str, digest: Digest, at: Timestamp) {
        let (repository, tag) = (repository.parse().unwrap(), tag.parse().unwrap());
        let event = EventId::new(self.store.ids());
        let moved = self.store.write(move |tx| {
            Box::pin(async move { tx.move_tag(&repository, &tag, Some(digest), at, event).await })
        });
        moved.await.unwrap();
    }

    /// Everything that is known: what must not depend on the order of events.
    pub(crate) async fn dump(&self) -> (Vec<Task>, Vec<Task>, Vec<Deployment>) {
        let tasks = |held| TaskFilter { held, ..TaskFilter::default() };
        let known = self.store.tasks(&tasks(false)).await.unwrap();
        let held = self.store.tasks(&tasks(true)).await.unwrap();
        let all = self.store.deployments(&DeploymentFilter::default(), Page::ALL).await.unwrap();
        (known, held, all.items)
    }
}
