//! Artifacts: scanned images under their tags, in the shape that the portal's clients know.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::stream;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Uri};
use portolan_catalogue::rules::SCANNER_VERSION;
use portolan_model::path::base_name;
use portolan_model::{Digest, RepositoryName, Tag, Timestamp, Version};
use portolan_store::{Artifact, ArtifactFilter, Page};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::tagged;
use super::ask::{PageQuery, Part, Query, shown, tail};
use super::error::{ApiError, ApiResult, Message};
use crate::App;

/// Artifacts that are read at a time while a whole list is told.
const CHUNK: u64 = 200;
/// The label that tells a job from a service.
const RUN_MODE: &str = "defra.cdp.run_mode";

/// A scanned image under a tag.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeployableArtifact {
    /// When it was scanned for the first time.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
    /// The repository.
    #[schema(value_type = String)]
    repo: RepositoryName,
    /// The tag.
    #[schema(value_type = String)]
    tag: Tag,
    /// The digest of the manifest that the tag names.
    #[schema(value_type = String)]
    sha256: Digest,
    /// Where its source is, by its label.
    github_url: Option<String>,
    /// The service that it is, by its label.
    service_name: Option<String>,
    /// The version of the scanner.
    scanner_version: u32,
    /// The files whose contents are kept.
    files: Vec<KeptFile>,
    /// The tag's version as one number; none where it is no plain version, or one too large.
    sem_ver: Option<i64>,
    /// `service` or `job`, by its label.
    run_mode: &'static str,
    /// `image`, or `index` where the tag names one image for each of several platforms.
    kind: &'static str,
    /// What it is built for; none of an index.
    platform: Option<String>,
    /// The digest of its configuration.
    #[schema(value_type = Option<String>)]
    config_digest: Option<Digest>,
    /// Since when the tag points to it.
    #[schema(value_type = String, format = DateTime)]
    pushed_at: Timestamp,
    /// When it was built, by its own word.
    #[schema(value_type = Option<String>, format = DateTime)]
    built_at: Option<Timestamp>,
    /// The commit that it was built from, by its label.
    revision: Option<String>,
    /// Bytes of all layers as they are stored.
    compressed_bytes: u64,
    /// Bytes of all layers uncompressed.
    raw_bytes: u64,
    /// All its labels.
    labels: BTreeMap<String, String>,
}

/// A file of an artifact whose contents can be had from `/files/{layerSha256}?path=`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct KeptFile {
    /// The last part of its path.
    file_name: String,
    /// Its path.
    path: String,
    /// The layer that it is in.
    #[schema(value_type = String)]
    layer_sha256: Digest,
    /// Its size in bytes.
    size: u64,
}

/// A part of the artifacts.
#[derive(Debug, Serialize, ToSchema)]
struct ArtifactPage {
    artifacts: Vec<DeployableArtifact>,
    #[serde(flatten)]
    part: Part,
}

impl From<Artifact> for DeployableArtifact {
    fn from(artifact: Artifact) -> Self {
        let found = artifact.found;
        let version = artifact.tag.as_str().parse::<Version>().ok();
        let is_job =
            found.labels.get(RUN_MODE).is_some_and(|mode| mode.eq_ignore_ascii_case("job"));
        let files = artifact.files.into_iter().map(|file| KeptFile {
            file_name: base_name(&file.path).to_owned(),
            path: file.path,
            layer_sha256: file.layer,
            size: file.size,
        });
        Self {
            created: artifact.first_scanned_at,
            repo: artifact.repository,
            sha256: artifact.digest,
            github_url: found.source_url,
            service_name: found.service_name,
            scanner_version: SCANNER_VERSION,
            files: files.collect(),
            sem_ver: version.and_then(|version| version.packed()),
            run_mode: if is_job { "job" } else { "service" },
            tag: artifact.tag,
            kind: artifact.kind.name(),
            platform: found.platform.map(|platform| platform.to_string()),
            config_digest: found.config_digest,
            pushed_at: artifact.tagged_at,
            built_at: found.created_at,
            revision: found.revision,
            compressed_bytes: found.compressed_bytes,
            raw_bytes: found.raw_bytes,
            labels: found.labels,
        }
    }
}

/// All artifacts, by repository and tag.
///
/// Without `page` and `size`, the whole list as a bare array.
#[utoipa::path(
    get, path = "/artifacts", tag = "artifacts", params(PageQuery),
    responses(
        (status = 200, description = "A bare array; with `page` or `size`, an `ArtifactPage`",
         body = Vec<DeployableArtifact>),
        (status = 400, description = "`page` or `size` is no number", body = Message),
    )
)]
pub(super) async fn all(
    State(app): State<App>,
    Query(page): Query<PageQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let filter = ArtifactFilter::default();
    if !page.is_given() {
        return whole(app, filter).await;
    }
    let limits = &app.settings.limits;
    let found = app.store.artifacts(&filter, page.part(limits)).await?;
    let artifacts = found.items.into_iter().map(Into::into).collect();
    tagged(&headers, &ArtifactPage { artifacts, part: page.told(limits, found.total) })
}

