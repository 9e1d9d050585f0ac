//! Names of images as task definitions write them, which is less strictly than registries do.

use portolan_model::{Digest, RepositoryName, Tag};

use super::field::digest;

/// The parts of an image's name, as far as the text has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageName {
    /// Host and port of the registry, in lower case.
    pub registry: Option<String>,
    /// The repository, with all its parts; none where the text is no reference to an image.
    pub repository: Option<RepositoryName>,
    /// The tag.
    pub tag: Option<Tag>,
    /// The digest.
    pub digest: Option<Digest>,
}

/// The parts of the name of an image. What is not a part by the rules is none; nothing is refused.
///
/// The first part is a registry where it has a dot, a colon or a capital, or is `localhost`: a
/// repository has none of these there.
pub fn image_reference(text: &str) -> ImageName {
    let text = text.trim();
    if let Some(digest) = digest(text) {
        return ImageName { digest: Some(digest), ..ImageName::default() };
    }
    let (name, by_digest) = match text.split_once('@') {
        Some((name, digits)) => (name, digest(digits)),
        None => (text, None),
    };
    let (registry, path) = match name.split_once('/') {
        Some((first, rest)) if is_registry(first) => (Some(first.to_ascii_lowercase()), rest),
        _ => (None, name),
    };
    let (repository, tag) = match path.rsplit_once(':') {
        Some((repository, tag)) => (repository, tag.parse().ok()),
        None => (path, None),
    };
    ImageName { registry, repository: repository.parse().ok(), tag, digest: by_digest }
}

fn is_registry(first: &str) -> bool {
    first == "localhost"
        || first.contains(['.', ':'])
        || first.bytes().any(|b| b.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> [String; 4] {
        let name = image_reference(text);
        [
            name.registry.unwrap_or_default(),
            name.repository.map(|r| r.to_string()).unwrap_or_default(),
            name.tag.map(|t| t.to_string()).unwrap_or_default(),
            name.digest.map(|d| d.to_string()).unwrap_or_default(),
        ]
    }

    #[test]
    fn every_form_of_a_name() {
        let digest = Digest::of(b"x").to_string();
        let ecr = "333333333333.dkr.ecr.eu-west-2.amazonaws.com";
        for (text, expected) in [
            ("nginx", ["", "nginx", "", ""]),
            (" nginx:1.27 ", ["", "nginx", "1.27", ""]),
            ("library/nginx", ["", "library/nginx", "", ""]),
            ("localhost/app:1", ["localhost", "app", "1", ""]),
            ("host:5000/app", ["host:5000", "app", "", ""]),
            ("host:5000/team/app:1", ["host:5000", "team/app", "1", ""]),
            ("REGISTRY.Example:5000/a/b:V1", ["registry.example:5000", "a/b", "V1", ""]),
            ("Host/app:1", ["host", "app", "1", ""]),
            ("[::1]:5000/app:1", ["[::1]:5000", "app", "1", ""]),
            (&format!("{ecr}/shop/team-a/app:0.29.0"), [ecr, "shop/team-a/app", "0.29.0", ""]),
            (&format!("{ecr}/app@{digest}"), [ecr, "app", "", &digest]),
            (&format!("{ecr}/app:1@{digest}"), [ecr, "app", "1", &digest]),
            (&format!("app@{}", digest.to_uppercase()), ["", "app", "", &digest]),
            (&digest, ["", "", "", &digest]),
            ("App", ["", "", "", ""]),
            ("", ["", "", "", ""]),
            ("a b:c", ["", "", "c", ""]),
            ("app:-1", ["", "app", "", ""]),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
    }
}
