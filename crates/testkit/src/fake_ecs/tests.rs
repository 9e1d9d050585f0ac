//! The fake against what AWS documents.

use serde_json::{Value, json};

use super::{FakeEcs, start};
use crate::http::Client;

mod rollouts;

fn ask(ecs: &FakeEcs, action: &str, body: &Value) -> (u16, Value) {
    let target = format!("AmazonEC2ContainerServiceV20141113.{action}");
    let headers = [("x-amz-target", target.as_str())];
    let client = Client::new();
    let answer = client.send("POST", &ecs.url(), &headers, body.to_string().as_bytes());
    let answer = answer.unwrap();
    (answer.status, answer.json().unwrap())
}

#[test]
fn tasks_are_listed_in_pages_and_described() {
    let ecs = start("123456789012", "eu-west-2").unwrap();
    for id in ["a", "b", "c"] {
        ecs.put_task("dev", ecs.task("dev", id, "app:1", 1_700_000_000.5));
    }
    ecs.page(2);
    let (_, first) = ask(&ecs, "ListTasks", &json!({ "cluster": "dev" }));
    assert_eq!(first["taskArns"].as_array().unwrap().len(), 2);
    let (_, rest) = ask(
        &ecs,
        "ListTasks",
        &json!({ "cluster": ecs.cluster_arn("dev"), "nextToken": first["nextToken"] }),
    );
    assert_eq!(rest["taskArns"], json!([ecs.task_arn("dev", "c")]));
    assert!(rest["nextToken"].is_null());
    let gone = ecs.task_arn("dev", "gone");
    let asked = json!({ "cluster": "dev", "tasks": [ecs.task_arn("dev", "b"), gone] });
    let (_, told) = ask(&ecs, "DescribeTasks", &asked);
    assert_eq!(told["tasks"][0]["containers"][0]["image"], "app:1");
    assert_eq!(told["failures"], json!([{ "arn": gone, "reason": "MISSING" }]));
    let (_, none) =
        ask(&ecs, "ListTasks", &json!({ "cluster": "dev", "desiredStatus": "STOPPED" }));
    assert_eq!(none["taskArns"], json!([]));
}

#[test]
fn it_refuses_what_ecs_refuses() {
    let ecs = start("123456789012", "eu-west-2").unwrap();
    let refused = |action: &str, body: Value| {
        let (status, told) = ask(&ecs, action, &body);
        (status, told["__type"].as_str().unwrap_or_default().to_owned())
    };
    let no_cluster = (400, "ClusterNotFoundException".to_owned());
    assert_eq!(refused("ListTasks", json!({ "cluster": "dev" })), no_cluster);
    ecs.cluster("dev");
    let elsewhere = "arn:aws:ecs:eu-west-2:999999999999:cluster/dev";
    assert_eq!(refused("ListServices", json!({ "cluster": elsewhere })), no_cluster);
    let many: Vec<_> = (0..101).map(|id| ecs.task_arn("dev", &id.to_string())).collect();
    let too_many = (400, "InvalidParameterException".to_owned());
    assert_eq!(refused("DescribeTasks", json!({ "cluster": "dev", "tasks": many })), too_many);
    ecs.throttle(1);
    assert_eq!(refused("ListClusters", json!({})).1, "ThrottlingException");
    assert_eq!(ask(&ecs, "ListClusters", &json!({})).1["clusterArns"][0], ecs.cluster_arn("dev"));
    assert_eq!(ecs.calls().len(), 5);
}

#[test]
fn images_are_tagged_and_tags_that_are_immutable_stay() {
    let ecs = start("123456789012", "eu-west-2").unwrap();
    let first = ecs.push("app", "one", &["ref.1", "latest"]).unwrap();
    let second = ecs.push("app", "two", &["ref.2", "latest"]).unwrap();
    assert_ne!(first, second);
    assert_eq!(ecs.tagged("app", "latest"), Some(second.clone()));
    let got = json!({ "repositoryName": "app", "imageIds": [
        { "imageTag": "ref.1" }, { "imageDigest": second }, { "imageTag": "none" },
    ] });
    let (_, got) = ask(&ecs, "BatchGetImage", &got);
    assert_eq!(got["images"][0]["imageId"], json!({ "imageDigest": first, "imageTag": "ref.1" }));
    assert_eq!(got["images"][1]["imageId"], json!({ "imageDigest": second }));
    assert_eq!(got["failures"][0]["failureCode"], "ImageNotFound");
    let put = |repository: &str, tag: &str, manifest: &Value| {
        let asked =
            json!({ "repositoryName": repository, "imageTag": tag, "imageManifest": manifest });
        let (_, told) = ask(&ecs, "PutImage", &asked);
        told["__type"].as_str().unwrap_or("done").to_owned()
    };
    let manifest = &got["images"][0]["imageManifest"];
    assert_eq!(put("app", "ref.1", manifest), "ImageAlreadyExistsException");
    assert_eq!(put("app", "latest", manifest), "done");
    assert_eq!(ecs.tagged("app", "latest"), Some(first));
    let fixed = json!({ "repositoryName": "fixed", "imageTagMutability": "IMMUTABLE" });
    ecs.call("CreateRepository", &fixed).unwrap();
    assert_eq!(put("fixed", "v1", manifest), "done");
    assert_eq!(put("fixed", "v1", manifest), "ImageAlreadyExistsException");
    let other = &got["images"][1]["imageManifest"];
    assert_eq!(put("fixed", "v1", other), "ImageTagAlreadyExistsException");
}
