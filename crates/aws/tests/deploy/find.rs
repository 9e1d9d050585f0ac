//! Services are found by their tags with few calls, and all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portolan_aws::Trouble;
use portolan_aws::ecs::{ByTags, Ecs, Service};
use portolan_testkit::fake_ecs::{FakeEcs, GivenService};

use crate::bed::{self, key};

fn wanted(values: &[&str]) -> ByTags {
    ByTags {
        clusters: Vec::new(),
        equal: BTreeMap::from([("deployment:env".to_owned(), "stage".to_owned())]),
        key: "deployment:service".to_owned(),
        values: values.iter().map(|&value| value.to_owned()).collect(),
    }
}

/// Services `s0`, … in two clusters, each once for `stage` and once for `prod`.
fn world(fake: &FakeEcs, count: usize) -> Vec<String> {
    let names: Vec<_> = (0..count).map(|number| format!("s{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        for env in ["stage", "prod"] {
            let service = GivenService {
                cluster: if number % 2 == 0 { "even" } else { "odd" },
                name: &format!("{name}-{env}"),
                containers: &[("app", "nginx:1")],
                tags: &[("deployment:env", env), ("deployment:service", name)],
                ..GivenService::default()
            };
            fake.given(&service).unwrap();
        }
    }
    names
}

fn names(services: &[Service]) -> BTreeSet<&str> {
    services.iter().map(|service| service.service_name.as_str()).collect()
}

#[tokio::test]
async fn ten_services_are_found_with_three_calls() {
    let fake = bed::fake();
    let all = world(&fake, 10);
    let values: Vec<_> = all.iter().map(String::as_str).collect();
    let ecs = Ecs::of(&bed::aws(fake.url()).await);
    let found = ecs.find_services(&wanted(&values)).await.unwrap();
    assert_eq!(found.len(), 10);
    assert!(found.iter().all(|service| service.tag("deployment:env") == Some("stage")));
    assert_eq!(fake.calls(), ["GetResources", "DescribeServices", "DescribeServices"]);
    // In one of the clusters alone.
    let some = ByTags { clusters: vec![fake.cluster_arn("odd")], ..wanted(&["s1", "s3"]) };
    assert_eq!(names(&ecs.find_services(&some).await.unwrap()), ["s1-stage", "s3-stage"].into());
}

#[tokio::test]
async fn where_tags_may_not_be_asked_services_are_listed() {
    let fake = bed::fake();
    world(&fake, 3);
    fake.refuse("GetResources", "AccessDeniedException", "not authorized", 1);
    let ecs = Ecs::of(&bed::aws(fake.url()).await);
    let found = ecs.find_services(&wanted(&["s0", "s2"])).await.unwrap();
    assert_eq!(names(&found), ["s0-stage", "s2-stage"].into());
    assert_eq!(fake.counts()["ListServices"], 2);
    // What is not there is looked for in all that is there.
    let found = ecs.find_services(&wanted(&["s0", "none"])).await.unwrap();
    assert_eq!(names(&found), ["s0-stage"].into());
    assert_eq!(ecs.find_services(&wanted(&[])).await.unwrap(), []);
    // The index may still have what is in a cluster that is gone.
    fake.refuse("DescribeServices", "ClusterNotFoundException", "Cluster not found.", 1);
    let found = ecs.find_services(&wanted(&["s0"])).await.unwrap();
    assert_eq!(names(&found), ["s0-stage"].into());
}

#[tokio::test]
async fn two_hundred_services_are_described_in_tens_under_throttling() {
    let fake = bed::fake();
    let all = world(&fake, 100);
    let values: Vec<_> = all.iter().map(String::as_str).collect();
    fake.throttle_every(7);
    fake.latency(Duration::from_millis(5));
    fake.most_at_once();
    let ecs = Ecs::of(&bed::aws(fake.url()).await);
    let found = ecs.find_services(&wanted(&values)).await.unwrap();
    assert_eq!(found.len(), 100);
    let described = fake.counts()["DescribeServices"];
    assert!((10..=14).contains(&described), "{described} calls");
    let most = fake.most_at_once();
    assert!((2..=10).contains(&most), "{most} at once");
}

#[tokio::test]
async fn services_are_described_by_name_and_what_is_missing_is_said() {
    let fake = bed::fake();
    bed::api(&fake, 2, Some(true));
    let ecs = Ecs::of(&bed::aws(fake.url()).await);
    let arn = "arn:aws:ecs:eu-west-2:123456789012:service/main/api";
    let keys = [key("main", "api"), key("main", "none"), key(&fake.cluster_arn("main"), arn)];
    let found = ecs.describe_services(&keys).await.unwrap();
    assert_eq!(found.missing, [key("main", "none")]);
    let api = &found.services[0];
    assert_eq!((api.service_arn.as_str(), api.controller()), (arn, "ECS"));
    assert_eq!((api.desired_count, api.running_count), (2, 2));
    assert_eq!(api.launch_type.as_deref(), Some("FARGATE"));
    let breaker = api.deployment_configuration.deployment_circuit_breaker;
    assert!(breaker.enable && breaker.rollback);
    assert_eq!(api.primary().unwrap().rollout_state.as_deref(), Some("COMPLETED"));
    assert!(api.events[0].message.contains("steady state"), "{:?}", api.events);
    assert!(api.events[0].created_at.is_some());
    let error = ecs.describe_services(&[key("nowhere", "api")]).await.unwrap_err();
    assert_eq!(error.code(), Some("ClusterNotFoundException"));
    assert_eq!(error.trouble(), Trouble::Refused);
}
