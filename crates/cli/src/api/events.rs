//! What is asked about the journal.

use portolan_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use super::answers::Job;
use super::{Api, Request, path};
use crate::error::Outcome;

/// What became of a batch.
#[derive(Debug, Deserialize)]
pub(crate) struct Recorded {
    pub(crate) recorded: Vec<String>,
    pub(crate) repeated: u64,
}

/// An entry of the journal; its payload where it was asked for alone.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) kind: String,
    pub(crate) occurred_at: Timestamp,
    pub(crate) recorded_at: Timestamp,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payload: Option<Value>,
}

/// A part of the journal, and how long all that was asked for is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Events {
    pub(crate) events: Vec<Event>,
    pub(crate) total: u64,
}

#[derive(Debug, Deserialize)]
struct Replayed {
    replayed: u64,
}

fn at(id: &str) -> String {
    format!("/events/{}", byte_serialize(id.as_bytes()).collect::<String>().replace('+', "%20"))
}

impl Api {
    /// Takes in the events of `body`.
    pub(crate) async fn ingest(&self, body: String, key: Option<String>) -> Outcome<Recorded> {
        let mut request = Request::post("/events".to_owned());
        request.content_type = Some("application/json".to_owned());
        request.idempotency_key = key;
        request.body = body.into();
        self.send(request).await?.json()
    }

    /// The newest entries of the journal, of one state and one kind or of all.
    pub(crate) async fn events(
        &self,
        state: Option<&str>,
        kind: Option<&str>,
        limit: u64,
    ) -> Outcome<Events> {
        let limit = limit.to_string();
        let mut query = vec![("size", limit.as_str())];
        query.extend(state.map(|state| ("state", state)));
        query.extend(kind.map(|kind| ("kind", kind)));
        self.get("/events", &query).await
    }

    /// One entry of the journal.
    pub(crate) async fn event(&self, id: &str) -> Outcome<Event> {
        self.get(&at(id), &[]).await
    }

    /// Has one entry acted on once more.
    pub(crate) async fn replay(&self, id: &str) -> Outcome<u64> {
        let request = Request::post(format!("{}/replay", at(id)));
        let done: Replayed = self.send(request).await?.json()?;
        Ok(done.replayed)
    }

    /// Queues making what is known of tasks and deployments anew.
    pub(crate) async fn rebuild(&self) -> Outcome<Job> {
        self.send(Request::post("/admin/rebuild".to_owned())).await?.json()
    }

    /// Has all dead entries acted on once more.
    pub(crate) async fn replay_dead(&self, kind: Option<&str>) -> Outcome<u64> {
        let mut query = vec![("state", "dead")];
        query.extend(kind.map(|kind| ("kind", kind)));
        let request = Request::post(path("/events/replay", &query));
        let done: Replayed = self.send(request).await?.json()?;
        Ok(done.replayed)
    }
}
