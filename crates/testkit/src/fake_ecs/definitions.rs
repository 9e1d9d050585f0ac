//! Task definitions: every field that was registered is kept, known here or not.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::answers::{no, text};
use super::state::{Refusal, State};

/// Task definitions by family, in the order of their revisions.
pub(super) type Definitions = BTreeMap<String, Vec<Definition>>;

/// A task definition, as it is described, and its tags.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    pub(super) told: Value,
    tags: Value,
}

impl State {
    pub(super) fn register(&mut self, body: &Value) -> Result<Value, Refusal> {
        let family = text(body, "family").to_owned();
        let containers = body["containerDefinitions"].as_array();
        if family.is_empty() || containers.is_none_or(Vec::is_empty) {
            return no("ClientException", "Container list cannot be empty.");
        }
        for own in ["taskDefinitionArn", "revision", "status", "registeredAt"] {
            if !body[own].is_null() {
                return no("ClientException", format!("Unknown parameter in input: \"{own}\""));
            }
        }
        let named = |container: &Value| {
            !text(container, "name").is_empty() && !text(container, "image").is_empty()
        };
        if !containers.into_iter().flatten().all(named) {
            return no("ClientException", "Container.image should not be null or empty.");
        }
        let revision = self.definitions.get(&family).map_or(0, Vec::len) + 1;
        let arn = self.arn(&format!("task-definition/{family}:{revision}"));
        let mut told = body.as_object().cloned().unwrap_or_default();
        let tags = told.remove("tags").unwrap_or_else(|| json!([]));
        let ours = json!({
            "taskDefinitionArn": arn,
            "revision": revision,
            "status": "ACTIVE",
            "requiresAttributes": [{ "name": "com.amazonaws.ecs.capability.task-iam-role" }],
            "compatibilities": ["EC2", "FARGATE"],
            "registeredAt": self.now,
            "registeredBy": format!("arn:aws:iam::{}:root", self.account),
        });
        told.extend(ours.as_object().cloned().unwrap_or_default());
        for (name, usual) in [("volumes", json!([])), ("placementConstraints", json!([]))] {
            told.entry(name).or_insert(usual);
        }
        for container in told["containerDefinitions"].as_array_mut().into_iter().flatten() {
            add_usual(container);
        }
        let definition = Definition { told: Value::Object(told), tags };
        let answer = definition.answer(&json!({ "include": ["TAGS"] }));
        self.definitions.entry(family).or_default().push(definition);
        Ok(answer)
    }

    pub(super) fn describe_definition(&mut self, body: &Value) -> Result<Value, Refusal> {
        let definition = self.definition(text(body, "taskDefinition"));
        definition.map_or_else(
            || no("ClientException", "Unable to describe task definition."),
            |definition| Ok(definition.answer(body)),
        )
    }

    pub(super) fn deregister(&mut self, body: &Value) -> Result<Value, Refusal> {
        let Some(arn) = self
            .definition(text(body, "taskDefinition"))
            .map(|it| text(&it.told, "taskDefinitionArn").to_owned())
        else {
            return no("ClientException", "The specified task definition does not exist.");
        };
        let now = self.now;
        for definition in self.definitions.values_mut().flatten() {
            if definition.told["taskDefinitionArn"] == arn.as_str() {
                definition.told["status"] = json!("INACTIVE");
                definition.told["deregisteredAt"] = json!(now);
            }
        }
        self.describe_definition(&json!({ "taskDefinition": arn }))
    }

    /// The task definition that `name` names: an ARN, `family:revision`, or a family for its newest
    /// active one.
    pub(super) fn definition(&self, name: &str) -> Option<&Definition> {
        let prefix = self.arn("task-definition/");
        let name = name.strip_prefix(&prefix).unwrap_or(name);
        if let Some((family, revision)) = name.split_once(':') {
            let revision: usize = revision.parse().ok()?;
            return self.definitions.get(family)?.get(revision.checked_sub(1)?);
        }
        let mut newest = self.definitions.get(name)?.iter().rev();
        newest.find(|definition| definition.told["status"] == "ACTIVE")
    }
}

/// Adds what ECS says of each container, whether it was given or not.
fn add_usual(container: &mut Value) {
    let lists = ["portMappings", "environment", "mountPoints", "volumesFrom", "systemControls"];
    let lists = lists.map(|name| (name, json!([])));
    let Some(members) = container.as_object_mut() else { return };
    for (name, usual) in [("cpu", json!(0)), ("essential", json!(true))].into_iter().chain(lists) {
        members.entry(name).or_insert(usual);
    }
}

impl Definition {
    fn answer(&self, body: &Value) -> Value {
        let mut answer = Map::new();
        answer.insert("taskDefinition".into(), self.told.clone());
        let include = body["include"].as_array().into_iter().flatten();
        if include.into_iter().any(|it| it == "TAGS") {
            answer.insert("tags".into(), self.tags.clone());
        }
        Value::Object(answer)
    }

    pub(super) fn arn(&self) -> String {
        text(&self.told, "taskDefinitionArn").to_owned()
    }

    pub(super) fn containers(&self) -> impl Iterator<Item = &Value> {
        self.told["containerDefinitions"].as_array().into_iter().flatten()
    }
}
