//! What events say of which there is no recording, and what is said of those that are wrong.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use portolan_model::{Digest, Timestamp};
use portolan_tracker::envelope::open;
use portolan_tracker::observation::{
    ContainerObserved, DeployedObserved, DeploymentObserved, EndObserved, ImageObserved,
    LinkObserved, Origin, RequestObserved, RolloutState, ServiceObserved, TaskObserved,
};
use portolan_tracker::read::read;
use portolan_tracker::{Kind, Observation};
use serde_json::{Value, json};

const RECEIVED: Timestamp = Timestamp::from_millis(1);

/// What the one event of a body says.
fn observe(body: &Value) -> Observation {
    let inner = open(&body.to_string()).unwrap();
    assert_eq!(inner.len(), 1);
    read(inner[0].kind, &inner[0].body, RECEIVED).unwrap()
}

fn refused(kind: Kind, body: &Value) -> String {
    read(kind, &body.to_string(), RECEIVED).unwrap_err().to_string()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "what is expected is optional")]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn a_service_that_a_sweep_found() {
    let body = json!({
        "id": "sweep-1", "detail-type": "ECS Service Observed", "account": "1", "region": "r",
        "time": "2026-11-02T10:00:00Z",
        "detail": {
            "clusterArn": "arn:aws:ecs:r:1:cluster/dev", "serviceName": "orders",
            "desiredCount": 2, "runningCount": 1,
            "deployments": [{
                "id": "ecs-svc/1", "taskDefinition": "td:1", "desiredCount": 2,
                "rolloutState": "FAILED", "rolloutStateReason": "circuit breaker",
                "createdAt": 1_793_613_600, "updatedAt": 1_793_613_600.5,
            }, { "id": "ecs-svc/2", "desiredCount": 0 }],
        },
    });
    let deployment = |id: &str| DeploymentObserved {
        id: id.into(),
        task_definition: None,
        desired: 0,
        state: None,
        reason: None,
        created_at: None,
        updated_at: None,
    };
    assert_eq!(
        observe(&body),
        Observation::Service(ServiceObserved {
            origin: Origin { account: "1".into(), region: "r".into(), cluster: "dev".into() },
            service: "orders".into(),
            at: at("2026-11-02T10:00:00Z"),
            desired: 2,
            deployments: vec![
                DeploymentObserved {
                    task_definition: some("td:1"),
                    desired: 2,
                    state: Some(RolloutState::Failed),
                    reason: some("circuit breaker"),
                    created_at: Some(at("2026-11-02T10:00:00Z")),
                    updated_at: Some(at("2026-11-02T10:00:00.500Z")),
                    ..deployment("ecs-svc/1")
                },
                deployment("ecs-svc/2"),
            ],
        })
    );
}

#[test]
fn a_link_with_and_without_what_was_asked() {
    let mut body = json!({
        "detail-type": "ECS Lambda Deployment Event", "account": "1", "region": "r",
        "time": "2026-11-02T10:00:00Z", "cdp_deployment_id": "d-1", "deployed_by": "Ada",
        "detail": {
            "eventType": "INFO", "eventName": "SERVICE_DEPLOYMENT_IN_PROGRESS",
            "deploymentId": "ecs-svc/1", "reason": "begun",
        },
    });
    let expected = LinkObserved {
        origin: Origin { account: "1".into(), region: "r".into(), cluster: String::new() },
        request: "d-1".into(),
        deployment: "ecs-svc/1".into(),
        at: at("2026-11-02T10:00:00Z"),
        user: some("Ada"),
        state: Some(RolloutState::InProgress),
        reason: some("begun"),
        asked: None,
    };
    assert_eq!(observe(&body), Observation::Link(expected.clone()));
    body["cdp_request"] = json!({
        "container_image": "orders", "container_version": "1.2.0", "desired_count": 3,
        "env_files": [{ "value": "x", "type": "s3" }], "task_cpu": 1024, "task_memory": "2048",
        "environment": "dev", "deployed_by": { "user_id": "u-1", "display_name": "Ada L." },
    });
    let asked = RequestObserved {
        id: "d-1".into(),
        service: "orders".into(),
        version: "1.2.0".into(),
        environment: "dev".into(),
        at: at("2026-11-02T10:00:00Z"),
        user_id: some("u-1"),
        user_name: some("Ada L."),
        instance_count: Some(3),
        cpu: some("1024"),
        memory: some("2048"),
    };
    let expected = LinkObserved { asked: Some(Box::new(asked)), ..expected };
    assert_eq!(observe(&body), Observation::Link(expected));
}

