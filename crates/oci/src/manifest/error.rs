//! Why bytes are not a manifest.

use portolan_model::DigestError;

/// Why bytes are not a manifest that Portolan takes.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// More bytes than the limit `manifest_bytes`.
    #[error(
        "the manifest has {size} bytes or more, over the limit of {limit} (limits.manifest_bytes)"
    )]
    TooLarge {
        /// Bytes seen.
        size: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// Not UTF-8.
    #[error("the manifest is not UTF-8 text")]
    NotUtf8,
    /// Not JSON of the right shape.
    #[error("the manifest is not JSON of the right shape")]
    Json(#[source] serde_json::Error),
    /// A schema version other than 2.
    #[error("the manifest's schemaVersion is {0}, not 2")]
    SchemaVersion(String),
    /// Docker's schema 1, which has no digest of what is run.
    #[error(
        "the manifest is of Docker's schema 1, which is no longer read; push the image again with \
         a current client, or convert it with `skopeo copy --format oci`"
    )]
    Schema1,
    /// Not a media type that is read.
    #[error(
        "`{0}` is not a manifest's media type that is read: use an OCI image manifest or index, \
         or a Docker schema 2 manifest or manifest list"
    )]
    MediaType(String),
    /// What the bytes say of themselves is not what they were served as.
    #[error(
        "the manifest says that it is `{field}`, but it came as `{content_type}`; refused, since \
         two readers would understand it in two ways (CVE-2021-41190)"
    )]
    Disagree {
        /// The `mediaType` inside, or what the shape means.
        field: String,
        /// The `Content-Type` outside.
        content_type: String,
    },
    /// Both an image and an index.
    #[error(
        "the manifest has both `manifests` and `layers` or `config`; refused, since two readers \
         would understand it in two ways (CVE-2021-41190)"
    )]
    Ambiguous,
    /// A field that must be there is not.
    #[error("the manifest has no `{0}`")]
    Missing(String),
    /// A digest that is none.
    #[error("the digest at `{place}` in the manifest is not valid")]
    Digest {
        /// Where it stands.
        place: String,
        /// What is wrong with it.
        source: DigestError,
    },
    /// A size that is negative, broken or too large.
    #[error("the size at `{place}` in the manifest is {size}, not a number of bytes")]
    Size {
        /// Where it stands.
        place: String,
        /// What was there.
        size: String,
    },
    /// A list that is too long.
    #[error("the manifest lists {count} {what}, over the limit of {limit}")]
    TooMany {
        /// `layers` or `manifests`.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many may be.
        limit: u32,
    },
}
