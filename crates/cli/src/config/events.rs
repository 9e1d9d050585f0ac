//! How it is learned what is pushed and what runs: `[events]`.

use std::time::Duration;

use super::error::ConfigError;
use super::layers::Layers;

/// How it is learned what is pushed and what runs.
#[derive(Debug, Clone)]
pub(crate) struct EventsConfig {
    /// Containers of tasks that are left out.
    pub(crate) ignored_containers: Vec<String>,
    /// The queues that are read, each a URL or a name.
    pub(crate) queues: Vec<String>,
    /// Receivers of each queue.
    pub(crate) pollers: usize,
    /// ARNs of the SNS topics that are heard over HTTPS.
    pub(crate) sns_topics: Vec<String>,
    /// The AWS region of the queues, where nothing else tells it.
    pub(crate) region: Option<String>,
    /// The AWS role to assume before the queues are read.
    pub(crate) role_arn: Option<String>,
    /// Between two questions to ECS; none for never.
    pub(crate) sweep: Option<Duration>,
}

pub(super) fn read(layers: &Layers) -> Result<EventsConfig, ConfigError> {
    let mut queues: Vec<String> = Vec::new();
    for key in ["events.ecr.queue", "events.ecs.queue"] {
        let queue = layers.told(key)?.filter(|queue| !queues.contains(queue));
        let bad = |queue: &String| queue.contains(char::is_whitespace) || queue.len() > 2048;
        if queue.as_ref().is_some_and(bad) {
            return Err(layers.setting(key)?.refuse("it is neither a URL nor the name of a queue"));
        }
        queues.extend(queue);
    }
    Ok(EventsConfig {
        ignored_containers: layers.get("events.ignored_containers")?,
        queues,
        pollers: layers.at_least_one("events.pollers")?,
        sns_topics: layers.get("events.sns_topics")?,
        region: layers.told("events.region")?,
        role_arn: layers.told("events.role_arn")?,
        sweep: super::minutes(layers, "events.sweep_minutes")?,
    })
}