#[test]
fn a_request_of_ours() {
    let body = json!({
        "deploymentId": "d-1", "service": "orders", "version": "1.2.0", "environment": "dev",
        "at": "2026-11-02T10:00:00Z", "user": { "id": "u-1", "displayName": "Ada" },
        "instanceCount": 2, "cpu": "256", "memory": null,
    });
    assert_eq!(
        observe(&body),
        Observation::Request(Box::new(RequestObserved {
            id: "d-1".into(),
            service: "orders".into(),
            version: "1.2.0".into(),
            environment: "dev".into(),
            at: at("2026-11-02T10:00:00Z"),
            user_id: some("u-1"),
            user_name: some("Ada"),
            instance_count: Some(2),
            cpu: some("256"),
            memory: None,
        }))
    );
}

#[test]
fn each_event_of_a_registrys_notification() {
    let digest = Digest::of(b"m");
    let manifest = "application/vnd.oci.image.manifest.v1+json";
    let event = |action: &str, target: Value| json!({ "id": action, "timestamp": "2026-11-02T10:00:00.123456789Z", "action": action, "target": target });
    let body = json!({ "events": [
        event("push", json!({ "mediaType": manifest, "repository": "shop/app", "digest": digest, "tag": "1" })),
        event("push", json!({ "mediaType": "application/octet-stream", "repository": "shop/app", "digest": digest })),
        event("pull", json!({ "mediaType": manifest, "repository": "shop/app", "digest": digest })),
        event("delete", json!({ "repository": "shop/app", "digest": digest })),
        event("delete", json!({ "repository": "shop/app", "tag": "1" })),
    ]});
    let said: Vec<Observation> = open(&body.to_string())
        .unwrap()
        .iter()
        .map(|inner| {
            assert_eq!(inner.kind, Kind::RegistryNotification);
            read(inner.kind, &inner.body, RECEIVED).unwrap()
        })
        .collect();
    let (repository, at) = (|| "shop/app".parse().unwrap(), at("2026-11-02T10:00:00.123Z"));
    let tag = Some("1".parse().unwrap());
    let pushed = ImageObserved::Pushed {
        repository: repository(),
        tag: tag.clone(),
        digest: Some(digest),
        at,
    };
    let untagged =
        ImageObserved::Deleted { repository: repository(), tag: None, digest: Some(digest), at };
    let tagged = ImageObserved::Deleted { repository: repository(), tag, digest: None, at };
    assert_eq!(said[0], Observation::Image(pushed));
    assert!(matches!(said[1..3], [Observation::Nothing(_), Observation::Nothing(_)]), "{said:?}");
    assert_eq!(said[3..], [Observation::Image(untagged), Observation::Image(tagged)]);
}

#[test]
fn harbor_in_both_of_its_formats() {
    let digest = Digest::of(b"m");
    let data = |tag: &str| {
        json!({
            "resources": [{ "digest": digest, "tag": tag, "resource_url": "r.example/shop/app:1" }],
            "repository": { "name": "app", "namespace": "shop", "repo_full_name": "shop/app" },
        })
    };
    let webhook = |event_type: &str, data: Value| json!({ "type": event_type, "occur_at": 1_793_613_600, "operator": "admin", "event_data": data });
    let (repository, at) = (|| "shop/app".parse().unwrap(), at("2026-11-02T10:00:00Z"));
    let pushed = |tag: Option<&str>| {
        let tag = tag.map(|tag| tag.parse().unwrap());
        let digest = Some(digest);
        Observation::Image(ImageObserved::Pushed { repository: repository(), tag, digest, at })
    };
    assert_eq!(observe(&webhook("PUSH_ARTIFACT", data("1"))), pushed(Some("1")));
    assert_eq!(observe(&webhook("PUSH_ARTIFACT", data(&digest.to_string()))), pushed(None));
    let cloudevent = json!({
        "specversion": "1.0", "id": "1", "type": "harbor.artifact.pushed", "source": "/",
        "time": "2026-11-02T10:00:00Z", "data": data("1"),
    });
    assert_eq!(observe(&cloudevent), pushed(Some("1")));
    let deleted =
        ImageObserved::Deleted { repository: repository(), tag: None, digest: Some(digest), at };
    assert_eq!(observe(&webhook("DELETE_ARTIFACT", data("1"))), Observation::Image(deleted));
    let other = observe(&webhook("SCANNING_COMPLETED", json!({})));
    assert!(matches!(other, Observation::Nothing(_)));
}

