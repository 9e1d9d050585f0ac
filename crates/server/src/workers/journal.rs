//! The journal worker: acts on what the outside world said.

use std::time::Duration;

use portolan_model::{
    Digest, EventId, EventKind, JobId, RepositoryName, Timestamp, failpoint, media,
};
use portolan_store::{ImageKind, JournalEntry, Store, StoreError, Tx};
use tokio_util::sync::CancellationToken;

use super::jobs::ScanImage;
use super::queue;
use crate::App;

/// Entries that are read at a time.
const BATCH: u32 = 100;
/// How long a wake-up may be lost before the journal is looked at all the same.
const POLL: Duration = Duration::from_secs(10);
/// The wait after the store failed.
const PAUSE: Duration = Duration::from_secs(1);
/// A manifest that was pushed by its digest is most likely about to be listed by an index, whose
/// scan will cover it.
const UNTAGGED_DELAY: i64 = 5_000;

/// Acts on entries as they come, until `stop`.
pub(super) async fn run(app: App, stop: CancellationToken) {
    let mut wakes = app.store.journal_wakes();
    loop {
        // Seen first and looked second, so that what arrives in between wakes us again.
        wakes.borrow_and_update();
        let pause = match apply_pending(&app.store).await {
            Ok(0) => POLL,
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(%error, "the journal waits for the store");
                PAUSE
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            _ = wakes.changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Acts on the oldest entries that wait; how many there were.
pub(super) async fn apply_pending(store: &Store) -> Result<usize, StoreError> {
    let entries = store.pending_events(BATCH).await?;
    for entry in &entries {
        let id = entry.id;
        let outcome = match entry.event() {
            Ok(event) => apply(store, entry, event).await,
            Err(error) => bury(store, id, format!("not understood: {error}")).await,
        };
        match outcome {
            Err(error) if !error.is_transient() => bury(store, id, error.to_string()).await?,
            other => other?,
        }
    }
    if !entries.is_empty() {
        store.wake_changes().await;
    }
    Ok(entries.len())
}

async fn bury(store: &Store, id: EventId, reason: String) -> Result<(), StoreError> {
    tracing::warn!(event = %id, reason, "an event is set aside");
    store.write(move |tx| Box::pin(async move { tx.event_dead(id, &reason).await })).await
}

async fn apply(store: &Store, entry: &JournalEntry, event: EventKind) -> Result<(), StoreError> {
    let media_type = match &event {
        EventKind::ImagePushed { repository, digest, .. } => {
            store.manifest(repository, digest).await?.map(|manifest| manifest.media_type)
        }
        EventKind::TagDeleted { .. } | EventKind::ImageDeleted { .. } => None,
    };
    let change = Change {
        id: entry.id,
        at: entry.occurred_at,
        now: store.now(),
        job: JobId::new(store.ids()),
        media_type,
    };
    failpoint::hit("journal.before-apply");
    store.write(move |tx| Box::pin(change.make(tx, event))).await?;
    failpoint::hit("journal.after-apply");
    store.wake_jobs().await;
    Ok(())
}

/// What acting on one event needs to know besides the event.
struct Change {
    id: EventId,
    at: Timestamp,
    now: Timestamp,
    job: JobId,
    /// Of the manifest that was pushed; none where it has been deleted since.
    media_type: Option<String>,
}

impl Change {
    async fn make(self, tx: &mut Tx, event: EventKind) -> Result<(), StoreError> {
        // Another process may have acted on it since it was read.
        if !tx.event_applied(self.id).await? {
            return Ok(());
        }
        match event {
            EventKind::ImagePushed { repository, tag, digest } => {
                if let Some(tag) = &tag {
                    tx.move_tag(&repository, tag, Some(digest), self.at, self.id).await?;
                }
                self.scan(tx, repository, digest, tag.is_some()).await
            }
            EventKind::TagDeleted { repository, tag } => {
                tx.move_tag(&repository, &tag, None, self.at, self.id).await
            }
            EventKind::ImageDeleted { repository, digest } => {
                for tag in tx.tags_pointing_to(&repository, &digest).await? {
                    tx.move_tag(&repository, &tag, None, self.at, self.id).await?;
                }
                Ok(())
            }
        }
    }

    async fn scan(
        self,
        tx: &mut Tx,
        repository: RepositoryName,
        digest: Digest,
        tagged: bool,
    ) -> Result<(), StoreError> {
        let Some(media_type) = self.media_type else { return Ok(()) };
        let kind = match media_type.as_str() {
            list if media::is_index(list) => ImageKind::Index,
            image if media::is_image(image) => ImageKind::Image,
            _ => ImageKind::Artifact,
        };
        tx.see_image(&repository, &digest, &media_type, kind, self.now).await?;
        let run_at = self.now.plus_millis(if tagged { 0 } else { UNTAGGED_DELAY });
        let key =
            format!("{}:{repository}@{digest}", if tagged { "scan" } else { "scan-untagged" });
        let job = queue::new(&ScanImage { repository, digest }, Some(key), run_at);
        tx.enqueue(self.job, &job, self.now).await.map(|_| ())
    }
}
