//! Task definitions keep what nobody knows.

use std::collections::BTreeMap;

use portolan_aws::Trouble;
use portolan_aws::ecs::{Ecs, Tag, TaskDefinition, WithImages};
use serde_json::json;

use crate::bed;

#[tokio::test]
async fn what_is_not_known_is_registered_again() {
    let fake = bed::fake();
    let given = json!({
        "family": "api",
        "aFieldOfTomorrow": { "on": true, "share": 0.25, "list": [null, "", 1] },
        "containerDefinitions": [
            { "name": "api", "image": "old:1", "tomorrow": [1, { "x": null }], "environment": [
                { "name": "EMPTY", "value": "" } ] },
            { "name": "log", "image": "log:1" },
        ],
        "tags": [{ "key": "team", "value": "a" }],
    });
    fake.call("RegisterTaskDefinition", &given).unwrap();
    let ecs = Ecs::of(&bed::aws(fake.url()).await);
    let base = ecs.describe_task_definition("api").await.unwrap();
    assert_eq!((base.family(), base.revision()), (Some("api"), Some(1)));
    let images = BTreeMap::from([("api".to_owned(), "new@sha256:1".to_owned())]);
    let WithImages::Changed(changed) = base.with_images(&images) else { panic!("not changed") };
    let registered = ecs.register_task_definition(&changed).await.unwrap();
    assert_eq!(registered.revision(), Some(2));
    let after = ecs.describe_task_definition(registered.arn().unwrap()).await.unwrap();
    assert_eq!(after.fields()["aFieldOfTomorrow"], given["aFieldOfTomorrow"]);
    // ECS adds what it says of every container, as an empty list.
    let mut containers = base.fields()["containerDefinitions"].clone();
    for (name, value) in given["containerDefinitions"][0].as_object().unwrap() {
        assert_eq!(&containers[0][name], value, "{name}");
    }
    containers[0]["image"] = json!("new@sha256:1");
    assert_eq!(after.fields()["containerDefinitions"], containers);
    assert_eq!(after.tags(), [Tag { key: "team".to_owned(), value: "a".to_owned() }]);
    assert_eq!(after.with_images(&images), WithImages::Same);
}

#[tokio::test]
async fn what_cannot_be_is_told_with_its_name() {
    let fake = bed::fake();
    let ecs = Ecs::of(&bed::aws(fake.url()).await);
    let error = ecs.describe_task_definition("none:3").await.unwrap_err();
    assert_eq!((error.code(), error.trouble()), (Some("ClientException"), Trouble::Refused));
    assert!(error.to_string().contains("describe the task definition none:3"), "{error}");
    let fields = json!({ "family": "x", "containerDefinitions": [] });
    let empty = TaskDefinition::new(fields.as_object().unwrap().clone(), Vec::new());
    let error = ecs.register_task_definition(&empty).await.unwrap_err();
    assert!(error.to_string().contains("Container list cannot be empty"), "{error}");
}
