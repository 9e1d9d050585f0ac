//! The configuration: one file, whose every key is also a variable; see `default.toml`.

mod assets;
mod environments;
mod error;
mod events;
mod file;
mod github;
mod keys;
mod layers;
mod named;
mod notifications;
mod origin;
mod projects;
mod show;
#[cfg(test)]
mod tests;

mod value;

use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use portolan_catalogue::{LabelNames, ScanOptions};
use portolan_model::{Limits, Secret};
use portolan_release::Project;
use portolan_server::NotificationRule;

pub(crate) use assets::{AssetsConfig, SignWith};
pub(crate) use environments::EnvironmentConfig;
pub(crate) use error::ConfigError;
pub(crate) use events::EventsConfig;
pub(crate) use file::Found;
pub(crate) use github::{GithubConfig, KeyConfig, SourceConfig, WhomConfig};
pub(crate) use keys::DEFAULT_FILE;
pub(crate) use layers::{Flags, Layers};
pub(crate) use show::{shown, without_password};

use crate::env::Environment;

/// The configuration, checked. Paths are absolute, or start in the working directory.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// Where the server listens.
    pub(crate) listen: SocketAddr,
    /// The store's URL. It may hold a password.
    pub(crate) store_url: String,
    /// The file of the store, where it is embedded.
    pub(crate) store_file: Option<PathBuf>,
    /// Connections to the store at most.
    pub(crate) store_connections: u32,
    /// Where the built-in registry keeps bytes.
    pub(crate) blobs: PathBuf,
    /// Where images are read from.
    pub(crate) registry: RegistryConfig,
    /// What is taken from images.
    pub(crate) scan: ScanOptions,
    /// How the server behaves towards those who connect.
    pub(crate) server: ServerConfig,
    /// How background work is done.
    pub(crate) workers: WorkersConfig,
    /// The environments, in the order of promotion.
    pub(crate) environments: Vec<EnvironmentConfig>,
    /// Who is told of what happens.
    pub(crate) notifications: Vec<NotificationRule>,
    /// How it is learned what is pushed and what runs.
    pub(crate) events: EventsConfig,
    /// Where repositories of source code are learnt from.
    pub(crate) github: GithubConfig,
    /// The projects, by name.
    pub(crate) projects: BTreeMap<String, Project>,
    /// What their files say that has no effect.
    pub(crate) warnings: Vec<String>,
    /// How rollouts are watched.
    pub(crate) releases: ReleasesConfig,
    /// Where what builds made is stored.
    pub(crate) assets: AssetsConfig,
    /// What is taken in at most.
    pub(crate) limits: Limits,
    /// Where each value came from.
    pub(crate) layers: Layers,
}

/// How the server behaves towards those who connect: `[server]` but for the address.
#[derive(Debug, Clone)]
pub(crate) struct ServerConfig {
    /// Connections that are served at a time.
    pub(crate) connections: usize,
    /// Seconds that a client may be silent.
    pub(crate) patience_seconds: u32,
    /// Seconds that requests and jobs under way have to end.
    pub(crate) farewell_seconds: u32,
    /// Names by which others than this machine ask for the server.
    pub(crate) hosts: Vec<String>,
    /// The token to send to a server.
    pub(crate) token: TokenConfig,
}

/// Where the token is that is sent to a server: `token` and `token_file` of `[server]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenConfig {
    /// Nowhere.
    None,
    /// In the configuration itself.
    Text(Secret<String>),
    /// In this file.
    File(PathBuf),
}

/// How rollouts are watched: `[releases]`.
#[derive(Debug, Clone)]
pub(crate) struct ReleasesConfig {
    /// Milliseconds between two looks.
    pub(crate) poll_millis: u32,
    /// Seconds that late events are waited for.
    pub(crate) grace_seconds: u32,
}

