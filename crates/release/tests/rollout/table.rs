//! The table of weco-deploy on moto, which the original reads: what is written there is there once,
//! whoever is killed.

use portolan_aws::{Aws, AwsSettings, StaticKey};
use portolan_model::Secret;
use portolan_release::Options;
use portolan_release::project::ReleaseTable;
use portolan_release::weco::Table;
use portolan_store::{JobFilter, Page, RolloutState, TableWrite, Told};
use portolan_testkit::moto::{self, Moto, REGION};
use portolan_testkit::weco::original_in;
use serde_json::{Value, json};

use crate::bed::{Bed, digest};

const TABLE: &str = "wellcome-releases-shop";

/// The project's file, as the original wants it.
fn file() -> String {
    format!(
        "shop:\n  name: The shop\n  role_arn: arn:aws:iam::{}:role/ci\n  aws_region_name: {REGION}\n  \
         region_name: {REGION}\n  environments:\n  - id: prod\n    name: Production\n  \
         image_repositories:\n  - id: api\n  - id: worker\n  - id: old\n",
        moto::ACCOUNT
    )
}

async fn table(moto: &Moto) -> Table {
    let secret = Secret::new("test".to_owned());
    let settings = AwsSettings {
        region: Some(REGION.to_owned()),
        endpoint: Some(moto.url()),
        key: Some(StaticKey { id: "test".to_owned(), secret, session: None }),
        ..AwsSettings::default()
    };
    let told = ReleaseTable { name: TABLE.into(), project: "shop".into(), ..Default::default() };
    Table::of(&Aws::open(&settings).await, &told)
}

