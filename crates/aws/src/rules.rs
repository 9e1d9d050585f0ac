//! Rules of `EventBridge` that run tasks of ECS by the clock:
//! [their targets](https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListTargetsByRule.html),
//! [put anew](https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html) with
//! another task definition and all else as it is.

use serde_json::{Map, Value, json};

use crate::wire::{EVENTS, Wire};
use crate::{Aws, AwsError};

/// Pages of targets that are read at most: a rule has five targets, unless AWS allows more.
const PAGES: usize = 20;

/// Rules of one region, on its default bus.
#[derive(Debug, Clone)]
pub struct Rules {
    events: Wire,
}

/// A target of a rule that runs tasks of ECS: every field, whether it is known here or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleTarget {
    fields: Map<String, Value>,
}

impl RuleTarget {
    /// Its identity in its rule.
    pub fn id(&self) -> &str {
        self.fields.get("Id").and_then(Value::as_str).unwrap_or_default()
    }

    /// The ARN of the task definition that it runs: a family's, which stands for its newest, or one
    /// revision's.
    pub fn task_definition(&self) -> &str {
        let ecs = self.fields.get("EcsParameters");
        ecs.and_then(|ecs| ecs["TaskDefinitionArn"].as_str()).unwrap_or_default()
    }

    /// The same one, which runs `definition`.
    #[must_use]
    pub fn running(&self, definition: &str) -> Self {
        let mut changed = self.clone();
        if let Some(ecs) = changed.fields.get_mut("EcsParameters") {
            ecs["TaskDefinitionArn"] = json!(definition);
        }
        changed
    }
}

impl Rules {
    /// Rules of the region that is reached.
    pub fn of(aws: &Aws) -> Self {
        Self { events: Wire::new(&aws.config, EVENTS) }
    }

    /// The targets of `rule` that run tasks of ECS; none where there is no such rule.
    pub async fn targets(&self, rule: &str) -> Result<Option<Vec<RuleTarget>>, AwsError> {
        let doing = || format!("list the targets of the EventBridge rule {rule}");
        let mut asked = json!({ "Rule": rule });
        let mut targets = Vec::new();
        for _ in 0..PAGES {
            let mut page = match self.events.call("ListTargetsByRule", &asked, doing).await {
                Ok(page) => page,
                Err(error) if error.code() == Some("ResourceNotFoundException") => return Ok(None),
                Err(error) => return Err(error),
            };
            if let Value::Array(all) = page["Targets"].take() {
                let runs_tasks = |target: Value| match target {
                    Value::Object(fields) if fields.contains_key("EcsParameters") => Some(fields),
                    _ => None,
                };
                targets.extend(
                    all.into_iter().filter_map(runs_tasks).map(|it| RuleTarget { fields: it }),
                );
            }
            let next = page["NextToken"].take();
            if next.as_str().is_none_or(str::is_empty) {
                return Ok(Some(targets));
            }
            asked["NextToken"] = next;
        }
        Err(AwsError::Answer { doing: doing(), what: "with more than 20 pages".into() })
    }

    /// Puts `target` into `rule`, in the place of the one with its identity.
    pub async fn put_target(&self, rule: &str, target: &RuleTarget) -> Result<(), AwsError> {
        let doing = || format!("change the target {} of the EventBridge rule {rule}", target.id());
        let asked = json!({ "Rule": rule, "Targets": [target.fields] });
        let told = self.events.call("PutTargets", &asked, doing).await?;
        // It answers well even where it did not do it.
        let failed = told["FailedEntries"].as_array().and_then(|failed| failed.first());
        let Some(failed) = failed else { return Ok(()) };
        let text = |name: &str| failed[name].as_str().unwrap_or("?").to_owned();
        let what = format!("{}: {}", text("ErrorCode"), text("ErrorMessage"));
        Err(AwsError::Answer { doing: doing(), what: what.into() })
    }
}
