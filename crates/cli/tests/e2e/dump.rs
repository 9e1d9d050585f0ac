//! What a server knows, as it can be asked for: the same after a crash as without one.

use std::collections::BTreeMap;
use std::path::Path;

use portolan_model::media;
use portolan_testkit::Server;
use serde_json::{Value, json};

/// Everything that does not depend on the moment: repositories, tags, manifests, artifacts, files,
/// services, and the blobs on disk.
pub(crate) fn dump(server: &Server) -> Value {
    let catalog = server.json("/v2/_catalog").unwrap();
    let mut repositories = BTreeMap::new();
    for repository in catalog["repositories"].as_array().unwrap() {
        let repository = repository.as_str().unwrap();
        let tags = server.json(&format!("/v2/{repository}/tags/list")).unwrap();
        let digests: BTreeMap<_, _> = tags["tags"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tag| {
                (tag.to_string(), manifest_digest(server, repository, tag.as_str().unwrap()))
            })
            .collect();
        repositories.insert(repository.to_owned(), digests);
    }
    let mut artifacts = server.json("/artifacts").unwrap();
    let kept: BTreeMap<_, _> = files_of(&artifacts)
        .into_iter()
        .map(|(layer, path)| {
            let answer = server.get(&format!("/files/{layer}?path={path}")).unwrap();
            assert_eq!(answer.status, 200, "{layer} {path}");
            (format!("{layer} {path}"), answer.text())
        })
        .collect();
    let mut images = images(server, &artifacts);
    forget_times(&mut artifacts);
    forget_times(&mut images);
    json!({
        "images": images,
        "repositories": repositories,
        "artifacts": artifacts,
        "kept": kept,
        "services": server.json("/services").unwrap(),
        "deployables": server.json("/deployables").unwrap(),
        "blobs": blobs(&server.data()),
    })
}

fn manifest_digest(server: &Server, repository: &str, tag: &str) -> String {
    let url = server.url(&format!("/v2/{repository}/manifests/{tag}"));
    let accept = media::MANIFESTS.join(", ");
    let answer = server.client.send("HEAD", &url, &[("accept", &accept)], &[]).unwrap();
    answer.header("docker-content-digest").unwrap().to_owned()
}

/// What is known of every image under a tag, of the images that it lists, and of all their files.
fn images(server: &Server, artifacts: &Value) -> Value {
    let mut images = BTreeMap::new();
    let mut wanted: Vec<String> = Vec::new();
    for artifact in artifacts.as_array().unwrap() {
        wanted.push(artifact["sha256"].as_str().unwrap().to_owned());
        let (repo, tag) = (&artifact["repo"].as_str().unwrap(), artifact["tag"].as_str().unwrap());
        let history = server.json(&format!("/tags/history?repo={repo}&tag={tag}")).unwrap();
        images.insert(format!("history of {repo}:{tag}"), history);
    }
    while let Some(digest) = wanted.pop() {
        let image = server.json(&format!("/images/{digest}")).unwrap();
        for child in image["children"].as_array().unwrap() {
            wanted.push(child["digest"].as_str().unwrap().to_owned());
        }
        let files = server.json(&format!("/images/{digest}/files")).unwrap();
        images.insert(format!("files of {digest}"), files);
        images.insert(digest, image);
    }
    json!(images)
}

/// The layer and the path of every file whose contents were kept.
fn files_of(artifacts: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let files = artifacts.as_array().unwrap().iter().flat_map(|a| a["files"].as_array().unwrap());
    files.map(|file| (text(&file["layerSha256"]), text(&file["path"]))).collect()
}

/// Replaces every moment by a word: runs differ in them.
fn forget_times(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(forget_times),
        Value::Object(fields) => fields.values_mut().for_each(forget_times),
        Value::String(text) if is_time(text) => "a moment".clone_into(text),
        _ => {}
    }
}

fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 20 && bytes[4] == b'-' && bytes[10] == b'T' && bytes.last() == Some(&b'Z')
}

/// The names of all files below the blobs of `data`: those of blobs, and whatever was left behind.
fn blobs(data: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![data.join("blobs/blobs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                names.push(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    names.sort();
    names
}
