//! Where something runs.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use portolan_model::{Digest, Reference, Timestamp};
use portolan_store::AssetFilter;
use portolan_tracker::where_is::{Fact, Found};
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::shown;
use super::asked::Asked;
use super::assets::{self, AssetSetInfo};
use super::cached::Cached;
use super::error::{ApiError, ApiResult, Message};
use crate::App;

/// The ways to say what is looked for.
const WAYS: [&str; 5] = ["digest", "image", "commit", "path", "label"];
/// The shortest beginning of a commit that is looked for.
const SHORTEST_COMMIT: usize = 4;

/// Where something runs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Whereabouts {
    /// The moment at which it was so.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Images that fit, whether they run or not.
    images: u64,
    /// Tasks that run one of them.
    tasks: usize,
    /// What runs them: by service, then in the order of promotion.
    found: Vec<WhereFound>,
    /// The asset sets of that commit, or with a file of that digest; 100 at most. Whatever the moment,
    /// they are those that are kept now.
    assets: Vec<AssetSetInfo>,
}

/// Tasks of one deployment that run an image.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WhereFound {
    environment: String,
    service: String,
    /// The version: the image's tag, else the beginning of its digest.
    version: String,
    /// The image's digest.
    #[schema(value_type = String)]
    digest: Digest,
    /// The image, as the task definition names it.
    image: String,
    /// The commit that it was built from, by label.
    commit: Option<String>,
    /// How many tasks run it.
    task_count: usize,
    /// Their ARNs.
    tasks: Vec<String>,
    /// Since when the first of them runs.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// The deployment that they are of.
    deployment_id: Option<String>,
    /// When that was asked for, or made.
    #[schema(value_type = Option<String>, format = DateTime)]
    deployed_at: Option<Timestamp>,
    /// Who asked for it; `n/a` where it is not known.
    user: String,
}

impl From<Found> for WhereFound {
    fn from(found: Found) -> Self {
        let (id, at, user) = match found.deployment {
            Some(cause) => (Some(cause.id), Some(cause.created_at), cause.user),
            None => (None, None, None),
        };
        Self {
            deployment_id: id,
            deployed_at: at,
            user: user.unwrap_or_else(|| "n/a".to_owned()),
            environment: found.environment,
            service: found.service,
            version: found.version,
            digest: found.digest,
            image: found.image,
            commit: found.origin.revision,
            task_count: found.tasks.len(),
            tasks: found.tasks,
            since: found.since,
        }
    }
}

/// Where an image, a commit, a file or a label runs.
#[utoipa::path(
    get, path = "/where", tag = "running",
    params(
        ("digest" = Option<String>, Query,
         description = "The digest of an image or of an index that it is part of"),
        ("image" = Option<String>, Query,
         description = "`repository`, `repository:tag` or `repository@digest`: all images that the \
                        repository has, or that the tag has pointed to"),
        ("commit" = Option<String>, Query,
         description = "The beginning of the commit that images were built from, at least 4 digits"),
        ("path" = Option<String>, Query,
         description = "The path of a file or directory that containers see"),
        ("label" = Option<String>, Query, description = "`name=value`"),
        ("environment" = Option<Vec<String>>, Query, description = "Only in these environments"),
        ("at" = Option<String>, Query, description = "As it was at this moment"),
    ),
    responses(
        (status = 200, body = Whereabouts),
        (status = 304, description = "The client has it, by `If-None-Match`"),
        (status = 400, description = "Not exactly one of `digest`, `image`, `commit`, `path` and \
         `label` was given, or it makes no sense", body = Message),
    )
)]
pub(super) async fn find(
    State(app): State<App>,
    kept: Cached,
    asked: Asked,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let then = asked.moment("at", app.store.now())?;
    let (fact, environments) = (fact(&asked)?, asked.environments()?);
    let key = then.is_none().then(|| format!("Where {fact:?} {environments:?}"));
    let make = async move |app: App, now| {
        let at = then.unwrap_or(now);
        let found = app.tracker.whereabouts(&fact, &environments, at).await?;
        let tasks = found.found.iter().map(|it| it.tasks.len()).sum();
        let images = found.images;
        Ok(Whereabouts {
            at,
            images,
            tasks,
            found: found.found.into_iter().map(Into::into).collect(),
            assets: match kept_as(&fact) {
                Some(filter) => assets::kept(&app, &filter).await?,
                None => Vec::new(),
            },
        })
    };
    kept.answer(&app, key, &headers, make).await
}

/// Which asset sets are what is looked for; none where none can be.
fn kept_as(fact: &Fact) -> Option<AssetFilter> {
    match fact {
        Fact::Commit(commit) => {
            Some(AssetFilter { commit: Some(commit.clone()), ..AssetFilter::default() })
        }
        Fact::Digest(digest) => {
            Some(AssetFilter { digest: Some(*digest), ..AssetFilter::default() })
        }
        Fact::Image(..) | Fact::Path(_) | Fact::Label(..) => None,
    }
}

/// What is looked for.
fn fact(asked: &Asked) -> ApiResult<Fact> {
    let mut given = Vec::new();
    for way in WAYS {
        given.extend(asked.one(way)?.map(|text| (way, text)));
    }
    let [(way, text)] = given.as_slice() else {
        let ways = WAYS.join(", ");
        return Err(ApiError::bad(format!("say what is looked for in exactly one of {ways}")));
    };
    read(way, text).map_err(|why| ApiError::bad(format!("`{way}` {}: {why}", shown(text))))
}

fn read(way: &str, text: &str) -> Result<Fact, String> {
    Ok(match way {
        "digest" => Fact::Digest(text.parse().map_err(|error| format!("{error}"))?),
        "image" => {
            let reference: Reference = text.parse().map_err(|error| format!("{error}"))?;
            match reference.digest {
                Some(digest) => Fact::Digest(digest),
                None => Fact::Image(reference.repository, reference.tag),
            }
        }
        "commit" => {
            let hex = text.len() >= SHORTEST_COMMIT && text.bytes().all(|b| b.is_ascii_hexdigit());
            if !hex {
                return Err(format!("it is not {SHORTEST_COMMIT} or more hexadecimal digits"));
            }
            Fact::Commit(text.to_ascii_lowercase())
        }
        "path" => {
            let path = text.trim_start_matches('/').trim_end_matches('/');
            if path.is_empty() {
                return Err("it names no file".to_owned());
            }
            Fact::Path(path.to_owned())
        }
        _ => {
            let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
            let (name, value) = pair.ok_or("write it as name=value")?;
            Fact::Label(name.to_owned(), value.to_owned())
        }
    })
}
