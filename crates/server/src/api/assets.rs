//! Asset sets: what builds made for commits.

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portolan_model::{CommitId, Digest, Timestamp};
use portolan_store::{Asset, AssetFilter, AssetSet, Page};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Name, PageQuery, Part, Query, shown};
use super::error::{ApiError, ApiResult, Message};
use crate::App;

/// The shortest beginning of a commit that is looked for.
const SHORTEST_COMMIT: usize = 4;
/// Sets of one commit at most: one for each project, scope and place.
const MOST_SETS: u64 = 100;

/// Which asset sets are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AssetQuery {
    /// Only for commits whose names begin so: 4 digits or more.
    commit: Option<String>,
    /// Only of this project.
    project: Option<String>,
    /// Only of this scope of trust.
    scope: Option<String>,
    /// Only those that have a file of these contents: `sha256:…`.
    digest: Option<String>,
}

/// What a build made for a commit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AssetSetInfo {
    /// Where it is kept, as in `s3://bucket/prefix`.
    bucket: String,
    /// What it is known by there: the key of its manifest, or the beginning of its objects' keys.
    key: String,
    /// `portolan`, or `legacy` for that of s3-asset-manager.
    layout: &'static str,
    /// The project; empty where the layout has none.
    project: String,
    /// The scope of trust in which it was written; empty where the layout has none.
    scope: String,
    /// The commit that it is for.
    #[schema(value_type = String)]
    commit: CommitId,
    /// The commit that it was built for: another one where the inputs of both are the same.
    #[schema(value_type = String)]
    built_commit: CommitId,
    /// `complete`; `unproven` where it has no manifest; `incomplete` where its upload has not ended;
    /// `refused` where its manifest is not believed.
    state: &'static str,
    /// The hash of what went into the build.
    inputs: Option<String>,
    /// The key that signed it, where it was verified.
    signed_by: Option<String>,
    /// Who made it.
    made_by: Option<String>,
    /// The page of the build that made it.
    ci_url: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    made_at: Timestamp,
    /// When it was looked at last.
    #[schema(value_type = String, format = DateTime)]
    seen_at: Timestamp,
    /// How many files it has.
    files: u64,
    /// Their sizes together, in bytes.
    bytes: u64,
}

/// A part of the asset sets.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AssetPage {
    assets: Vec<AssetSetInfo>,
    #[serde(flatten)]
    part: Part,
}

/// A file of an asset set.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AssetInfo {
    /// Its path in the set.
    path: String,
    /// Its size in bytes.
    size: u64,
    /// The digest of its contents, where that is known.
    #[schema(value_type = Option<String>)]
    digest: Option<Digest>,
    /// The same SHA-256 in base64: what Lambda calls `CodeSha256`, and Terraform `source_code_hash`.
    sha256_base64: Option<String>,
}

/// An asset set with its files.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AssetSetFiles {
    #[serde(flatten)]
    set: AssetSetInfo,
    /// Its files, by path.
    assets: Vec<AssetInfo>,
}

impl From<AssetSet> for AssetSetInfo {
    fn from(set: AssetSet) -> Self {
        Self {
            bucket: set.bucket,
            key: set.key,
            layout: set.layout.name(),
            project: set.project,
            scope: set.scope,
            commit: set.commit,
            built_commit: set.built_commit,
            state: set.state.name(),
            inputs: set.inputs,
            signed_by: set.signed_by,
            made_by: set.made_by,
            ci_url: set.ci_url,
            made_at: set.made_at,
            seen_at: set.seen_at,
            files: set.files,
            bytes: set.bytes,
        }
    }
}

impl From<Asset> for AssetInfo {
    fn from(asset: Asset) -> Self {
        Self {
            path: asset.path,
            size: asset.size,
            sha256_base64: asset.digest.map(|digest| STANDARD.encode(digest.as_bytes())),
            digest: asset.digest,
        }
    }
}

impl AssetQuery {
    fn filter(self) -> ApiResult<AssetFilter> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let commit = given(self.commit);
        if let Some(text) = &commit {
            let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
            if text.len() < SHORTEST_COMMIT || !is_hex {
                let what = shown(text);
                let why = format!("it is not {SHORTEST_COMMIT} or more hexadecimal digits");
                return Err(ApiError::bad(format!("`commit` {what}: {why}")));
            }
        }
        let digest = given(self.digest).map(|text| {
            text.parse()
                .map_err(|error| ApiError::bad(format!("`digest` {}: {error}", shown(&text))))
        });
        Ok(AssetFilter {
            commit,
            project: given(self.project),
            scope: given(self.scope),
            digest: digest.transpose()?,
        })
    }
}

/// Asset sets, the newest first.
#[utoipa::path(
    get, path = "/assets", tag = "assets", params(AssetQuery, PageQuery),
    responses(
        (status = 200, body = AssetPage),
        (status = 400, description = "The query makes no sense", body = Message),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<AssetQuery>,
    Query(page): Query<PageQuery>,
) -> ApiResult<Json<AssetPage>> {
    let limits = &app.settings.limits;
    let found = app.store.asset_sets(&query.filter()?, page.part(limits)).await?;
    let assets = found.items.into_iter().map(Into::into).collect();
    Ok(Json(AssetPage { assets, part: page.told(limits, found.total) }))
}

/// What builds made for one commit: each set with its files.
#[utoipa::path(
    get, path = "/assets/{commit}", tag = "assets",
    params(("commit" = String, Path, description = "The commit's whole name")),
    responses(
        (status = 200, body = Vec<AssetSetFiles>),
        (status = 404, description = "There are no assets of that commit", body = Message),
    )
)]
pub(super) async fn of_commit(
    State(app): State<App>,
    Name(commit): Name,
) -> ApiResult<Json<Vec<AssetSetFiles>>> {
    let missing = || ApiError::not_found(format_args!("assets of the commit {}", shown(&commit)));
    let parsed: CommitId = commit.parse().map_err(|_| missing())?;
    let filter = AssetFilter { commit: Some(parsed.to_string()), ..AssetFilter::default() };
    let found = app.store.asset_sets(&filter, Page::first(MOST_SETS)).await?.items;
    if found.is_empty() {
        return Err(missing());
    }
    let mut sets = Vec::with_capacity(found.len());
    for set in found {
        let assets = app.store.assets(&set).await?.into_iter().map(Into::into).collect();
        sets.push(AssetSetFiles { set: set.into(), assets });
    }
    Ok(Json(sets))
}

/// The asset sets that fit `filter`, for who asks where something is.
pub(super) async fn kept(app: &App, filter: &AssetFilter) -> ApiResult<Vec<AssetSetInfo>> {
    let found = app.store.asset_sets(filter, Page::first(MOST_SETS)).await?;
    Ok(found.items.into_iter().map(Into::into).collect())
}
