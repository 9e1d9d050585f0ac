//! A service that rolls out, and its deployments.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::registry::Pulled;
use super::state::State;

/// Events of a service that are kept.
const EVENTS: usize = 100;

/// A service that rolls out.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) cluster: String,
    pub(super) name: String,
    pub(super) arn: String,
    /// What it was made with and is told as it is.
    pub(super) given: Value,
    pub(super) tags: Value,
    pub(super) status: &'static str,
    pub(super) desired: usize,
    pub(super) controller: String,
    /// Its deployments, newest first. The first is the primary one.
    pub(super) deployments: Vec<Deployment>,
    /// The last one that was completed.
    pub(super) completed: Option<Completed>,
    /// The ARNs of its tasks that have not stopped.
    pub(super) tasks: Vec<String>,
    events: VecDeque<Value>,
    /// Whether there is anything to do.
    pub(super) is_busy: bool,
    created: f64,
}

/// One deployment.
#[derive(Debug)]
pub(super) struct Deployment {
    pub(super) id: String,
    pub(super) definition: String,
    /// Its images, whose tags were resolved when it was made.
    pub(super) pulled: Vec<Pulled>,
    pub(super) rollout: Rollout,
    pub(super) reason: String,
    /// Tasks that did not come to stay.
    pub(super) failed: usize,
    /// Whether one has.
    pub(super) has_run: bool,
    pub(super) running: usize,
    pub(super) pending: usize,
    created: f64,
    pub(super) updated: f64,
}

/// How far a deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rollout {
    InProgress,
    Completed,
    Failed,
}

/// A deployment that was completed, to go back to.
#[derive(Debug, Clone)]
pub(super) struct Completed {
    pub(super) id: String,
    pub(super) definition: String,
    pub(super) pulled: Vec<Pulled>,
}

impl Deployment {
    pub(super) fn new(state: &mut State, definition: String, pulled: Vec<Pulled>) -> Self {
        let id = format!("ecs-svc/{}", state.number());
        Self {
            reason: format!("ECS deployment {id} in progress."),
            id,
            definition,
            pulled,
            rollout: Rollout::InProgress,
            failed: 0,
            has_run: false,
            running: 0,
            pending: 0,
            created: state.now,
            updated: state.now,
        }
    }

    fn told(&self, live: &Live, is_primary: bool) -> Value {
        let rollout = match self.rollout {
            Rollout::InProgress => "IN_PROGRESS",
            Rollout::Completed => "COMPLETED",
            Rollout::Failed => "FAILED",
        };
        json!({
            "id": self.id,
            "status": if is_primary { "PRIMARY" } else { "ACTIVE" },
            "taskDefinition": self.definition,
            "desiredCount": if is_primary { live.desired } else { 0 },
            "pendingCount": self.pending,
            "runningCount": self.running,
            "failedTasks": self.failed,
            "createdAt": self.created,
            "updatedAt": self.updated,
            "launchType": "FARGATE",
            "platformVersion": "1.4.0",
            "platformFamily": "Linux",
            "networkConfiguration": live.given["networkConfiguration"],
            "rolloutState": rollout,
            "rolloutStateReason": self.reason,
        })
    }
}

impl Live {
    pub(super) fn new(state: &State, cluster: &str, body: &Value) -> Self {
        let name = super::answers::text(body, "serviceName").to_owned();
        let controller = body["deploymentController"]["type"].as_str().unwrap_or("ECS");
        let desired = body["desiredCount"].as_u64().unwrap_or(1);
        Self {
            arn: state.arn(&format!("service/{cluster}/{name}")),
            cluster: cluster.to_owned(),
            name,
            given: body.clone(),
            tags: if body["tags"].is_null() { json!([]) } else { body["tags"].clone() },
            status: "ACTIVE",
            desired: usize::try_from(desired).unwrap_or(0),
            controller: controller.to_owned(),
            deployments: Vec::new(),
            completed: None,
            tasks: Vec::new(),
            events: VecDeque::new(),
            is_busy: true,
            created: state.now,
        }
    }

    /// Notes what happened, as in "has reached a steady state."
    pub(super) fn event(&mut self, state: &mut State, what: &str) {
        let id = state.name();
        let message = format!("(service {}) {what}", self.name);
        self.events.push_front(json!({ "id": id, "createdAt": state.now, "message": message }));
        self.events.truncate(EVENTS);
    }

    /// A part of how it is rolled out, as in `maximumPercent`.
    pub(super) fn percent(&self, name: &str, usual: usize) -> usize {
        let given = self.given["deploymentConfiguration"][name].as_u64();
        given.and_then(|given| usize::try_from(given).ok()).unwrap_or(usual)
    }

    /// Whether the circuit breaker is there, and whether it rolls back.
    pub(super) fn breaker(&self) -> (bool, bool) {
        let breaker = &self.given["deploymentConfiguration"]["deploymentCircuitBreaker"];
        (breaker["enable"] == true, breaker["rollback"] == true)
    }

    /// Failed tasks at which the circuit breaker ends a deployment.
    pub(super) fn threshold(&self) -> usize {
        self.desired.div_ceil(2).clamp(3, 200)
    }

    pub(super) fn told(&self, with_tags: bool) -> Value {
        let (enable, rollback) = self.breaker();
        let deployments = self.deployments.iter().enumerate();
        let sum = |of: fn(&Deployment) -> usize| self.deployments.iter().map(of).sum::<usize>();
        let is_ours = self.controller == "ECS";
        let primary = self.deployments.first().map(|it| it.definition.as_str());
        let mut told = json!({
            "serviceArn": self.arn,
            "serviceName": self.name,
            "clusterArn": self.arn.replacen(":service/", ":cluster/", 1)
                .rsplit_once('/').map(|(cluster, _)| cluster),
            "loadBalancers": [],
            "serviceRegistries": [],
            "status": self.status,
            "desiredCount": self.desired,
            "runningCount": if is_ours { sum(|it| it.running) } else { self.desired },
            "pendingCount": sum(|it| it.pending),
            "launchType": "FARGATE",
            "platformVersion": "LATEST",
            "platformFamily": "Linux",
            "taskDefinition": primary.or(self.given["taskDefinition"].as_str()),
            "deploymentConfiguration": {
                "deploymentCircuitBreaker": { "enable": enable, "rollback": rollback },
                "maximumPercent": self.percent("maximumPercent", 200),
                "minimumHealthyPercent": self.percent("minimumHealthyPercent", 100),
            },
            "deployments": deployments.map(|(at, it)| it.told(self, at == 0)).collect::<Vec<_>>(),
            "events": self.events,
            "createdAt": self.created,
            "placementConstraints": [],
            "placementStrategy": [],
            "networkConfiguration": self.given["networkConfiguration"],
            "schedulingStrategy": "REPLICA",
            "deploymentController": { "type": self.controller },
            "enableECSManagedTags": false,
            "propagateTags": "NONE",
            "enableExecuteCommand": false,
        });
        if with_tags {
            told["tags"] = self.tags.clone();
        }
        told
    }
}
