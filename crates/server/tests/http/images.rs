//! `/images` and `/tags`: images by their digests.

use http::StatusCode;
use portolan_model::Digest;
use portolan_testkit::tar::{self, Entry};
use portolan_testkit::{Image, Index, Layer};
use serde_json::{Value, json};

use crate::bed::{Bed, service};

fn paths(list: &Value) -> Vec<&str> {
    list["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect()
}

async fn shapes(bed: Bed) {
    let image = service("shop", "1.2.3");
    bed.push("team/shop", "1.2.3", &image).await;
    bed.push("other", "1", &image).await;
    let digest = image.digest();
    insta::assert_json_snapshot!("image", bed.json(&format!("/images/{digest}")).await);
    insta::assert_json_snapshot!("files", bed.json(&format!("/images/{digest}/files")).await);
    insta::assert_json_snapshot!("repositories", bed.json("/images").await);
    insta::assert_json_snapshot!("tags", bed.json("/tags?repo=team/shop").await);
    assert_eq!(bed.json("/tags").await["total"], 2);
    assert_eq!(
        bed.json("/images?contains=SHO").await["total"],
        bed.json("/images?contains=sho").await["total"]
    );
    assert_eq!(bed.json("/images?contains=%25").await["total"], 0);
}

async fn what_is_not_there(bed: Bed) {
    let none = Digest::of(b"none");
    for path in [
        format!("/images/{none}"),
        format!("/images/{none}/files"),
        "/images/latest".to_owned(),
        "/tags/history?repo=a&tag=b".to_owned(),
    ] {
        let answer = bed.get(&path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.json()["message"].as_str().unwrap().ends_with(" was not found"), "{path}");
    }
}

crate::on_both_engines!(shapes, what_is_not_there);

#[tokio::test]
async fn files_in_parts() {
    let bed = Bed::sqlite().await;
    let lower = tar::archive(&[
        Entry::file("a", "1"),
        Entry::file("b/package.json", "{}"),
        Entry::file("c", "3"),
        Entry::file("d", "4"),
    ]);
    let upper = tar::archive(&[Entry::file(".wh.c", ""), Entry::file("a", "one")]);
    let builder = Image::builder().layer(Layer::gzip(&lower)).layer(Layer::plain(upper));
    let image = builder.build();
    bed.push("shop", "1", &image).await;
    let files = format!("/images/{}/files", image.digest());
    let first = bed.json(&format!("{files}?limit=2")).await;
    assert_eq!(paths(&first), ["a", "b/package.json"]);
    let rest =
        bed.json(&format!("{files}?limit=2&after={}", first["next"].as_str().unwrap())).await;
    assert_eq!(paths(&rest), ["d"], "a layer above removed `c`");
    assert_eq!(rest["next"], Value::Null);
    assert_eq!(first["files"][0]["size"], 3, "the upper layer's");
    assert_eq!(paths(&bed.json(&format!("{files}?kept=true")).await), ["b/package.json"]);
    assert_eq!(paths(&bed.json(&format!("{files}?contains=PACK")).await), ["b/package.json"]);
}

#[tokio::test]
async fn the_files_of_an_index_are_those_of_a_platform() {
    let bed = Bed::sqlite().await;
    let image = |platform: &str, name: &str| {
        let archive = tar::archive(&[Entry::file(name, "x")]);
        Image::builder().platform(platform).layer(Layer::gzip(&archive)).build()
    };
    let index = Index::of(vec![image("linux/amd64", "amd"), image("linux/arm64", "arm")]);
    bed.push_index("many", "1", &index).await;
    let files = format!("/images/{}/files", index.digest());
    let first = bed.json(&files).await;
    assert_eq!((paths(&first), &first["image"]), (vec!["amd"], &json!(index.images[0].digest())));
    assert_eq!(paths(&bed.json(&format!("{files}?platform=linux/arm64")).await), ["arm"]);
    let none = bed.get(&format!("{files}?platform=linux/s390x")).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    let tags = bed.json("/tags?repo=many").await;
    assert_eq!(tags["tags"][0]["platforms"], json!(["linux/amd64", "linux/arm64"]));
}
