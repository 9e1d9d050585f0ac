//! A task definition, with every field that ECS told, whether it is known here or not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::Tag;

/// What ECS says of a registered task definition, and does not take for a new one.
const OF_ECS: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
];

/// A task definition: its JSON, as ECS told it, and its tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskDefinition {
    fields: Map<String, Value>,
    tags: Vec<Tag>,
}

/// A task definition with other images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WithImages {
    /// It differs: register this one.
    Changed(TaskDefinition),
    /// It has these images already.
    Same,
    /// It has no such container.
    NoSuchContainer {
        /// Those that were asked for and are not there.
        asked: Vec<String>,
        /// Those that are there.
        valid: Vec<String>,
    },
}

/// Where a container's log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStream {
    /// The container.
    pub container: String,
    /// The log group.
    pub group: String,
    /// The stream.
    pub stream: String,
    /// The region, where the task definition names one.
    pub region: Option<String>,
}

impl TaskDefinition {
    /// The task definition whose JSON is `fields` (of `DescribeTaskDefinition`, or one to be
    /// registered), tagged with `tags`.
    pub fn new(fields: Map<String, Value>, tags: Vec<Tag>) -> Self {
        Self { fields, tags }
    }

    /// Every field.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// Its tags.
    pub fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// Its ARN; none for one that is not registered.
    pub fn arn(&self) -> Option<&str> {
        self.text("taskDefinitionArn")
    }

    /// Its family.
    pub fn family(&self) -> Option<&str> {
        self.text("family")
    }

    /// Its number in its family; none for one that is not registered.
    pub fn revision(&self) -> Option<u64> {
        self.fields.get("revision")?.as_u64()
    }

    /// The ARN of the role that its containers have.
    pub fn task_role(&self) -> Option<&str> {
        self.text("taskRoleArn")
    }

    /// The ARN of the role that starts its containers.
    pub fn execution_role(&self) -> Option<&str> {
        self.text("executionRoleArn")
    }

    /// Its containers' images by the containers' names.
    pub fn images(&self) -> BTreeMap<&str, &str> {
        let image = |container| Some((text(container, "name")?, text(container, "image")?));
        self.containers().filter_map(image).collect()
    }

    /// The same one, with the images of `images` in the containers of these names, and all else as
    /// it is: what is to be registered.
    pub fn with_images(&self, images: &BTreeMap<String, String>) -> WithImages {
        let valid: BTreeSet<&str> = self.containers().filter_map(|it| text(it, "name")).collect();
        let asked = images.keys().filter(|name| !valid.contains(name.as_str()));
        let asked: Vec<_> = asked.cloned().collect();
        if !asked.is_empty() {
            let valid = valid.into_iter().map(ToOwned::to_owned).collect();
            return WithImages::NoSuchContainer { asked, valid };
        }
        let mut changed = self.clone();
        let containers = changed.fields.get_mut("containerDefinitions");
        for container in containers.and_then(Value::as_array_mut).into_iter().flatten() {
            let image = text(container, "name").and_then(|name| images.get(name));
            if let Some(image) = image {
                container["image"] = Value::from(image.as_str());
            }
        }
        if changed == *self { WithImages::Same } else { WithImages::Changed(changed) }
    }

    /// What `RegisterTaskDefinition` is asked: every field, without what ECS alone says, and the
    /// tags where there are any (tagging is a permission of its own).
    pub fn to_register(&self) -> Value {
        let kept = |(name, value): &(&String, &Value)| {
            !OF_ECS.contains(&name.as_str()) && !value.is_null() && *name != "tags"
        };
        let kept = self.fields.iter().filter(kept);
        let mut asked: Map<_, _> =
            kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        // Tags that begin so are AWS's own, and refused.
        let own = self.tags.iter().filter(|tag| !tag.key.to_ascii_lowercase().starts_with("aws:"));
        let tags: Vec<_> =
            own.map(|tag| serde_json::json!({ "key": tag.key, "value": tag.value })).collect();
        if !tags.is_empty() {
            asked.insert("tags".to_owned(), Value::Array(tags));
        }
        Value::Object(asked)
    }

    /// Where the logs of its containers are that write to `CloudWatch` Logs, for the task of `arn`.
    /// A container whose stream has no prefix is left out: its name is the container engine's.
    ///
    /// Source: [awslogs-stream-prefix](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specify-log-config.html).
    pub fn log_streams(&self, arn: &str) -> Vec<LogStream> {
        let task = arn.rsplit('/').next().unwrap_or(arn);
        let stream = |container: &Value| {
            let name = text(container, "name")?;
            let configured = container.get("logConfiguration")?;
            let options = configured.get("options")?;
            let prefix = text(options, "awslogs-stream-prefix")?;
            (text(configured, "logDriver")? == "awslogs").then_some(())?;
            Some(LogStream {
                container: name.to_owned(),
                group: text(options, "awslogs-group")?.to_owned(),
                stream: format!("{prefix}/{name}/{task}"),
                region: text(options, "awslogs-region").map(ToOwned::to_owned),
            })
        };
        self.containers().filter_map(stream).collect()
    }

    fn containers(&self) -> impl Iterator<Item = &Value> {
        self.fields.get("containerDefinitions").and_then(Value::as_array).into_iter().flatten()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

#[cfg(test)]
mod tests;
