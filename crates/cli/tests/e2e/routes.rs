//! Every route of the API, asked over the wire.

use portolan_model::Digest;
use portolan_testkit::http::Answer;
use serde_json::{Value, json};

use crate::images;
use crate::world::{Engine, PATIENCE, World};

on_both_stores!(
    artifacts_are_told_in_the_portals_shape,
    files_are_served_as_they_are,
    images_and_tags_with_their_history,
    services_and_what_can_be_deployed,
    scans_and_backfills_on_demand,
    what_operators_ask,
);

const REPOSITORY: &str = "shop/orders/api";

/// A server with two versions of a service, a branch's image and a Docker image.
fn world(engine: Engine) -> World {
    let world = World::start(engine);
    let publisher = world.publisher(REPOSITORY);
    publisher.image("v1.9.0", &images::service("orders-api", "1.9.0", "linux/amd64")).unwrap();
    publisher.index("1.10.0", &images::service_index("orders-api", "1.10.0")).unwrap();
    publisher.image("main", &images::service("orders-api", "2.0.0", "linux/amd64")).unwrap();
    world.publisher("cart").image("3.0.0", &images::docker("cart", "3.0.0")).unwrap();
    for (repository, tag) in
        [(REPOSITORY, "v1.9.0"), (REPOSITORY, "1.10.0"), (REPOSITORY, "main"), ("cart", "3.0.0")]
    {
        world.artifact(repository, tag);
    }
    world
}

fn post(world: &World, path: &str) -> Answer {
    world.client.send("POST", &world.url(path), &[], &[]).unwrap()
}

fn names(list: &Value, field: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
}

fn artifacts_are_told_in_the_portals_shape(engine: Engine) {
    let world = world(engine);
    let all = world.json("/artifacts").unwrap();
    assert_eq!(names(&all, "tag"), ["3.0.0", "1.10.0", "main", "v1.9.0"]);
    assert_eq!(world.json("/cdp-portal-backend/artifacts").unwrap(), all);
    let page = world.json("/artifacts?page=2&size=3").unwrap();
    assert_eq!(names(&page["artifacts"], "tag"), ["v1.9.0"]);
    assert_eq!((&page["total"], &page["totalPages"]), (&json!(4), &json!(2)));

    let one = world.json("/artifacts/cart/3.0.0").unwrap();
    let docker = images::docker("cart", "3.0.0");
    assert_eq!(one["repo"], "cart");
    assert_eq!(one["sha256"], docker.digest().to_string());
    assert_eq!(one["configDigest"], docker.config.digest().to_string());
    assert_eq!(one["semVer"], 3_i64 << 32);
    assert_eq!(one["serviceName"], "cart");
    assert_eq!(one["runMode"], "service");
    // The shapes of S0, without the moments.
    for field in ["created", "githubUrl", "scannerVersion", "files"] {
        assert!(one.get(field).is_some(), "{field} is missing in {one}");
    }
    let paths = names(&one["files"], "path");
    assert!(paths.contains(&"home/node/app/package-lock.json".to_owned()), "{paths:?}");
    assert!(paths.contains(&"etc/os-release".to_owned()), "{paths:?}");

    for list in ["/artifacts/shop/orders/api", "/artifacts/shop%2Forders%2Fapi"] {
        assert_eq!(names(&world.json(list).unwrap(), "tag"), ["1.10.0", "main", "v1.9.0"]);
    }
    assert_eq!(world.json("/artifacts/unheard/of/repository").err().map(|_| ()), Some(()));
    assert_eq!(world.json("/artifacts/unheard").unwrap(), json!([]));
    let latest = world.json("/artifacts/shop/orders/api/latest").unwrap();
    assert_eq!(latest["tag"], "1.10.0");
    assert_eq!(
        latest["sha256"],
        images::service_index("orders-api", "1.10.0").digest().to_string()
    );
    let missing = world.get("/artifacts/cart/9.9.9").unwrap();
    assert_eq!(missing.status, 404);
    assert_eq!(missing.json().unwrap(), json!({ "message": "cart:9.9.9 was not found" }));

    let first = world.get("/artifacts/cart/3.0.0").unwrap();
    let held = [("if-none-match", first.header("etag").unwrap())];
    let again = world.client.send("GET", &world.url("/artifacts/cart/3.0.0"), &held, &[]).unwrap();
    assert_eq!((again.status, again.body.len()), (304, 0));
}

