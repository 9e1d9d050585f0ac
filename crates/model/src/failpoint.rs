//! Named points at which a test can stop the process, to prove that any step may be killed.
//!
//! A debug build of the binary installs a hook; in a release build there is none, and [`hit`] is
//! one relaxed load.

use std::sync::OnceLock;

/// Every failpoint, in the order in which a push, its scan, a backfill, a rollout, a notification
/// and uploads pass them.
pub const ALL: &[&str] = &[
    "upload.after-append",
    "blob.before-rename",
    "blob.after-rename",
    "manifest.before-commit",
    "manifest.after-commit",
    "sqs.before-delete",
    "journal.before-apply",
    "journal.after-apply",
    "journal.before-track",
    "journal.after-track",
    "scan.after-batch",
    "scan.before-layer-commit",
    "scan.after-layer-commit",
    "scan.before-image-commit",
    "scan.after-image-commit",
    "backfill.after-page",
    "backfill.before-finish",
    "rollout.before-act",
    "rollout.after-act",
    "rollout.after-step",
    "rollout.before-end",
    "notify.before-send",
    "notify.after-send",
    "assets.after-blob",
    "assets.before-manifest",
    "assets.after-manifest",
    "assets.after-inputs",
    "bucket.before-rename",
    "bucket.after-rename",
    "legacy.after-start",
    "legacy.after-object",
    "legacy.after-copy",
    "legacy.before-finish",
    "legacy.after-finish",
];

static HOOK: OnceLock<fn(&str)> = OnceLock::new();

/// Calls `hook` with the name of every failpoint that is passed from here on. The first call wins.
pub fn install(hook: fn(&str)) {
    let _ = HOOK.set(hook);
}

/// Passes the failpoint `name`, one of [`ALL`].
#[inline]
pub fn hit(name: &str) {
    if let Some(hook) = HOOK.get() {
        debug_assert!(ALL.contains(&name), "failpoint `{name}` is not listed");
        hook(name);
    }
}
