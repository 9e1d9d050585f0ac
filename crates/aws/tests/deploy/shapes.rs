//! The fake answers in the shapes in which moto does, wherever moto is right.

use std::collections::{BTreeMap, BTreeSet};

use portolan_aws::ecs::{ByTags, Ecs, WithImages};
use portolan_aws::{Ecr, Tagged};
use portolan_model::Target;
use portolan_testkit::fake_ecs::FakeEcs;
use portolan_testkit::moto::{self, Moto};
use serde_json::{Value, json};

use crate::bed;

/// Asks both the same, and answers what each of them says.
struct Both {
    fake: FakeEcs,
    moto: Moto,
}

impl Both {
    fn ask(&self, service: &str, action: &str, body: &Value) -> [Value; 2] {
        let target = match service {
            "ecs" => "AmazonEC2ContainerServiceV20141113",
            _ => "AmazonEC2ContainerRegistry_V20150921",
        };
        let moto = self.moto.call(service, &format!("{target}.{action}"), body).unwrap();
        [self.fake.call(action, body).unwrap(), moto]
    }
}

/// The paths of all fields, and what kind of value each has.
fn fields(value: &Value, path: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                fields(member, &format!("{path}.{name}"), into);
            }
        }
        Value::Array(items) => {
            for item in items {
                fields(item, &format!("{path}[]"), into);
            }
        }
        Value::Null => {}
        Value::Bool(_) => drop(into.insert(format!("{path}: bool"))),
        Value::Number(_) => drop(into.insert(format!("{path}: number"))),
        Value::String(_) => drop(into.insert(format!("{path}: text"))),
    }
}

/// What AWS documents and moto does not say.
const NOT_MOTOS: [&str; 13] = [
    ".deploymentCircuitBreaker.enable",
    ".deploymentCircuitBreaker.rollback",
    ".createdAt",
    ".enableECSManagedTags",
    ".enableExecuteCommand",
    ".maximumPercent",
    ".minimumHealthyPercent",
    ".platformFamily",
    ".platformVersion",
    ".registeredAt",
    ".registeredBy",
    ".requiresAttributes[].name",
    // Of the answer to a registration.
    ".tags[].value",
];
/// What moto says and the fake does not: counts of a cluster; what ECS says only where it was given
/// or asked for.
const NOT_OURS: [&str; 6] = [
    ".networkMode",
    ".cluster.activeServicesCount",
    ".cluster.pendingTasksCount",
    ".cluster.registeredContainerInstancesCount",
    ".cluster.runningTasksCount",
    ".service.tags[].value",
];

/// What one of `both` has that the other does not and need not have.
fn differences([fake, moto]: &[Value; 2]) -> Vec<String> {
    let (mut ours, mut theirs) = (BTreeSet::new(), BTreeSet::new());
    fields(fake, "", &mut ours);
    fields(moto, "", &mut theirs);
    let is_known = |path: &str, known: &[&str]| {
        let (path, _) = path.split_once(':').unwrap();
        known.iter().any(|it| path.ends_with(it))
            || path.ends_with(".tags[].key")
            || path.contains(".settings[]")
    };
    let ours_alone = ours.difference(&theirs).filter(|path| !is_known(path, &NOT_MOTOS));
    let theirs_alone = theirs.difference(&ours).filter(|path| !is_known(path, &NOT_OURS));
    let ours_alone = ours_alone.map(|path| format!("only the fake: {path}"));
    ours_alone.chain(theirs_alone.map(|path| format!("only moto: {path}"))).collect()
}

#[test]
fn what_is_registered_updated_and_described_has_the_same_fields() {
    let both = Both { fake: bed::fake(), moto: moto::start().unwrap() };
    let ask = |service: &str, action: &str, body: Value| {
        let none: [String; 0] = [];
        assert_eq!(differences(&both.ask(service, action, &body)), none, "{action}");
    };
    ask("ecs", "CreateCluster", json!({ "clusterName": "main" }));
    let definition = json!({
        "family": "api",
        "containerDefinitions": [
            { "name": "api", "image": "nginx:1", "essential": true, "memory": 64 },
        ],
        "tags": [{ "key": "a", "value": "b" }],
    });
    ask("ecs", "RegisterTaskDefinition", definition);
    let service = json!({
        "cluster": "main", "serviceName": "api", "taskDefinition": "api", "desiredCount": 2,
        "tags": [{ "key": "a", "value": "b" }],
    });
    ask("ecs", "CreateService", service);
    ask("ecs", "DescribeTaskDefinition", json!({ "taskDefinition": "api", "include": ["TAGS"] }));
    ask("ecs", "ListServices", json!({ "cluster": "main" }));
    let described = json!({ "cluster": "main", "services": ["api", "none"], "include": ["TAGS"] });
    ask("ecs", "DescribeServices", described);
    let updated = json!({ "cluster": "main", "service": "api", "forceNewDeployment": true });
    ask("ecs", "UpdateService", updated);
    ask("ecr", "CreateRepository", json!({ "repositoryName": "app" }));
    ask("ecr", "PutImage", image("v1", "1"));
    let ids = json!({ "repositoryName": "app", "imageIds": [{ "imageTag": "v1" }] });
    ask("ecr", "BatchGetImage", ids.clone());
    ask("ecr", "DescribeImages", ids);
    ask("ecr", "DescribeRepositories", json!({ "repositoryNames": ["app"] }));
}

