//! Asset sets over HTTP: found by a look through their bucket, and by S3's events.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use portolan_assets::inputs::Inputs;
use portolan_assets::manifest::{Tools, Who};
use portolan_assets::walk::{Take, walk};
use portolan_assets::{Assets, Run, Scope};
use portolan_aws::{AwsSettings, StaticKey};
use portolan_bucket::{Bucket, BucketSettings, BucketUrl};
use portolan_model::{Clock, CommitId, Digest, Secret, Timestamp};
use portolan_server::AssetSettings;
use portolan_testkit::moto;
use serde_json::{Value, json};

use crate::bed::Bed;

/// What a build writes has the time of the disk.
#[derive(Debug)]
struct Wall;

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "what is written has the time of the disk")]
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap())
    }
}

fn commit(digit: char) -> CommitId {
    String::from(digit).repeat(40).parse().unwrap()
}

fn settings(url: &BucketUrl, bucket: &BucketSettings, sweep: Option<Duration>) -> AssetSettings {
    AssetSettings {
        url: url.clone(),
        bucket: bucket.clone(),
        reads: vec![Scope::main()],
        keys: BTreeMap::new(),
        sweep,
    }
}

/// Stores what a build made of `commit`, as `portolan assets upload` does.
async fn upload(bucket: &Bucket, scope: &str, commit: &CommitId, files: &[(&str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        std::fs::write(folder.path().join(path), text).unwrap();
    }
    let run = Run {
        project: "shop".parse().unwrap(),
        scope: scope.parse().unwrap(),
        reads: vec![Scope::main()],
        read_only: false,
        keys: BTreeMap::new(),
        signer: None,
        parallel: 4,
        tools: Tools::default(),
        who: Who { job: Some("https://ci.example/7".into()), actor: Some("ann".into()) },
    };
    let inputs = Inputs {
        hash: Digest::of(b"inputs"),
        count: 1,
        keys: BTreeMap::new(),
        patterns: vec!["**".to_owned()],
        listing: None,
    };
    let files = walk(&[folder.path().to_owned()], Take::default()).unwrap();
    let assets = Assets::new(bucket.clone(), run, Arc::new(Wall));
    assets.upload(commit, files, Some(&inputs), &|_| {}).await.unwrap();
}

/// Tells the server of an event, and lets it act on that.
async fn tell(bed: &Bed, event: &Value) {
    let json = [("content-type", "application/json")];
    let told = bed.send("POST", "/events", &json, event.to_string()).await;
    assert!(told.status.is_success(), "{}", told.text());
    bed.work().await;
    // A set is left alone for a while after it changed.
    bed.pass(5);
    bed.work().await;
}

/// The sets of a commit, when it is told that there are `many`.
async fn sets(bed: &Bed, commit: &CommitId, many: usize) -> Value {
    for _ in 0..300 {
        let told = bed.get(&format!("/assets?commit={commit}")).await.json();
        if told["assets"].as_array().unwrap().len() == many {
            return told["assets"].clone();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the server does not have {many} sets of {commit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_through_the_bucket_finds_what_no_event_told_and_forgets_what_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let url = BucketUrl::Directory(folder.path().to_owned());
    let bucket = Bucket::open(&url, &BucketSettings::default()).await.unwrap();
    upload(&bucket, "main", &commit('a'), &[("app.zip", "ZIP")]).await;
    let bed = Bed::with(|it| {
        it.assets =
            Some(settings(&url, &BucketSettings::default(), Some(Duration::from_millis(500))));
    });
    let bed = bed.await;
    let workers = bed.app.start_workers();
    let found = sets(&bed, &commit('a'), 1).await;
    assert_eq!(found[0]["state"], "complete");
    assert_eq!(found[0]["project"], "shop");
    assert_eq!((&found[0]["madeBy"], &found[0]["files"]), (&json!("ann"), &json!(1)));
    let one = bed.get(&format!("/assets/{}", commit('a'))).await.json();
    let file = &one[0]["assets"][0];
    assert_eq!((&file["path"], &file["size"]), (&json!("app.zip"), &json!(3)));
    assert_eq!(file["digest"], Digest::of(b"ZIP").to_string());
    assert_eq!(file["sha256Base64"].as_str().unwrap().len(), 44);
    let digest = Digest::of(b"ZIP");
    for asked in [format!("commit={}", commit('a')), format!("digest={digest}")] {
        let whereabouts = bed.get(&format!("/where?{asked}")).await.json();
        assert_eq!(whereabouts["assets"][0]["commit"], commit('a').as_str(), "{asked}");
    }
    let key = format!("shop/main/commits/{}.json", commit('a')).parse().unwrap();
    bucket.delete(&[key]).await.unwrap();
    bed.pass(600);
    sets(&bed, &commit('a'), 0).await;
    assert_eq!(bed.get(&format!("/assets/{}", commit('a'))).await.status, StatusCode::NOT_FOUND);
    workers.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_s3_brings_a_set_and_takes_it_away() {
    let moto = moto::start().unwrap();
    moto.bucket("builds").unwrap();
    let key = StaticKey { id: "test".into(), secret: Secret::new("test".into()), session: None };
    let aws = AwsSettings {
        region: Some("us-east-1".to_owned()),
        endpoint: Some(moto.url()),
        key: Some(key),
        ..AwsSettings::default()
    };
    let reached = BucketSettings { aws, ..BucketSettings::default() };
    let url: BucketUrl = "s3://builds/team".parse().unwrap();
    let bucket = Bucket::open(&url, &reached).await.unwrap();
    let bed = Bed::with(|it| it.assets = Some(settings(&url, &reached, None))).await;
    upload(&bucket, "pull-request", &commit('b'), &[("app.zip", "ZIP")]).await;
    let key = format!("team/shop/pull-request/commits/{}.json", commit('b'));
    let event = |kind: &str, key: &str| {
        json!({
            "version": "0", "id": format!("{kind} {key}"), "source": "aws.s3",
            "detail-type": kind, "time": "2026-11-20T18:00:00Z", "account": "123456789012",
            "region": "us-east-1", "resources": [],
            "detail": { "bucket": { "name": "builds" }, "object": { "key": key } },
        })
    };
    // Of other buckets, and of objects that are no manifest, nothing follows.
    for other in ["team/shop/pull-request/blobs/sha256/00", "elsewhere/x"] {
        tell(&bed, &event("Object Created", other)).await;
    }
    assert_eq!(bed.get("/jobs").await.json()["total"], 0);
    tell(&bed, &event("Object Created", &key)).await;
    let found = sets(&bed, &commit('b'), 1).await;
    assert_eq!(
        (&found[0]["scope"], &found[0]["state"]),
        (&json!("pull-request"), &json!("complete"))
    );
    let below = key.strip_prefix("team/").unwrap().parse().unwrap();
    bucket.delete(&[below]).await.unwrap();
    tell(&bed, &event("Object Deleted", &key)).await;
    sets(&bed, &commit('b'), 0).await;
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused() {
    let bed = Bed::sqlite().await;
    for (path, status) in [
        ("/assets?commit=abc", StatusCode::BAD_REQUEST),
        ("/assets?commit=wxyz", StatusCode::BAD_REQUEST),
        ("/assets?digest=x", StatusCode::BAD_REQUEST),
        ("/assets/abc", StatusCode::NOT_FOUND),
        ("/assets?commit=abcd&page=9", StatusCode::OK),
    ] {
        assert_eq!(bed.get(path).await.status, status, "{path}");
    }
}
