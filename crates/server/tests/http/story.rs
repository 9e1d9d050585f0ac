//! A story of deployments, told as ECS tells it.

use portolan_server::Settings;
use portolan_tracker::{Environment, Message, Places};
use serde_json::{Value, json};

use crate::bed::{Bed, service};

/// The account of each environment, in the order of promotion.
pub(crate) const PLACES: [(&str, &str); 2] = [("test", "111111111111"), ("prod", "222222222222")];

/// With the environments `test` and `prod`.
pub(crate) fn places(settings: &mut Settings) {
    let place = |(order, (name, account)): (usize, (&str, &str))| Environment {
        name: name.to_owned(),
        order: u32::try_from(order).unwrap(),
        account: Some(account.to_owned()),
        protected: name == "prod",
        ..Environment::default()
    };
    settings.track.places = Places::new(PLACES.into_iter().enumerate().map(place).collect());
}

/// A task of the `number`th deployment of a service.
pub(crate) struct Told<'a> {
    pub(crate) place: &'a str,
    pub(crate) service: &'a str,
    pub(crate) version: &'a str,
    pub(crate) deployment: u32,
    pub(crate) task: u32,
}

fn account(place: &str) -> &'static str {
    PLACES.iter().find(|(name, _)| *name == place).unwrap().1
}

impl Told<'_> {
    /// The task's ARN.
    pub(crate) fn arn(&self) -> String {
        let (account, deployment, task) = (account(self.place), self.deployment, self.task);
        format!("arn:aws:ecs:eu-west-2:{account}:task/main/{}-{deployment}-{task}", self.service)
    }

    /// What ECS says of the task: made at `made`, and for each later phase when that was.
    pub(crate) fn task(&self, made: &str, running: Option<&str>, stopped: Option<&str>) -> Value {
        let account = account(self.place);
        let (last, desired, version) = match (running, stopped) {
            (_, Some(_)) => ("STOPPED", "STOPPED", 9),
            (Some(_), None) => ("RUNNING", "RUNNING", 4),
            (None, None) => ("PENDING", "RUNNING", 1),
        };
        let time = stopped.or(running).unwrap_or(made);
        let image =
            format!("{account}.dkr.ecr.eu-west-2.amazonaws.com/{}:{}", self.service, self.version);
        let definition = format!(
            "arn:aws:ecs:eu-west-2:{account}:task-definition/{}:{}",
            self.service, self.deployment
        );
        json!({
            "version": "0", "id": format!("{}-{last}", self.arn()),
            "detail-type": "ECS Task State Change", "source": "aws.ecs", "account": account,
            "time": time, "region": "eu-west-2", "resources": [self.arn()],
            "detail": {
                "clusterArn": format!("arn:aws:ecs:eu-west-2:{account}:cluster/main"),
                "containers": [
                    {"name": self.service, "lastStatus": last, "image": image},
                    {"name": "log_router", "lastStatus": last, "image": "aws-for-fluent-bit:2"},
                ],
                "cpu": "256", "memory": "512", "createdAt": made, "startedAt": running,
                "stoppingAt": stopped, "stoppedAt": stopped, "desiredStatus": desired,
                "lastStatus": last, "group": format!("service:{}", self.service),
                "startedBy": self.key(), "taskArn": self.arn(), "taskDefinitionArn": definition,
                "version": version,
            },
        })
    }

    /// What ECS calls the deployment.
    pub(crate) fn key(&self) -> String {
        let name: u32 = self.service.bytes().map(u32::from).sum();
        format!("ecs-svc/{}{name}{}", account(self.place), self.deployment)
    }

    /// What ECS says of the deployment: `IN_PROGRESS`, `COMPLETED` or `FAILED`, and why.
    pub(crate) fn rollout(&self, time: &str, state: &str, reason: &str) -> Value {
        let account = account(self.place);
        let resource = format!("arn:aws:ecs:eu-west-2:{account}:service/main/{}", self.service);
        json!({
            "version": "0", "id": format!("{}-{state}", self.key()),
            "detail-type": "ECS Deployment State Change", "source": "aws.ecs",
            "account": account, "time": time, "region": "eu-west-2", "resources": [resource],
            "detail": {
                "eventType": "INFO", "eventName": format!("SERVICE_DEPLOYMENT_{state}"),
                "deploymentId": self.key(), "updatedAt": time, "reason": reason,
            },
        })
    }
}

/// Hands events in as a queue would, and acts on them.
pub(crate) async fn say(bed: &Bed, events: impl IntoIterator<Item = Value>) {
    let message = |event: Value| Message {
        source: "sqs:ecs".into(),
        body: event.to_string(),
        id: None,
        sent_at: None,
    };
    bed.app.intake.take(events.into_iter().map(message).collect()).await.unwrap();
    bed.work().await;
}

/// A task of a deployment of `shop`.
pub(crate) fn shop<'a>(place: &'a str, version: &'a str, deployment: u32, task: u32) -> Told<'a> {
    Told { place, service: "shop", version, deployment, task }
}

/// On 20 November, in `test` 1.0.0 at 09:00 and 1.1.0 at 12:00; in `prod` 1.0.0 at 10:00, 1.1.0 at
/// 14:00, which fails at 14:10, and 1.0.0 stays.
pub(crate) async fn told(bed: &Bed) {
    for version in ["1.0.0", "1.1.0"] {
        bed.push("shop", version, &service("shop", version)).await;
    }
    bed.push("cart", "2.0.0", &service("cart", "2.0.0")).await;
    let at = |time: &str| format!("2026-11-20T{time}:00Z");
    let cart = Told { place: "test", service: "cart", version: "2.0.0", deployment: 1, task: 1 };
    let (t1, t2) = (shop("test", "1.0.0", 1, 1), shop("test", "1.1.0", 2, 1));
    let (p1a, p1b) = (shop("prod", "1.0.0", 1, 1), shop("prod", "1.0.0", 1, 2));
    let p2 = shop("prod", "1.1.0", 2, 1);
    say(
        bed,
        [
            t1.task(&at("09:00"), Some(&at("09:01")), None),
            t1.rollout(&at("09:02"), "COMPLETED", ""),
            p1a.task(&at("10:00"), Some(&at("10:01")), None),
            p1b.task(&at("10:00"), Some(&at("10:02")), None),
            p1a.rollout(&at("10:03"), "COMPLETED", ""),
            t2.task(&at("12:00"), Some(&at("12:01")), None),
            t2.rollout(&at("12:02"), "COMPLETED", ""),
            t1.task(&at("09:00"), Some(&at("09:01")), Some(&at("12:03"))),
            p2.task(&at("14:00"), Some(&at("14:01")), Some(&at("14:09"))),
            p2.rollout(
                &at("14:10"),
                "FAILED",
                "ECS deployment circuit breaker: tasks failed to start.",
            ),
            cart.task(&at("15:00"), Some(&at("15:01")), None),
        ],
    )
    .await;
}
