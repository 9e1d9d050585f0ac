//! `/admin`: scans, backfills and garbage collections that somebody asks for.

use http::StatusCode;
use portolan_testkit::docker_registry::{self, Options};
use portolan_testkit::{Image, Layer, Publisher};
use serde_json::json;

use crate::bed::{Bed, service};

async fn a_scan_answers_with_the_artifact(bed: Bed) {
    bed.push("team/shop", "1.0.0", &service("shop", "1")).await;
    let scanned = bed.post("/admin/scan?repo=team/shop&tag=1.0.0").await;
    assert_eq!(scanned.status, StatusCode::OK);
    assert_eq!(scanned.json(), bed.json("/artifacts/team/shop/1.0.0").await);
    for query in ["", "?repo=a", "?tag=1", "?repo=&tag=1", "?repo=a&tag=", "?repo=a&tag=%20"] {
        let answer = bed.post(&format!("/admin/scan{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        let told = json!({ "errorMessage": "repo and tag must be specified" });
        assert_eq!(answer.json(), told, "{query}");
    }
    let missing = bed.post("/admin/scan?repo=team/shop&tag=2").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(missing.json(), json!({ "message": "team/shop:2 was not found" }));
}

async fn a_layer_that_cannot_be_read_is_told(bed: Bed) {
    let broken = Layer { bytes: b"no archive at all".repeat(100), ..Layer::gzip(b"") };
    let image = Image::builder().layer(broken).build();
    bed.push("shop", "1", &image).await;
    let answer = bed.post("/admin/scan?repo=shop&tag=1").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
    let info = bed.json(&format!("/images/{}", image.digest())).await;
    assert_eq!(info["state"], "failed");
    assert_eq!(info["error"], answer.json()["message"]);
    let jobs = bed.json("/jobs?kind=scan-image").await;
    assert_eq!(
        (&jobs["jobs"][0]["state"], &jobs["jobs"][0]["attempts"]),
        (&json!("failed"), &json!(1))
    );
}

async fn one_backfill_at_a_time(bed: Bed) {
    let first = bed.post("/admin/backfill?drop=true").await;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    let job = first.json();
    assert_eq!(first.header("location"), format!("/jobs/{}", job["id"].as_str().unwrap()));
    assert_eq!((&job["kind"], &job["state"]), (&json!("backfill"), &json!("queued")));
    let again = bed.post("/admin/backfill?drop=true").await;
    assert_eq!((again.status, again.json()), (StatusCode::ACCEPTED, job.clone()));
    assert_eq!(bed.post("/admin/backfill").await.status, StatusCode::CONFLICT);
    bed.work().await;
    let done = bed.json(first.header("location")).await;
    assert_eq!((&done["state"], &done["attempts"]), (&json!("done"), &json!(1)));
    assert_eq!(bed.post("/admin/backfill").await.status, StatusCode::ACCEPTED);
}

async fn garbage_goes(bed: Bed) {
    bed.push("shop", "1", &service("shop", "1")).await;
    bed.blob("shop", b"nobody needs this").await;
    bed.pass(3600);
    let asked = bed.post("/admin/registry-gc?graceSeconds=60").await;
    assert_eq!(asked.status, StatusCode::ACCEPTED);
    bed.work().await;
    let job = bed.json(asked.header("location")).await;
    assert_eq!((&job["state"], &job["progress"]["blobs"]), (&json!("done"), &json!(1)), "{job}");
    assert_eq!(job["progress"]["bytes"], 17);
}

crate::on_both_engines!(
    a_scan_answers_with_the_artifact,
    a_layer_that_cannot_be_read_is_told,
    one_backfill_at_a_time,
    garbage_goes,
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_reads_another_registry_and_drops_what_went() {
    let registry = tokio::task::spawn_blocking(|| {
        let registry = docker_registry::start(&Options::default()).unwrap();
        let publisher = Publisher::new(&registry.url(), "team/shop");
        publisher.image("1.0.0", &service("shop", "1")).unwrap();
        publisher.image("1.1.0", &service("shop", "2")).unwrap();
        registry
    });
    let registry = registry.await.unwrap();
    let settings = portolan_oci::Settings::default();
    let nobody = std::sync::Arc::new(portolan_oci::credentials::NoCredentials);
    let client = portolan_oci::Client::new(settings, nobody).unwrap();
    let other = client.registry(&registry.address()).unwrap();
    let bed = Bed::with(|settings| settings.registry = Some(other)).await;
    // A tag that the other registry does not have, by the word of our own.
    bed.push("gone", "1.0.0", &service("gone", "1")).await;
    assert_eq!(bed.json("/deployables").await, json!(["gone"]));
    let job = bed.post("/admin/backfill?drop=true").await;
    bed.pass(1);
    bed.work().await;
    let job = bed.json(job.header("location")).await;
    insta::assert_json_snapshot!("backfill", job);
    assert_eq!(bed.json("/deployables").await, json!(["team/shop"]));
    assert_eq!(bed.json("/deployables/team/shop").await, json!(["1.1.0", "1.0.0"]));
    let scanned = bed.post("/admin/scan?repo=team/shop&tag=1.1.0").await;
    assert_eq!(scanned.json()["repo"], "team/shop");
    drop(tokio::task::spawn_blocking(|| drop(registry)).await);
    let down = bed.post("/admin/scan?repo=team/shop&tag=9.9.9").await;
    assert_eq!(down.status, StatusCode::BAD_GATEWAY, "{}", down.text());
}
