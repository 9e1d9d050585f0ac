//! The portal's local walk-through: a registry, two queues of SQS, and nothing else.

use std::time::{Duration, Instant};

use portolan_testkit::Publisher;
use portolan_testkit::docker_registry::{self, DockerRegistry};
use portolan_testkit::moto::{self, Moto};
use portolan_testkit::server::Options;
use serde_json::{Value, json};

use crate::images;
use crate::world::{Engine, PATIENCE, World};

on_both_stores!(
    a_push_and_deployments_are_learnt_from_queues,
    killed_between_journal_and_queue_nothing_is_lost,
);

/// moto with the two queues, and a registry with one image.
struct Cloud {
    moto: Moto,
    registry: DockerRegistry,
    pushes: String,
    deployments: String,
}

impl Cloud {
    fn new() -> Self {
        let moto = moto::start().unwrap();
        let pushes = moto.queue("ecr-push-events", &json!({})).unwrap();
        let deployments = moto.queue("ecs-deployments", &json!({})).unwrap();
        let registry = docker_registry::start(&docker_registry::Options::default()).unwrap();
        let image = images::service("orders-api", "0.1.0", "linux/amd64");
        Publisher::new(&registry.url(), "orders-api").image("0.1.0", &image).unwrap();
        Self { moto, registry, pushes, deployments }
    }

    /// What a server is told by its environment.
    fn environment(&self) -> Vec<(String, String)> {
        let mut environment = self.moto.environment();
        let registry = self.registry.address();
        for (name, value) in [
            ("PORTOLAN_REGISTRY_URL", registry.as_str()),
            ("PORTOLAN_ENVIRONMENTS", "dev,prod"),
            ("PORTOLAN_ENVIRONMENTS_DEV_ACCOUNT", "333333333333"),
            ("PORTOLAN_ENVIRONMENTS_PROD_ACCOUNT", "111111111111"),
            ("PORTOLAN_EVENTS_ECR_QUEUE", self.pushes.as_str()),
            ("PORTOLAN_EVENTS_ECS_QUEUE", "ecs-deployments"),
        ] {
            environment.push((name.to_owned(), value.to_owned()));
        }
        environment
    }

    fn push(&self) {
        let event = json!({ "detail": {
            "result": "SUCCESS", "action-type": "PUSH",
            "image-tag": "0.1.0", "repository-name": "orders-api",
        }});
        self.moto.send(&self.pushes, &[event.to_string()]).unwrap();
    }

    fn deploy(&self, account: &str) {
        let definition = format!("arn:aws:ecs:eu-west-2:{account}:task-definition/orders-api:1");
        let image = format!("{account}.dkr.ecr.eu-west-2.amazonaws.com/orders-api:0.1.0");
        let event = json!({
            "id": format!("fake-{account}"),
            "detail-type": "ECS Task State Change",
            "account": account,
            "time": "2026-11-02T12:00:00Z",
            "region": "eu-west-2",
            "detail": {
                "createdAt": "2026-11-02T12:00:00Z",
                "desiredStatus": "RUNNING",
                "lastStatus": "RUNNING",
                "cpu": "256",
                "memory": "512",
                "taskDefinitionArn": definition,
                "containers": [
                    { "name": "orders-api", "image": image, "lastStatus": "RUNNING" },
                ],
            },
        });
        self.moto.send(&self.deployments, &[event.to_string()]).unwrap();
    }

    fn empty(&self) {
        let deadline = Instant::now() + PATIENCE;
        while [&self.pushes, &self.deployments]
            .iter()
            .any(|url| self.moto.waiting(url).unwrap() != (0, 0))
        {
            assert!(Instant::now() < deadline, "messages are left");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn environments(running: &Value) -> Vec<&str> {
    let mut names: Vec<_> = running
        .as_array()
        .into_iter()
        .flatten()
        .filter(|it| it["service"] == "orders-api" && it["version"] == "0.1.0")
        .filter_map(|it| it["environment"].as_str())
        .collect();
    names.sort_unstable();
    names
}

fn a_push_and_deployments_are_learnt_from_queues(engine: Engine) {
    let cloud = Cloud::new();
    let options = Options { environment: cloud.environment(), ..Options::default() };
    let world = World::start_with(engine, options);
    // A task whose image is not known yet is held.
    cloud.deploy("333333333333");
    let is_held =
        |answer: &portolan_testkit::http::Answer| answer.text().contains("became=\"recorded\"} 1");
    world.eventually("/metrics", PATIENCE, is_held).unwrap();
    assert_eq!(world.json("/whats-running-where").unwrap(), json!([]));
    cloud.push();
    world.artifact("orders-api", "0.1.0");
    cloud.deploy("111111111111");
    world
        .eventually("/whats-running-where", PATIENCE, |answer| {
            environments(&answer.json().unwrap_or_default()) == ["dev", "prod"]
        })
        .unwrap();
    let table = world.cli(&["running"]).unwrap();
    assert!(table.contains("orders-api") && table.contains("0.1.0"), "{table}");
    cloud.empty();
}

fn killed_between_journal_and_queue_nothing_is_lost(engine: Engine) {
    let cloud = Cloud::new();
    let failpoint = Some("sqs.before-delete:1".to_owned());
    let options = Options { environment: cloud.environment(), failpoint, ..Options::default() };
    let mut world = World::start_with(engine, options);
    cloud.push();
    world.process().wait(PATIENCE).unwrap();
    assert_eq!(cloud.moto.waiting(&cloud.pushes).unwrap(), (0, 1), "it comes again later");
    world.restart().unwrap();
    world.artifact("orders-api", "0.1.0");
}
