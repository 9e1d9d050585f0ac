//! An image as people read it.

use std::fmt::Write as _;

use portolan_model::Timestamp;
use serde_json::Value;

use super::shown;
use crate::api::answers::Image;
use crate::human::{age, at_most, count, size};
use crate::system::now;
use crate::table::{Columns, printable};

/// Commands that made a layer are shown up to this many characters.
const COMMAND: usize = 60;

/// What is known of `image`, which was asked for as `title`.
pub(super) fn text(title: &str, image: &Image, digests: bool) -> String {
    let mut text = format!("{}\n", printable(title));
    for (name, value) in facts(image) {
        let _ = writeln!(text, "  {name:<11} {}", printable(&value));
    }
    if !image.labels.is_empty() {
        text.push_str("\nlabels\n");
        for (name, value) in &image.labels {
            let _ = writeln!(text, "  {} = {}", printable(name), printable(value));
        }
    }
    if !image.children.is_empty() {
        text.push('\n');
        text.push_str(&children(image, digests));
    }
    if !image.layers.is_empty() {
        text.push('\n');
        text.push_str(&layers(image, digests));
    }
    text
}

fn facts(image: &Image) -> Vec<(&'static str, String)> {
    let now = now();
    let ago = |moment: Timestamp| match moment.millis() {
        // What reproducible builds write; it says nothing about when.
        0 => moment.to_string(),
        _ => format!("{moment} ({} ago)", age(moment, now)),
    };
    let mut facts = vec![("digest", image.digest.to_string())];
    let platform = image.platform.as_deref().map(|platform| format!(" for {platform}"));
    facts.push(("kind", format!("{}{}", image.kind, platform.unwrap_or_default())));
    facts.push(("media type", image.media_type.clone()));
    let mut told = |name, value: Option<String>| facts.extend(value.map(|value| (name, value)));
    told("state", image.state.clone());
    told("error", image.error.clone());
    told("scanned", image.scanned_at.map(ago));
    told("built", image.built_at.map(ago));
    told("service", image.service_name.clone());
    told("source", image.source_url.clone());
    told("revision", image.revision.clone());
    // An index has no layers of its own.
    told("size", (image.compressed_bytes > 0).then(|| sizes(image)));
    let tags: Vec<_> =
        image.tags.iter().map(|tag| format!("{}:{}", tag.repository, tag.tag)).collect();
    told("tags", Some(tags.join(", ")).filter(|tags| !tags.is_empty()));
    for (name, key) in [
        ("entrypoint", "entrypoint"),
        ("cmd", "cmd"),
        ("env", "env"),
        ("workdir", "workingDir"),
        ("user", "user"),
        ("ports", "exposedPorts"),
    ] {
        told(name, word(&image.config[key]));
    }
    facts
}

fn sizes(image: &Image) -> String {
    let mut text = format!("{} compressed", size(image.compressed_bytes));
    if let Some(raw) = image.raw_bytes {
        let _ = write!(text, ", {} raw", size(raw));
    }
    if let Some(files) = image.file_count {
        let _ = write!(text, ", {}", count(files, "file"));
    }
    text
}

/// A value of the configuration; none where it is empty.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) if items.is_empty() => None,
        other => Some(other.to_string()),
    }
}

fn children(image: &Image, digests: bool) -> String {
    let mut columns = Columns::new(["PLATFORM", "DIGEST", "MEDIA TYPE"]);
    for child in &image.children {
        columns.row([
            child.platform.clone().unwrap_or_else(|| "-".to_owned()),
            shown(&child.digest, digests),
            child.media_type.clone(),
        ]);
    }
    columns.finish(&[])
}

fn layers(image: &Image, digests: bool) -> String {
    let mut columns = Columns::new(["LAYER", "SIZE", "RAW", "ENTRIES", "CREATED BY"]);
    for layer in &image.layers {
        let number = |value: Option<u64>, text: fn(u64) -> String| {
            value.map_or_else(|| "-".to_owned(), text)
        };
        columns.row([
            shown(&layer.digest, digests),
            size(layer.size),
            number(layer.raw_bytes, size),
            number(layer.entries, |entries| entries.to_string()),
            at_most(layer.created_by.as_deref().unwrap_or_default(), COMMAND),
        ]);
    }
    columns.finish(&[1, 2, 3])
}