fn image(tag: &str, content: &str) -> Value {
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": portolan_model::media::OCI_MANIFEST,
        "config": { "size": 3 },
        "layers": [{ "digest": format!("sha256:{content}") }],
    });
    json!({ "repositoryName": "app", "imageTag": tag, "imageManifest": manifest.to_string() })
}

#[tokio::test]
async fn the_client_reads_both_alike() {
    let both = Both { fake: bed::fake(), moto: moto::start().unwrap() };
    both.ask("ecs", "CreateCluster", &json!({ "clusterName": "main" }));
    let containers = json!([
        { "name": "api", "image": "old:1", "essential": true, "memory": 64 },
        { "name": "proxy", "image": "nginx:1", "essential": true, "memory": 64 },
    ]);
    let given = json!({ "family": "api", "containerDefinitions": containers });
    both.ask("ecs", "RegisterTaskDefinition", &given);
    let tags = json!([
        { "key": "deployment:env", "value": "stage" },
        { "key": "deployment:service", "value": "api" },
    ]);
    let service = json!({
        "cluster": "main", "serviceName": "api", "taskDefinition": "api", "desiredCount": 1,
        "tags": tags,
    });
    both.ask("ecs", "CreateService", &service);
    both.ask("ecr", "CreateRepository", &json!({ "repositoryName": "app" }));
    both.ask("ecr", "PutImage", &image("ref.1", "1"));
    both.ask("ecr", "PutImage", &image("ref.2", "2"));

    for url in [both.fake.url(), both.moto.url()] {
        let aws = bed::aws(url).await;
        let (ecs, ecr) = (Ecs::of(&aws), Ecr::of(&aws, None));
        let wanted = ByTags {
            equal: BTreeMap::from([("deployment:env".to_owned(), "stage".to_owned())]),
            key: "deployment:service".to_owned(),
            values: BTreeSet::from(["api".to_owned()]),
            ..ByTags::default()
        };
        let found = ecs.find_services(&wanted).await.unwrap();
        assert_eq!((found.len(), found[0].service_name.as_str()), (1, "api"));
        let name = found[0].task_definition.as_deref().unwrap();
        let base = ecs.describe_task_definition(name).await.unwrap();
        let images = BTreeMap::from([("api".to_owned(), "new:2".to_owned())]);
        let WithImages::Changed(changed) = base.with_images(&images) else { panic!("not changed") };
        let registered = ecs.register_task_definition(&changed).await.unwrap();
        assert_eq!(registered.images()["api"], "new:2");
        assert_eq!(registered.images()["proxy"], "nginx:1");
        let key = bed::key("main", "api");
        let updated = ecs.update_service(&key, registered.arn(), false).await.unwrap();
        assert_eq!(updated.service.task_definition.as_deref(), registered.arn());
        let service = ecs.describe_services(&[key]).await.unwrap().services.remove(0);
        assert_eq!(service.primary().unwrap().id, updated.deployment);
        assert!(service.primary().unwrap().created_at.is_some());

        let targets = ["ref.1", "ref.2"].map(|tag| Target::Tag(tag.parse().unwrap()));
        let images = ecr.images("app", &targets).await.unwrap().found;
        let second = &images[1].1;
        assert_eq!(ecr.put_tag("app", second, "env.stage").await.unwrap(), Tagged::Moved);
        assert_eq!(ecr.put_tag("app", second, "env.stage").await.unwrap(), Tagged::Already);
        assert_eq!(ecr.put_tag("app", &images[0].1, "env.stage").await.unwrap(), Tagged::Moved);
        let detail = ecr.image_detail("app", &targets[0]).await.unwrap().unwrap();
        assert_eq!(detail.tags, ["env.stage", "ref.1"]);
        assert_eq!(aws.caller().await.unwrap().account, moto::ACCOUNT);
    }
}
