//! Images of a repository: [read](https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html)
//! with their manifests, [tagged](https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html),
//! and [described](https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html)
//! with their tags.

use portolan_model::{Digest, Target, Timestamp, media};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Ecr;
use crate::AwsError;

/// Images that are asked for at a time: ECR takes no more.
const IMAGES: usize = 100;

/// An image, as a registry has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryImage {
    /// Its digest, as ECR says it.
    pub digest: Digest,
    /// The exact text of its manifest.
    pub manifest: String,
    /// The manifest's media type; empty where ECR does not tell it.
    pub media_type: String,
}

impl RegistryImage {
    /// Whether the digest is the one of the manifest. ECR's always is; emulators make theirs up.
    pub fn is_exact(&self) -> bool {
        Digest::of(self.manifest.as_bytes()) == self.digest
    }
}

/// What was found of the images that were asked for.
#[derive(Debug, Clone, Default)]
pub struct Images {
    /// Those that are there, by what they were asked for by.
    pub found: Vec<(Target, RegistryImage)>,
    /// Those that are not, and why, as in `ImageNotFound: Requested image not found`.
    pub missing: Vec<(Target, String)>,
}

/// What became of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tagged {
    /// It now points to the image.
    Moved,
    /// It did so already.
    Already,
    /// It points elsewhere, and the repository's tags cannot be moved.
    Immutable,
}

/// What ECR knows of an image beside its manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageDetail {
    /// Its digest.
    pub digest: Digest,
    /// All its tags, in order.
    pub tags: Vec<String>,
    /// When it was pushed.
    pub pushed_at: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Got {
    images: Vec<Image>,
    failures: Vec<Failure>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Image {
    #[serde(rename = "imageId")]
    id: ImageId,
    #[serde(rename = "imageManifest")]
    manifest: String,
    #[serde(rename = "imageManifestMediaType")]
    media_type: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ImageId {
    #[serde(rename = "imageDigest")]
    digest: String,
    #[serde(rename = "imageTag")]
    tag: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Failure {
    #[serde(rename = "imageId")]
    id: ImageId,
    #[serde(rename = "failureCode")]
    code: String,
    #[serde(rename = "failureReason")]
    reason: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Put {
    image: Image,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Details {
    image_details: Vec<Detail>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Detail {
    #[serde(rename = "imageDigest")]
    digest: String,
    #[serde(rename = "imageTags")]
    tags: Vec<String>,
    /// Seconds since 1970.
    #[serde(rename = "imagePushedAt")]
    pushed_at: Option<f64>,
}

impl Ecr {
    /// The images of `repository` that `targets` name, with their manifests.
    pub async fn images(&self, repository: &str, targets: &[Target]) -> Result<Images, AwsError> {
        let doing = || format!("read images of the repository {repository}");
        let mut images = Images::default();
        for some in targets.chunks(IMAGES) {
            let ids: Vec<_> = some.iter().map(id).collect();
            let mut asked = self.about(repository);
            asked["imageIds"] = json!(ids);
            asked["acceptedMediaTypes"] = json!(media::MANIFESTS);
            let got: Got = self.ecr.read("BatchGetImage", &asked, doing).await?;
            for target in some {
                let names = |id: &ImageId| match target {
                    Target::Tag(tag) => id.tag == tag.as_str(),
                    Target::Digest(digest) => id.digest == digest.to_string(),
                };
                if let Some(image) = got.images.iter().find(|image| names(&image.id)) {
                    images.found.push((target.clone(), told(image, doing)?));
                    continue;
                }
                let failure = got.failures.iter().find(|failure| names(&failure.id));
                let why = failure.map_or_else(
                    || "ECR answered nothing about it".to_owned(),
                    |failure| format!("{}: {}", failure.code, failure.reason),
                );
                images.missing.push((target.clone(), why));
            }
        }
        Ok(images)
    }

    /// Lets `tag` of `repository` point to `image`, which is in that repository already.
    pub async fn put_tag(
        &self,
        repository: &str,
        image: &RegistryImage,
        tag: &str,
    ) -> Result<Tagged, AwsError> {
        let doing = || format!("let {repository}:{tag} point to {}", image.digest);
        let mut asked = self.about(repository);
        asked["imageManifest"] = json!(image.manifest);
        asked["imageTag"] = json!(tag);
        if !image.media_type.is_empty() {
            asked["imageManifestMediaType"] = json!(image.media_type);
        }
        let put: Put = match self.ecr.read("PutImage", &asked, doing).await {
            Ok(put) => put,
            Err(error) => match error.code() {
                Some("ImageAlreadyExistsException") => return Ok(Tagged::Already),
                Some("ImageTagAlreadyExistsException") => return Ok(Tagged::Immutable),
                _ => return Err(error),
            },
        };
        let digest = put.image.id.digest;
        if digest == image.digest.to_string() {
            return Ok(Tagged::Moved);
        }
        let what = format!("that it now points to {digest}").into();
        Err(AwsError::Answer { doing: doing(), what })
    }

    /// What ECR knows of the image that `target` names; none where there is no such image.
    pub async fn image_detail(
        &self,
        repository: &str,
        target: &Target,
    ) -> Result<Option<ImageDetail>, AwsError> {
        let doing = || format!("describe the image {target} of the repository {repository}");
        let mut asked = self.about(repository);
        asked["imageIds"] = json!([id(target)]);
        let details: Details = match self.ecr.read("DescribeImages", &asked, doing).await {
            Ok(details) => details,
            Err(error) if error.code() == Some("ImageNotFoundException") => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(detail) = details.image_details.into_iter().next() else { return Ok(None) };
        let mut tags = detail.tags;
        tags.sort_unstable();
        #[expect(clippy::cast_possible_truncation, reason = "a cast of this kind saturates")]
        let moment = |seconds: f64| Timestamp::from_millis((seconds * 1000.0) as i64);
        let pushed_at = detail.pushed_at.map(moment);
        Ok(Some(ImageDetail { digest: digest(&detail.digest, doing)?, tags, pushed_at }))
    }
}

fn id(target: &Target) -> Value {
    match target {
        Target::Tag(tag) => json!({ "imageTag": tag.as_str() }),
        Target::Digest(digest) => json!({ "imageDigest": digest.to_string() }),
    }
}

fn told(image: &Image, doing: impl Fn() -> String) -> Result<RegistryImage, AwsError> {
    Ok(RegistryImage {
        digest: digest(&image.id.digest, doing)?,
        manifest: image.manifest.clone(),
        media_type: image.media_type.clone(),
    })
}

fn digest(told: &str, doing: impl Fn() -> String) -> Result<Digest, AwsError> {
    told.parse().map_err(|_| {
        let what = "with an image that has no sha256 digest".into();
        AwsError::Answer { doing: doing(), what }
    })
}
