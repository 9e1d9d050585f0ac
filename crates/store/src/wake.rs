//! Wake-ups: whoever waits for work is told at once that there is some.
//!
//! A waiter registers its interest first and looks at the queue second, so that work which arrives
//! between the two is not missed. With PostgreSQL, `NOTIFY` carries the wake-up to other processes.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::watch;

/// The channel of PostgreSQL's `NOTIFY`.
pub(crate) const CHANNEL: &str = "portolan";

/// Something that processes may wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    /// The journal has a new entry.
    Journal,
    /// The queue has a new job.
    Jobs,
    /// Something that a page may show has changed.
    Changes,
}

impl Topic {
    pub(crate) const ALL: [Self; 3] = [Self::Journal, Self::Jobs, Self::Changes];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Jobs => "jobs",
            Self::Changes => "changes",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Wake {
    topics: [watch::Sender<u64>; 3],
}

impl Wake {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { topics: Topic::ALL.map(|_| watch::Sender::new(0)) })
    }

    pub(crate) fn wake(&self, topic: Topic) {
        self.topics[topic as usize].send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn watch(&self, topic: Topic) -> watch::Receiver<u64> {
        self.topics[topic as usize].subscribe()
    }
}

/// Passes PostgreSQL's notifications on for as long as somebody holds `wake`.
pub(crate) async fn listen(pool: PgPool, wake: std::sync::Weak<Wake>) {
    loop {
        if let Err(error) = listen_once(&pool, &wake).await {
            tracing::warn!(%error, "lost PostgreSQL's notifications; polling until they are back");
        }
        if wake.upgrade().is_none() || pool.is_closed() {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn listen_once(pool: &PgPool, wake: &std::sync::Weak<Wake>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    // What was said while nobody listened is not repeated, so everybody looks once.
    if let Some(wake) = wake.upgrade() {
        for topic in Topic::ALL {
            wake.wake(topic);
        }
    }
    loop {
        let notice = listener.recv().await?;
        let Some(wake) = wake.upgrade() else { return Ok(()) };
        if let Some(topic) = Topic::ALL.into_iter().find(|t| t.name() == notice.payload()) {
            wake.wake(topic);
        }
    }
}
