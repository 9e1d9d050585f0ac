//! A shop's services on ECS, told by events: what the pages about running services are drawn with.

use portolan_model::Timestamp;
use portolan_store::{ImageKind, ScannedImage};
use portolan_tracker::intake::Message;
use portolan_tracker::{Environment, Intake, Places, Tracker};
use serde_json::{Value, json};

use super::bed::Bed;
use super::story::{self, DAY, HOUR, MINUTE, ago};

/// The environments, each with its account.
pub(super) const PLACES: [(&str, &str); 3] =
    [("integration", "111111111111"), ("staging", "222222222222"), ("production", "333333333333")];

pub(super) fn places() -> Places {
    let place = |(order, (name, account)): (usize, (&str, &str))| Environment {
        name: name.to_owned(),
        order: u32::try_from(order).unwrap(),
        account: Some(account.to_owned()),
        ..Environment::default()
    };
    Places::new(PLACES.into_iter().enumerate().map(place).collect())
}

fn account(place: &str) -> &'static str {
    PLACES.iter().find(|(name, _)| *name == place).unwrap().1
}

/// A deployment of some tasks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rollout {
    pub(super) place: &'static str,
    pub(super) service: &'static str,
    pub(super) version: &'static str,
    pub(super) key: u64,
    pub(super) tasks: u64,
}

/// Where a task is, in ECS's words.
#[derive(Debug, Clone, Copy)]
pub(super) enum Word {
    Pending,
    Running,
    Stopped(i64, &'static str),
}

impl Rollout {
    fn event(&self, kind: &str, at: Timestamp, id: &str, detail: &Value) -> String {
        let (account, service) = (account(self.place), self.service);
        json!({
            "id": id, "detail-type": kind, "source": "aws.ecs", "account": account,
            "region": "eu-west-2", "time": at,
            "resources": [format!("arn:aws:ecs:eu-west-2:{account}:service/main/{service}")],
            "detail": detail,
        })
        .to_string()
    }

    /// What ECS says of the deployment: `IN_PROGRESS`, `COMPLETED`, `FAILED`.
    pub(super) fn says(&self, state: &str, at: Timestamp, reason: &str) -> String {
        let id = format!("{}-{}-{state}", self.place, self.key);
        let detail = json!({
            "eventName": format!("SERVICE_DEPLOYMENT_{state}"), "updatedAt": at, "reason": reason,
            "deploymentId": format!("ecs-svc/{}", self.key),
        });
        self.event("ECS Deployment State Change", at, &id, &detail)
    }

    /// What ECS says of task `number`, made at `made`.
    pub(super) fn task(&self, number: u64, word: Word, made: Timestamp, at: Timestamp) -> String {
        let (account, service, key) = (account(self.place), self.service, self.key);
        let (status, version) = match word {
            Word::Pending => ("PROVISIONING", 1),
            Word::Running => ("RUNNING", 3),
            Word::Stopped(..) => ("STOPPED", 6),
        };
        let mut container = json!({
            "name": service, "lastStatus": status,
            "image": format!("{account}.dkr.ecr.eu-west-2.amazonaws.com/shop/{service}:{}", self.version),
        });
        let mut detail = json!({
            "clusterArn": format!("arn:aws:ecs:eu-west-2:{account}:cluster/main"),
            "taskArn": format!("arn:aws:ecs:eu-west-2:{account}:task/main/{number:04x}{key:028x}"),
            "taskDefinitionArn":
                format!("arn:aws:ecs:eu-west-2:{account}:task-definition/{service}:{key}"),
            "group": format!("service:{service}"), "startedBy": format!("ecs-svc/{key}"),
            "desiredStatus": "RUNNING", "lastStatus": status, "version": version,
            "createdAt": made, "updatedAt": at, "cpu": "256", "memory": "512",
        });
        match word {
            Word::Running => detail["startedAt"] = json!(at),
            Word::Stopped(code, reason) => {
                detail["desiredStatus"] = json!("STOPPED");
                detail["stoppedAt"] = json!(at);
                detail["stoppedReason"] = json!(reason);
                detail["stopCode"] = json!("ServiceSchedulerInitiated");
                if code != 0 {
                    detail["stopCode"] = json!("EssentialContainerExited");
                    container["exitCode"] = json!(code);
                }
            }
            Word::Pending => {}
        }
        detail["containers"] = json!([container]);
        let id = format!("{}-{key}-{number}-{status}", self.place);
        self.event("ECS Task State Change", at, &id, &detail)
    }

    /// All that is said of a deployment that is made at `at` and comes up in two minutes.
    pub(super) fn comes_up(&self, at: Timestamp) -> Vec<String> {
        let mut said = vec![self.says("IN_PROGRESS", at, "ECS deployment in progress.")];
        for number in 0..self.tasks {
            let made = at.plus_millis(5_000);
            said.push(self.task(number, Word::Pending, made, made));
            said.push(self.task(number, Word::Running, made, at.plus_millis(MINUTE)));
        }
        said.push(self.says("COMPLETED", at.plus_millis(2 * MINUTE), "ECS deployment completed."));
        said
    }

