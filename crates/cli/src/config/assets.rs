//! Where what builds made is stored, and who is believed: `[assets]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use portolan_assets::keys::PublicKey;
use portolan_assets::{Project, Scope};
use portolan_aws::AwsSettings;
use portolan_bucket::{BucketSettings, BucketUrl};

use super::error::ConfigError;
use super::layers::Layers;

/// `[assets]`.
#[derive(Debug, Clone)]
pub(crate) struct AssetsConfig {
    /// The bucket; none where nothing is said.
    pub(crate) url: Option<BucketUrl>,
    /// Whose builds they are.
    pub(crate) project: Option<Project>,
    /// Where they are written; none for what the CI system tells.
    pub(crate) scope: Option<Scope>,
    /// Scopes that are believed; none for `main`.
    pub(crate) reads: Option<Vec<Scope>>,
    /// Whether nothing is written.
    pub(crate) read_only: bool,
    /// What signs.
    pub(crate) sign_with: SignWith,
    /// Who must have signed, for each scope that asks for it.
    pub(crate) keys: BTreeMap<Scope, Vec<PublicKey>>,
    /// The patterns of what goes into the hash.
    pub(crate) include: Vec<String>,
    /// The user's own keys of the hash.
    pub(crate) inputs: BTreeMap<String, String>,
    /// Whether the layout of s3-asset-manager is read and written too.
    pub(crate) legacy: bool,
    /// How long a check may take.
    pub(crate) timeout: Duration,
    /// Requests in flight.
    pub(crate) parallel: usize,
    /// Between two looks of a server through the bucket; none for never.
    pub(crate) sweep: Option<Duration>,
    /// The address of a store that speaks S3.
    pub(crate) endpoint: Option<String>,
    /// The AWS region.
    pub(crate) region: Option<String>,
    /// The AWS role to assume.
    pub(crate) role_arn: Option<String>,
}

impl AssetsConfig {
    /// How the bucket is reached.
    pub(crate) fn bucket(&self) -> BucketSettings {
        let aws = AwsSettings {
            region: self.region.clone(),
            role_arn: self.role_arn.clone(),
            endpoint: self.endpoint.clone(),
            ..AwsSettings::default()
        };
        BucketSettings { aws, ..BucketSettings::default() }
    }
}

/// What manifests are signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SignWith {
    /// Nothing.
    Nothing,
    /// The secret key in this file.
    File(PathBuf),
    /// This key of KMS.
    Kms(String),
}

pub(super) fn read(layers: &Layers) -> Result<AssetsConfig, ConfigError> {
    let name = |key: &str| layers.told(key);
    let refuse = |key: &str, reason: String| match layers.setting(key) {
        Ok(setting) => setting.refuse(reason),
        Err(error) => error,
    };
    let project = name("assets.project")?.map(|text| text.parse::<Project>()).transpose();
    let project = project.map_err(|error| refuse("assets.project", error.to_string()))?;
    let scope = name("assets.scope")?.map(|text| text.parse::<Scope>()).transpose();
    let scope = scope.map_err(|error| refuse("assets.scope", error.to_string()))?;
    let reads: Vec<String> = layers.get("assets.reads")?;
    let reads = reads.iter().map(|text| text.parse::<Scope>()).collect::<Result<Vec<_>, _>>();
    let reads = reads.map_err(|error| refuse("assets.reads", error.to_string()))?;
    let parallel: usize = layers.at_least_one("assets.parallel")?;
    Ok(AssetsConfig {
        url: url(layers)?,
        project,
        scope,
        reads: (!reads.is_empty()).then_some(reads),
        read_only: layers.get("assets.read_only")?,
        sign_with: sign_with(layers)?,
        keys: keys(layers)?,
        include: layers.get("assets.include")?,
        inputs: layers.get("assets.inputs")?,
        legacy: layers.get("assets.legacy")?,
        timeout: Duration::from_secs(layers.at_least_one::<u32>("assets.timeout_seconds")?.into()),
        parallel: parallel.min(256),
        sweep: super::minutes(layers, "assets.sweep_minutes")?,
        endpoint: name("assets.endpoint")?,
        region: name("assets.region")?,
        role_arn: name("assets.role_arn")?,
    })
}

fn url(layers: &Layers) -> Result<Option<BucketUrl>, ConfigError> {
    const KEY: &str = "assets.url";
    let Some(text) = layers.told(KEY)? else { return Ok(None) };
    let url: BucketUrl = match text.parse() {
        Ok(url) => url,
        Err(error) => return Err(layers.setting(KEY)?.refuse(said(&error))),
    };
    Ok(Some(match url {
        BucketUrl::Directory(path) => {
            BucketUrl::Directory(super::resolve(layers, KEY, &path.to_string_lossy())?)
        }
        url @ BucketUrl::S3 { .. } => url,
    }))
}

/// What an error says, with its causes, in one line.
fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn sign_with(layers: &Layers) -> Result<SignWith, ConfigError> {
    const KEY: &str = "assets.sign_with";
    Ok(match layers.told(KEY)? {
        None => SignWith::Nothing,
        Some(arn) if arn.starts_with("arn:") => SignWith::Kms(arn),
        Some(path) => SignWith::File(super::resolve(layers, KEY, &path)?),
    })
}

fn keys(layers: &Layers) -> Result<BTreeMap<Scope, Vec<PublicKey>>, ConfigError> {
    const KEY: &str = "assets.keys";
    let told: BTreeMap<String, Vec<String>> = layers.get(KEY)?;
    let refuse =
        |reason: String| -> Result<_, ConfigError> { Err(layers.setting(KEY)?.refuse(reason)) };
    let mut keys = BTreeMap::new();
    for (name, texts) in told {
        let scope: Scope = match name.parse() {
            Ok(scope) => scope,
            Err(error) => return refuse(error.to_string()),
        };
        if texts.is_empty() {
            // It would be believed without a signature, which is not what it looks like.
            return refuse(format!("`{name}` has no key: leave it out, or name one"));
        }
        let read = texts.iter().map(|text| text.parse::<PublicKey>()).collect::<Result<_, _>>();
        match read {
            Ok(read) => keys.insert(scope, read),
            Err(error) => return refuse(format!("of `{name}`: {error}")),
        };
    }
    Ok(keys)
}
