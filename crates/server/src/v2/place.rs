//! From a path to what it names.

use percent_encoding::percent_decode_str;
use portolan_model::RepositoryName;

use super::problem::Problem;

/// What a path under `/v2/` names. References, digests and ids are not read yet: what is wrong with
/// them is told by each method in its own words.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    Base,
    Catalog,
    Tags(RepositoryName),
    Referrers(RepositoryName, String),
    Manifest(RepositoryName, String),
    Blob(RepositoryName, String),
    Uploads(RepositoryName),
    Upload(RepositoryName, String),
}

impl Place {
    /// The methods that it answers.
    pub(super) fn methods(&self) -> &'static str {
        match self {
            Self::Base | Self::Catalog | Self::Tags(_) | Self::Referrers(..) => "GET, HEAD",
            Self::Manifest(..) => "GET, HEAD, PUT, DELETE",
            Self::Blob(..) => "GET, HEAD, DELETE",
            Self::Uploads(_) => "POST",
            Self::Upload(..) => "GET, HEAD, PATCH, PUT, DELETE",
        }
    }
}

/// Reads the path of a request.
pub(super) fn read(path: &str) -> Result<Place, Problem> {
    let path = path.strip_prefix("/v2").unwrap_or(path);
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = percent_decode_str(path)
        .decode_utf8()
        .map_err(|_| Problem::name("the path is not UTF-8 text"))?;
    let path = path.as_ref();
    if path.is_empty() {
        return Ok(Place::Base);
    }
    if path == "_catalog" {
        return Ok(Place::Catalog);
    }
    if let Some(name) = path.strip_suffix("/tags/list") {
        return Ok(Place::Tags(repository(name)?));
    }
    let start = path.strip_suffix('/').unwrap_or(path).strip_suffix("/blobs/uploads");
    if let Some(name) = start {
        return Ok(Place::Uploads(repository(name)?));
    }
    let Some((rest, last)) = path.rsplit_once('/') else { return Err(Problem::no_route()) };
    let last = last.to_owned();
    if let Some(name) = rest.strip_suffix("/manifests") {
        Ok(Place::Manifest(repository(name)?, last))
    } else if let Some(name) = rest.strip_suffix("/blobs/uploads") {
        Ok(Place::Upload(repository(name)?, last))
    } else if let Some(name) = rest.strip_suffix("/blobs") {
        Ok(Place::Blob(repository(name)?, last))
    } else if let Some(name) = rest.strip_suffix("/referrers") {
        Ok(Place::Referrers(repository(name)?, last))
    } else {
        Err(Problem::no_route())
    }
}

fn repository(name: &str) -> Result<RepositoryName, Problem> {
    name.parse().map_err(|error: portolan_model::ReferenceError| Problem::name(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> RepositoryName {
        text.parse().unwrap()
    }

    #[test]
    fn paths_are_read_from_their_end() {
        for (path, place) in [
            ("/v2", Place::Base),
            ("/v2/", Place::Base),
            ("/v2/_catalog", Place::Catalog),
            ("/v2/a/b/c/tags/list", Place::Tags(name("a/b/c"))),
            ("/v2/a/manifests/latest", Place::Manifest(name("a"), "latest".into())),
            ("/v2/a%2Fb/manifests/sha256%3A1", Place::Manifest(name("a/b"), "sha256:1".into())),
            ("/v2/a/manifests/manifests/x", Place::Manifest(name("a/manifests"), "x".into())),
            ("/v2/a/blobs/uploads", Place::Uploads(name("a"))),
            ("/v2/a/blobs/uploads/", Place::Uploads(name("a"))),
            ("/v2/a/blobs/uploads/1", Place::Upload(name("a"), "1".into())),
            ("/v2/a/blobs/sha256:1", Place::Blob(name("a"), "sha256:1".into())),
            ("/v2/blobs/uploads/blobs/x", Place::Blob(name("blobs/uploads"), "x".into())),
            ("/v2/a/referrers/x", Place::Referrers(name("a"), "x".into())),
        ] {
            assert_eq!(read(path).unwrap(), place, "{path}");
        }
        for path in ["/v2/a", "/v2/a/b", "/v2/A/tags/list", "/v2/../manifests/x", "/v2/%ff/a"] {
            assert!(read(path).is_err(), "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_path_panics(path in "\\PC{0,60}", tail in "/(manifests|blobs|blobs/uploads)/\\PC*") {
            let _ = read(&path);
            let _ = read(&format!("/v2/{path}{tail}"));
        }
    }
}
