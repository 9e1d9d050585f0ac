//! Preparing releases.

use portolan_model::Tag;
use portolan_release::{Note, PrepareError, Source};

use crate::bed::{Bed, digest};
use crate::shelf::spot;

async fn prepared(bed: &Bed, source: Source) -> Result<portolan_store::Release, PrepareError> {
    let note = Note { description: "why".into(), by: "ann".into(), ci_url: None };
    bed.releases.prepare("shop", &source, note).await
}

fn tag(text: &str) -> Source {
    Source::Tag { tag: text.parse::<Tag>().unwrap() }
}

#[tokio::test]
async fn all_that_is_missing_is_named_and_nothing_is_recorded() {
    let bed = Bed::new().await;
    bed.shelf.put(&spot("shop/api"), digest("api", 2), &["new"]);
    let error = prepared(&bed, tag("new")).await.unwrap_err().to_string();
    assert!(
        error.contains("the tag new") && error.contains("old in r.example/shop/old"),
        "{error}"
    );
    assert!(error.contains("worker in") && !error.contains("api in"), "{error}");
    assert_eq!(bed.releases.list(None, portolan_store::Page::ALL).await.unwrap().total, 0);
}

#[tokio::test]
async fn the_tag_that_tells_is_kept() {
    let bed = Bed::new().await;
    for name in ["ref.bbbbbbb", "ref.aaaaaaa", "latest"] {
        bed.shelf.put(&spot("shop/api"), digest("api", 2), &[name]);
    }
    let release = prepared(&bed, tag("v2")).await.unwrap();
    let api = release.image("api").unwrap();
    assert_eq!(api.tag.as_ref().map(Tag::as_str), Some("ref.aaaaaaa"), "the same every time");
    assert_eq!(api.revision.as_deref(), Some("aaaaaaa"));
    assert_eq!(release.image("old").unwrap().tag.as_ref().map(Tag::as_str), Some("v2"));
}

#[tokio::test]
async fn by_commit_and_by_another_release() {
    let bed = Bed::new().await;
    for name in ["api", "worker", "old"] {
        let at = spot(&format!("shop/{name}"));
        bed.shelf.put(&at, digest(name, 3), &["ref.0123456789abcdef"]);
    }
    let commit = |text: &str| Source::Commit { commit: text.to_owned() };
    let release = prepared(&bed, commit("0123456789ABCDEF")).await.unwrap();
    assert!(release.images.iter().all(|it| it.digest == digest(&it.image, 3)));
    assert!(matches!(prepared(&bed, commit("xyz")).await.unwrap_err(), PrepareError::Commit(_)));
    assert!(matches!(
        prepared(&bed, commit("fffffff")).await.unwrap_err(),
        PrepareError::Missing { missing, .. } if missing.len() == 3
    ));
    let changed = |image: &str, to: &str| Source::Release {
        release: release.id,
        changes: [(image.to_owned(), to.to_owned())].into(),
    };
    let other = prepared(&bed, changed("api", "v1")).await.unwrap();
    assert_eq!(other.image("api").unwrap().digest, digest("api", 1));
    assert_eq!(other.image("old").unwrap().digest, digest("old", 3));
    let other = prepared(&bed, changed("api", &digest("api", 2).to_string())).await.unwrap();
    assert_eq!(other.image("api").unwrap().digest, digest("api", 2));
    for (image, to) in [("ap", "v1"), ("api", "none"), ("api", "-")] {
        assert!(prepared(&bed, changed(image, to)).await.is_err(), "{image} {to}");
    }
}