/// What the original says.
fn original(moto: &Moto, arguments: &[&str]) -> String {
    std::fs::write(moto.dir().join(".wellcome_project"), file()).unwrap();
    let mut command = original_in(moto.dir(), moto.environment(), arguments).unwrap();
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

fn shown(moto: &Moto, id: &str) -> Value {
    serde_json::from_str(&original(moto, &["show-release", id])).unwrap()
}

/// As if whoever wrote it had died before that was remembered.
async fn again(bed: &Bed, kind: Told, id: &str) {
    let (id, queued_at) = (id.to_owned(), bed.store.now());
    let project = "shop".to_owned();
    let write = TableWrite { kind, id, project, queued_at, refused: None };
    let queue = bed.store.write(move |tx| {
        let write = write.clone();
        Box::pin(async move { tx.queue_table_write(&write).await })
    });
    queue.await.unwrap();
    bed.releases.write_table("shop").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_twice_the_original_reads_once() {
    let moto = moto::start().unwrap();
    let bed = Bed::with_table(table(&moto).await).await;
    let rollout = bed.roll(2, Options::default()).await;
    assert_eq!(rollout.state, RolloutState::Succeeded);
    // The release and the rollout wait, and a job is queued for each.
    assert_eq!(bed.store.table_writes("shop", 10).await.unwrap().len(), 2);
    let jobs = bed.store.jobs(&JobFilter::default(), Page::ALL).await.unwrap();
    assert_eq!(
        jobs.items.iter().map(|it| it.kind.as_str()).collect::<Vec<_>>(),
        ["release-table"; 2]
    );
    bed.releases.write_table("shop").await.unwrap();
    assert!(bed.store.table_writes("shop", 10).await.unwrap().is_empty());
    let (release, id) = (rollout.release.to_string(), rollout.id.to_string());
    for _ in 0..2 {
        again(&bed, Told::Release, &release).await;
        again(&bed, Told::Rollout, &id).await;
    }
    let item = shown(&moto, &release);
    assert_eq!(item["images"], json!({ "api": "v2", "old": "v2", "worker": "v2" }));
    assert_eq!(item["digests"]["api"], digest("api", 2).to_string());
    let [one] = item["deployments"].as_array().unwrap().as_slice() else { panic!("{item}") };
    assert_eq!((&one["environment"], &one["requested_by"]), (&json!("prod"), &json!("ann")));
    assert_eq!(one["details"]["old"]["tag_result"]["status"], "success");
    assert_eq!(item["last_date_deployed"], one["date_created"]);
    let told = original(&moto, &["show-deployments"]);
    assert!(told.contains(&release) && told.contains("prod") && told.contains("ann"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_recorded_as_one_and_what_changed_nothing_is_not() {
    let moto = moto::start().unwrap();
    let bed = Bed::with_table(table(&moto).await).await;
    bed.memory.state.lock().unwrap().crashing.insert(digest("worker", 2));
    let failed = bed.roll(2, Options::default()).await;
    assert_eq!(failed.state, RolloutState::RolledBack);
    let (two, three) = (bed.order(3, Options::default()), bed.order(1, Options::default()));
    let (two, three) = (two.await, three.await);
    assert_eq!(bed.releases.run(two.id, "me").await.unwrap().state, RolloutState::Succeeded);
    // The world has moved since.
    assert_eq!(bed.releases.run(three.id, "me").await.unwrap().state, RolloutState::Refused);
    bed.releases.write_table("shop").await.unwrap();
    let deployments = |id: &str| shown(&moto, id)["deployments"].as_array().unwrap().clone();
    let [one] = &deployments(&failed.release.to_string())[..] else { panic!() };
    let said = one["description"].as_str().unwrap();
    assert!(said.starts_with("FAILED (and was undone)"), "{said}");
    assert_eq!(deployments(&two.release.to_string()).len(), 1);
    assert_eq!(deployments(&three.release.to_string()).len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn releases_of_others_are_taken_in_once() {
    let moto = moto::start().unwrap();
    let bed = Bed::with_table(table(&moto).await).await;
    // It makes the table.
    original(&moto, &["show-deployments"]);
    let item = |id: &str, tag: &str, day: u32| {
        json!({ "TableName": TABLE, "Item": {
            "release_id": { "S": id }, "project_id": { "S": "shop" },
            "project_name": { "S": "The shop" }, "requested_by": { "S": "arn:aws:sts::1:user/bob" },
            "date_created": { "S": format!("2026-10-{day:02}T09:00:00.123456") },
            "description": { "S": "No description provided" },
            "images": { "M": {
                "api": { "S": tag }, "worker": { "S": format!("r.example/old/worker:{tag}") },
                "old": { "NULL": true },
            } },
            "deployments": { "L": [] },
        } })
    };
    let id = |number: u32| format!("0e6b5a52-5f7c-4ce5-8b38-{number:012}");
    for number in 1..=30 {
        let tag = if number == 7 { "gone" } else { "v2" };
        let asked = item(&id(number), tag, number);
        moto.call("dynamodb", "DynamoDB_20120810.PutItem", &asked).unwrap();
    }
    let strange = item("not-an-identity", "v2", 31);
    moto.call("dynamodb", "DynamoDB_20120810.PutItem", &strange).unwrap();
    let first = bed.releases.list(Some("shop"), Page::ALL).await.unwrap();
    assert_eq!(first.total, 30);
    let newest = &first.items[0];
    assert_eq!((newest.id.to_string(), newest.created_by.as_str()), (id(30), "bob"));
    assert_eq!(newest.description, "");
    assert_eq!(newest.created_at.to_string(), "2026-10-30T09:00:00.123Z");
    assert_eq!(newest.image("worker").unwrap().digest, digest("worker", 2));
    assert!(newest.image("old").is_none());
    let gone = first.items.iter().find(|it| it.id.to_string() == id(7)).unwrap();
    assert_eq!(gone.source["lost"]["api"], "gone is not in r.example/shop/api any more");
    // Asked again it is the same; one that came since is found by its name at once.
    let asked = item(&id(99), "v3", 1);
    moto.call("dynamodb", "DynamoDB_20120810.PutItem", &asked).unwrap();
    assert_eq!(bed.releases.list(Some("shop"), Page::ALL).await.unwrap().total, 30);
    let (late, _) = bed.releases.show(id(99).parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(late.image("api").unwrap().digest, digest("api", 3));
    assert!(bed.releases.show(id(98).parse().unwrap()).await.unwrap().is_none());
    assert_eq!(bed.releases.list(Some("shop"), Page::ALL).await.unwrap().total, 31);
    // What was taken in is not written back.
    assert!(bed.store.table_writes("shop", 10).await.unwrap().is_empty());
}