/// How background work is done: `[workers]`.
#[derive(Debug, Clone)]
pub(crate) struct WorkersConfig {
    /// Jobs that run at a time.
    pub(crate) jobs: usize,
    /// How often a job is begun.
    pub(crate) attempts: u32,
    /// Seconds after which a silent worker's job is taken over.
    pub(crate) lease_seconds: u32,
    /// Days for which a finished job is remembered.
    pub(crate) jobs_kept_days: u32,
    /// Seconds between two rounds of housekeeping.
    pub(crate) housekeeping_seconds: u32,
}

/// Where images are read from, and how.
#[derive(Debug, Clone)]
pub(crate) struct RegistryConfig {
    /// The host of another registry; none for the built-in one.
    pub(crate) external: Option<String>,
    /// Hosts that are spoken to over plain http.
    pub(crate) insecure: Vec<String>,
    /// Hosts on private addresses that a registry outside may send us to.
    pub(crate) allowed_hosts: Vec<String>,
    /// The AWS region, where it is not the one in the registry's name.
    pub(crate) region: Option<String>,
    /// The AWS role to assume.
    pub(crate) role_arn: Option<String>,
    /// Between two looks through the whole registry; none for never.
    pub(crate) sweep: Option<Duration>,
}

impl Config {
    /// Reads the configuration and checks it.
    pub(crate) fn load(
        named: Option<&Path>,
        environment: &Environment,
        flags: &Flags,
    ) -> Result<Self, ConfigError> {
        Self::of(Layers::read(named, environment, flags)?)
    }

    /// The configuration of what the layers say.
    pub(crate) fn of(layers: Layers) -> Result<Self, ConfigError> {
        let (store_url, store_file) = store(&layers)?;
        let environments = environments::read(&layers)?;
        let (projects, warnings) = layers.projects.projects(&environments)?;
        Ok(Self {
            listen: listen(&layers)?,
            store_url,
            store_file,
            store_connections: layers.at_least_one("store.connections")?,
            blobs: blobs(&layers)?,
            registry: registry(&layers)?,
            scan: scan(&layers)?,
            server: ServerConfig {
                connections: layers.at_least_one("server.connections")?,
                patience_seconds: layers.at_least_one("server.patience_seconds")?,
                farewell_seconds: layers.get("server.farewell_seconds")?,
                hosts: layers.get("server.hosts")?,
                token: token(&layers)?,
            },
            workers: WorkersConfig {
                jobs: layers.at_least_one("workers.jobs")?,
                attempts: layers.at_least_one("workers.attempts")?,
                lease_seconds: layers.at_least_one("workers.lease_seconds")?,
                jobs_kept_days: layers.get("workers.jobs_kept_days")?,
                housekeeping_seconds: layers.at_least_one("workers.housekeeping_seconds")?,
            },
            notifications: notifications::read(&layers, &environments)?,
            environments,
            events: events::read(&layers)?,
            github: github::read(&layers)?,
            projects,
            warnings,
            releases: ReleasesConfig {
                poll_millis: layers.at_least_one("releases.poll_millis")?,
                grace_seconds: layers.get("releases.grace_seconds")?,
            },
            assets: assets::read(&layers)?,
            limits: layers.section("limits")?,
            layers,
        })
    }
}

fn token(layers: &Layers) -> Result<TokenConfig, ConfigError> {
    const FILE: &str = "server.token_file";
    match (layers.told("server.token")?, layers.told(FILE)?) {
        (None, None) => Ok(TokenConfig::None),
        (Some(token), None) => Ok(TokenConfig::Text(Secret::new(token))),
        (None, Some(path)) => Ok(TokenConfig::File(resolve(layers, FILE, &path)?)),
        (Some(_), Some(_)) => Err(layers.setting(FILE)?.refuse("there is a `token` too")),
    }
}

fn scan(layers: &Layers) -> Result<ScanOptions, ConfigError> {
    Ok(ScanOptions {
        rules: layers.get("scan.rules")?,
        labels: LabelNames {
            service_name: layers.get("scan.service_labels")?,
            source_url: layers.get("scan.source_labels")?,
            revision: layers.get("scan.revision_labels")?,
        },
        parallel_layers: layers.at_least_one("scan.parallel_layers")?,
        backfill_images: layers.at_least_one("scan.backfill_images")?,
    })
}

