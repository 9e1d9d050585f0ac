//! The layout of s3-asset-manager beside ours, while a team moves from one to the other.

use std::collections::BTreeMap;
use std::path::PathBuf;

use portolan_assets::Assets;
use portolan_assets::legacy::{self, LegacyError, Told, Tone};
use portolan_assets::walk::Planned;
use portolan_model::CommitId;

use crate::error::{Failure, Outcome};
use crate::exit::Code;

/// What is done there is of interest to whoever asks for more.
struct Logged;

impl Told for Logged {
    fn tell(&self, _: Tone, line: &str) {
        tracing::info!("{line}");
    }
}

/// How many packages are there for `commit`; none where there is no whole set.
pub(super) async fn find(assets: &Assets, commit: &CommitId) -> Result<Option<usize>, LegacyError> {
    let packages = legacy::stored(assets.bucket(), commit.as_str(), &Logged).await?;
    Ok(packages.map(|packages| packages.len()))
}

/// The files of a set, where that layout has a place for all of them.
pub(super) fn packages(files: &BTreeMap<String, Planned>) -> Outcome<Vec<PathBuf>> {
    let no = |path: &str| {
        let message = format!(
            "the layout of s3-asset-manager has no place for `{path}`: it knows no folders"
        );
        Failure::new(Code::Configuration, message)
            .hint("pack what is in folders, or leave --legacy (`legacy` of [assets]) out")
    };
    let package = |(path, planned): (&String, &Planned)| match planned {
        Planned::File { source, .. } if source.file_name().is_some_and(|name| *name == **path) => {
            Ok(source.clone())
        }
        _ => Err(no(path)),
    };
    files.iter().map(package).collect()
}

/// Stores `packages` there too, unless a whole set is there.
pub(super) async fn store(assets: &Assets, commit: &CommitId, packages: &[PathBuf]) -> Outcome {
    let stored = async {
        if find(assets, commit).await?.is_none() {
            let (bucket, commit) = (assets.bucket(), commit.as_str());
            legacy::store(bucket, commit, None, packages, &Logged).await?;
        }
        Ok::<_, LegacyError>(())
    };
    stored.await.map_err(|error| failure(&error))
}

/// What it means that something in that layout was not done.
pub(super) fn failure(error: &LegacyError) -> Failure {
    Failure::of(Code::OtherSide, error).maybe_hint(error.hint().map(ToOwned::to_owned))
}
