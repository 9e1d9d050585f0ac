//! What a release changes: commits and files, image by image.

use axum::Json;
use axum::extract::State;
use portolan_model::{Digest, FileKind, ReleaseId};
use portolan_release::changes::ImageSide;
use portolan_release::{Base, ImageChange, Most};
use portolan_store::{FileChange, FileChanges, FileSide};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Name, Query, shown};
use super::commits::SpanInfo;
use super::error::{ApiError, ApiResult, Message};
use crate::App;

/// Commits and files of an image where it is not told how many.
const SOME: usize = 50;
/// At most so many.
const MOST: usize = 1_000;

/// What the release is held against.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ChangesQuery {
    /// This release; without it and `environment`, the one that was prepared before it.
    against: Option<String>,
    /// What runs in this environment.
    environment: Option<String>,
    /// Commits and files of each image at most: 50 where not given, 1,000 at most.
    most: Option<usize>,
}

/// What a release changes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangesInfo {
    /// The release.
    #[schema(value_type = String)]
    release: ReleaseId,
    /// The release that it is held against; none where it is the first, or is held against what
    /// runs.
    #[schema(value_type = Option<String>)]
    against: Option<ReleaseId>,
    /// The environment whose tasks it is held against.
    environment: Option<String>,
    /// Its images, and those that are no more, by name.
    images: Vec<ImageChangeInfo>,
}

/// What becomes of an image.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImageChangeInfo {
    /// Its name in the project.
    image: String,
    /// What there was: nothing, one, or several where not all tasks run the same.
    before: Vec<SideInfo>,
    /// What is to be; none where it is no more.
    after: Option<SideInfo>,
    /// The commits between; none where they are not known.
    commits: Option<SpanInfo>,
    /// The files that differ; none where one of the images was not scanned, or files were not asked
    /// for.
    files: Option<FilesInfo>,
}

/// An image on one side.
#[derive(Debug, Serialize, ToSchema)]
struct SideInfo {
    /// Which it is.
    #[schema(value_type = String)]
    digest: Digest,
    /// The commit that it was built from.
    revision: Option<String>,
}

/// Files that differ.
#[derive(Debug, Serialize, ToSchema)]
struct FilesInfo {
    /// How many are new.
    added: u64,
    /// How many are gone.
    removed: u64,
    /// How many are others.
    changed: u64,
    /// Whether all files were looked at.
    whole: bool,
    /// The first of them, in byte order of their paths.
    first: Vec<FileChangeInfo>,
}

/// A path that is not the same.
#[derive(Debug, Serialize, ToSchema)]
struct FileChangeInfo {
    /// The path.
    path: String,
    /// What was there.
    before: Option<FileSideInfo>,
    /// What is there.
    after: Option<FileSideInfo>,
}

/// A file on one side.
#[derive(Debug, Serialize, ToSchema)]
struct FileSideInfo {
    /// `file`, `directory`, `symlink`, `hardlink`, …
    #[schema(value_type = String)]
    kind: FileKind,
    /// Permission bits, in octal.
    mode: String,
    /// Its size in bytes.
    size: u64,
    /// The digest of its contents.
    #[schema(value_type = Option<String>)]
    digest: Option<Digest>,
    /// What a link points to.
    link: Option<String>,
}

impl From<ImageSide> for SideInfo {
    fn from(side: ImageSide) -> Self {
        Self { digest: side.digest, revision: side.revision }
    }
}

impl From<FileSide> for FileSideInfo {
    fn from(side: FileSide) -> Self {
        Self {
            kind: side.kind,
            mode: format!("{:04o}", side.mode),
            size: side.size,
            digest: side.digest,
            link: side.link,
        }
    }
}

impl From<FileChanges> for FilesInfo {
    fn from(changes: FileChanges) -> Self {
        let change = |it: FileChange| FileChangeInfo {
            path: it.path,
            before: it.before.map(Into::into),
            after: it.after.map(Into::into),
        };
        Self {
            added: changes.added,
            removed: changes.removed,
            changed: changes.changed,
            whole: changes.whole,
            first: changes.first.into_iter().map(change).collect(),
        }
    }
}

impl From<ImageChange> for ImageChangeInfo {
    fn from(change: ImageChange) -> Self {
        Self {
            image: change.image,
            before: change.before.into_iter().map(Into::into).collect(),
            after: change.after.map(Into::into),
            commits: change.commits.map(Into::into),
            files: change.files.map(Into::into),
        }
    }
}

/// What a release changes: the commits and the files between what was and what it has.
#[utoipa::path(
    get, path = "/releases/{id}/changes", tag = "releases",
    params(("id" = String, Path, description = "Its identity"), ChangesQuery),
    responses(
        (status = 200, body = ChangesInfo),
        (status = 400, description = "The query makes no sense", body = Message),
        (status = 404, description = "There is no such release or environment", body = Message),
    )
)]
pub(super) async fn of_release(
    State(app): State<App>,
    Name(id): Name,
    Query(query): Query<ChangesQuery>,
) -> ApiResult<Json<ChangesInfo>> {
    let release = |id: &str| {
        let missing = || ApiError::not_found(format_args!("release {}", shown(id)));
        id.parse::<ReleaseId>().map_err(|_| missing())
    };
    let base = match (&query.against, &query.environment) {
        (None, None) => Base::Before,
        (Some(against), None) => Base::Release(release(against)?),
        (None, Some(environment)) => Base::Environment(environment.clone()),
        (Some(_), Some(_)) => {
            return Err(ApiError::bad("either `against` or `environment`, and not both"));
        }
    };
    let items = query.most.unwrap_or(SOME).min(MOST);
    let most = Most { commits: items, files: Some(items) };
    let changes = app.releases.changes(release(&id)?, &base, most).await?;
    Ok(Json(ChangesInfo {
        release: changes.release.id,
        against: changes.against,
        environment: query.environment,
        images: changes.images.into_iter().map(Into::into).collect(),
    }))
}
