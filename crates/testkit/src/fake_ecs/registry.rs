//! ECR: repositories, images, tags that move or do not; and which image a task gets.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portolan_model::{Digest, media};
use serde_json::{Value, json};

use super::FakeEcs;
use super::answers::{invalid, no, text, texts};
use super::definitions::Definition;
use super::state::{Refusal, State};

/// The password for every repository, of the user `AWS`.
pub const PASSWORD: &str = "the-password-of-this-fake-of-ecr";

/// A repository.
#[derive(Debug, Default)]
pub(super) struct Repository {
    told: Value,
    images: BTreeMap<String, Image>,
    tags: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Image {
    manifest: String,
    media_type: String,
    pushed_at: f64,
}

/// An image of a task definition, as a deployment found it.
#[derive(Debug, Clone)]
pub(super) struct Pulled {
    pub(super) name: String,
    pub(super) image: String,
    resolved: Resolved,
}

/// What a deployment made of a tag.
#[derive(Debug, Clone)]
enum Resolved {
    /// Its tasks get this one.
    To(String),
    /// There was no such image.
    Nothing,
    /// Each task asks again.
    EachTime,
}

impl State {
    fn host(&self) -> String {
        format!("{}.dkr.ecr.{}.amazonaws.com/", self.account, self.region)
    }

    /// The images of `definition`, whose tags are resolved now, once for all tasks of a deployment;
    /// but for those whose container says that each task shall resolve them.
    pub(super) fn resolve(&self, definition: &Definition) -> Vec<Pulled> {
        let pulled = |container: &Value| {
            let image = text(container, "image").to_owned();
            let each_time = container["versionConsistency"] == "disabled";
            let resolved = match self.digest_of(&image) {
                _ if each_time => Resolved::EachTime,
                Some(digest) => Resolved::To(digest),
                None => Resolved::Nothing,
            };
            Pulled { name: text(container, "name").to_owned(), image, resolved }
        };
        definition.containers().map(pulled).collect()
    }

    /// The digest of the image that a task gets now; none where there is none to be had.
    pub(super) fn pull(&self, pulled: &Pulled) -> Option<String> {
        let digest = match &pulled.resolved {
            Resolved::To(digest) => digest,
            Resolved::Nothing => return None,
            Resolved::EachTime => return self.digest_of(&pulled.image),
        };
        let Some(rest) = pulled.image.strip_prefix(&self.host()) else {
            return Some(digest.clone());
        };
        let repository = self.repositories.get(rest.split(['@', ':']).next()?)?;
        repository.images.contains_key(digest).then(|| digest.clone())
    }

    /// The digest that `image` names now. Images of other registries are always there.
    fn digest_of(&self, image: &str) -> Option<String> {
        let by_digest = image.split_once('@');
        let Some(rest) = image.strip_prefix(&self.host()) else {
            let made = || Digest::of(image.as_bytes()).to_string();
            return Some(by_digest.map_or_else(made, |(_, digest)| digest.to_owned()));
        };
        let repository = self.repositories.get(rest.split(['@', ':']).next()?)?;
        let digest = match (by_digest, rest.split_once(':')) {
            (Some((_, digest)), _) => digest,
            (None, Some((_, tag))) => repository.tags.get(tag)?,
            (None, None) => repository.tags.get("latest")?,
        };
        repository.images.contains_key(digest).then(|| digest.to_owned())
    }

    /// User and password for every repository.
    pub(super) fn authorization(&self) -> Value {
        let token = STANDARD.encode(format!("AWS:{PASSWORD}"));
        let endpoint = format!("https://{}", self.host().trim_end_matches('/'));
        json!({ "authorizationData": [{
            "authorizationToken": token, "expiresAt": self.now + 43_200.0, "proxyEndpoint": endpoint,
        }] })
    }

    fn repository(&mut self, body: &Value) -> Result<&mut Repository, Refusal> {
        let name = text(body, "repositoryName").to_owned();
        let registry = body["registryId"].as_str().unwrap_or(&self.account);
        let is_ours = registry == self.account;
        let unknown = format!(
            "The repository with name '{name}' does not exist in the registry with id '{registry}'"
        );
        match self.repositories.get_mut(&name).filter(|_| is_ours) {
            Some(repository) => Ok(repository),
            None => no("RepositoryNotFoundException", unknown),
        }
    }

