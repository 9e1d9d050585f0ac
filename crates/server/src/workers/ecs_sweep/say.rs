//! What a sweep says: events in the words of ECS.

use portolan_aws::ecs::{Service, Task};
use portolan_model::Timestamp;
use portolan_store::Task as Row;
use portolan_tracker::Message;
use serde_json::{Value, json};

use super::clusters;
use crate::SweptEnvironment;

/// Who says it.
const SOURCE: &str = "portolan.sweep";

/// Says what was found in an environment at a moment.
pub(super) struct Speaker<'a> {
    pub(super) place: &'a SweptEnvironment,
    pub(super) now: Timestamp,
}

impl Speaker<'_> {
    /// A task, as ECS described it. What is found twice is said in the same words, so that the
    /// journal records it once.
    pub(super) fn task(&self, task: &Task) -> Message {
        let phase = match task.last_status.as_str() {
            "STOPPED" => task.stopped_at,
            "RUNNING" if task.desired_status == "RUNNING" => task.started_at,
            _ if task.desired_status == "STOPPED" => task.stopping_at,
            _ => task.created_at,
        };
        let detail = serde_json::to_value(task).unwrap_or_default();
        let at = phase.unwrap_or(self.now);
        self.event("ECS Task State Change", &task.task_arn, at, &detail)
    }

    /// A task that ECS no longer has; `rows` are its containers, as they are known.
    pub(super) fn gone(&self, rows: &[Row]) -> Option<Message> {
        let first = &rows.first()?.fact;
        let started_by = first.deployment.starts_with("ecs-svc/").then_some(&first.deployment);
        let container = |row: &Row| {
            json!({
                "name": row.fact.container,
                "image": row.fact.image,
                "imageDigest": row.fact.stated.map(|digest| digest.to_string()),
                "lastStatus": "STOPPED",
                "exitCode": row.fact.word.exit_code,
            })
        };
        let mut rows: Vec<&Row> = rows.iter().collect();
        rows.sort_by_key(|row| row.fact.position);
        let detail = json!({
            "taskArn": first.id,
            "clusterArn": clusters::arn(self.place, &first.cluster),
            "taskDefinitionArn": first.task_definition,
            "startedBy": started_by,
            "lastStatus": "STOPPED",
            "desiredStatus": "STOPPED",
            "stopCode": "Sweep",
            "stoppedReason": "ECS no longer lists this task",
            "createdAt": first.pending_at,
            "version": (first.word.version > 0).then_some(first.word.version),
            "containers": rows.into_iter().map(container).collect::<Vec<_>>(),
        });
        Some(self.event("ECS Task State Change", &first.id, self.now, &detail))
    }

    /// A service, as ECS described it.
    pub(super) fn service(&self, service: &Service) -> Message {
        let detail = serde_json::to_value(service).unwrap_or_default();
        self.event("ECS Service Observed", &service.service_arn, self.now, &detail)
    }

    fn event(&self, kind: &str, arn: &str, at: Timestamp, detail: &Value) -> Message {
        let body = json!({
            "version": "0",
            "id": format!("sweep:{}", arn.rsplit('/').next().unwrap_or(arn)),
            "detail-type": kind,
            "source": SOURCE,
            "account": self.place.account,
            "region": self.place.region,
            "time": at,
            "resources": [arn],
            "detail": detail,
        });
        let source = format!("sweep:{}", self.place.name);
        Message { source, body: body.to_string(), id: None, sent_at: Some(self.now) }
    }
}
