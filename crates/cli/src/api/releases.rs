//! What is asked about projects, releases and rollouts.

use portolan_model::Timestamp;
use portolan_release::{Options, Plan};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::changes::ImageChange;
use super::{Api, Request};
use crate::error::{Failure, Outcome};

/// A project.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Project {
    pub(crate) name: String,
    pub(crate) environments: Vec<Place>,
}

/// Where a project is deployed.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) release: Option<String>,
}

/// A release.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Release {
    pub(crate) id: String,
    pub(crate) project: String,
    pub(crate) description: String,
    pub(crate) source: Value,
    pub(crate) created_by: String,
    pub(crate) created_at: Timestamp,
    pub(crate) ci_url: Option<String>,
    pub(crate) images: Vec<Released>,
    pub(crate) quarantine: Option<Quarantine>,
}

/// An image of a release.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Released {
    pub(crate) image: String,
    pub(crate) registry: Option<String>,
    pub(crate) repository: String,
    pub(crate) digest: String,
    pub(crate) tag: Option<String>,
    pub(crate) revision: Option<String>,
}

/// Why a release is not to be deployed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Quarantine {
    pub(crate) reason: String,
    pub(crate) created_by: String,
    pub(crate) created_at: Timestamp,
}

/// A plan, with how to order it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    pub(crate) refused: Vec<String>,
    pub(crate) empty: bool,
    pub(crate) options: Options,
    pub(crate) changes: Vec<ImageChange>,
}

/// A rollout.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rollout {
    pub(crate) id: String,
    pub(crate) project: String,
    pub(crate) environment: String,
    pub(crate) release: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) created_by: String,
    pub(crate) created_at: Timestamp,
    pub(crate) ci_url: Option<String>,
    pub(crate) approved_by: Option<String>,
    pub(crate) approved_at: Option<Timestamp>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
    /// What was agreed, where it was asked for alone.
    #[serde(default, skip_serializing)]
    pub(crate) plan: Option<Plan>,
    /// Its steps, where it was asked for alone.
    #[serde(default)]
    pub(crate) steps: Vec<Step>,
    /// Why it does not go on, where nobody works on it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) waits: Option<String>,
}

/// A step of a rollout.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) outcome: Option<Value>,
    pub(crate) started_at: Timestamp,
    pub(crate) finished_at: Option<Timestamp>,
}

impl Rollout {
    /// Whether it has come to its end.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "succeeded" | "failed" | "rolled-back" | "refused")
    }
}

#[derive(Debug, Deserialize)]
struct ReleasePage {
    releases: Vec<Release>,
}

#[derive(Debug, Deserialize)]
struct RolloutPage {
    rollouts: Vec<Rollout>,
}

impl Api {
    pub(super) async fn post<T: serde::de::DeserializeOwned>(
        &self,
        at: &str,
        body: &Value,
    ) -> Outcome<T> {
        let bytes = serde_json::to_vec(body).map_err(|error| Failure::bug(&error))?;
        let mut request = Request::post(at.to_owned());
        request.content_type = Some("application/json".to_owned());
        request.body = bytes.into();
        self.send(request).await?.json()
    }

    /// All projects.
    pub(crate) async fn projects(&self) -> Outcome<Vec<Project>> {
        self.get("/projects", &[]).await
    }

    /// Prepares a release.
    pub(crate) async fn prepare(&self, wish: &Value) -> Outcome<Release> {
        let release = self.post("/releases", wish).await?;
        self.settle().await?;
        Ok(release)
    }

    /// The newest releases of a project.
    pub(crate) async fn releases(&self, project: &str, most: u64) -> Outcome<Vec<Release>> {
        let size = most.to_string();
        let query = [("project", project), ("size", size.as_str())];
        Ok(self.get::<ReleasePage>("/releases", &query).await?.releases)
    }

    /// A release.
    pub(crate) async fn release(&self, id: &str) -> Outcome<Release> {
        self.get(&format!("/releases/{}", segment(id)), &[]).await
    }

    /// Keeps a release from being deployed.
    pub(crate) async fn quarantine(&self, id: &str, wish: &Value) -> Outcome<Release> {
        self.post(&format!("/releases/{}/quarantine", segment(id)), wish).await
    }

    /// Lets a release be deployed again.
    pub(crate) async fn lift(&self, id: &str) -> Outcome<Release> {
        let at = format!("/releases/{}/quarantine", segment(id));
        self.send(Request::delete(at)).await?.json()
    }

    /// Makes a plan.
    pub(crate) async fn plan(&self, wish: &Value) -> Outcome<Planned> {
        self.post("/plans", wish).await
    }

    /// Orders a rollout.
    pub(crate) async fn order(&self, wish: &Value) -> Outcome<Rollout> {
        self.post("/rollouts", wish).await
    }

    /// Agrees to a rollout.
    pub(crate) async fn approve(&self, id: &str, wish: &Value) -> Outcome<Rollout> {
        self.post(&format!("/rollouts/{}/approve", segment(id)), wish).await
    }

    /// The newest rollouts that `query` is about.
    pub(crate) async fn rollouts(&self, query: &[(&str, &str)]) -> Outcome<Vec<Rollout>> {
        Ok(self.get::<RolloutPage>("/rollouts", query).await?.rollouts)
    }

    /// A rollout with its steps.
    pub(crate) async fn rollout(&self, id: &str) -> Outcome<Rollout> {
        self.get(&format!("/rollouts/{}", segment(id)), &[]).await
    }
}

/// `text` as one part of a path.
fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