    pub(super) fn create_repository(&mut self, body: &Value) -> Result<Value, Refusal> {
        let name = text(body, "repositoryName").to_owned();
        if self.repositories.contains_key(&name) {
            return no("RepositoryAlreadyExistsException", format!("{name} already exists"));
        }
        let (account, region) = (&self.account, &self.region);
        let told = json!({
            "repositoryArn": format!("arn:aws:ecr:{region}:{account}:repository/{name}"),
            "registryId": account,
            "repositoryName": name,
            "repositoryUri": format!("{}{name}", self.host()),
            "createdAt": self.now,
            "imageTagMutability": body["imageTagMutability"].as_str().unwrap_or("MUTABLE"),
            "imageTagMutabilityExclusionFilters": body["imageTagMutabilityExclusionFilters"],
            "imageScanningConfiguration": { "scanOnPush": false },
            "encryptionConfiguration": { "encryptionType": "AES256" },
        });
        let repository = Repository { told: told.clone(), ..Repository::default() };
        self.repositories.insert(name, repository);
        Ok(json!({ "repository": told }))
    }

    pub(super) fn describe_repositories(&mut self, body: &Value) -> Result<Value, Refusal> {
        let mut names = texts(body, "repositoryNames");
        if names.is_empty() {
            names = self.repositories.keys().cloned().collect();
        }
        let mut told = Vec::new();
        for name in names {
            let asked = json!({ "repositoryName": name, "registryId": body["registryId"] });
            told.push(self.repository(&asked)?.told.clone());
        }
        Ok(json!({ "repositories": told }))
    }

    pub(super) fn batch_get_image(&mut self, body: &Value) -> Result<Value, Refusal> {
        let (account, repository) = (self.account.clone(), self.repository(body)?);
        let ids = body["imageIds"].as_array().cloned().unwrap_or_default();
        if ids.is_empty() || ids.len() > 100 {
            return invalid("imageIds takes 1 to 100 items");
        }
        let (mut images, mut failures) = (Vec::new(), Vec::new());
        for id in ids {
            let Some((digest, image)) = repository.find(&id) else {
                failures.push(json!({
                    "imageId": id,
                    "failureCode": "ImageNotFound",
                    "failureReason": "Requested image not found",
                }));
                continue;
            };
            let mut told = json!({ "imageDigest": digest });
            if id["imageTag"].is_string() {
                told["imageTag"] = id["imageTag"].clone();
            }
            images.push(json!({
                "registryId": account,
                "repositoryName": body["repositoryName"],
                "imageId": told,
                "imageManifest": image.manifest,
                "imageManifestMediaType": image.media_type,
            }));
        }
        Ok(json!({ "images": images, "failures": failures }))
    }

    pub(super) fn put_image(&mut self, body: &Value) -> Result<Value, Refusal> {
        let (account, now) = (self.account.clone(), self.now);
        let repository = self.repository(body)?;
        let name = text(body, "repositoryName");
        let manifest = text(body, "imageManifest").to_owned();
        let Ok(read) = serde_json::from_str::<Value>(&manifest) else {
            return invalid("Invalid JSON syntax in imageManifest");
        };
        let digest = Digest::of(manifest.as_bytes()).to_string();
        if body["imageDigest"].as_str().is_some_and(|asked| asked != digest) {
            return no("ImageDigestDoesNotMatchException", "The digest does not match the image.");
        }
        let media_type = body["imageManifestMediaType"].as_str().or(read["mediaType"].as_str());
        let Some(media_type) = media_type.map(ToOwned::to_owned) else {
            return invalid("image manifest mediatype not provided in manifest or parameter");
        };
        let tag = body["imageTag"].as_str();
        let present = tag.and_then(|tag| repository.tags.get(tag));
        if present == Some(&digest) || (tag.is_none() && repository.images.contains_key(&digest)) {
            return no(
                "ImageAlreadyExistsException",
                format!(
                    "Image with digest '{digest}' and tag '{}' already exists in the repository \
                     with name '{name}' in registry with id '{account}'",
                    tag.unwrap_or_default()
                ),
            );
        }
        if let Some(tag) = tag.filter(|tag| present.is_some() && !repository.can_move(tag)) {
            return no(
                "ImageTagAlreadyExistsException",
                format!(
                    "The image tag '{tag}' already exists in the '{name}' repository and cannot be \
                     overwritten because the tag is immutable."
                ),
            );
        }
        let told_type = media_type.clone();
        let image = Image { manifest: manifest.clone(), media_type, pushed_at: now };
        repository.images.entry(digest.clone()).or_insert(image);
        let mut id = json!({ "imageDigest": digest });
        if let Some(tag) = tag {
            repository.tags.insert(tag.to_owned(), digest);
            id["imageTag"] = json!(tag);
        }
        Ok(json!({ "image": {
            "registryId": account,
            "repositoryName": name,
            "imageId": id,
            "imageManifest": manifest,
            "imageManifestMediaType": told_type,
        } }))
    }

