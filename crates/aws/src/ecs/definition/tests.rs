//! Task definitions with other images.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn definition(fields: &Value) -> TaskDefinition {
    TaskDefinition::new(fields.as_object().unwrap().clone(), Vec::new())
}

fn base() -> TaskDefinition {
    definition(&json!({
        "taskDefinitionArn": "arn:aws:ecs:eu-west-1:1:task-definition/api:7",
        "family": "api",
        "revision": 7,
        "status": "ACTIVE",
        "requiresAttributes": [{ "name": "x" }],
        "compatibilities": ["FARGATE"],
        "registeredAt": 1.5,
        "registeredBy": "me",
        "taskRoleArn": "arn:aws:iam::1:role/task",
        "aFieldOfTomorrow": { "deep": [1, 0.5, null, ""] },
        "containerDefinitions": [
            {
                "name": "api", "image": "r/api:env.stage", "essential": true, "unheardOf": [],
                "environment": [{ "name": "EMPTY", "value": "" }],
                "logConfiguration": { "logDriver": "awslogs", "options": {
                    "awslogs-group": "g", "awslogs-region": "eu-west-1",
                    "awslogs-stream-prefix": "p" } },
            },
            { "name": "sidecar", "image": "nginx:1", "logConfiguration": {
                "logDriver": "awslogs", "options": { "awslogs-group": "g" } } },
        ],
    }))
}

fn images(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, image)| ((*name).to_owned(), (*image).to_owned())).collect()
}

#[test]
fn only_the_image_of_the_named_container_changes() {
    let base = base();
    let WithImages::Changed(changed) = base.with_images(&images(&[("api", "r/api@sha256:a")]))
    else {
        panic!("it has another image");
    };
    assert_eq!(
        changed.images(),
        BTreeMap::from([("api", "r/api@sha256:a"), ("sidecar", "nginx:1")])
    );
    let mut expected = base.fields().clone();
    expected["containerDefinitions"][0]["image"] = json!("r/api@sha256:a");
    assert_eq!(changed.fields(), &expected);
    assert_eq!(changed.with_images(&images(&[("api", "r/api@sha256:a")])), WithImages::Same);
    assert_eq!(base.with_images(&BTreeMap::new()), WithImages::Same);
}

#[test]
fn a_container_that_is_not_there_is_said_with_those_that_are() {
    let asked = images(&[("api", "a"), ("web", "b")]);
    let expected = WithImages::NoSuchContainer {
        asked: vec!["web".to_owned()],
        valid: vec!["api".to_owned(), "sidecar".to_owned()],
    };
    assert_eq!(base().with_images(&asked), expected);
}

#[test]
fn what_is_registered_has_all_but_what_only_ecs_says() {
    let tags = [("team", "a"), ("aws:cloudformation:stack-name", "s")];
    let tag = |(key, value): (&str, &str)| Tag { key: key.to_owned(), value: value.to_owned() };
    let tagged = TaskDefinition::new(base().fields().clone(), tags.map(tag).to_vec());
    let asked = tagged.to_register();
    let names: Vec<_> = asked.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["aFieldOfTomorrow", "containerDefinitions", "family", "tags", "taskRoleArn"];
    assert_eq!(names, expected);
    assert_eq!(asked["tags"], json!([{ "key": "team", "value": "a" }]));
    assert_eq!(asked["aFieldOfTomorrow"], json!({ "deep": [1, 0.5, null, ""] }));
    assert!(base().to_register().get("tags").is_none());
}

#[test]
fn logs_are_where_the_prefix_says() {
    let streams = base().log_streams("arn:aws:ecs:eu-west-1:1:task/cluster/abc");
    let expected = LogStream {
        container: "api".to_owned(),
        group: "g".to_owned(),
        stream: "p/api/abc".to_owned(),
        region: Some("eu-west-1".to_owned()),
    };
    assert_eq!(streams, [expected]);
}

/// Any JSON, four levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,5}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_else_there_is_survives(
        extra in prop::collection::btree_map("x[a-z]{1,6}", any_json(), 0..5),
        container in prop::collection::btree_map("x[a-z]{1,6}", any_json(), 0..5),
        image in "[a-z]{1,8}",
    ) {
        let mut fields: Map<_, _> = extra.clone().into_iter().collect();
        let mut one: Map<_, _> = container.clone().into_iter().collect();
        one.insert("name".into(), json!("app"));
        one.insert("image".into(), json!("old:1"));
        fields.insert("containerDefinitions".into(), json!([one]));
        let base = TaskDefinition::new(fields, Vec::new());
        let WithImages::Changed(changed) = base.with_images(&images(&[("app", &image)])) else {
            return Err(TestCaseError::fail("not changed"));
        };
        let asked = changed.to_register();
        for (name, value) in extra.iter().filter(|(_, value)| !value.is_null()) {
            prop_assert_eq!(&asked[name], value);
        }
        for (name, value) in &container {
            prop_assert_eq!(&asked["containerDefinitions"][0][name], value);
        }
        prop_assert_eq!(&asked["containerDefinitions"][0]["image"], &json!(image));
    }

    #[test]
    fn nothing_that_ecs_may_say_is_a_panic(fields in any_json(), containers in any_json()) {
        let mut fields = fields.as_object().cloned().unwrap_or_default();
        fields.insert("containerDefinitions".into(), containers);
        let definition = TaskDefinition::new(fields, Vec::new());
        definition.with_images(&images(&[("app", "b")]));
        definition.with_images(&BTreeMap::new());
        definition.log_streams("x");
        definition.to_register();
    }
}
