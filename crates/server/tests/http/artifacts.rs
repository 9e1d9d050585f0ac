//! `/artifacts`, `/services`, `/deployables`: what the portal's clients ask.

use http::StatusCode;
use portolan_testkit::tar::{self, Entry};
use portolan_testkit::{Image, Index, Layer};
use serde_json::{Value, json};

use crate::bed::{Bed, service};

fn tags(list: &Value) -> Vec<String> {
    let name = |item: &Value| {
        format!("{}:{}", item["repo"].as_str().unwrap(), item["tag"].as_str().unwrap())
    };
    list.as_array().unwrap().iter().map(name).collect()
}

async fn shapes(bed: Bed) {
    bed.push("shop", "v1.2.3", &service("shop", "1.2.3")).await;
    insta::assert_json_snapshot!("artifact", bed.json("/artifacts/shop/v1.2.3").await);
    insta::assert_json_snapshot!("services", bed.json("/services").await);
    assert_eq!(bed.json("/services/shop").await, bed.json("/services").await[0]);
    let list = bed.json("/artifacts").await;
    assert_eq!(list, json!([bed.json("/artifacts/shop/v1.2.3").await]));
    assert_eq!(bed.json("/artifacts/shop").await, list);
    let part = bed.json("/artifacts?page=1&size=10").await;
    assert_eq!(part["artifacts"], list);
    assert_eq!((&part["page"], &part["pageSize"]), (&json!(1), &json!(10)));
    assert_eq!((&part["totalPages"], &part["total"]), (&json!(1), &json!(1)));
}

async fn what_is_not_there(bed: Bed) {
    assert_eq!(bed.json("/artifacts").await, json!([]));
    assert_eq!(bed.json("/artifacts/unknown").await, json!([]));
    assert_eq!(bed.json("/artifacts/NoName").await, json!([]));
    assert_eq!(bed.json("/services").await, json!([]));
    assert_eq!(bed.json("/deployables").await, json!([]));
    assert_eq!(bed.json("/deployables/unknown").await, json!([]));
    for (path, what) in [
        ("/artifacts/shop/1.0.0", "shop:1.0.0"),
        ("/artifacts/shop/latest", "shop:latest"),
        ("/artifacts/a/b/1", "a/b:1"),
        ("/artifacts/Shop/1", "Shop:1"),
        ("/services/unknown", "unknown"),
    ] {
        let answer = bed.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.json(), json!({ "message": format!("{what} was not found") }));
    }
}

async fn versions_are_ordered(bed: Bed) {
    for tag in ["1.9.0", "v1.10.0", "1.10.0-rc.1", "nightly", "latest"] {
        bed.push("shop", tag, &service("shop", tag)).await;
    }
    let versions = bed.json("/deployables/shop").await;
    assert_eq!(versions, json!(["v1.10.0", "1.10.0-rc.1", "1.9.0"]));
    assert_eq!(bed.json("/deployables").await, json!(["shop"]));
    assert_eq!(bed.json("/artifacts/shop/latest").await["tag"], "v1.10.0");
    assert_eq!(
        bed.json("/artifacts/shop/v1.10.0").await["semVer"],
        json!((1_i64 << 32) + (10 << 16))
    );
    assert_eq!(bed.json("/artifacts/shop/nightly").await["semVer"], Value::Null);
    bed.push("tool", "latest", &service("tool", "x")).await;
    assert_eq!(bed.json("/artifacts/tool/latest").await["tag"], "latest", "no tag is a version");
}

async fn repositories_with_slashes(bed: Bed) {
    bed.push("team/app", "1.0.0", &service("app", "1.0.0")).await;
    bed.push("team/app/worker", "2.0.0", &service("worker", "2.0.0")).await;
    let list = |path: &'static str| async { tags(&bed.json(path).await) };
    assert_eq!(list("/artifacts/team/app").await, ["team/app:1.0.0"]);
    assert_eq!(list("/artifacts/team%2Fapp").await, ["team/app:1.0.0"]);
    assert_eq!(list("/artifacts/team/app/worker").await, ["team/app/worker:2.0.0"]);
    assert_eq!(list("/artifacts/team").await, [""; 0]);
    for path in ["/artifacts/team/app/1.0.0", "/artifacts/team%2Fapp/1.0.0"] {
        assert_eq!(bed.json(path).await["repo"], "team/app", "{path}");
    }
    assert_eq!(bed.json("/artifacts/team/app/worker/2.0.0").await["tag"], "2.0.0");
    assert_eq!(bed.json("/artifacts/team/app/worker/latest").await["tag"], "2.0.0");
    assert_eq!(bed.json("/deployables/team/app").await, json!(["1.0.0"]));
    assert_eq!(bed.json("/deployables/team%2Fapp%2Fworker").await, json!(["2.0.0"]));
    // The tag `worker` of `team/app`, where a repository of that name is: the encoded slash decides.
    bed.push("team/app", "worker", &service("app", "x")).await;
    assert_eq!(list("/artifacts/team/app/worker").await, ["team/app/worker:2.0.0"]);
    assert_eq!(bed.json("/artifacts/team%2Fapp/worker").await["tag"], "worker");
}

