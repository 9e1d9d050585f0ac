//! `portolan image copy`: the same image at another place, with the same digest.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use portolan_model::{Digest, Tag, Target};
use portolan_oci::copy::{Copied, CopyError, CopyEvent};
use portolan_oci::{CopyOptions, Location, Place, copy};
use serde::Serialize;

use crate::args::image::Copy;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::human::{count, size};
use crate::progress::Progress;
use crate::registries;
use crate::session::Session;

/// What a copy came to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    from: String,
    to: String,
    digest: Option<Digest>,
    manifests: u64,
    manifests_present: u64,
    blobs: u64,
    blobs_mounted: u64,
    blobs_present: u64,
    bytes: u64,
}

pub(super) async fn run(session: &Session<'_>, arguments: Copy) -> Outcome {
    let failed = |error| registries::failure(&error);
    let (from, to) = (session.with_host(&arguments.from)?, session.with_host(&arguments.to)?);
    let source = session.open(&from).await?;
    let target = match from.target() {
        Some(target) => target,
        None => source.default_target().await.map_err(failed)?,
    };
    let tag = destination_tag(&arguments, &target)?;
    let destination = Place::create(&to, &session.client()?).await.map_err(failed)?;
    let progress = Arc::new(Progress::start(&session.context.printer, &format!("copying {from}")));
    let options = CopyOptions {
        platform: arguments.platform,
        referrers: arguments.with_referrers,
        progress: Some(watch(Arc::clone(&progress), from.to_string())),
        ..CopyOptions::default()
    };
    let copied = copy(&source, &target, &destination, tag.as_ref(), &options).await;
    drop((progress, options));
    let copied = copied.map_err(|error| failure(&error))?;
    session.context.printer.answer(&answer(&from, &to, tag.as_ref(), &copied), text)
}

/// The tag that the copy gets: the one that was named, else the source's.
fn destination_tag(arguments: &Copy, target: &Target) -> Outcome<Option<Tag>> {
    match (arguments.to.target(), target) {
        (Some(Target::Tag(tag)), _) => Ok(Some(tag)),
        (None, Target::Tag(tag)) => Ok(Some(tag.clone())),
        (None, Target::Digest(_)) => Ok(None),
        (Some(Target::Digest(named)), Target::Digest(digest)) if named == *digest => Ok(None),
        (Some(Target::Digest(_)), _) => {
            let message = "a copy keeps its digest, so another one cannot be named for it";
            Err(Failure::new(Code::Usage, message).hint("name a tag, or nothing"))
        }
    }
}

fn watch(progress: Arc<Progress>, from: String) -> portolan_oci::copy::Progress {
    let (passed, total) = (AtomicU64::new(0), AtomicU64::new(0));
    Arc::new(move |event| {
        match event {
            CopyEvent::Blobs { bytes, .. } => {
                total.fetch_add(bytes, Ordering::Relaxed);
            }
            CopyEvent::Bytes(bytes) => {
                passed.fetch_add(bytes, Ordering::Relaxed);
            }
            CopyEvent::Blob { .. } | CopyEvent::Manifest(_) => {}
        }
        let (passed, total) = (passed.load(Ordering::Relaxed), total.load(Ordering::Relaxed));
        progress.say(format!("copying {from}: {} of at most {}", size(passed), size(total)));
    })
}

fn answer(from: &Location, to: &Location, tag: Option<&Tag>, copied: &Copied) -> Answer {
    let to = match (to.target(), tag) {
        (None, Some(tag)) => format!("{to}:{tag}"),
        _ => to.to_string(),
    };
    Answer {
        from: from.to_string(),
        to,
        digest: copied.digest,
        manifests: copied.manifests,
        manifests_present: copied.manifests_present,
        blobs: copied.blobs,
        blobs_mounted: copied.blobs_mounted,
        blobs_present: copied.blobs_present,
        bytes: copied.bytes,
    }
}

fn text(answer: &Answer) -> String {
    let digest = answer.digest.map(|digest| digest.to_string()).unwrap_or_default();
    let there = answer.blobs_present + answer.blobs_mounted;
    format!(
        "{} is {digest}\n{} copied ({}), {there} already there\n",
        answer.to,
        count(answer.blobs, "blob"),
        size(answer.bytes)
    )
}

/// What it means that an image could not be copied.
pub(super) fn failure(error: &CopyError) -> Failure {
    match error {
        CopyError::Place(error) => registries::failure(error),
        CopyError::Platform { .. } => Failure::of(Code::NotFound, error),
        CopyError::Digest { .. } => Failure::of(Code::Verification, error),
        CopyError::TooDeep => Failure::of(Code::OtherSide, error),
    }
}
