//! Rollouts.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::{FakeEcs, Fate, GivenService, start};

/// A service `api` of `count` tasks that runs `app:env.stage`; the digest of that.
fn world(count: usize, breaker: Option<bool>) -> (FakeEcs, String) {
    let ecs = start("123456789012", "eu-west-2").unwrap();
    let first = ecs.push("app", "one", &["env.stage"]).unwrap();
    let image = format!("{}:env.stage", ecs.image("app"));
    let service = GivenService {
        cluster: "main",
        name: "api",
        containers: &[("api", &image), ("proxy", "nginx:1")],
        count,
        breaker,
        ..GivenService::default()
    };
    ecs.given(&service).unwrap();
    (ecs, first)
}

/// Updates the service, and answers it.
fn update(ecs: &FakeEcs, more: &Value) -> Value {
    let mut asked = json!({ "cluster": "main", "service": "api" });
    asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ecs.call("UpdateService", &asked).unwrap()["service"].take()
}

fn running(ecs: &FakeEcs) -> Vec<String> {
    let running = ecs.running("main", "api").unwrap();
    running.into_iter().filter(|(name, _)| name == "api").map(|(_, digest)| digest).collect()
}

fn events(service: &Value) -> String {
    let events = service["events"].as_array().unwrap().iter();
    events.map(|event| event["message"].as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_forced_deployment_resolves_the_tag_once_and_replaces_the_tasks() {
    let (ecs, first) = world(2, None);
    let second = ecs.push("app", "two", &["env.stage"]).unwrap();
    assert_eq!(running(&ecs), [first.clone(), first.clone()], "a tag that moves changes nothing");
    let updated = update(&ecs, &json!({ "forceNewDeployment": true }));
    let ours = updated["deployments"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(updated["deployments"][0]["rolloutState"], "IN_PROGRESS");
    assert_eq!(updated["deployments"][1]["status"], "ACTIVE");
    // Moves while the deployment is under way: its tasks have what it resolved.
    ecs.push("app", "three", &["env.stage"]).unwrap();
    for _ in 0..20 {
        ecs.advance(Duration::from_secs(1));
        assert!(running(&ecs).len() >= 2, "at least all of them run");
    }
    let service = ecs.settle("main", "api").unwrap();
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(service["deployments"][0]["id"], ours.as_str());
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
    assert_eq!(running(&ecs), [second.clone(), second]);
    assert!(events(&service).contains("has reached a steady state."));
}

#[test]
fn nothing_is_deployed_where_nothing_is_otherwise() {
    let (ecs, _) = world(1, None);
    let before = ecs.described("main", "api").unwrap();
    let after = update(&ecs, &json!({ "taskDefinition": before["taskDefinition"] }));
    assert_eq!(after["deployments"][0]["id"], before["deployments"][0]["id"]);
}

#[test]
fn the_circuit_breaker_goes_back_by_a_new_deployment() {
    let (ecs, first) = world(2, Some(true));
    let broken = ecs.push("app", "broken", &["env.stage"]).unwrap();
    ecs.fate(&broken, Fate::Exits { code: 1, after: Duration::from_secs(1) });
    ecs.says(&broken, &["no such table"]);
    let before = ecs.described("main", "api").unwrap()["deployments"][0]["id"].clone();
    let ours = update(&ecs, &json!({ "forceNewDeployment": true }))["deployments"][0]["id"].clone();
    let mut failed = None;
    for _ in 0..120 {
        ecs.advance(Duration::from_secs(1));
        let service = ecs.described("main", "api").unwrap();
        let deployments = service["deployments"].as_array().unwrap();
        let own = deployments.iter().find(|it| it["id"] == ours).cloned();
        failed = own.filter(|it| it["rolloutState"] == "FAILED").or(failed);
    }
    let failed = failed.expect("it was seen to fail");
    assert_eq!(failed["status"], "ACTIVE");
    assert!(failed["failedTasks"].as_u64().unwrap() >= 3, "{failed}");
    let service = ecs.described("main", "api").unwrap();
    let primary = &service["deployments"][0];
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1, "{service}");
    assert!(primary["id"] != ours && primary["id"] != before);
    assert_eq!(primary["rolloutState"], "COMPLETED");
    // What was resolved then is what runs again, although the tag points elsewhere.
    assert_eq!(running(&ecs), [first.clone(), first]);
    let events = events(&service);
    assert!(events.contains("deployment failed: tasks failed to start."), "{events}");
    assert!(events.contains("rolling back to deployment"), "{events}");
    let asked = json!({ "cluster": "main", "serviceName": "api", "desiredStatus": "STOPPED" });
    let stopped = ecs.call("ListTasks", &asked).unwrap()["taskArns"].take();
    let tasks = ecs.call("DescribeTasks", &json!({ "cluster": "main", "tasks": stopped })).unwrap();
    let own = tasks["tasks"].as_array().unwrap().iter().find(|it| it["startedBy"] == ours).unwrap();
    assert_eq!(own["stoppedReason"], "Essential container in task exited");
    assert_eq!(own["containers"][0]["exitCode"], 1);
    let id = own["taskArn"].as_str().unwrap().rsplit('/').next().unwrap();
    let log = json!({ "logGroupName": "/ecs/api", "logStreamName": format!("ecs/api/{id}") });
    assert_eq!(ecs.call("GetLogEvents", &log).unwrap()["events"][0]["message"], "no such table");
}

#[test]
fn a_breaker_that_does_not_roll_back_leaves_the_old_tasks() {
    let (ecs, first) = world(1, Some(false));
    let broken = ecs.push("app", "broken", &["env.stage"]).unwrap();
    ecs.fate(&broken, Fate::CannotPull);
    update(&ecs, &json!({ "forceNewDeployment": true }));
    ecs.advance(Duration::from_mins(2));
    let service = ecs.described("main", "api").unwrap();
    assert_eq!(service["deployments"][0]["rolloutState"], "FAILED");
    assert_eq!(service["deployments"][0]["failedTasks"], 3);
    assert_eq!(service["deployments"][1]["status"], "ACTIVE");
    assert_eq!(running(&ecs), [first]);
}

#[test]
fn without_a_breaker_it_never_ends() {
    for fate in [Fate::NeverHealthy, Fate::StaysPending, Fate::NoSecret] {
        let (ecs, first) = world(1, None);
        let broken = ecs.push("app", "broken", &["env.stage"]).unwrap();
        ecs.fate(&broken, fate.clone());
        update(&ecs, &json!({ "forceNewDeployment": true }));
        ecs.advance(Duration::from_mins(10));
        let service = ecs.described("main", "api").unwrap();
        assert_eq!(service["deployments"][0]["rolloutState"], "IN_PROGRESS", "{fate:?}");
        if fate != Fate::NeverHealthy {
            assert_eq!(running(&ecs), [first], "{fate:?}");
        }
    }
}

#[test]
fn an_image_that_is_gone_cannot_be_pulled() {
    let (ecs, _) = world(1, Some(true));
    let digest = ecs.push("app", "two", &["t"]).unwrap();
    let image = format!("{}@{digest}", ecs.image("app"));
    let registered =
        json!({ "family": "api", "containerDefinitions": [{ "name": "api", "image": image }] });
    let registered = ecs.call("RegisterTaskDefinition", &registered).unwrap();
    let gone = json!({ "repositoryName": "app", "imageIds": [{ "imageDigest": digest }] });
    ecs.call("BatchDeleteImage", &gone).unwrap();
    update(&ecs, &json!({ "taskDefinition": registered["taskDefinition"]["taskDefinitionArn"] }));
    ecs.advance(Duration::from_secs(5));
    let asked = json!({ "cluster": "main", "desiredStatus": "STOPPED" });
    let stopped = ecs.call("ListTasks", &asked).unwrap()["taskArns"].take();
    let tasks = ecs.call("DescribeTasks", &json!({ "cluster": "main", "tasks": stopped })).unwrap();
    assert_eq!(tasks["tasks"][0]["stopCode"], "TaskFailedToStart");
    let reason = tasks["tasks"][0]["stoppedReason"].as_str().unwrap();
    assert!(reason.starts_with("CannotPullContainerError"), "{reason}");
}

#[test]
fn other_controllers_are_not_updated() {
    for controller in ["CODE_DEPLOY", "EXTERNAL"] {
        let ecs = start("123456789012", "eu-west-2").unwrap();
        let service = GivenService {
            cluster: "main",
            name: "api",
            containers: &[("api", "nginx:1")],
            controller,
            ..GivenService::default()
        };
        ecs.given(&service).unwrap();
        let asked = json!({ "cluster": "main", "service": "api", "forceNewDeployment": true });
        let error = ecs.call("UpdateService", &asked).unwrap_err().to_string();
        assert!(
            error.contains("InvalidParameterException") && error.contains(controller),
            "{error}"
        );
        let asked = json!({ "cluster": "main", "service": "api", "desiredCount": 3 });
        assert_eq!(ecs.call("UpdateService", &asked).unwrap()["service"]["desiredCount"], 3);
    }
}

#[test]
fn the_breaker_s_threshold_follows_the_number_of_tasks() {
    for (count, threshold) in [(1, 3), (6, 3), (9, 5)] {
        let (ecs, _) = world(count, Some(false));
        let broken = ecs.push("app", "broken", &["env.stage"]).unwrap();
        ecs.fate(&broken, Fate::NoSecret);
        let ours = update(&ecs, &json!({ "forceNewDeployment": true }))["deployments"][0].clone();
        let mut most = 0;
        loop {
            ecs.advance(Duration::from_secs(1));
            let service = ecs.described("main", "api").unwrap();
            let own = &service["deployments"][0];
            assert_eq!(own["id"], ours["id"]);
            let failed = own["failedTasks"].as_u64().unwrap();
            if own["rolloutState"] == "FAILED" {
                assert!(most < threshold && failed >= threshold, "{count}: {most}, {failed}");
                break;
            }
            most = failed;
        }
    }
}

#[test]
fn a_deployment_that_is_overtaken_is_no_longer_the_primary() {
    let (ecs, _) = world(2, Some(true));
    let slow = ecs.push("app", "slow", &["env.stage"]).unwrap();
    ecs.fate(&slow, Fate::StaysPending);
    let ours = update(&ecs, &json!({ "forceNewDeployment": true }))["deployments"][0]["id"].clone();
    ecs.advance(Duration::from_secs(10));
    let third = ecs.push("app", "three", &["env.stage"]).unwrap();
    let other = update(&ecs, &json!({ "forceNewDeployment": true }));
    let ids: Vec<_> = other["deployments"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!((ids.len(), ids[1]), (3, &ours));
    assert_eq!(other["deployments"][1]["status"], "ACTIVE");
    assert_eq!(other["deployments"][1]["rolloutState"], "IN_PROGRESS");
    let service = ecs.settle_all().unwrap().remove(0);
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(running(&ecs), [third.clone(), third]);
}

#[test]
fn time_runs_by_itself_where_it_is_let() {
    let (ecs, _) = world(1, None);
    ecs.run(200.0);
    let before = ecs.now();
    update(&ecs, &json!({ "forceNewDeployment": true }));
    let began = std::time::Instant::now();
    let state = || {
        let service = ecs.described("main", "api").unwrap();
        service["deployments"][0]["rolloutState"].clone()
    };
    while state() != "COMPLETED" {
        assert!(began.elapsed() < Duration::from_secs(10), "it stands still");
        std::thread::sleep(Duration::from_millis(10));
    }
    ecs.run(0.0);
    let after = ecs.now();
    assert!(after > before);
    std::thread::sleep(Duration::from_millis(20));
    assert!((ecs.now() - after).abs() < f64::EPSILON);
}

#[test]
fn tasks_that_are_too_many_or_too_few_become_as_many_as_wanted() {
    let (ecs, first) = world(1, None);
    update(&ecs, &json!({ "desiredCount": 4 }));
    ecs.advance(Duration::from_secs(30));
    assert_eq!(running(&ecs), [first.clone(), first.clone(), first.clone(), first.clone()]);
    update(&ecs, &json!({ "desiredCount": 2 }));
    ecs.advance(Duration::from_secs(30));
    assert_eq!(running(&ecs), [first.clone(), first]);
    update(&ecs, &json!({ "desiredCount": 0, "forceNewDeployment": true }));
    ecs.advance(Duration::from_secs(30));
    assert_eq!(running(&ecs), [""; 0]);
    let service = ecs.described("main", "api").unwrap();
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
}

#[test]
fn two_hundred_services_roll_out_at_once() {
    let ecs = start("123456789012", "eu-west-2").unwrap();
    ecs.push("app", "one", &["latest"]).unwrap();
    let image = format!("{}:latest", ecs.image("app"));
    let name = |number: usize| format!("s{number}");
    for number in 0..200 {
        let service = GivenService {
            cluster: "main",
            name: &name(number),
            containers: &[("app", &image)],
            count: 2,
            ..GivenService::default()
        };
        ecs.given(&service).unwrap();
    }
    let second = ecs.push("app", "two", &["latest"]).unwrap();
    for number in 0..200 {
        let asked = json!({
            "cluster": "main", "service": name(number), "forceNewDeployment": true,
        });
        ecs.call("UpdateService", &asked).unwrap();
    }
    let services = ecs.settle_all().unwrap();
    assert_eq!(services.len(), 200);
    for number in 0..200 {
        let running = ecs.running("main", &name(number)).unwrap();
        assert!(running.iter().all(|(_, digest)| *digest == second) && running.len() == 2);
    }
}
