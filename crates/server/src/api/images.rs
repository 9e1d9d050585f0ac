//! Repositories, and images by their digests.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use portolan_model::{Digest, Platform, RepositoryName, Tag, Timestamp};
use portolan_store::{Image, ImageSummary, TagPointer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::answer::tagged;
use super::ask::{Name, PageQuery, Part, Query, shown};
use super::error::{ApiError, ApiResult, Message};
use crate::App;

/// A repository as one line of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RepositoryLine {
    /// Its name.
    #[schema(value_type = String)]
    repository: RepositoryName,
    /// Tags that point somewhere.
    tags: u64,
    /// Images that were ever seen in it.
    images: u64,
    /// When a tag of it moved last.
    #[schema(value_type = Option<String>, format = DateTime)]
    updated_at: Option<Timestamp>,
}

/// A part of the repositories.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RepositoryPage {
    images: Vec<RepositoryLine>,
    #[serde(flatten)]
    part: Part,
}

impl From<ImageSummary> for RepositoryLine {
    fn from(summary: ImageSummary) -> Self {
        Self {
            repository: summary.repository,
            tags: summary.tags,
            images: summary.images,
            updated_at: summary.updated_at,
        }
    }
}

/// Which repositories are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RepositoryQuery {
    /// Only those whose name contains this.
    #[serde(default)]
    contains: String,
}

/// Repositories that the catalogue knows, by name.
#[utoipa::path(
    get, path = "/images", tag = "images", params(RepositoryQuery, PageQuery),
    responses((status = 200, body = RepositoryPage))
)]
pub(super) async fn repositories(
    State(app): State<App>,
    Query(query): Query<RepositoryQuery>,
    Query(page): Query<PageQuery>,
) -> ApiResult<Json<RepositoryPage>> {
    let limits = &app.settings.limits;
    // Names have no capitals, and only one of the two engines would pass over some.
    let contains = query.contains.to_lowercase();
    let found = app.store.image_summaries(&contains, page.part(limits)).await?;
    let images = found.items.into_iter().map(Into::into).collect();
    Ok(Json(RepositoryPage { images, part: page.told(limits, found.total) }))
}

/// An image, or a list of images for several platforms.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImageInfo {
    /// The digest of its manifest.
    #[schema(value_type = String)]
    digest: Digest,
    /// The manifest's media type.
    media_type: String,
    /// `image`, `index`, or `artifact` for what is no runnable image.
    kind: &'static str,
    /// `pending`, `scanned` or `failed`.
    state: &'static str,
    /// Why it could not be scanned.
    error: Option<String>,
    /// When it was scanned for the first time.
    #[schema(value_type = Option<String>, format = DateTime)]
    first_scanned_at: Option<Timestamp>,
    /// When it was scanned last.
    #[schema(value_type = Option<String>, format = DateTime)]
    scanned_at: Option<Timestamp>,
    /// The digest of its configuration.
    #[schema(value_type = Option<String>)]
    config_digest: Option<Digest>,
    /// When it was built, by its own word.
    #[schema(value_type = Option<String>, format = DateTime)]
    built_at: Option<Timestamp>,
    /// What it is built for; none of an index.
    platform: Option<String>,
    /// The service that it is, by its label.
    service_name: Option<String>,
    /// Where its source is, by its label.
    source_url: Option<String>,
    /// The commit that it was built from, by its label.
    revision: Option<String>,
    /// All its labels.
    labels: BTreeMap<String, String>,
    /// What a runtime uses of its configuration.
    #[schema(value_type = Object)]
    config: Value,
    /// Bytes of all layers as they are stored.
    compressed_bytes: u64,
    /// Bytes of all layers uncompressed.
    raw_bytes: u64,
    /// Files, directories and links that a container of it sees.
    file_count: u64,
    /// Its layers, lowest first.
    layers: Vec<LayerInfo>,
    /// What an index lists.
    children: Vec<ChildInfo>,
    /// The tags that point to it.
    tags: Vec<TagInfo>,
    /// The repositories in which it was seen.
    #[schema(value_type = Vec<String>)]
    repositories: Vec<RepositoryName>,
}

