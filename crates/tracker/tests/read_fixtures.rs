//! What the recorded events say, exactly.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use portolan_model::{Digest, Timestamp};
use portolan_tracker::envelope::open;
use portolan_tracker::observation::{
    ContainerObserved, ImageObserved, Origin, RolloutObserved, RolloutState, TaskObserved,
};
use portolan_tracker::read::read;
use portolan_tracker::{Kind, Observation};

const RECEIVED: Timestamp = Timestamp::from_millis(1);

fn fixture(name: &str) -> String {
    let path = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// The one event of a fixture, of the kind that is expected.
fn observe(name: &str, kind: Kind) -> Observation {
    let body = fixture(name);
    let inner = open(&body).unwrap();
    assert_eq!((inner.len(), inner[0].kind), (1, kind), "{name}");
    assert_eq!(inner[0].body, body.trim(), "{name}");
    read(kind, &inner[0].body, RECEIVED).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "what is expected is optional")]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[expect(clippy::unnecessary_wraps, reason = "what is expected is optional")]
fn digest(byte: char) -> Option<Digest> {
    Some(format!("sha256:{}", [byte, 'a'].iter().collect::<String>().repeat(32)).parse().unwrap())
}

fn origin(cluster: &str) -> Origin {
    Origin { account: "333333333333".into(), region: "eu-west-2".into(), cluster: cluster.into() }
}

const IMAGE: &str = "333333333333.dkr.ecr.eu-west-2.amazonaws.com/orders-api";

fn container(image: &str, status: &str) -> ContainerObserved {
    ContainerObserved {
        name: "orders-api".into(),
        image: format!("{IMAGE}{image}"),
        digest: digest('5'),
        last_status: some(status),
        ..ContainerObserved::default()
    }
}

/// The task of the recorded events, as it was while it ran.
fn task() -> TaskObserved {
    TaskObserved {
        origin: origin("dev-backend"),
        arn: some(
            "arn:aws:ecs:eu-west-2:333333333333:task/dev-backend/4f1c2d7a90b34b0f8f5e2a6c1d3e9b70",
        ),
        event_id: some("00000000-0000-4000-8000-0000000000a2"),
        version: Some(4),
        at: at("2026-11-02T10:33:27Z"),
        created_at: Some(at("2026-11-02T10:33:02.807Z")),
        started_at: Some(at("2026-11-02T10:33:27.789Z")),
        last_status: "RUNNING".into(),
        desired_status: "RUNNING".into(),
        group: some("service:orders-api"),
        started_by: some("ecs-svc/5993655974023057049"),
        task_definition: some("arn:aws:ecs:eu-west-2:333333333333:task-definition/orders-api:40"),
        cpu: some("1024"),
        memory: some("2048"),
        containers: vec![container(":0.29.0", "RUNNING")],
        ..TaskObserved::default()
    }
}

#[track_caller]
fn assert_task(name: &str, expected: TaskObserved) {
    assert_eq!(observe(name, Kind::EcsTask), Observation::Task(Box::new(expected)));
}

#[test]
fn a_task_that_runs() {
    assert_task("ecs-task-running", task());
}

#[test]
fn a_task_that_is_being_made() {
    let mut expected = task();
    expected.event_id = some("00000000-0000-4000-8000-0000000000a1");
    expected.version = Some(1);
    expected.at = at("2026-11-02T10:33:03Z");
    expected.started_at = None;
    expected.last_status = "PROVISIONING".into();
    expected.containers[0].last_status = some("PENDING");
    expected.containers[0].digest = None;
    assert_task("ecs-task-provisioning", expected);
}

#[test]
fn a_task_by_digest() {
    let mut expected = task();
    expected.event_id = some("00000000-0000-4000-8000-0000000000a5");
    expected.at = at("2026-11-02T10:33:30Z");
    expected.started_at = None;
    expected.containers = vec![container(&format!("@{}", digest('5').unwrap()), "RUNNING")];
    assert_task("ecs-task-running-by-digest", expected);
}

#[test]
fn a_task_of_a_nested_repository() {
    let mut expected = task();
    expected.event_id = some("00000000-0000-4000-8000-0000000000a4");
    expected.at = at("2026-11-02T10:33:29Z");
    expected.started_at = None;
    expected.containers[0].image =
        "333333333333.dkr.ecr.eu-west-2.amazonaws.com/shop/team-a/orders-api:0.29.0".into();
    assert_task("ecs-task-running-nested-repo", expected);
}

#[test]
fn a_task_with_sidecars() {
    let mut expected = task();
    expected.event_id = some("00000000-0000-4000-8000-0000000000a3");
    expected.version = Some(5);
    expected.at = at("2026-11-02T10:33:28Z");
    expected.started_at = None;
    let sidecar = |name: &str, image: &str, byte: char| ContainerObserved {
        name: name.into(),
        image: format!("public.ecr.aws/{image}"),
        digest: Some(format!("sha256:{}", format!("0{byte}").repeat(32)).parse().unwrap()),
        last_status: some("RUNNING"),
        ..ContainerObserved::default()
    };
    expected
        .containers
        .insert(0, sidecar("log_router", "aws-observability/aws-for-fluent-bit:stable", 'b'));
    expected.containers.push(sidecar("cwagent", "cloudwatch-agent/cloudwatch-agent:latest", 'c'));
    assert_task("ecs-task-running-sidecars", expected);
}

