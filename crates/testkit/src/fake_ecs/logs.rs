//! `CloudWatch` Logs: what containers wrote.

use serde_json::{Value, json};

use super::answers::{no, text};
use super::state::{Refusal, State};

/// Lines with their moments, in milliseconds since 1970.
pub(super) type Lines = Vec<(i64, String)>;

/// Events of a page, where no number is asked for.
const USUAL: u64 = 10_000;

impl State {
    pub(super) fn get_log_events(&self, body: &Value) -> Result<Value, Refusal> {
        let name = (text(body, "logGroupName").to_owned(), text(body, "logStreamName").to_owned());
        let Some(lines) = self.logs.get(&name) else {
            return no("ResourceNotFoundException", "The specified log stream does not exist.");
        };
        let most = usize::try_from(body["limit"].as_u64().unwrap_or(USUAL)).unwrap_or(1);
        let skipped =
            if body["startFromHead"] == true { 0 } else { lines.len().saturating_sub(most) };
        let event = |(at, line): &(i64, String)| json!({ "timestamp": at, "message": line, "ingestionTime": at });
        let events: Vec<_> = lines.iter().skip(skipped).take(most).map(event).collect();
        Ok(json!({ "events": events, "nextForwardToken": "f/1", "nextBackwardToken": "b/1" }))
    }

    /// Writes what the containers of the task `told` say at their beginning to where their task
    /// definition tells them to.
    pub(super) fn write_logs(&mut self, told: &Value) {
        let Some(definition) = self.definition(text(told, "taskDefinitionArn")) else { return };
        let task = super::answers::last(text(told, "taskArn"));
        let mut written = Vec::new();
        for container in told["containers"].as_array().into_iter().flatten() {
            let Some(lines) = self.sayings.get(text(container, "imageDigest")) else { continue };
            let name = text(container, "name");
            let mut all = definition.containers();
            let Some(own) = all.find(|it| text(it, "name") == name) else { continue };
            let configured = &own["logConfiguration"];
            if configured["logDriver"] == "awslogs" {
                let options = &configured["options"];
                let prefix = text(options, "awslogs-stream-prefix");
                let stream = format!("{prefix}/{name}/{task}");
                written.push(((text(options, "awslogs-group").to_owned(), stream), lines.clone()));
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "a cast of this kind saturates")]
        let at = (self.now * 1000.0) as i64;
        for (stream, lines) in written {
            self.logs.entry(stream).or_default().extend(lines.into_iter().map(|line| (at, line)));
        }
    }
}
