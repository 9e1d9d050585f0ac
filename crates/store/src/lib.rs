//! What Portolan remembers: every line of SQL, for SQLite and PostgreSQL.
//!
//! Floor 2. One file for each noun. A read is a method of [`Store`]; a change is a method of [`Tx`],
//! called inside [`Store::write`], so that the floor above decides what changes together. SQLite
//! has one writer, which commits changes in groups; PostgreSQL, a pool.

mod artifact;
mod asset;
mod blob;
mod brief;
mod bulk;
mod commit;
mod content;
mod db;
mod error;
mod file;
mod file_change;
mod image;
mod job;
mod journal;
mod layer;
mod manifest;
mod notification;
mod page;
mod periodic;
mod registry_gc;
mod registry_tag;
mod release;
mod repository;
mod row;
mod source_repository;
mod store;
mod tag;
mod token;
mod track;
mod wake;
mod where_is;
mod writer;

pub use artifact::{Artifact, ArtifactFile, ArtifactFilter, Service};
pub use asset::{Asset, AssetFilter, AssetLayout, AssetSet, AssetState};
pub use brief::ImageBrief;
pub use commit::{Commit, CommitSpan};
pub use db::Tx;
pub use error::StoreError;
pub use file::{FileFilter, FileRecord, ImageFile};
pub use file_change::{FileChange, FileChanges, FileSide};
pub use image::{Child, Image, ImageKind, ImageLayer, ImageState, ImageSummary, ScannedImage};
pub use job::{Job, JobFilter, JobState, Lease, NewJob};
pub use journal::{JournalEntry, JournalFilter, JournalState, NewEntry, Payload, RawEvent};
pub use layer::{Layer, LayerResult, LayerScan};
pub use manifest::{ManifestPart, NewManifest, Referrer, StoredManifest};
pub use notification::{
    DeadEvent, Delivery, Notification, NotificationFilter, NotificationKey, NotificationState,
};
pub use page::{Page, Paged};
pub use registry_gc::Unreferenced;
pub use release::{
    Built, Freeze, Held, PlaceLease, Quarantine, RecordedService, Release, ReleaseImage, Rollout,
    RolloutFilter, RolloutState, RolloutStep, Standing, StepState, TableWrite, Taking, Told,
};
pub use source_repository::{SourceChange, SourceFilter, SourceRepository, SourceTeam};
pub use store::{Engine, Store, StoreOptions};
pub use tag::{TagMove, TagPointer};
pub use token::{KeptToken, NewToken, Scope, ScopeError, Token};
pub use track::{
    Deployment, DeploymentFact, DeploymentFilter, DeploymentRequest, Origin, RECORDED, RequestFact,
    Sweep, Task, TaskFact, TaskFilter, TaskTotals, TaskWord,
};
pub use where_is::Placed;
