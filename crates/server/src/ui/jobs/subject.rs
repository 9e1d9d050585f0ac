//! What a job is about, in words, and where that is.

use portolan_assets::watch::Kept;
use portolan_model::{Digest, RepositoryName};
use portolan_store::Job;

use crate::ui::link::Link;
use crate::ui::show::Visible;

/// What a job is about.
#[derive(Debug)]
pub(super) struct Subject {
    /// What is done.
    pub(super) title: Visible,
    /// What it is done to, and where that is.
    pub(super) object: Option<(String, Link)>,
    /// What to do when it failed.
    pub(super) advice: String,
}

impl Subject {
    /// What `job` is about.
    pub(super) fn of(job: &Job) -> Self {
        let field = |name: &str| job.payload.get(name).and_then(|value| value.as_str());
        let repository = field("repository").and_then(|text| text.parse::<RepositoryName>().ok());
        let digest = field("digest").and_then(|text| text.parse::<Digest>().ok());
        let object = repository.map(|repository| match digest {
            Some(digest) => {
                (format!("{repository} {}", digest.short()), Link::image(&repository, &digest))
            }
            None => (repository.to_string(), Link::repository(&repository)),
        });
        let kept = field("key").and_then(|key| key.parse::<Kept>().ok());
        let object = object.or_else(|| {
            let commit = kept?.commit().clone();
            Some((commit.short().to_owned(), Link::assets(&commit)))
        });
        let title = match job.kind.as_str() {
            "scan-image" => "Scan an image",
            "backfill" => "Catalogue what the registry holds",
            "read-assets" => "Read what a build made",
            "sweep-assets" => "Look through the bucket of assets",
            "registry-gc" => "Collect the registry's garbage",
            other => other,
        };
        let advice = match job.kind.as_str() {
            "scan-image" => {
                "When the reason is gone, push the image again, or ask for the scan again with \
                 POST /admin/scan."
            }
            "backfill" => {
                "It went as far as told here, and what it scanned stays. Start it again with \
                 POST /admin/backfill: images that are known are not read again."
            }
            "registry-gc" => {
                "Nothing that is in use was removed. Start it again with portolan registry gc."
            }
            "read-assets" | "sweep-assets" => {
                "When the reason is gone, the next look through the bucket finds it: see \
                 sweep_minutes under [assets] of the configuration."
            }
            _ => "The server's log has more about it.",
        };
        Self { title: Visible::cut(title, 60), object, advice: advice.to_owned() }
    }
}
