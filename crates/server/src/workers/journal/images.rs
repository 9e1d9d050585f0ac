//! Acting on what is said of images: a tag moved, an image came or went.

use portolan_model::{
    Digest, EventId, EventKind, JobId, RepositoryName, Tag, Timestamp, failpoint, media,
};
use portolan_store::{ImageKind, NewJob, RawEvent, StoreError, Tx};
use portolan_tracker::facts::Facts;
use portolan_tracker::observation::ImageObserved;

use crate::App;
use crate::workers::jobs::{ScanImage, ScanTag};
use crate::workers::queue;

/// A manifest that was pushed by its digest is most likely about to be listed by an index, whose
/// scan will cover it.
const UNTAGGED_DELAY: i64 = 5_000;

/// What follows from one event.
enum Change {
    /// An image was pushed, and is to be scanned.
    Pushed {
        repository: RepositoryName,
        tag: Option<Tag>,
        digest: Digest,
        /// What the built-in registry holds; none where it is another that was pushed to.
        held: Option<Held>,
    },
    /// A tag was pushed, and only the registry knows what it points to.
    TagPushed { repository: RepositoryName, tag: Tag },
    /// A tag was deleted.
    TagGone { repository: RepositoryName, tag: Tag },
    /// A manifest was deleted, with the tags that point to it.
    ImageGone { repository: RepositoryName, digest: Digest },
}

/// Whether the built-in registry still holds what was pushed to it.
enum Held {
    /// It does; the media type.
    Here(String),
    /// It was deleted since.
    Gone,
}

/// Acts on one entry, in one commit.
pub(super) async fn apply(app: &App, entry: &RawEvent) -> Result<(), StoreError> {
    let changes = match understood(app, entry).await? {
        Ok(changes) => changes,
        Err(reason) => return super::bury(&app.store, entry.id, reason).await,
    };
    let step = Step { id: entry.id, at: entry.occurred_at, now: app.store.now() };
    let changes: Vec<_> =
        changes.into_iter().map(|change| (change, JobId::new(app.store.ids()))).collect();
    failpoint::hit("journal.before-apply");
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            // Another process may have acted on it since it was read.
            if tx.event_applied(step.id).await? {
                for (change, job) in changes {
                    step.make(tx, change, job).await?;
                }
            }
            Ok(())
        })
    });
    write.await?;
    failpoint::hit("journal.after-apply");
    app.store.wake_jobs().await;
    Ok(())
}

/// What follows from an entry; or why it cannot be understood.
async fn understood(
    app: &App,
    entry: &RawEvent,
) -> Result<Result<Vec<Change>, String>, StoreError> {
    if portolan_tracker::Tracker::is_about_images(&entry.kind) {
        let mut facts = Facts::default();
        let read = app.tracker.understand(entry, &mut facts);
        return Ok(read.map(|()| facts.images.into_iter().filter_map(elsewhere).collect()));
    }
    let event = match entry.event() {
        Ok(event) => event,
        Err(error) => return Ok(Err(format!("not understood: {error}"))),
    };
    let change = match event {
        EventKind::ImagePushed { repository, tag, digest } => {
            let manifest = app.store.manifest(&repository, &digest).await?;
            let held = manifest.map_or(Held::Gone, |manifest| Held::Here(manifest.media_type));
            Change::Pushed { repository, tag, digest, held: Some(held) }
        }
        EventKind::TagDeleted { repository, tag } => Change::TagGone { repository, tag },
        EventKind::ImageDeleted { repository, digest } => Change::ImageGone { repository, digest },
    };
    Ok(Ok(vec![change]))
}

/// What follows from the word of another registry.
fn elsewhere(image: ImageObserved) -> Option<Change> {
    match image {
        ImageObserved::Pushed { repository, tag, digest: Some(digest), .. } => {
            Some(Change::Pushed { repository, tag, digest, held: None })
        }
        ImageObserved::Pushed { repository, tag: Some(tag), digest: None, .. } => {
            Some(Change::TagPushed { repository, tag })
        }
        ImageObserved::Deleted { repository, tag: Some(tag), .. } => {
            Some(Change::TagGone { repository, tag })
        }
        ImageObserved::Deleted { repository, tag: None, digest: Some(digest), .. } => {
            Some(Change::ImageGone { repository, digest })
        }
        ImageObserved::Pushed { .. } | ImageObserved::Deleted { .. } => None,
    }
}

/// What acting on one event needs to know besides what follows from it.
#[derive(Clone, Copy)]
struct Step {
    id: EventId,
    at: Timestamp,
    now: Timestamp,
}

impl Step {
    async fn make(self, tx: &mut Tx, change: Change, job: JobId) -> Result<(), StoreError> {
        match change {
            Change::Pushed { repository, tag, digest, held } => {
                if let Some(tag) = &tag {
                    tx.move_tag(&repository, tag, Some(digest), self.at, self.id).await?;
                }
                match held {
                    Some(Held::Gone) => return Ok(()),
                    Some(Held::Here(media_type)) => {
                        let kind = kind_of(&media_type);
                        tx.see_image(&repository, &digest, &media_type, kind, self.now).await?;
                    }
                    None => {}
                }
                let scan = self.scan(repository, digest, tag.is_some());
                tx.enqueue(job, &scan, self.now).await.map(|_| ())
            }
            Change::TagPushed { repository, tag } => {
                let key = format!("scan-tag:{repository}:{tag}");
                let work = ScanTag { repository, tag, pushed_at: self.at };
                let scan = queue::new(&work, Some(key), self.now);
                tx.enqueue(job, &scan, self.now).await.map(|_| ())
            }
            Change::TagGone { repository, tag } => {
                tx.move_tag(&repository, &tag, None, self.at, self.id).await
            }
            Change::ImageGone { repository, digest } => {
                for tag in tx.tags_pointing_to(&repository, &digest).await? {
                    tx.move_tag(&repository, &tag, None, self.at, self.id).await?;
                }
                Ok(())
            }
        }
    }

    fn scan(self, repository: RepositoryName, digest: Digest, tagged: bool) -> NewJob {
        let run_at = self.now.plus_millis(if tagged { 0 } else { UNTAGGED_DELAY });
        let key =
            format!("{}:{repository}@{digest}", if tagged { "scan" } else { "scan-untagged" });
        queue::new(&ScanImage { repository, digest }, Some(key), run_at)
    }
}

fn kind_of(media_type: &str) -> ImageKind {
    match media_type {
        list if media::is_index(list) => ImageKind::Index,
        image if media::is_image(image) => ImageKind::Image,
        _ => ImageKind::Artifact,
    }
}
