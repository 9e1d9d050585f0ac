//! `EventBridge`: rules with their targets. No rule ever runs anything.

use serde_json::{Value, json};

use super::FakeEcs;
use super::answers::{no, text};
use super::state::{Refusal, State};

impl State {
    fn rule(&mut self, body: &Value) -> Result<&mut Vec<Value>, Refusal> {
        let name = text(body, "Rule");
        let unknown = format!("Rule {name} does not exist on EventBus default.");
        match self.rules.get_mut(name) {
            Some(targets) => Ok(targets),
            None => no("ResourceNotFoundException", unknown),
        }
    }

    pub(super) fn list_targets(&mut self, body: &Value) -> Result<Value, Refusal> {
        Ok(json!({ "Targets": self.rule(body)? }))
    }

    pub(super) fn put_targets(&mut self, body: &Value) -> Result<Value, Refusal> {
        let targets = self.rule(body)?;
        let mut failed = Vec::new();
        for put in body["Targets"].as_array().into_iter().flatten() {
            if text(put, "Arn").is_empty() {
                failed.push(json!({
                    "TargetId": put["Id"], "ErrorCode": "ValidationException",
                    "ErrorMessage": "Parameter Arn is not valid.",
                }));
                continue;
            }
            targets.retain(|known| known["Id"] != put["Id"]);
            targets.push(put.clone());
        }
        Ok(json!({ "FailedEntryCount": failed.len(), "FailedEntries": failed }))
    }
}

impl FakeEcs {
    /// Makes the rule `name` with `targets`, in the place of the one of that name.
    pub fn given_rule(&self, name: &str, targets: Vec<Value>) {
        self.lock().rules.insert(name.to_owned(), targets);
    }

    /// The targets of the rule `name`.
    pub fn targets(&self, name: &str) -> Vec<Value> {
        self.lock().rules.get(name).cloned().unwrap_or_default()
    }
}
