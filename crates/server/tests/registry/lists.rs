//! Tags, repositories, referrers.

use portolan_model::{Digest, media};
use portolan_testkit::image::Content;
use serde_json::{Value, json};

use crate::bed::{Bed, image, refused};

/// Follows links from `path` to the end; what each page has.
fn pages(bed: &Bed, path: &str, key: &str) -> Vec<Value> {
    let mut pages = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let answer = bed.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        pages.push(answer.json().unwrap()[key].clone());
        next = answer.header("link").map(|link| {
            let path = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
            path.to_owned()
        });
        assert!(pages.len() < 100, "no end");
    }
    pages
}

#[test]
fn tags_come_in_order_and_in_pages() {
    let bed = Bed::with(|settings| settings.limits.page_items = 3);
    let image = image("tags");
    let publisher = bed.publisher("a/b");
    publisher.image("c", &image).unwrap();
    for tag in ["a", "d", "B", "e"] {
        publisher.manifest(tag, &image.manifest).unwrap();
    }
    let all = [json!(["B", "a", "c"]), json!(["d", "e"])];
    for asked in ["", "?n=", "?n=9999999999", "?n=99999999999999999999999999", "?n=3"] {
        let path = format!("/v2/a/b/tags/list{asked}");
        if asked == "?n=" {
            refused(&bed.get(&path), 400, "PAGINATION_NUMBER_INVALID");
        } else {
            assert_eq!(pages(&bed, &path, "tags"), all, "{asked}");
        }
    }
    let two = [json!(["B", "a"]), json!(["c", "d"]), json!(["e"])];
    assert_eq!(pages(&bed, "/v2/a/b/tags/list?n=2", "tags"), two);
    assert_eq!(pages(&bed, "/v2/a/b/tags/list?n=0", "tags"), [json!([])]);
    assert_eq!(pages(&bed, "/v2/a/b/tags/list?last=c", "tags"), [json!(["d", "e"])]);
    assert_eq!(pages(&bed, "/v2/a/b/tags/list?last=zzz&n=1", "tags"), [json!([])]);
    for bad in ["-1", "x", "1.5", "%ff", "1%20"] {
        let answer = bed.get(&format!("/v2/a/b/tags/list?n={bad}"));
        if bad == "%ff" {
            assert_eq!(answer.status, 200, "what is no text is not there");
        } else {
            refused(&answer, 400, "PAGINATION_NUMBER_INVALID");
        }
    }
}

#[test]
fn repositories_with_images_come_in_pages() {
    let bed = Bed::new();
    let image = image("catalog");
    for repository in ["b", "a/x", "c"] {
        bed.publisher(repository).image("1", &image).unwrap();
    }
    bed.blob("only-a-blob", b"x");
    let all = [json!(["a/x", "b", "c"])];
    assert_eq!(pages(&bed, "/v2/_catalog", "repositories"), all);
    assert_eq!(pages(&bed, "/v2/_catalog?n=9999999999", "repositories"), all);
    let one = [json!(["a/x"]), json!(["b"]), json!(["c"])];
    assert_eq!(pages(&bed, "/v2/_catalog?n=1", "repositories"), one);
    refused(&bed.get("/v2/_catalog?n=-5"), 400, "PAGINATION_NUMBER_INVALID");
}

/// An artifact about `subject`.
fn artifact(subject: &Content, artifact_type: Option<&str>, note: &str) -> Content {
    let empty = Content { media_type: media::OCI_EMPTY.to_owned(), bytes: b"{}".to_vec() };
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": media::OCI_MANIFEST,
        "config": empty.descriptor(),
        "layers": [empty.descriptor()],
        "subject": subject.descriptor(),
        "annotations": { "note": note },
    });
    if let Some(artifact_type) = artifact_type {
        manifest["artifactType"] = artifact_type.into();
    }
    Content { media_type: media::OCI_MANIFEST.to_owned(), bytes: manifest.to_string().into() }
}

#[test]
fn referrers_are_listed_and_filtered() {
    let bed = Bed::new();
    let image = image("signed");
    let publisher = bed.publisher("app");
    bed.blob("app", b"{}");
    let signature = artifact(&image.manifest, Some("application/vnd.test.sig+json"), "one");
    // Before its subject, which the specification allows.
    let answer = publisher.put(&signature.digest().to_string(), &signature).unwrap();
    let subject = image.digest().to_string();
    assert_eq!((answer.status, answer.header("oci-subject")), (201, Some(&*subject)));
    publisher.image("1", &image).unwrap();
    let untyped = artifact(&image.manifest, None, "two");
    publisher.manifest("note", &untyped).unwrap();

    let path = format!("/v2/app/referrers/{subject}");
    let answer = bed.get(&path);
    assert_eq!(answer.header("content-type"), Some(media::OCI_INDEX));
    assert_eq!(answer.header("oci-filters-applied"), None);
    let index = answer.json().unwrap();
    assert_eq!(
        (&index["schemaVersion"], &index["mediaType"]),
        (&json!(2), &media::OCI_INDEX.into())
    );
    let mut expected = vec![
        json!({
            "mediaType": media::OCI_MANIFEST, "digest": signature.digest().to_string(),
            "size": signature.bytes.len(), "artifactType": "application/vnd.test.sig+json",
            "annotations": { "note": "one" },
        }),
        json!({
            "mediaType": media::OCI_MANIFEST, "digest": untyped.digest().to_string(),
            "size": untyped.bytes.len(), "artifactType": media::OCI_EMPTY,
            "annotations": { "note": "two" },
        }),
    ];
    expected.sort_by_key(|referrer| referrer["digest"].to_string());
    assert_eq!(index["manifests"], json!(expected));

    for wanted in ["application/vnd.test.sig+json", "application%2Fvnd.test.sig%2Bjson"] {
        let answer = bed.get(&format!("{path}?artifactType={wanted}"));
        assert_eq!(answer.header("oci-filters-applied"), Some("artifactType"));
        let found = answer.json().unwrap();
        assert_eq!(found["manifests"].as_array().unwrap().len(), 1);
        assert_eq!(found["manifests"][0]["digest"], signature.digest().to_string());
    }
    for nobody in
        [format!("/v2/app/referrers/{}", Digest::of(b"?")), format!("/v2/x/referrers/{subject}")]
    {
        let answer = bed.get(&nobody);
        assert_eq!((answer.status, &answer.json().unwrap()["manifests"]), (200, &json!([])));
    }
    refused(&bed.get("/v2/app/referrers/latest"), 400, "DIGEST_INVALID");
    assert_eq!(bed.delete(&format!("/v2/app/manifests/{}", signature.digest())).status, 202);
    let left = bed.get(&path).json().unwrap();
    assert_eq!(left["manifests"].as_array().unwrap().len(), 1);
}