fn cdevent(predicate: &str, artifact: Option<&str>) -> Value {
    json!({
        "context": {
            "version": "0.4.1", "id": "c-1", "source": "/ci", "timestamp": "2026-11-02T10:00:00Z",
            "type": format!("dev.cdevents.service.{predicate}.0.2.0"),
        },
        "subject": {
            "id": "orders", "type": "service",
            "content": { "environment": { "id": "prod" }, "artifactId": artifact },
        },
    })
}

fn deployed(image: Option<String>, digest: Option<Digest>, rollback: bool) -> Observation {
    Observation::Deployed(Box::new(DeployedObserved {
        // The source tells it from an event of the same number elsewhere.
        event_id: format!("c-1-{}", Digest::of(b"/ci").short()),
        environment: "prod".into(),
        service: some("orders"),
        image,
        digest,
        at: at("2026-11-02T10:00:00Z"),
        rollback,
        by: some("/ci"),
    }))
}

#[test]
fn cdevents_about_a_service() {
    let digest = Digest::of(b"m");
    let purl = format!("pkg:oci/orders@{}", digest.to_string().replace(':', "%3A"));
    let image = || Some(format!("orders@{digest}"));
    for (predicate, rollback) in
        [("deployed", false), ("upgraded", false), ("published", false), ("rolledback", true)]
    {
        let observed = observe(&cdevent(predicate, Some(&purl)));
        assert_eq!(observed, deployed(image(), Some(digest), rollback), "{predicate}");
    }
    assert_eq!(observe(&cdevent("removed", None)), deployed(None, None, false));
    let published = observe(&cdevent("published", None));
    assert!(matches!(published, Observation::Nothing(_)));
    let problem = refused(Kind::CdEvent, &cdevent("deployed", None));
    assert!(problem.contains("expected `artifactId` or `image`"), "{problem}");
}

#[test]
fn the_same_as_a_plain_cloudevent() {
    let mut event = json!({
        "specversion": "1.0", "id": "c-1", "source": "/ci", "subject": "orders",
        "type": "org.example.service.deployed", "time": "2026-11-02T10:00:00Z",
        "data": { "environment": "prod", "image": "r.example/orders:1" },
    });
    assert_eq!(observe(&event), deployed(some("r.example/orders:1"), None, false));
    event["type"] = json!("org.example.service.rolledback.v1");
    assert_eq!(observe(&event), deployed(some("r.example/orders:1"), None, true));
    let uuid = "00000000-0000-4000-8000-0000000000a1";
    event["id"] = json!(uuid);
    let Observation::Deployed(observed) = observe(&event) else { panic!("{event}") };
    assert_eq!(observed.event_id, uuid);
    event["type"] = json!("org.example.something");
    event["data"] = json!([1, 2]);
    assert!(matches!(observe(&event), Observation::Nothing(_)));
}

#[test]
fn what_is_of_no_interest_is_told_from_what_is_no_event() {
    let known = json!({ "detail-type": "ECS Container Instance State Change", "detail": {} });
    assert!(matches!(observe(&known), Observation::Nothing(_)));
    let sns = json!({ "Type": "SubscriptionConfirmation", "Token": "t" });
    assert!(matches!(observe(&sns), Observation::Nothing(_)));
    let problem = refused(Kind::Other, &json!({ "hello": "world" }));
    assert!(problem.contains("expected an EventBridge envelope"), "{problem}");
    // What an older version did not know is understood when it is replayed.
    let later = json!({ "detail": { "result": "SUCCESS", "action-type": "PUSH", "repository-name": "a", "image-tag": "1" } });
    let observation = read(Kind::Other, &later.to_string(), RECEIVED).unwrap();
    assert!(matches!(observation, Observation::Image(_)));
}