    /// All that is said when its tasks are stopped at `at`, because another takes its place.
    pub(super) fn goes(&self, up: Timestamp, at: Timestamp) -> Vec<String> {
        let reason = "Scaling activity initiated by deployment";
        let made = up.plus_millis(5_000);
        (0..self.tasks)
            .map(|number| self.task(number, Word::Stopped(0, reason), made, at))
            .collect()
    }

    /// All that is said of a deployment whose tasks die until the circuit breaker opens.
    pub(super) fn breaks(&self, at: Timestamp) -> Vec<String> {
        let mut said = vec![self.says("IN_PROGRESS", at, "ECS deployment in progress.")];
        for number in 0..3 {
            let made = at.plus_millis(i64::try_from(number).unwrap() * MINUTE);
            said.push(self.task(number, Word::Pending, made, made));
            let word = Word::Stopped(1, "Essential container in task exited");
            said.push(self.task(number, word, made, made.plus_millis(40_000)));
        }
        let reason = "ECS deployment circuit breaker: tasks failed to start.";
        said.push(self.says("FAILED", at.plus_millis(5 * MINUTE), reason));
        said
    }
}

/// Takes events in, and acts on them.
pub(super) async fn say(intake: &Intake, tracker: &Tracker, bodies: Vec<String>) {
    let message = |body| Message { source: "http".into(), body, id: None, sent_at: None };
    intake.take(bodies.into_iter().map(message).collect()).await.unwrap();
    let pending = tracker.store().pending_events(None, 10_000).await.unwrap();
    tracker.apply(&pending).await.unwrap();
    tracker.store().wake_changes().await;
}

/// Makes the image of a service's version known.
pub(super) async fn image(bed: &Bed, service: &str, version: &str, made: Timestamp) {
    let (store, name) = (&bed.store, format!("{service} {version}"));
    let repository = format!("shop/{service}");
    story::see(store, &repository, &name, ImageKind::Image).await;
    let found = ScannedImage {
        created_at: Some(made),
        service_name: Some(service.to_owned()),
        ..story::of_layers(&[(&name, 30_000_000, None)])
    };
    story::scanned(store, &name, ImageKind::Image, found).await;
    story::tag(store, &format!("{repository}:{version}"), Some(&name), made).await;
}

/// What happens to one service in one environment: versions, each with when and how many tasks.
async fn line(
    bed: &Bed,
    (place, service): (&'static str, &'static str),
    key: u64,
    versions: &[(&'static str, i64, u64)],
) {
    let mut before: Option<(Rollout, Timestamp)> = None;
    let mut said = Vec::new();
    for (index, (version, age, tasks)) in versions.iter().enumerate() {
        let key = key + index as u64;
        let rollout = Rollout { place, service, version, key, tasks: *tasks };
        let at = ago(*age);
        said.extend(rollout.comes_up(at));
        if let Some((before, up)) = before {
            said.extend(before.goes(up, at.plus_millis(2 * MINUTE)));
        }
        before = Some((rollout, at));
    }
    say(&bed.app.intake, &bed.app.tracker, said).await;
}

/// The whole shop.
pub(super) async fn tell(bed: &Bed) {
    for (service, versions) in [
        (
            "orders-api",
            vec![
                ("1.29.0", 21 * DAY),
                ("1.30.0", 12 * DAY),
                ("1.30.1", 6 * DAY),
                ("1.30.2", 2 * DAY),
                ("1.31.0", 4 * HOUR),
            ],
        ),
        ("payments", vec![("4.8.0", 9 * DAY), ("4.8.1", DAY)]),
        (
            "search-indexer",
            vec![("2026.11.12", 9 * DAY), ("2026.11.18", 3 * DAY), ("2026.11.19", 2 * DAY)],
        ),
        ("storefront", vec![("9.3.6", 5 * DAY), ("9.3.7", 2 * DAY), ("9.4.0", HOUR)]),
        ("mailer", vec![("0.9.3", 25 * DAY)]),
        ("legacy-reports", vec![("1.2.0", 29 * DAY)]),
    ] {
        for (version, age) in versions {
            image(bed, service, version, ago(age)).await;
        }
    }
    orders(bed).await;
    payments(bed).await;
    troubles(bed).await;
    line(bed, ("integration", "mailer"), 500, &[("0.9.3", 21 * DAY, 1)]).await;
    line(bed, ("staging", "mailer"), 510, &[("0.9.3", 20 * DAY, 1)]).await;
    line(bed, ("production", "mailer"), 520, &[("0.9.3", 19 * DAY, 2)]).await;
    // The image of this one was never pushed here.
    line(bed, ("staging", "unheard-of"), 600, &[("0.0.1", HOUR, 2)]).await;
    let garbage = vec![
        "{\"detail-type\": \"ECS Task State Change\", \"id\": \"x\", \"detail\": 7}".to_owned(),
        Rollout { place: "staging", service: "elsewhere", version: "1", key: 9, tasks: 1 }
            .says("FAILED", ago(HOUR), "")
            .replace(account("staging"), "999999999999"),
        "not <b>JSON</b>".to_owned(),
    ];
    say(&bed.app.intake, &bed.app.tracker, garbage).await;
}

async fn orders(bed: &Bed) {
    let versions = [
        ("1.29.0", 20 * DAY, 3),
        ("1.30.0", 11 * DAY, 3),
        ("1.30.1", 5 * DAY, 3),
        ("1.30.2", 40 * HOUR, 3),
        ("1.31.0", 3 * HOUR, 3),
    ];
    line(bed, ("integration", "orders-api"), 100, &versions).await;
    let versions = [
        ("1.29.0", 18 * DAY, 3),
        ("1.30.0", 10 * DAY, 3),
        ("1.30.1", 4 * DAY, 3),
        ("1.30.2", 30 * HOUR, 3),
    ];
    line(bed, ("staging", "orders-api"), 110, &versions).await;
    // In production 1.30.0 fails, and 1.29.0 comes back.
    let of = |version, key, tasks| Rollout {
        place: "production",
        service: "orders-api",
        version,
        key,
        tasks,
    };
    let (first, broken) = (of("1.29.0", 120, 6), of("1.30.0", 121, 6));
    let (back, last) = (of("1.29.0", 122, 6), of("1.30.2", 123, 6));
    let mut said = first.comes_up(ago(17 * DAY));
    said.extend(broken.breaks(ago(9 * DAY)));
    said.extend(back.comes_up(ago(9 * DAY - 6 * MINUTE)));
    said.extend(first.goes(ago(17 * DAY), ago(9 * DAY - 8 * MINUTE)));
    said.extend(last.comes_up(ago(26 * HOUR)));
    said.extend(back.goes(ago(9 * DAY - 6 * MINUTE), ago(26 * HOUR - 2 * MINUTE)));
    say(&bed.app.intake, &bed.app.tracker, said).await;
}

async fn payments(bed: &Bed) {
    line(bed, ("integration", "payments"), 200, &[("4.8.0", 8 * DAY, 2), ("4.8.1", 3 * HOUR, 2)])
        .await;
    line(bed, ("staging", "payments"), 210, &[("4.8.0", 7 * DAY, 4)]).await;
    line(bed, ("production", "payments"), 220, &[("4.8.0", 6 * DAY, 8)]).await;
    // Staging is being rolled out: two of four tasks run.
    let next =
        Rollout { place: "staging", service: "payments", version: "4.8.1", key: 211, tasks: 4 };
    let made = ago(40_000);
    let mut said = vec![next.says("IN_PROGRESS", made, "ECS deployment in progress.")];
    for number in 0..4 {
        said.push(next.task(number, Word::Pending, made, made));
    }
    for number in 0..2 {
        said.push(next.task(number, Word::Running, made, ago(15_000)));
    }
    say(&bed.app.intake, &bed.app.tracker, said).await;
}

async fn troubles(bed: &Bed) {
    let search = "search-indexer";
    line(bed, ("integration", search), 300, &[("2026.11.12", 8 * DAY, 1), ("2026.11.19", DAY, 1)])
        .await;
    line(bed, ("staging", search), 310, &[("2026.11.12", 8 * DAY, 2)]).await;
    let broken =
        Rollout { place: "staging", service: search, version: "2026.11.18", key: 311, tasks: 2 };
    say(&bed.app.intake, &bed.app.tracker, broken.breaks(ago(2 * DAY))).await;
    line(bed, ("production", search), 320, &[("2026.11.12", 8 * DAY, 2)]).await;
    line(
        bed,
        ("integration", "storefront"),
        400,
        &[("9.3.7", 2 * DAY, 2), ("9.4.0", 25 * MINUTE, 2)],
    )
    .await;
    line(bed, ("staging", "storefront"), 410, &[("9.3.7", DAY, 2)]).await;
    line(bed, ("production", "storefront"), 420, &[("9.3.6", 3 * DAY, 12)]).await;
    // Two tasks of production run another image, under the same deployment.
    let stray = Rollout {
        place: "production",
        service: "storefront",
        version: "9.3.7",
        key: 420,
        tasks: 2,
    };
    let made = ago(3 * HOUR);
    let mut said = Vec::new();
    for number in 20..22 {
        said.push(stray.task(number, Word::Running, made, made));
    }
    // Its container has ended by itself, and nothing has taken its place.
    let legacy = Rollout {
        place: "staging",
        service: "legacy-reports",
        version: "1.2.0",
        key: 700,
        tasks: 1,
    };
    said.extend(legacy.comes_up(ago(28 * DAY)));
    said.extend(legacy.goes(ago(28 * DAY), ago(3 * DAY)));
    say(&bed.app.intake, &bed.app.tracker, said).await;
}
