//! What is read, and what is refused with which words.

use portolan_model::Digest;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn descriptor(media_type: &str) -> Value {
    json!({"mediaType": media_type, "digest": Digest::of(b"x").to_string(), "size": 1})
}

fn image() -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": media::OCI_MANIFEST,
        "config": descriptor(media::OCI_CONFIG),
        "layers": [descriptor(media::OCI_LAYER_GZIP)],
    })
}

fn index() -> Value {
    let mut entry = descriptor(media::OCI_MANIFEST);
    entry["platform"] = json!({"os": "linux", "architecture": "arm", "variant": "v7"});
    json!({"schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": [entry]})
}

fn parse(value: &Value, content_type: Option<&str>) -> Result<Manifest, ManifestError> {
    Manifest::parse(value.to_string().as_bytes(), content_type, &Limits::default())
}

#[test]
fn an_image_and_an_index_are_read() {
    let manifest = parse(&image(), Some(media::OCI_MANIFEST)).unwrap();
    assert!(manifest.is_runnable());
    assert_eq!(manifest.blobs().count(), 2);
    assert!(manifest.children().is_empty());
    let manifest = parse(&index(), Some(&format!("{}; charset=utf-8", media::OCI_INDEX))).unwrap();
    assert_eq!(manifest.blobs().count(), 0);
    let platform = manifest.children()[0].platform.as_ref().unwrap();
    assert_eq!(platform.to_string(), "linux/arm/v7");
    let Manifest::Index(index) = manifest else { panic!("an index") };
    assert!(index.for_platform(&"linux/arm".parse().unwrap()).is_some());
    assert!(index.for_platform(&"linux/arm/v6".parse().unwrap()).is_none());
    assert!(index.for_platform(&"linux/amd64".parse().unwrap()).is_none());
}

#[test]
fn what_an_older_manifest_leaves_out_is_filled_from_its_content_type_or_shape() {
    let mut value = image();
    value.as_object_mut().unwrap().remove("mediaType");
    assert_eq!(parse(&value, None).unwrap().media_type(), media::OCI_MANIFEST);
    let docker = parse(&value, Some(media::DOCKER_MANIFEST)).unwrap();
    assert_eq!(docker.media_type(), media::DOCKER_MANIFEST);
    value["layers"] = Value::Null;
    assert_eq!(parse(&value, None).unwrap().blobs().count(), 1);
}

#[test]
fn an_artifact_is_not_runnable() {
    let mut value = image();
    value["config"] = descriptor(media::OCI_EMPTY);
    value["artifactType"] = json!("application/vnd.example+json");
    value["subject"] = descriptor(media::OCI_MANIFEST);
    let manifest = parse(&value, None).unwrap();
    assert!(!manifest.is_runnable());
    assert_eq!(manifest.artifact_type(), Some("application/vnd.example+json"));
    assert_eq!(manifest.subject().unwrap().digest, Digest::of(b"x"));
}

/// What must be refused: the name of the case, the document, its content type, a part of the error.
fn refused() -> Vec<(&'static str, Value, Option<&'static str>, &'static str)> {
    let with = |mut value: Value, field: &str, to: Value| {
        value[field] = to;
        value
    };
    let mut sized = image();
    sized["layers"][0]["size"] = json!(-1);
    let mut huge = image();
    huge["config"]["size"] = json!(u64::MAX);
    let mut undigested = image();
    undigested["layers"][0]["digest"] = json!("sha256:../../etc/passwd");
    let layers: Vec<Value> = (0..1001).map(|_| descriptor(media::OCI_LAYER)).collect();
    let schema1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    vec![
        ("both", with(image(), "manifests", json!([])), None, "both"),
        ("config too", with(index(), "config", descriptor(media::OCI_CONFIG)), None, "both"),
        ("disagree", image(), Some(media::OCI_INDEX), "but it came as"),
        ("shape", with(index(), "mediaType", json!(media::OCI_MANIFEST)), None, "but it came as"),
        ("version 3", with(image(), "schemaVersion", json!(3)), None, "is 3, not 2"),
        ("version 1", with(image(), "schemaVersion", json!(1)), None, "schema 1"),
        ("schema 1", json!({"schemaVersion": 1, "fsLayers": []}), Some(schema1), "schema 1"),
        ("no version", with(image(), "schemaVersion", Value::Null), None, "no `schemaVersion`"),
        ("unknown", with(image(), "mediaType", json!("text/html")), None, "`text/html`"),
        ("generic", image(), Some("application/json"), "`application/json`"),
        ("negative", sized, None, "`layers[0]` in the manifest is -1"),
        ("huge", huge, None, "`config`"),
        ("digest", undigested, None, "`layers[0]`"),
        ("layers", with(image(), "layers", json!(layers)), None, "1001 layers"),
        ("no config", with(image(), "config", Value::Null), None, "no `config`"),
        ("not an object", json!([1]), None, "right shape"),
    ]
}

#[test]
fn each_bad_manifest_is_refused_with_its_reason() {
    for (case, value, content_type, words) in refused() {
        let error = parse(&value, content_type).unwrap_err().to_string();
        assert!(error.contains(words), "{case}: {error}");
    }
}

#[test]
fn size_and_encoding_are_checked_first() {
    let limits = Limits { manifest_bytes: 10, ..Limits::default() };
    let error = Manifest::parse(b"{\"a\": 1234567}", None, &limits).unwrap_err();
    assert!(matches!(error, ManifestError::TooLarge { size: 14, limit: 10 }));
    let error = Manifest::parse(b"{\"\xff\": 1}", None, &Limits::default()).unwrap_err();
    assert!(matches!(error, ManifestError::NotUtf8));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Manifest::parse(&bytes, None, &Limits::default());
    }

    #[test]
    fn every_size_that_fits_is_kept_exactly(size in any::<i64>()) {
        let mut value = image();
        value["layers"][0]["size"] = json!(size);
        match parse(&value, None) {
            Ok(Manifest::Image(image)) => {
                prop_assert_eq!(i64::try_from(image.layers[0].size).unwrap(), size);
            }
            Ok(Manifest::Index(_)) => prop_assert!(false),
            Err(_) => prop_assert!(size < 0),
        }
    }
}