/// A layer of an image.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LayerInfo {
    /// The digest as it is stored.
    #[schema(value_type = String)]
    digest: Digest,
    /// The digest uncompressed.
    #[schema(value_type = Option<String>)]
    diff_id: Option<Digest>,
    /// Its media type.
    media_type: String,
    /// Bytes as it is stored.
    size: u64,
    /// Bytes uncompressed, where it has been read.
    raw_bytes: Option<u64>,
    /// Entries, where it has been read.
    entries: Option<u64>,
    /// The command that made it.
    created_by: Option<String>,
    /// How many images have it.
    images: u64,
}

/// A manifest that an index lists.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ChildInfo {
    /// Its digest.
    #[schema(value_type = String)]
    digest: Digest,
    /// Its media type.
    media_type: String,
    /// Its size in bytes.
    size: u64,
    /// What it is for.
    platform: Option<String>,
}

/// A tag that points to an image.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TagInfo {
    /// The repository.
    #[schema(value_type = String)]
    repository: RepositoryName,
    /// The tag.
    #[schema(value_type = String)]
    tag: Tag,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

impl From<TagPointer> for TagInfo {
    fn from(pointer: TagPointer) -> Self {
        Self { repository: pointer.repository, tag: pointer.tag, since: pointer.since }
    }
}

fn text(platform: Option<Platform>) -> Option<String> {
    platform.map(|platform| platform.to_string())
}

/// One image by its digest.
#[utoipa::path(
    get, path = "/images/{digest}", tag = "images",
    params(("digest" = String, Path, description = "The digest of its manifest")),
    responses(
        (status = 200, body = ImageInfo),
        (status = 304, description = "The client has it, by `If-None-Match`"),
        (status = 404, description = "There is no such image", body = Message),
    )
)]
pub(super) async fn one(
    State(app): State<App>,
    Name(digest): Name,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let image = find(&app, &digest).await?;
    tagged(&headers, &info(&app, image).await?)
}

/// The image with this digest.
pub(super) async fn find(app: &App, digest: &str) -> ApiResult<Image> {
    let missing = || ApiError::not_found(shown(digest));
    let parsed: Digest = digest.parse().map_err(|_| missing())?;
    app.store.image(&parsed).await?.ok_or_else(missing)
}

async fn info(app: &App, image: Image) -> ApiResult<ImageInfo> {
    let (store, digest, found) = (&app.store, image.digest, image.found);
    let digests: Vec<Digest> = found.layers.iter().map(|layer| layer.digest).collect();
    let (read, sharing) = (store.layers(&digests).await?, store.layer_sharing(&digests).await?);
    let layers = found.layers.into_iter().zip(sharing).map(|(layer, images)| {
        let read = read.get(&layer.digest).map(|read| &read.result);
        LayerInfo {
            raw_bytes: read.map(|read| read.raw_bytes),
            entries: read.map(|read| read.entries),
            digest: layer.digest,
            diff_id: layer.diff_id,
            media_type: layer.media_type,
            size: layer.size,
            created_by: layer.created_by,
            images,
        }
    });
    let children = found.children.into_iter().map(|child| ChildInfo {
        digest: child.digest,
        media_type: child.media_type,
        size: child.size,
        platform: text(child.platform),
    });
    Ok(ImageInfo {
        digest,
        media_type: image.media_type,
        kind: image.kind.name(),
        state: image.state.name(),
        error: image.error,
        first_scanned_at: image.first_scanned_at,
        scanned_at: image.scanned_at,
        config_digest: found.config_digest,
        built_at: found.created_at,
        platform: text(found.platform),
        service_name: found.service_name,
        source_url: found.source_url,
        revision: found.revision,
        labels: found.labels,
        config: found.config,
        compressed_bytes: found.compressed_bytes,
        raw_bytes: found.raw_bytes,
        file_count: store.image_file_count(&digest).await?,
        layers: layers.collect(),
        children: children.collect(),
        tags: store.tags_of(&digest).await?.into_iter().map(Into::into).collect(),
        repositories: store.repositories_of(&digest).await?,
    })
}