fn files_are_served_as_they_are(engine: Engine) {
    let world = world(engine);
    let artifact = world.json("/artifacts/shop/orders/api/main").unwrap();
    let files = artifact["files"].as_array().unwrap();
    let layer = |path: &str| {
        let file = files.iter().find(|file| file["path"] == path).unwrap();
        file["layerSha256"].as_str().unwrap().to_owned()
    };
    let package = "home/node/app/package.json";
    let layer = layer(package);
    let answer =
        world.get(&format!("/files/{layer}?path=home%2Fnode%2Fapp%2Fpackage.json")).unwrap();
    assert_eq!(answer.text(), r#"{"name":"orders-api","version":"2.0.0"}"#);
    assert!(answer.header("content-type").unwrap().starts_with("application/json"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let url = world.url(&format!("/files/{layer}?path={package}"));
    let part = world.client.send("GET", &url, &[("range", "bytes=0-6")], &[]).unwrap();
    assert_eq!((part.status, &*part.text()), (206, "{\"name\""));

    for path in [
        format!("/files/{layer}?path=no/such/file"),
        format!("/files/sha256:{}?path=a", "0".repeat(64)),
        "/files/not-a-digest?path=a".to_owned(),
    ] {
        let answer = world.get(&path).unwrap();
        assert_eq!(answer.status, 404, "{path}");
        let message = answer.json().unwrap()["message"].as_str().unwrap().to_owned();
        assert!(message.ends_with(" was not found"), "{path}: {message}");
    }
    assert_eq!(world.get(&format!("/files/{layer}")).unwrap().status, 400);
}

fn images_and_tags_with_their_history(engine: Engine) {
    let world = world(engine);
    let again = images::service("orders-api", "2.0.1", "linux/amd64");
    world.publisher(REPOSITORY).image("main", &again).unwrap();
    let moved = |answer: &Answer| {
        answer.json().is_ok_and(|artifact| artifact["sha256"] == again.digest().to_string())
    };
    world.eventually("/artifacts/shop/orders/api/main", PATIENCE, moved).unwrap();
    let repositories = world.json("/images").unwrap();
    assert_eq!(names(&repositories["images"], "repository"), ["cart", REPOSITORY]);
    let found = world.json("/images?contains=orders").unwrap();
    assert_eq!((&found["total"], &found["images"][0]["tags"]), (&json!(1), &json!(3)));

    let image = world.json(&format!("/images/{}", again.digest())).unwrap();
    assert_eq!(image["state"], "scanned");
    assert_eq!(image["platform"], "linux/amd64");
    assert_eq!(image["config"]["entrypoint"], json!(["/usr/bin/tool"]), "{image}");
    assert_eq!(image["layers"].as_array().unwrap().len(), 2);
    assert_eq!(image["tags"][0]["tag"], "main");
    let files = world.json(&format!("/images/{}/files", again.digest())).unwrap();
    let paths = names(&files["files"], "path");
    for seen in ["usr/bin/tool", "usr/bin/same", "bin", "srv/old/three"] {
        assert!(paths.contains(&seen.to_owned()), "{seen} is missing in {paths:?}");
    }
    for hidden in ["etc/removed-later", "etc/.wh.removed-later", "srv/old/one", "srv/old/two"] {
        assert!(!paths.contains(&hidden.to_owned()), "{hidden} is in {paths:?}");
    }
    let file = |path: &str| {
        let files = files["files"].as_array().unwrap();
        files.iter().find(|file| file["path"] == path).unwrap().clone()
    };
    assert_eq!(file("usr/bin/tool")["mode"], "0755");
    assert_eq!(file("usr/bin/tool")["digest"], Digest::of(&vec![7; 100_000]).to_string());
    assert_eq!(file("bin")["link"], "usr/bin");
    let part = world.json(&format!("/images/{}/files?limit=2", again.digest())).unwrap();
    assert_eq!(part["next"], part["files"][1]["path"]);

    let tags = world.json("/tags?repo=shop/orders/api").unwrap();
    assert_eq!(names(&tags["tags"], "tag"), ["1.10.0", "main", "v1.9.0"]);
    let history = world.json("/tags/history?repo=shop/orders/api&tag=main").unwrap();
    let digests = names(&history["moves"], "digest");
    let first = images::service("orders-api", "2.0.0", "linux/amd64");
    assert_eq!(digests, [again.digest().to_string(), first.digest().to_string()]);
    assert_eq!(history["moves"][1]["to"], history["moves"][0]["from"]);
}

fn services_and_what_can_be_deployed(engine: Engine) {
    let world = world(engine);
    let orders = json!({
        "serviceName": "orders-api",
        "githubUrl": "https://github.com/example/orders-api",
        "imageName": REPOSITORY,
    });
    let services = world.json("/services").unwrap();
    assert_eq!(names(&services, "serviceName"), ["cart", "orders-api"]);
    assert_eq!(services[1], orders);
    assert_eq!(world.json("/services/orders-api").unwrap(), orders);
    assert_eq!(world.get("/services/unheard-of").unwrap().status, 404);
    assert_eq!(world.json("/deployables").unwrap(), json!(["cart", REPOSITORY]));
    let versions = world.json("/deployables/shop/orders/api").unwrap();
    assert_eq!(versions, json!(["1.10.0", "v1.9.0"]));
    assert_eq!(world.json("/deployables/unheard-of").unwrap(), json!([]));
}

fn scans_and_backfills_on_demand(engine: Engine) {
    let world = world(engine);
    let scanned = post(&world, "/admin/scan?repo=cart&tag=3.0.0");
    assert_eq!(scanned.status, 200, "{}", scanned.text());
    assert_eq!(scanned.json().unwrap(), world.json("/artifacts/cart/3.0.0").unwrap());
    assert_eq!(post(&world, "/admin/scan?repo=cart&tag=9").status, 404);
    assert_eq!(post(&world, "/admin/scan?repo=cart").status, 400);
    assert_eq!(world.get("/admin/scan?repo=cart&tag=3.0.0").unwrap().status, 405);

    let started = post(&world, "/admin/backfill");
    assert_eq!(started.status, 202, "{}", started.text());
    let id = started.json().unwrap()["id"].as_str().unwrap().to_owned();
    let path = format!("/jobs/{id}");
    let done = |answer: &Answer| answer.json().unwrap()["state"] == "done";
    let job = world.eventually(&path, PATIENCE, done).unwrap().json().unwrap();
    assert_eq!(job["kind"], "backfill");
    assert_eq!(job["progress"]["repositories"], 2);
    assert_eq!(job["progress"]["tags"], 4);
}

fn what_operators_ask(engine: Engine) {
    let world = world(engine);
    assert_eq!(world.get("/health").unwrap().text(), "Healthy");
    assert_eq!(world.get("/ready").unwrap().status, 200);
    let metrics = world.get("/metrics").unwrap().text();
    assert!(metrics.contains("# TYPE "), "{metrics}");
    let jobs = world.json("/jobs").unwrap();
    assert!(jobs["jobs"].as_array().is_some_and(|jobs| !jobs.is_empty()), "{jobs}");

    let document = world.json("/openapi.json").unwrap();
    for path in [
        "/artifacts",
        "/artifacts/{repo}",
        "/artifacts/{repo}/{tag}",
        "/files/{layer}",
        "/services",
        "/services/{service}",
        "/deployables",
        "/deployables/{repo}",
        "/admin/scan",
        "/admin/backfill",
        "/admin/registry-gc",
        "/images",
        "/images/{digest}",
        "/images/{digest}/files",
        "/tags",
        "/tags/history",
        "/jobs",
        "/jobs/{id}",
        "/jobs/{id}/events",
        "/health",
        "/ready",
        "/metrics",
    ] {
        assert!(document["paths"].get(path).is_some(), "{path} is not described");
    }
    let swagger = world.get("/swagger/").unwrap();
    assert_eq!(swagger.status, 200);
    assert!(!swagger.text().contains("https://"), "the page must work offline");

    let evil = [("host", "evil.example")];
    let refused = world.client.send("GET", &world.url("/artifacts"), &evil, &[]).unwrap();
    assert_eq!(refused.status, 403);
    let cross = [("origin", "https://evil.example")];
    let refused = world.client.send("POST", &world.url("/admin/backfill"), &cross, &[]).unwrap();
    assert_eq!(refused.status, 403);
    let unknown = world.get("/no/such/route").unwrap();
    assert_eq!(unknown.status, 404);
    assert!(unknown.json().unwrap()["message"].is_string());
}
