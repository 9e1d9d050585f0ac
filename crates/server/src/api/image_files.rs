//! The files of an image, as a container of it sees them.

use axum::Json;
use axum::extract::State;
use portolan_model::{Digest, FileKind};
use portolan_store::{FileFilter, Image, ImageKind};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Name, Query, shown};
use super::error::{ApiError, ApiResult, Message};
use super::images::find;
use crate::App;

/// Which files are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FilesQuery {
    /// Only paths that contain this, in any case.
    contains: Option<String>,
    /// Only files whose contents are kept.
    #[serde(default)]
    kept: bool,
    /// Only paths after this one: `next` of the part before.
    after: Option<String>,
    /// Files at most; `limits.page_items` where not given.
    limit: Option<u64>,
    /// Of an index, the image for this platform (`linux/arm64`); its first image where not given.
    platform: Option<String>,
}

/// A part of an image's files.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileList {
    /// The image that they are in: of an index, one that it lists.
    #[schema(value_type = String)]
    image: Digest,
    /// The files, in byte order of their paths.
    files: Vec<FileInfo>,
    /// What to ask for the next part with (`after`); none at the end.
    next: Option<String>,
}

/// A file of an image.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FileInfo {
    /// Its path.
    path: String,
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
    /// Whether its contents are kept: whether `/files/{layer}?path=` has them at once.
    kept: bool,
    /// Why its contents are not kept though a rule asks for them.
    note: Option<String>,
    /// The layer that it is in.
    #[schema(value_type = String)]
    layer: Digest,
}

/// The files of an image as a container of it sees them.
#[utoipa::path(
    get, path = "/images/{digest}/files", tag = "images",
    params(("digest" = String, Path, description = "The digest of its manifest"), FilesQuery),
    responses(
        (status = 200, body = FileList),
        (status = 404, description = "There is no such image or platform", body = Message),
    )
)]
pub(super) async fn files(
    State(app): State<App>,
    Name(digest): Name,
    Query(query): Query<FilesQuery>,
) -> ApiResult<Json<FileList>> {
    let image = find(&app, &digest).await?;
    let image = platform_of(&app, image, query.platform.as_deref()).await?;
    let most = u64::from(app.settings.limits.page_items.max(1));
    let limit = query.limit.filter(|limit| *limit > 0).unwrap_or(most).min(most);
    let filter = FileFilter { contains: query.contains, kept: query.kept, after: query.after };
    let found = app.store.image_files(&image, &filter, limit).await?;
    let next = found.last().filter(|_| found.len() as u64 == limit);
    let next = next.map(|last| last.file.path.clone());
    let files = found.into_iter().map(|found| FileInfo {
        path: found.file.path,
        kind: found.file.kind,
        mode: format!("{:04o}", found.file.mode),
        size: found.file.size,
        digest: found.file.digest,
        link: found.file.link,
        kept: found.file.kept,
        note: found.file.note,
        layer: found.layer,
    });
    Ok(Json(FileList { image, files: files.collect(), next }))
}

/// The image to look into: itself, or of an index the one for `platform`.
async fn platform_of(app: &App, image: Image, platform: Option<&str>) -> ApiResult<Digest> {
    if image.kind != ImageKind::Index {
        return Ok(image.digest);
    }
    let listed: Vec<Digest> = image.found.children.iter().map(|child| child.digest).collect();
    let briefs = app.store.image_briefs(&listed).await?;
    let child = image.found.children.into_iter().find(|child| {
        let runs = briefs.get(&child.digest).is_some_and(|brief| brief.kind == ImageKind::Image);
        let fits = platform.is_none_or(|wanted| {
            child.platform.as_ref().is_some_and(|platform| platform.to_string() == wanted)
        });
        runs && fits
    });
    let wanted = platform.unwrap_or("any platform");
    child.map(|child| child.digest).ok_or_else(|| {
        ApiError::not_found(format_args!("an image of {} for {}", image.digest, shown(wanted)))
    })
}
