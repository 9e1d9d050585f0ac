//! What is asked about notifications.

use portolan_model::Timestamp;
use serde::{Deserialize, Serialize};
use url::form_urlencoded::byte_serialize;

use super::{Api, Request};
use crate::error::Outcome;

/// A notification.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Notification {
    pub(crate) id: String,
    pub(crate) rule: String,
    pub(crate) event: String,
    pub(crate) environment: Option<String>,
    pub(crate) service: Option<String>,
    pub(crate) summary: String,
    pub(crate) details: serde_json::Value,
    pub(crate) state: String,
    pub(crate) attempts: u64,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<String>,
    pub(crate) happened_at: Timestamp,
    pub(crate) created_at: Timestamp,
    pub(crate) next_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
}

/// A part of the notifications.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    notifications: Vec<Notification>,
}

impl Api {
    /// The newest `most` notifications, of one rule or in one state if so wished.
    pub(crate) async fn notifications(
        &self,
        rule: Option<&str>,
        state: Option<&str>,
        most: u32,
    ) -> Outcome<Vec<Notification>> {
        let size = most.to_string();
        let mut query = vec![("size", size.as_str())];
        query.extend(rule.map(|rule| ("rule", rule)));
        query.extend(state.map(|state| ("state", state)));
        Ok(self.get::<Page>("/notifications", &query).await?.notifications)
    }

    /// Tries the rule of this name out.
    pub(crate) async fn test_notification(&self, rule: &str) -> Outcome<Notification> {
        let name = byte_serialize(rule.as_bytes()).collect::<String>().replace('+', "%20");
        self.send(Request::post(format!("/notifications/{name}/test"))).await?.json()
    }
}