#[test]
fn a_task_that_ran_out_of_memory() {
    let mut expected = task();
    expected.event_id = some("00000000-0000-4000-8000-0000000000a6");
    expected.version = Some(9);
    expected.at = at("2026-11-02T11:02:10Z");
    expected.started_at = None;
    expected.stopped_at = Some(at("2026-11-02T11:02:10.100Z"));
    (expected.last_status, expected.desired_status) = ("STOPPED".into(), "STOPPED".into());
    expected.stop_code = some("EssentialContainerExited");
    expected.stopped_reason = some("Essential container in task exited");
    expected.containers = vec![ContainerObserved {
        exit_code: Some(137),
        reason: some("OutOfMemoryError: Container killed due to memory usage"),
        ..container(":0.29.0", "STOPPED")
    }];
    assert_task("ecs-task-stopped-oom", expected);
}

#[test]
fn the_minimal_task() {
    assert_task(
        "ecs-task-minimal",
        TaskObserved {
            origin: origin(""),
            event_id: some("00000000-0000-4000-8000-0000000000a7"),
            at: at("2026-11-02T12:00:00Z"),
            created_at: Some(at("2026-11-02T12:00:00Z")),
            last_status: "RUNNING".into(),
            desired_status: "RUNNING".into(),
            task_definition: some(
                "arn:aws:ecs:eu-west-2:333333333333:task-definition/orders-api:41",
            ),
            cpu: some("256"),
            memory: some("512"),
            containers: vec![ContainerObserved { digest: None, ..container(":0.30.0", "RUNNING") }],
            ..TaskObserved::default()
        },
    );
}

#[test]
fn deployments_go_on_end_and_fail() {
    let because = "ECS deployment ecs-svc/5993655974023057049";
    for (name, state, reason) in [
        ("in-progress", RolloutState::InProgress, format!("{because} in progress.")),
        ("completed", RolloutState::Completed, format!("{because} completed.")),
        (
            "failed",
            RolloutState::Failed,
            "ECS deployment circuit breaker: task failed to start.".into(),
        ),
    ] {
        assert_eq!(
            observe(&format!("ecs-deployment-{name}"), Kind::EcsDeployment),
            Observation::Rollout(RolloutObserved {
                origin: origin("dev-backend"),
                service: some("orders-api"),
                deployment: "ecs-svc/5993655974023057049".into(),
                state,
                at: at("2026-11-02T10:33:59Z"),
                reason: Some(reason),
            })
        );
    }
}

#[test]
fn images_pushed_and_deleted() {
    let repository = || "orders-api".parse().unwrap();
    let tag = |text: &str| Some(text.parse().unwrap());
    let seven = format!("sha256:{}", "7".repeat(64)).parse().unwrap();
    for (name, expected) in [
        (
            "ecr-push",
            ImageObserved::Pushed {
                repository: repository(),
                tag: tag("0.29.0"),
                digest: digest('5'),
                at: at("2026-11-02T10:20:00Z"),
            },
        ),
        (
            "ecr-push-untagged",
            ImageObserved::Pushed {
                repository: repository(),
                tag: None,
                digest: Some(seven),
                at: at("2026-11-02T10:20:00Z"),
            },
        ),
        (
            "ecr-push-minimal",
            ImageObserved::Pushed {
                repository: repository(),
                tag: tag("0.1.0"),
                digest: None,
                at: RECEIVED,
            },
        ),
        (
            "ecr-delete",
            ImageObserved::Deleted {
                repository: repository(),
                tag: tag("0.29.0"),
                digest: digest('5'),
                at: at("2026-11-03T10:20:00Z"),
            },
        ),
    ] {
        assert_eq!(observe(name, Kind::EcrImage), Observation::Image(expected), "{name}");
    }
}

#[test]
fn notifications_of_s3_in_each_wrapper() {
    for (name, events) in [
        ("s3-05-two-records", 2),
        ("s3-06-two-sns-records", 2),
        ("s3-07-test-event", 1),
        ("s3-11-sns-sqs-wrapped", 1),
        ("s3-12-sns-sqs-raw", 1),
        ("s3-13-eventbridge", 1),
        ("s3-13b-eventbridge-in-sqs", 1),
        ("s3-14-direct-s3-lambda", 1),
        ("s3-22-empty-records", 0),
    ] {
        let inner = open(&fixture(name)).unwrap();
        assert_eq!(inner.len(), events, "{name}");
        for inner in inner {
            assert_eq!(inner.kind, Kind::S3, "{name}");
            let observation = read(inner.kind, &inner.body, RECEIVED).unwrap();
            let is_one = matches!(&observation, Observation::Object(it) if !it.gone);
            assert_eq!(is_one, name != "s3-07-test-event", "{name}: {observation:?}");
        }
    }
    let garbage = open(&fixture("s3-23-garbage")).unwrap();
    assert_eq!(garbage[0].kind, Kind::Other);
    let problem = read(Kind::Other, &garbage[0].body, RECEIVED).unwrap_err().to_string();
    assert!(problem.starts_with("not JSON"), "{problem}");
}
