//! Tables of `DynamoDB`, against moto.

use portolan_aws::dynamo::{Dynamo, Expression, Item, Query};
use portolan_testkit::moto;
use serde_json::{Value, json};

use crate::bed;

const TABLE: &str = "wellcome-releases-golden";

fn item(value: &Value) -> Item {
    value.as_object().unwrap().clone()
}

fn release(id: &str, created: &str) -> Item {
    item(&json!({
        "release_id": id, "project_id": "golden", "date_created": created,
        "images": { "one": "ref.1", "none": null }, "deployments": [], "count": 3,
    }))
}

/// The table as the original makes it.
fn table() -> Value {
    let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
    let index = |name: &str, range: &str| {
        json!({
            "IndexName": name,
            "KeySchema": [key("project_id", "HASH"), key(range, "RANGE")],
            "Projection": { "ProjectionType": "ALL" },
            "ProvisionedThroughput": { "ReadCapacityUnits": 1, "WriteCapacityUnits": 1 },
        })
    };
    let attributes = ["release_id", "project_id", "date_created", "last_date_deployed"];
    let attributes = attributes.map(|it| json!({ "AttributeName": it, "AttributeType": "S" }));
    json!({
        "TableName": TABLE,
        "KeySchema": [key("release_id", "HASH")],
        "AttributeDefinitions": attributes,
        "GlobalSecondaryIndexes": [
            index("project_gsi", "date_created"), index("deployment_gsi", "last_date_deployed"),
        ],
        "ProvisionedThroughput": { "ReadCapacityUnits": 1, "WriteCapacityUnits": 1 },
    })
}

fn of_project(index: &str, most: usize) -> Query {
    Query {
        index: Some(index.to_owned()),
        keys: Expression::new("project_id = :p", [(":p", json!("golden"))]),
        descending: true,
        most,
    }
}

#[tokio::test]
async fn releases_are_written_read_queried_and_changed() {
    let moto = moto::start().unwrap();
    let dynamo = Dynamo::of(&bed::aws(moto.url()).await);
    assert_eq!(dynamo.status(TABLE).await.unwrap(), None);
    dynamo.create(&table()).await.unwrap();
    assert_eq!(dynamo.status(TABLE).await.unwrap().as_deref(), Some("ACTIVE"));
    let id = |id: &str| item(&json!({ "release_id": id }));
    assert_eq!(dynamo.get(TABLE, &id("a")).await.unwrap(), None);

    for (name, created) in [("a", "2026-11-01"), ("b", "2026-11-02"), ("c", "2026-11-03")] {
        assert!(dynamo.put(TABLE, &release(name, created), None).await.unwrap());
    }
    assert_eq!(dynamo.get(TABLE, &id("b")).await.unwrap(), Some(release("b", "2026-11-02")));
    let unless = Expression::new("attribute_not_exists(release_id)", []);
    assert!(!dynamo.put(TABLE, &release("a", "x"), Some(&unless)).await.unwrap());
    let latest = dynamo.query(TABLE, &of_project("project_gsi", 2)).await.unwrap();
    let ids: Vec<_> = latest.iter().map(|item| item["release_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["c", "b"]);

    let add = Expression::new(
        "SET #d = list_append(#d, :d), last_date_deployed = :now",
        [(":d", json!([{ "environment": "stage" }])), (":now", json!("2026-11-04"))],
    )
    .naming([("#d", "deployments")]);
    let there = Expression::new("attribute_exists(release_id)", []);
    assert!(dynamo.update(TABLE, &id("a"), &add, Some(&there)).await.unwrap());
    assert!(!dynamo.update(TABLE, &id("none"), &add, Some(&there)).await.unwrap());
    let deployed = dynamo.query(TABLE, &of_project("deployment_gsi", 10)).await.unwrap();
    assert_eq!(deployed.len(), 1);
    assert_eq!(deployed[0]["deployments"], json!([{ "environment": "stage" }]));
    let error = dynamo.get("none", &id("a")).await.unwrap_err();
    assert_eq!(error.code(), Some("ResourceNotFoundException"));
}
