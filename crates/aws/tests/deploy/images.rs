//! Images and tags of ECR.

use portolan_aws::{Ecr, Tagged};
use portolan_model::Target;
use serde_json::json;

use crate::bed;

fn tag(tag: &str) -> Target {
    Target::Tag(tag.parse().unwrap())
}

#[tokio::test]
async fn images_are_read_with_their_manifests() {
    let fake = bed::fake();
    let first = fake.push("app", "one", &["ref.one", "latest"]).unwrap();
    let digest = Target::Digest(first.parse().unwrap());
    let ecr = Ecr::of(&bed::aws(fake.url()).await, None);
    let asked = [tag("latest"), digest.clone(), tag("ref.one"), tag("none")];
    let images = ecr.images("app", &asked).await.unwrap();
    assert_eq!(fake.calls(), ["BatchGetImage"]);
    let found: Vec<_> = images.found.iter().map(|(target, _)| target.clone()).collect();
    assert_eq!(found, [tag("latest"), digest.clone(), tag("ref.one")]);
    for (_, image) in &images.found {
        assert_eq!(image.digest.to_string(), first);
        assert!(image.is_exact());
        assert_eq!(image.media_type, portolan_model::media::OCI_MANIFEST);
    }
    assert_eq!(
        images.missing,
        [(tag("none"), "ImageNotFound: Requested image not found".to_owned())]
    );
    let detail = ecr.image_detail("app", &digest).await.unwrap().unwrap();
    assert_eq!(detail.tags, ["latest", "ref.one"]);
    assert!(detail.pushed_at.is_some());
    assert_eq!(ecr.image_detail("app", &tag("none")).await.unwrap(), None);
    let error = ecr.images("none", &[tag("x")]).await.unwrap_err();
    assert_eq!(error.code(), Some("RepositoryNotFoundException"));
    let elsewhere = Ecr::of(&bed::aws(fake.url()).await, Some("999999999999".to_owned()));
    let error = elsewhere.images("app", &[tag("latest")]).await.unwrap_err();
    assert!(error.to_string().contains("999999999999"), "{error}");
}

#[tokio::test]
async fn a_tag_moves_stays_or_cannot_move() {
    let fake = bed::fake();
    let first = fake.push("app", "one", &["ref.one", "env.stage"]).unwrap();
    fake.push("app", "two", &["ref.two"]).unwrap();
    let ecr = Ecr::of(&bed::aws(fake.url()).await, None);
    let images = ecr.images("app", &[tag("ref.one"), tag("ref.two")]).await.unwrap().found;
    let [one, two] = [&images[0].1, &images[1].1];
    assert_eq!(ecr.put_tag("app", one, "env.stage").await.unwrap(), Tagged::Already);
    assert_eq!(ecr.put_tag("app", two, "env.stage").await.unwrap(), Tagged::Moved);
    assert_eq!(fake.tagged("app", "env.stage"), Some(two.digest.to_string()));
    assert_eq!(ecr.put_tag("app", one, "env.stage").await.unwrap(), Tagged::Moved);
    assert_eq!(fake.tagged("app", "env.stage"), Some(first));

    let made = json!({
        "repositoryName": "fixed",
        "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [{ "filterType": "WILDCARD", "filter": "env.*" }],
    });
    fake.call("CreateRepository", &made).unwrap();
    let names = ["app".to_owned(), "fixed".to_owned()];
    let repositories = ecr.repositories(&names).await.unwrap();
    assert!(repositories[0].mutability.can_move("v1"));
    assert!(!repositories[1].mutability.can_move("v1"));
    assert!(repositories[1].mutability.can_move("env.stage"));
    assert_eq!(repositories[1].uri, fake.image("fixed"));
    for (image, tag, expected) in [
        (one, "v1", Tagged::Moved),
        (one, "v1", Tagged::Already),
        (two, "v1", Tagged::Immutable),
        (one, "env.stage", Tagged::Moved),
        (two, "env.stage", Tagged::Moved),
    ] {
        assert_eq!(ecr.put_tag("fixed", image, tag).await.unwrap(), expected, "{tag}");
    }
    let error = ecr.repositories(&["none".to_owned()]).await.unwrap_err();
    assert_eq!(error.code(), Some("RepositoryNotFoundException"));
}
