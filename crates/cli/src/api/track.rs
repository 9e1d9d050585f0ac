//! What is asked about what runs where. What commands do not show is passed on as it came.

use portolan_model::{Digest, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::form_urlencoded::byte_serialize;

use super::Api;
use crate::error::Outcome;

/// A deployment.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deployment {
    pub(crate) environment: String,
    pub(crate) service: String,
    pub(crate) version: String,
    pub(crate) status: String,
    pub(crate) user: String,
    pub(crate) deployed_at: Timestamp,
    pub(crate) running_since: Option<Timestamp>,
    pub(crate) running_count: u64,
    pub(crate) instance_count: u64,
    pub(crate) unstable: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) recorded_only: bool,
    pub(crate) reasons: Vec<String>,
    pub(crate) previous_version: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// A deployment, and for how long it ran.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Chapter {
    pub(crate) from: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
    pub(crate) commit: Option<String>,
    #[serde(flatten)]
    pub(crate) deployment: Deployment,
}

/// What became of a service.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct History {
    pub(crate) service: String,
    pub(crate) at: Timestamp,
    #[serde(rename = "history")]
    pub(crate) chapters: Vec<Chapter>,
    pub(crate) total: u64,
}

/// Where something runs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Whereabouts {
    pub(crate) at: Timestamp,
    pub(crate) images: u64,
    pub(crate) tasks: u64,
    pub(crate) found: Vec<Found>,
    /// Asset sets of the commit, or with a file of the digest.
    #[serde(default)]
    pub(crate) assets: Vec<KeptAssets>,
}

/// What a build made for a commit, and where it is kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeptAssets {
    pub(crate) project: String,
    pub(crate) scope: String,
    pub(crate) commit: String,
    pub(crate) state: String,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) made_at: Timestamp,
    pub(crate) bucket: String,
    pub(crate) key: String,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Tasks of one deployment that run an image.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Found {
    pub(crate) environment: String,
    pub(crate) service: String,
    pub(crate) version: String,
    pub(crate) digest: Digest,
    pub(crate) task_count: u64,
    pub(crate) since: Timestamp,
    pub(crate) user: String,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// How two environments differ.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Diff {
    pub(crate) a: Place,
    pub(crate) b: Place,
    pub(crate) same: u64,
    pub(crate) differ: u64,
    pub(crate) only_a: u64,
    pub(crate) only_b: u64,
    pub(crate) services: Vec<Difference>,
}

/// An environment at a moment.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) environment: String,
    pub(crate) at: Timestamp,
}

/// How a service differs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Difference {
    pub(crate) service: String,
    pub(crate) relation: String,
    pub(crate) direction: Option<String>,
    pub(crate) a: Option<Side>,
    pub(crate) b: Option<Side>,
}

/// What runs of a service in an environment.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Side {
    pub(crate) version: String,
    pub(crate) commit: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Diff {
    /// Whether anything is not the same.
    pub(crate) fn differs(&self) -> bool {
        self.differ + self.only_a + self.only_b > 0
    }
}

/// What narrows a question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Narrow<'a> {
    pub(crate) environments: &'a [String],
    pub(crate) at: Option<Timestamp>,
}

impl Narrow<'_> {
    fn query(self) -> Vec<(&'static str, String)> {
        let environments = self.environments.iter().map(|name| ("environment", name.clone()));
        environments.chain(self.at.map(|at| ("at", at.to_string()))).collect()
    }
}

/// `text` as one part of a path.
fn part(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

impl Api {
    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        at: &str,
        query: &[(&'static str, String)],
    ) -> Outcome<T> {
        let query: Vec<_> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.get(at, &query).await
    }

    /// What runs, of one service or of all.
    pub(crate) async fn running(
        &self,
        service: Option<&str>,
        narrow: Narrow<'_>,
    ) -> Outcome<Vec<Deployment>> {
        let at = service.map(|name| format!("/whats-running-where/{}", part(name)));
        let at = at.as_deref().unwrap_or("/whats-running-where");
        self.ask(at, &narrow.query()).await
    }

    /// Where a fact of this kind runs.
    pub(crate) async fn whereabouts(
        &self,
        kind: &'static str,
        fact: &str,
        narrow: Narrow<'_>,
    ) -> Outcome<Whereabouts> {
        let mut query = narrow.query();
        query.push((kind, fact.to_owned()));
        self.ask("/where", &query).await
    }

    /// How two environments differ.
    pub(crate) async fn diff(
        &self,
        (a, b): (&str, &str),
        at: Option<Timestamp>,
        at_b: Option<Timestamp>,
    ) -> Outcome<Diff> {
        let moments = [("at", at), ("atB", at_b)];
        let query: Vec<_> = moments
            .into_iter()
            .filter_map(|(name, moment)| Some((name, moment?.to_string())))
            .collect();
        self.ask(&format!("/diff/{}/{}", part(a), part(b)), &query).await
    }

    /// What became of a service.
    pub(crate) async fn history(
        &self,
        service: &str,
        limit: u64,
        narrow: Narrow<'_>,
    ) -> Outcome<History> {
        let mut query = narrow.query();
        query.push(("size", limit.to_string()));
        self.ask(&format!("/history/{}", part(service)), &query).await
    }
}
