//! What a CDEvent names an artefact by: a package URL, or simply the name of an image.
//!
//! Source: [package URLs of OCI images](https://github.com/package-url/purl-spec/blob/main/types-doc/oci-definition.md).

use portolan_model::Digest;

use super::field::digest;
use super::reference::image_reference;

/// The image's name, and its digest where it was told.
pub(super) fn image(text: &str) -> (String, Option<Digest>) {
    let Some(purl) = text.strip_prefix("pkg:oci/").or_else(|| text.strip_prefix("pkg:docker/"))
    else {
        return (text.to_owned(), image_reference(text).digest);
    };
    let (purl, _subpath) = purl.split_once('#').unwrap_or((purl, ""));
    let (path, qualifiers) = purl.split_once('?').unwrap_or((purl, ""));
    let (name, version) = path.split_once('@').unwrap_or((path, ""));
    let qualifier = |key: &str| {
        qualifiers
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| *name == key)
            .map(|(_, value)| decoded(value))
    };
    let (version, name) = (decoded(version), decoded(name));
    let by_digest = digest(&version);
    let mut image = qualifier("repository_url").unwrap_or(name);
    // The version of a Docker package may be its tag.
    let tag = qualifier("tag").or((by_digest.is_none() && !version.is_empty()).then_some(version));
    if let Some(tag) = tag {
        image.push(':');
        image.push_str(&tag);
    }
    if let Some(digest) = by_digest {
        image.push('@');
        image.push_str(&digest.to_string());
    }
    (image, by_digest)
}

/// The text with its percent signs resolved, as far as they are well formed.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let pair = tail.get(..2).filter(|_| first == b'%').and_then(|pair| hex::decode(pair).ok());
        if let Some(byte) = pair {
            bytes.extend(byte);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).replace('\0', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_urls_and_names() {
        let digest = Digest::of(b"x");
        let encoded = digest.to_string().replace(':', "%3A");
        for (text, name, by_digest) in [
            (format!("pkg:oci/app@{encoded}"), format!("app@{digest}"), Some(digest)),
            (
                format!("pkg:oci/app@{encoded}?repository_url=r.example%2Fteam%2Fapp&tag=1.2"),
                format!("r.example/team/app:1.2@{digest}"),
                Some(digest),
            ),
            ("pkg:docker/team/app@1.2".into(), "team/app:1.2".into(), None),
            ("pkg:oci/app%zz%".into(), "app%zz%".into(), None),
            ("r.example/app:1".into(), "r.example/app:1".into(), None),
            (format!("r.example/app@{digest}"), format!("r.example/app@{digest}"), Some(digest)),
        ] {
            assert_eq!(image(&text), (name, by_digest), "{text}");
        }
    }
}