async fn an_index_is_one_artifact(bed: Bed) {
    let image = |platform: &str, text: &str| {
        let archive = tar::archive(&[Entry::file("app/package.json", text)]);
        let builder = Image::builder().platform(platform).layer(Layer::gzip(&archive));
        builder.label("defra.cdp.service.name", "many").build()
    };
    let index = Index::of(vec![image("linux/amd64", "{}"), image("linux/arm64", "[]")]);
    bed.push_index("many", "1.0.0", &index).await;
    let artifact = bed.json("/artifacts/many/1.0.0").await;
    assert_eq!(artifact["sha256"], index.digest().to_string());
    assert_eq!(artifact["kind"], "index");
    assert_eq!(artifact["serviceName"], "many");
    assert_eq!(artifact["files"].as_array().unwrap().len(), 2, "of each platform");
}

async fn a_tag_that_moves_or_goes(bed: Bed) {
    let (old, new) = (service("shop", "1"), service("shop", "2"));
    bed.push("shop", "1.0.0", &old).await;
    let first = bed.json("/artifacts/shop/1.0.0").await;
    bed.pass(60);
    bed.push("shop", "1.0.0", &new).await;
    let second = bed.json("/artifacts/shop/1.0.0").await;
    assert_eq!(second["sha256"], new.digest().to_string());
    assert_eq!(first["created"], "2026-11-20T18:00:00.000Z");
    assert_eq!(second["created"], "2026-11-20T18:01:00.000Z");
    bed.pass(60);
    let gone = bed.send("DELETE", "/v2/shop/manifests/1.0.0", &[], "").await;
    assert_eq!(gone.status, StatusCode::ACCEPTED, "{}", gone.text());
    bed.work().await;
    assert_eq!(bed.get("/artifacts/shop/1.0.0").await.status, StatusCode::NOT_FOUND);
    let history = bed.json("/tags/history?repo=shop&tag=1.0.0").await;
    insta::assert_json_snapshot!("tag history", history);
}

crate::on_both_engines!(
    shapes,
    what_is_not_there,
    versions_are_ordered,
    repositories_with_slashes,
    an_index_is_one_artifact,
    a_tag_that_moves_or_goes,
);

#[tokio::test]
async fn a_long_list_is_whole() {
    let bed = Bed::sqlite().await;
    let image = service("shop", "1");
    bed.push("shop", "0", &image).await;
    for number in 1..450 {
        bed.manifest("shop", &number.to_string(), &image.manifest).await;
    }
    bed.work().await;
    let list = bed.json("/artifacts").await;
    let mut names = tags(&list);
    names.dedup();
    assert_eq!(names.len(), 450);
    let ninth = bed.json("/artifacts?page=9&size=50").await;
    assert_eq!(ninth["artifacts"].as_array().unwrap().len(), 50);
    assert_eq!((&ninth["totalPages"], &ninth["total"]), (&json!(9), &json!(450)));
    assert_eq!(bed.json("/artifacts?page=10&size=50").await["artifacts"], json!([]));
}

#[tokio::test]
async fn the_portals_clients_write_paths_as_they_like() {
    let bed = Bed::sqlite().await;
    bed.push("shop", "1.0.0", &service("shop", "1")).await;
    let expected = bed.json("/artifacts/shop/1.0.0").await;
    for path in [
        "/Artifacts/shop/1.0.0",
        "/cdp-portal-backend/artifacts/shop/1.0.0",
        "/CDP-portal-backend/ARTIFACTS/shop/1.0.0",
    ] {
        assert_eq!(bed.json(path).await, expected, "{path}");
    }
    assert_eq!(bed.get("/cdp-portal-backend/health").await.text(), "Healthy");
}

#[tokio::test]
async fn what_a_client_has_is_not_sent_again() {
    let bed = Bed::sqlite().await;
    bed.push("shop", "1.0.0", &service("shop", "1")).await;
    for path in [
        "/artifacts/shop/1.0.0",
        "/services",
        "/services/shop",
        "/deployables",
        "/deployables/shop",
    ] {
        let first = bed.get(path).await;
        let held = [("if-none-match", first.header("etag"))];
        let again = bed.send("GET", path, &held, "").await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{path}");
        bed.send("GET", path, &[("if-none-match", "\"other\"")], "").await.json();
    }
}
