//! What is kept, for how long, and who makes it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use http_body_util::BodyExt as _;
use portolan_model::{Clock, Ids};
use portolan_store::{Store, StoreOptions};

use super::*;
use crate::Settings;

#[derive(Debug)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[derive(Debug, Default)]
struct Sequence(AtomicU64);

impl Ids for Sequence {
    fn next(&self) -> uuid::Uuid {
        uuid::Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::SeqCst) + 1))
    }
}

struct Bed {
    app: App,
    clock: Arc<SetClock>,
    cached: Cached,
    /// How often something was made.
    made: Arc<AtomicU64>,
    _folder: tempfile::TempDir,
}

impl Bed {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("portolan.db").display());
        let clock = Arc::new(SetClock(AtomicI64::new(1_000_000)));
        let ids = Arc::new(Sequence::default());
        let store = Store::open(&StoreOptions::new(url), clock.clone(), ids).await.unwrap();
        let app = App::open(store, Settings::new(folder.path().join("blobs"))).await.unwrap();
        let (cached, made) = (Cached::default(), Arc::default());
        Self { app, clock, cached, made, _folder: folder }
    }

    /// The answer to `key`, which is the number of the making, in JSON.
    async fn ask(&self, key: &str) -> String {
        let count = self.made.clone();
        let make = async move |_, _| {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            Ok(count.fetch_add(1, Ordering::SeqCst))
        };
        let key = Some(key.to_owned());
        let answer = self.cached.answer(&self.app, key, &HeaderMap::new(), make).await.unwrap();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn pass(&self, millis: i64) {
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn one_makes_it_and_the_others_wait_until_something_changes() {
    let bed = Bed::new().await;
    let all = futures::future::join_all((0..20).map(|_| bed.ask("a"))).await;
    assert!(all.iter().all(|answer| answer == "0"), "{all:?}");
    assert_eq!(bed.ask("b").await, "1", "another question is another answer");
    assert_eq!(bed.ask("a").await, "0");
    bed.app.store.wake_changes().await;
    assert_eq!(bed.ask("a").await, "2", "nothing older than the change is served");
    assert_eq!(bed.ask("a").await, "2");
}

#[tokio::test]
async fn what_changes_while_it_is_made_makes_it_old() {
    let bed = Bed::new().await;
    let (app, asked) = (bed.app.clone(), bed.ask("a"));
    let change = async move {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        app.store.wake_changes().await;
    };
    let (first, ()) = tokio::join!(asked, change);
    assert_eq!(first, "0");
    assert_eq!(bed.ask("a").await, "1");
}

#[tokio::test]
async fn time_alone_makes_it_anew_behind_what_is_served() {
    let bed = Bed::new().await;
    assert_eq!(bed.ask("a").await, "0");
    bed.pass(FRESH_MILLIS);
    assert_eq!(bed.ask("a").await, "0", "nobody waits");
    for _ in 0..200 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        if bed.ask("a").await == "1" {
            break;
        }
    }
    assert_eq!(bed.ask("a").await, "1");
    bed.pass(OLD_MILLIS);
    assert_eq!(bed.ask("a").await, "2", "what is too old is served to nobody");
    bed.pass(-10 * OLD_MILLIS);
    assert_eq!(bed.ask("a").await, "3", "nor what is from a time to come");
}

#[tokio::test]
async fn no_more_is_kept_than_there_is_room_for() {
    let bed = Bed::new().await;
    let fill = |number: usize| {
        let slot = bed.cached.slot(number.to_string());
        let bytes = Bytes::from(vec![b' '; MOST_BYTES / 16]);
        let (made_at, tag) = (bed.app.store.now(), HeaderValue::from_static("\"x\""));
        slot.put(Rendered { generation: 0, made_at, bytes, tag });
        bed.cached.tidy();
    };
    let many = || bed.cached.0.slots.lock().unwrap().len();
    (0..16).for_each(fill);
    assert_eq!(many(), 16);
    fill(17);
    assert_eq!(many(), 0);
    let held = bed.cached.slot("held".to_owned());
    for number in 0..3 * MOST {
        bed.cached.slot(number.to_string());
        assert!(many() <= MOST);
    }
    assert!(Arc::ptr_eq(&held, &bed.cached.slot("held".to_owned())), "what is in use stays");
}