#[test]
fn wrong_types_and_missing_fields_are_named() {
    let task = json!({ "detail": { "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "containers": [] } });
    let with = |field: &str, value: Value| {
        let mut task = task.clone();
        task["detail"][field] = value;
        refused(Kind::EcsTask, &task)
    };
    for (problem, expected) in [
        (with("containers", json!("x")), "expected a sequence"),
        (with("containers", json!([{ "image": "a" }])), "missing field `name`"),
        (with("lastStatus", json!(null)), "expected a text of at most 300 bytes"),
        (with("createdAt", json!("yesterday")), "expected a moment as in 2026-11-01T09:00:00Z"),
        (with("version", json!(-1)), "expected a whole number from 0"),
        (with("group", json!("x".repeat(9_000))), "ecs-task event: invalid value"),
        (refused(Kind::EcsTask, &json!({ "detail": {} })), "missing field `lastStatus`"),
        (refused(Kind::EcsTask, &json!({ "detail": [1] })), "expected an object"),
        (with("containers", json!([["orders", "image"]])), "expected an object"),
        (refused(Kind::EcsTask, &json!({})), "missing field `detail`"),
        (refused(Kind::EcrImage, &json!([])), "ecr-image event"),
        (
            refused(
                Kind::EcrImage,
                &json!({ "detail": { "result": "SUCCESS", "action-type": "PUSH", "repository-name": "../x" } }),
            ),
            "is not a repository name",
        ),
        (
            refused(
                Kind::EcrImage,
                &json!({ "detail": { "result": "SUCCESS", "action-type": "PUSH", "repository-name": "x" } }),
            ),
            "neither `image-tag` nor `image-digest`",
        ),
        (
            refused(
                Kind::Harbor,
                &json!({ "type": "PUSH_ARTIFACT", "event_data": { "resources": [], "repository": { "repo_full_name": "a" } } }),
            ),
            "0 `resources`: expected one",
        ),
    ] {
        assert!(problem.contains(expected), "{problem}");
        assert!(problem.chars().count() <= 250, "{problem}");
    }
}

#[test]
fn a_task_of_our_own() {
    let digest = Digest::of(b"x");
    let image = format!("127.0.0.1:5094/shop/web@{digest}");
    let mut body = json!({
        "specversion": "1.0", "id": "local/box/1:stopped", "type": "portolan.task.observed",
        "source": "/machines/box", "time": "2026-11-02T10:00:00Z",
        "data": {
            "environment": "staging", "service": "web", "deployment": "d1", "machine": "box",
            "task": {
                "taskArn": "local/box/1", "version": 4, "lastStatus": "STOPPED",
                "desiredStatus": "STOPPED", "stopCode": "EssentialContainerExited",
                "startedAt": "2026-11-02T09:00:00Z", "stoppedAt": "2026-11-02T10:00:00Z",
                "containers": [{"name": "web", "image": image, "exitCode": 7}],
            },
        },
    });
    let container =
        ContainerObserved { name: "web".into(), image, exit_code: Some(7), ..Default::default() };
    let expected = TaskObserved {
        origin: Origin { cluster: "box".into(), ..Origin::default() },
        environment: some("staging"),
        deployment: some("d1"),
        arn: some("local/box/1"),
        version: Some(4),
        at: at("2026-11-02T10:00:00Z"),
        started_at: Some(at("2026-11-02T09:00:00Z")),
        stopped_at: Some(at("2026-11-02T10:00:00Z")),
        last_status: "STOPPED".into(),
        desired_status: "STOPPED".into(),
        group: some("service:web"),
        stop_code: some("EssentialContainerExited"),
        containers: vec![container],
        ..TaskObserved::default()
    };
    assert_eq!(observe(&body), Observation::Task(Box::new(expected)));
    body["data"]["task"].as_object_mut().unwrap().remove("taskArn");
    assert!(refused(Kind::CloudEvent, &body).contains("taskArn"));
    body.as_object_mut().unwrap().remove("data");
    assert!(refused(Kind::CloudEvent, &body).contains("`data` is missing"));
}

#[test]
fn the_end_of_a_deployment_of_our_own() {
    let body = |word: &str, reason: Value| {
        json!({
            "specversion": "1.0", "id": "d1:end", "type": format!("portolan.deployment.{word}"),
            "source": "/projects/shop/rollouts/1", "time": "2026-11-02T10:00:00Z",
            "data": {
                "environment": "staging", "service": "web", "deployment": "d1",
                "reason": reason, "rollback": true, "by": "ann",
            },
        })
    };
    let expected = |failed: Option<&str>| {
        Observation::Ended(Box::new(EndObserved {
            environment: "staging".into(),
            service: "web".into(),
            deployment: "d1".into(),
            at: at("2026-11-02T10:00:00Z"),
            failed: failed.map(str::to_owned),
            rollback: true,
            by: some("ann"),
        }))
    };
    assert_eq!(observe(&body("complete", Value::Null)), expected(None));
    assert_eq!(
        observe(&body("failed", json!("it ended with 7"))),
        expected(Some("it ended with 7"))
    );
    assert_eq!(observe(&body("failed", Value::Null)), expected(Some("")));
}
