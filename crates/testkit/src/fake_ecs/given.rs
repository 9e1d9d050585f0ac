//! Services that a test begins with.

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::FakeEcs;

/// A service that a test begins with. The default has no cluster, name and container.
#[derive(Debug, Clone)]
pub struct GivenService<'a> {
    /// Its cluster, which is made if it is not there.
    pub cluster: &'a str,
    /// Its name, which is its task definition's family too.
    pub name: &'a str,
    /// Its containers' names and images.
    pub containers: &'a [(&'a str, &'a str)],
    /// How many tasks.
    pub count: usize,
    /// Its tags.
    pub tags: &'a [(&'a str, &'a str)],
    /// Whether it has a circuit breaker, and whether that rolls back.
    pub breaker: Option<bool>,
    /// What rolls it out: `ECS`, `CODE_DEPLOY`, `EXTERNAL`.
    pub controller: &'a str,
}

impl Default for GivenService<'_> {
    fn default() -> Self {
        Self {
            cluster: "",
            name: "",
            containers: &[],
            count: 1,
            tags: &[],
            breaker: None,
            controller: "ECS",
        }
    }
}

impl FakeEcs {
    /// Makes a service whose first deployment is completed. Lets time pass for that. Its containers
    /// log to the group `/ecs/NAME` with the prefix `ecs`.
    pub fn given(&self, service: &GivenService<'_>) -> anyhow::Result<()> {
        let GivenService { cluster, name, count, controller, .. } = *service;
        self.cluster(cluster);
        let container = |(container, image): &(&str, &str)| {
            json!({
                "name": container,
                "image": image,
                "essential": true,
                "logConfiguration": { "logDriver": "awslogs", "options": {
                    "awslogs-group": format!("/ecs/{name}"),
                    "awslogs-region": self.region,
                    "awslogs-stream-prefix": "ecs",
                } },
            })
        };
        let containers: Vec<_> = service.containers.iter().map(container).collect();
        let registered = self.call(
            "RegisterTaskDefinition",
            &json!({
                "family": name,
                "containerDefinitions": containers,
                "requiresCompatibilities": ["FARGATE"],
                "networkMode": "awsvpc",
                "cpu": "256",
                "memory": "512",
                "executionRoleArn": format!("arn:aws:iam::{}:role/execution", self.account),
                "taskRoleArn": format!("arn:aws:iam::{}:role/task", self.account),
            }),
        )?;
        let tag = |(key, value): &(&str, &str)| json!({ "key": key, "value": value });
        let breaker = json!({
            "enable": service.breaker.is_some(),
            "rollback": service.breaker == Some(true),
        });
        self.call(
            "CreateService",
            &json!({
                "cluster": cluster,
                "serviceName": name,
                "taskDefinition": registered["taskDefinition"]["taskDefinitionArn"],
                "desiredCount": count,
                "launchType": "FARGATE",
                "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-1"] } },
                "deploymentController": { "type": controller },
                "deploymentConfiguration": { "deploymentCircuitBreaker": breaker },
                "tags": service.tags.iter().map(tag).collect::<Vec<_>>(),
            }),
        )?;
        if controller == "ECS" {
            self.settle(cluster, name)?;
        }
        Ok(())
    }

    /// Lets time pass until the service `name` has no deployment that is in progress, up to ten
    /// minutes.
    pub fn settle(&self, cluster: &str, name: &str) -> anyhow::Result<Value> {
        for _ in 0..600 {
            let service = self.described(cluster, name)?;
            let deployments = service["deployments"].as_array().into_iter().flatten();
            if deployments.into_iter().all(|it| it["rolloutState"] != "IN_PROGRESS") {
                return Ok(service);
            }
            self.lock().pass(1.0);
        }
        anyhow::bail!("{name} is still in progress")
    }

    /// Lets time pass until no service has a deployment that is in progress, up to ten minutes, and
    /// answers them all.
    pub fn settle_all(&self) -> anyhow::Result<Vec<Value>> {
        for _ in 0..600 {
            let (services, is_busy) = self.lock().rolling();
            if !is_busy {
                return Ok(services);
            }
            self.lock().pass(1.0);
        }
        anyhow::bail!("something is still in progress")
    }

    /// The service `name`, as ECS describes it.
    pub fn described(&self, cluster: &str, name: &str) -> anyhow::Result<Value> {
        let asked = json!({ "cluster": cluster, "services": [name], "include": ["TAGS"] });
        let mut told = self.call("DescribeServices", &asked)?;
        let service = told["services"][0].take();
        ensure!(!service.is_null(), "there is no service {name}");
        Ok(service)
    }

    /// The digests that the running tasks of the service `name` have, by container, in the order of
    /// the tasks' ARNs.
    pub fn running(&self, cluster: &str, name: &str) -> anyhow::Result<Vec<(String, String)>> {
        let asked = json!({ "cluster": cluster, "serviceName": name });
        let listed = self.call("ListTasks", &asked)?;
        if listed["taskArns"] == json!([]) {
            return Ok(Vec::new());
        }
        let asked = json!({ "cluster": cluster, "tasks": listed["taskArns"] });
        let told = self.call("DescribeTasks", &asked)?;
        let tasks = told["tasks"].as_array().context("no tasks")?;
        let mut running = Vec::new();
        for task in tasks.iter().filter(|task| task["lastStatus"] == "RUNNING") {
            for container in task["containers"].as_array().into_iter().flatten() {
                let text = |name: &str| container[name].as_str().unwrap_or_default().to_owned();
                running.push((text("name"), text("imageDigest")));
            }
        }
        Ok(running)
    }
}