    pub(super) fn describe_images(&mut self, body: &Value) -> Result<Value, Refusal> {
        let (account, repository) = (self.account.clone(), self.repository(body)?);
        let mut digests = Vec::new();
        for id in body["imageIds"].as_array().into_iter().flatten() {
            let Some((digest, _)) = repository.find(id) else {
                return no(
                    "ImageNotFoundException",
                    format!("The image with imageId {id} does not exist within the repository"),
                );
            };
            digests.push(digest.to_owned());
        }
        if body["imageIds"].is_null() {
            digests = repository.images.keys().cloned().collect();
        }
        let detail = |digest: &String| {
            let image = &repository.images[digest];
            let tags = repository.tags.iter().filter(|(_, it)| *it == digest);
            let tags: Vec<_> = tags.map(|(tag, _)| tag).collect();
            let mut told = json!({
                "registryId": account,
                "repositoryName": body["repositoryName"],
                "imageDigest": digest,
                "imageSizeInBytes": image.manifest.len(),
                "imagePushedAt": image.pushed_at,
                "imageManifestMediaType": image.media_type,
            });
            if !tags.is_empty() {
                told["imageTags"] = json!(tags);
            }
            told
        };
        Ok(json!({ "imageDetails": digests.iter().map(detail).collect::<Vec<_>>() }))
    }

    pub(super) fn batch_delete_image(&mut self, body: &Value) -> Result<Value, Refusal> {
        let repository = self.repository(body)?;
        let mut gone = Vec::new();
        for id in body["imageIds"].as_array().into_iter().flatten() {
            let Some(digest) = repository.find(id).map(|(digest, _)| digest.to_owned()) else {
                continue;
            };
            match id["imageTag"].as_str() {
                Some(tag) => drop(repository.tags.remove(tag)),
                None => repository.tags.retain(|_, it| *it != digest),
            }
            if !repository.tags.values().any(|it| *it == digest) {
                repository.images.remove(&digest);
            }
            gone.push(json!({ "imageDigest": digest }));
        }
        Ok(json!({ "imageIds": gone, "failures": [] }))
    }
}

impl Repository {
    fn find(&self, id: &Value) -> Option<(&str, &Image)> {
        let digest = match id["imageTag"].as_str() {
            Some(tag) => self.tags.get(tag)?.as_str(),
            None => id["imageDigest"].as_str()?,
        };
        let (digest, image) = self.images.get_key_value(digest)?;
        let named = id["imageDigest"].as_str().is_none_or(|asked| asked == digest);
        named.then_some((digest.as_str(), image))
    }

    fn can_move(&self, tag: &str) -> bool {
        let movable = !text(&self.told, "imageTagMutability").starts_with("IMMUTABLE");
        let filters = self.told["imageTagMutabilityExclusionFilters"].as_array();
        let excluded = filters.into_iter().flatten().any(|filter| {
            // Filters of one `*`, at the end, are all that tests use.
            let filter = text(filter, "filter");
            filter.strip_suffix('*').map_or(filter == tag, |start| tag.starts_with(start))
        });
        movable != excluded
    }
}

impl FakeEcs {
    /// The reference of the repository `name`: its registry and name.
    pub fn image(&self, name: &str) -> String {
        format!("{}{name}", self.lock().host())
    }

    /// Pushes an image of its own for each `content` to `repository` (made if it is not there) with
    /// the tags `tags`, and answers its digest.
    pub fn push(&self, repository: &str, content: &str, tags: &[&str]) -> anyhow::Result<String> {
        let made = self.call("CreateRepository", &json!({ "repositoryName": repository }));
        // It may have been there.
        drop(made);
        let layer = |text: &str| {
            json!({
                "mediaType": media::OCI_LAYER_GZIP,
                "digest": Digest::of(text.as_bytes()).to_string(),
                "size": text.len(),
            })
        };
        let mut config = layer(&format!("config of {content}"));
        config["mediaType"] = json!(media::OCI_CONFIG);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media::OCI_MANIFEST,
            "config": config,
            "layers": [layer(content)],
        });
        for tag in tags {
            self.call("PutImage", &json!({
                "repositoryName": repository, "imageManifest": manifest.to_string(), "imageTag": tag,
            }))?;
        }
        Ok(Digest::of(manifest.to_string().as_bytes()).to_string())
    }

    /// The digest to which `tag` of `repository` points.
    pub fn tagged(&self, repository: &str, tag: &str) -> Option<String> {
        self.lock().repositories.get(repository)?.tags.get(tag).cloned()
    }
}