/// The artifacts of a repository, whose name may have slashes; unknown repositories have none.
#[utoipa::path(
    get, path = "/artifacts/{repo}", tag = "artifacts",
    params(("repo" = String, Path, description = "The repository; `/` or `%2F` between its parts")),
    responses(
        (status = 200, body = Vec<DeployableArtifact>),
        (status = 400, description = "The path is not UTF-8", body = Message),
    )
)]
pub(super) async fn of_repository(app: App, repo: &str) -> ApiResult<Response> {
    match repo.parse::<RepositoryName>() {
        Ok(name) => {
            let filter = ArtifactFilter { repository: Some(name), ..ArtifactFilter::default() };
            whole(app, filter).await
        }
        Err(_) => Ok(Json(Vec::<DeployableArtifact>::new()).into_response()),
    }
}

/// One artifact.
///
/// The tag `latest` is the highest version of the repository; where no tag is a version, the tag of
/// that name. `/artifacts/a/b` is the list of the repository `a/b` where there is one, else the tag
/// `b` of `a`; `/artifacts/a%2Fb` and `/artifacts/a%2Fb/c` are never ambiguous.
#[utoipa::path(
    get, path = "/artifacts/{repo}/{tag}", tag = "artifacts",
    params(
        ("repo" = String, Path, description = "The repository; `/` or `%2F` between its parts"),
        ("tag" = String, Path, description = "The tag, or `latest`"),
    ),
    responses(
        (status = 200, body = DeployableArtifact),
        (status = 304, description = "The client has it, by `If-None-Match`"),
        (status = 404, description = "There is no such artifact", body = Message),
    )
)]
pub(super) async fn one(
    app: &App,
    headers: &HeaderMap,
    repo: &str,
    tag: &str,
) -> ApiResult<Response> {
    match find(app, repo, tag).await? {
        Some(artifact) => tagged(headers, &DeployableArtifact::from(artifact)),
        None => Err(ApiError::not_found(format_args!("{}:{}", shown(repo), shown(tag)))),
    }
}

/// The artifact under a tag, or under `latest`.
async fn find(app: &App, repo: &str, tag: &str) -> ApiResult<Option<Artifact>> {
    if tag == "latest"
        && let Ok(repo) = repo.parse()
        && let Some(artifact) = app.catalogue.latest_artifact(&repo).await?
    {
        return Ok(Some(artifact));
    }
    exact(app, repo, tag).await
}

/// The artifact under exactly this tag.
pub(super) async fn exact(app: &App, repo: &str, tag: &str) -> ApiResult<Option<Artifact>> {
    let (Ok(repo), Ok(tag)) = (repo.parse(), tag.parse()) else { return Ok(None) };
    Ok(app.store.artifact(&repo, &tag).await?)
}

/// Answers `/artifacts/…`, whatever the repository's name is.
pub(super) async fn by_path(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let mut parts = tail(&uri, "/artifacts/")?;
    let encoded = parts.iter().any(|(_, encoded)| *encoded);
    let whole: Vec<&str> = parts.iter().map(|(part, _)| part.as_str()).collect();
    let whole = whole.join("/");
    if parts.len() == 1 || (!encoded && is_known(&app, &whole).await?) {
        return of_repository(app, &whole).await;
    }
    let (tag, _) = parts.pop().unwrap_or_default();
    let repo: Vec<&str> = parts.iter().map(|(part, _)| part.as_str()).collect();
    one(&app, &headers, &repo.join("/"), &tag).await
}

/// Whether the catalogue has a tag in this repository.
async fn is_known(app: &App, repo: &str) -> ApiResult<bool> {
    let Ok(name) = repo.parse::<RepositoryName>() else { return Ok(false) };
    Ok(app.store.tag_count(Some(&name)).await? > 0)
}

/// A whole list, read and told part by part so that its length does not matter.
async fn whole(app: App, filter: ArtifactFilter) -> ApiResult<Response> {
    // The first part is read before the answer begins, so that what fails there has a status.
    let first = chunk(&app, &filter, 0).await?;
    let begin = stream::iter([Ok(Bytes::from_static(b"[")), Ok(first.0)]);
    let rest = stream::try_unfold(first.1, move |next| {
        let (app, filter) = (app.clone(), filter.clone());
        async move {
            let Some(offset) = next else { return Ok(None) };
            let (bytes, next) = chunk(&app, &filter, offset).await.map_err(|_| CutOff)?;
            Ok::<_, CutOff>(Some((bytes, next)))
        }
    });
    let end = stream::iter([Ok(Bytes::from_static(b"]"))]);
    let body =
        Body::from_stream(stream::StreamExt::chain(stream::StreamExt::chain(begin, rest), end));
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

/// The store failed in the middle of a list; the log says how.
#[derive(Debug, thiserror::Error)]
#[error("the list was cut off")]
struct CutOff;

/// The artifacts from `offset` on, with a comma before each but the first of all, and where the
/// next part begins.
async fn chunk(app: &App, filter: &ArtifactFilter, offset: u64) -> ApiResult<(Bytes, Option<u64>)> {
    let part = app.store.artifacts(filter, Page { offset, limit: CHUNK }).await?;
    let next = offset + part.items.len() as u64;
    let next = (part.items.len() as u64 == CHUNK).then_some(next);
    let mut bytes = Vec::new();
    for (index, artifact) in (offset..).zip(part.items) {
        if index > 0 {
            bytes.push(b',');
        }
        serde_json::to_writer(&mut bytes, &DeployableArtifact::from(artifact))
            .map_err(|error| ApiError::internal(&error))?;
    }
    Ok((bytes.into(), next))
}
