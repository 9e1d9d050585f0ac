//! Telling what runs, where no event does.

use portolan_model::EventId;
use portolan_tracker::Message;
use serde_json::json;

use super::step::Rolling;
use super::stop::Stop;
use crate::target::{Found, Started};

/// Where a deployment leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To the release.
    Forward,
    /// To what ran before.
    Back,
}

/// Which way it came, in the journal.
const SOURCE: &str = "rollout";

impl Rolling {
    /// Puts into the journal that a deployment is complete, as a `CloudEvent`, where nobody else
    /// will tell it.
    pub(super) async fn tell(&self, started: &Started, way: Way) -> Result<(), Stop> {
        if self.target.is_heard() {
            return Ok(());
        }
        let service = &started.service;
        let planned = self.plan.services.iter().find(|it| it.service == *service);
        let Some(container) = planned.and_then(|it| it.containers.first()) else { return Ok(()) };
        let (id, word, image) = match way {
            Way::Forward => {
                (started.deployment.clone(), "deployed", Some(container.will_name.clone()))
            }
            // What ran before may run in its first deployment still. That it is the newest once more
            // is news all the same.
            Way::Back => {
                let id = EventId::new(self.keeper.ids()).to_string();
                (id, "rolledback", self.image_before(service, &container.container))
            }
        };
        let Some(image) = image else { return Ok(()) };
        let event = json!({
            "specversion": "1.0",
            "id": id,
            "type": format!("portolan.service.{word}"),
            "source": format!("/projects/{}/rollouts/{}", self.plan.project, self.keeper.rollout()),
            "time": self.keeper.now(),
            "data": {
                "environment": self.plan.environment,
                "service": service,
                "image": image,
                "by": self.by,
            },
        });
        let message =
            Message { source: SOURCE.to_owned(), body: event.to_string(), id: None, sent_at: None };
        self.intake.take(vec![message]).await?;
        Ok(())
    }

    /// The image that a container named before.
    fn image_before(&self, service: &str, container: &str) -> Option<String> {
        let named = || {
            let planned = self.plan.services.iter().find(|it| it.service == service)?;
            let planned = planned.containers.iter().find(|it| it.container == container)?;
            Some(planned.named.clone())
        };
        match self.seen.get(service) {
            // It ran nothing before.
            Some(Found::One(seen)) if seen.definition.is_none() => None,
            _ => named(),
        }
    }
}