fn listen(layers: &Layers) -> Result<SocketAddr, ConfigError> {
    let text = layers.text("server.listen")?;
    let refuse = |reason: String| layers.setting("server.listen").map(|it| it.refuse(reason));
    // `localhost:5094` is as good as an address.
    match text.to_socket_addrs().map(|mut addresses| addresses.next()) {
        Ok(Some(address)) => Ok(address),
        Ok(None) => Err(refuse(format!("`{text}` has no address"))?),
        Err(_) => Err(refuse(format!(
            "`{text}` is not an address and a port; write it as in 127.0.0.1:5094"
        ))?),
    }
}

/// The path `path` of the key `key`, from where the value was written.
fn resolve(layers: &Layers, key: &str, path: &str) -> Result<PathBuf, ConfigError> {
    let setting = layers.setting(key)?;
    if path.is_empty() {
        return Err(setting.refuse("it names no path"));
    }
    let project = match (&setting.origin, &layers.file) {
        // Without a word about it, what is embedded is beside the project's file, so that every
        // directory below sees the same.
        (origin::Origin::Default, Found::Project(file)) => file.parent(),
        (origin, _) => origin.directory(),
    };
    Ok(project.map_or_else(|| PathBuf::from(path), |directory| directory.join(path)))
}

fn store(layers: &Layers) -> Result<(String, Option<PathBuf>), ConfigError> {
    let url = layers.text("store.url")?;
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        let file = resolve(layers, "store.url", path)?;
        return Ok((format!("sqlite:{}", file.display()), Some(file)));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok((url, None));
    }
    Err(layers.setting("store.url")?.refuse("it must start with sqlite: or postgres://"))
}

fn blobs(layers: &Layers) -> Result<PathBuf, ConfigError> {
    let url = layers.text("blobs.url")?;
    let refuse = |reason: &str| layers.setting("blobs.url").map(|setting| setting.refuse(reason));
    match url.strip_prefix("file:") {
        Some(path) => resolve(layers, "blobs.url", path.strip_prefix("//").unwrap_or(path)),
        None if url.starts_with("s3://") => Err(refuse(
            "this version keeps the built-in registry's bytes in a directory alone; write it as in \
             file:.portolan/blobs",
        )?),
        None => Err(refuse("it must start with file:")?),
    }
}

/// The minutes of the key `key`; none where they are 0.
fn minutes(layers: &Layers, key: &str) -> Result<Option<Duration>, ConfigError> {
    let minutes: u32 = layers.get(key)?;
    Ok((minutes > 0).then(|| Duration::from_secs(u64::from(minutes) * 60)))
}

fn registry(layers: &Layers) -> Result<RegistryConfig, ConfigError> {
    let url = layers.text("registry.url")?;
    let plain = url.strip_prefix("http://").map(|host| host.trim_end_matches('/'));
    let host = url.strip_prefix("https://").unwrap_or(&url).trim_end_matches('/');
    let host = plain.unwrap_or(host);
    let mut insecure: Vec<String> = layers.get("registry.insecure")?;
    insecure.extend(plain.map(ToOwned::to_owned));
    if host.is_empty() || host.contains(['/', '@', '?', '#', ' ']) {
        let reason = format!("`{url}` is neither \"builtin\" nor the host of a registry");
        return Err(layers.setting("registry.url")?.refuse(reason));
    }
    Ok(RegistryConfig {
        external: (host != "builtin").then(|| host.to_owned()),
        insecure,
        allowed_hosts: layers.get("registry.allowed_hosts")?,
        region: layers.told("registry.region")?,
        role_arn: layers.told("registry.role_arn")?,
        sweep: minutes(layers, "registry.sweep_minutes")?,
    })
}
