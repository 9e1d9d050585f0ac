//! The parts of a server, opened by the configuration: for `up`, and for commands that find no
//! server to ask.

use std::sync::Arc;
use std::time::Duration;

use portolan_assets::Scope;
use portolan_server::{App, AssetSettings, Notifications, Settings};
use portolan_store::{Store, StoreError, StoreOptions};

use crate::config::{Config, Found};
use crate::env::Environment;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::registries;
use crate::releasing;
use crate::source;
use crate::system::{SystemClock, SystemEntropy, SystemIds};
use crate::tracking;

/// Opens store, registry and catalogue.
pub(crate) async fn open(config: &Config, environment: &Environment) -> Outcome<App> {
    let settings = settings(config, environment)?;
    let store = store(config).await?;
    App::open(store, settings).await.map_err(|error| {
        Failure::of(Code::Configuration, &error)
            .hint("`portolan doctor` checks what the configuration names")
    })
}

/// Opens the store and brings its tables up to date.
pub(crate) async fn store(config: &Config) -> Outcome<Store> {
    let options =
        StoreOptions { url: config.store_url.clone(), connections: config.store_connections };
    Store::open(&options, Arc::new(SystemClock), Arc::new(SystemIds))
        .await
        .map_err(|error| store_failure(&error, config))
}

/// What it means that the store cannot be used.
fn store_failure(error: &StoreError, config: &Config) -> Failure {
    let hint = match (&config.store_file, &config.layers.file) {
        (Some(file), _) => format!("check that {} may be written", file.display()),
        (None, Found::None) => "check PORTOLAN_STORE_URL, and that PostgreSQL runs".to_owned(),
        (None, _) => "check `url` of [store], and that PostgreSQL runs".to_owned(),
    };
    Failure::of(Code::Configuration, error).hint(hint)
}

/// Where the assets of builds are kept, which a server looks through.
fn assets(config: &Config) -> Option<AssetSettings> {
    let told = &config.assets;
    Some(AssetSettings {
        url: told.url.clone()?,
        bucket: told.bucket(),
        reads: told.reads.clone().unwrap_or_else(|| vec![Scope::main()]),
        keys: told.keys.clone(),
        sweep: told.sweep,
    })
}

fn settings(config: &Config, environment: &Environment) -> Outcome<Settings> {
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    let external = config.registry.external.as_ref();
    let registry = external.map(|host| registries::registry(config, environment, host));
    let registry = registry.transpose()?;
    let workers = &config.workers;
    Ok(Settings {
        track: tracking::rules(config),
        aws: tracking::aws(config),
        releases: releasing::settings(config, environment)?,
        assets: assets(config),
        notifications: Notifications {
            rules: config.notifications.clone(),
            ..Notifications::default()
        },
        sns: tracking::sns(config)?,
        registry_sweep: config.registry.sweep,
        limits: config.limits.clone(),
        scan: config.scan.clone(),
        registry,
        workers: workers.jobs,
        lease: seconds(workers.lease_seconds),
        attempts: workers.attempts.into(),
        jobs_kept: seconds(workers.jobs_kept_days) * 24 * 3600,
        housekeeping: seconds(workers.housekeeping_seconds),
        connections: config.server.connections,
        patience: seconds(config.server.patience_seconds),
        farewell: seconds(config.server.farewell_seconds),
        repositories: source::settings(&config.github)?,
        hosts: config.server.hosts.clone(),
        entropy: Some(Arc::new(SystemEntropy)),
        ..Settings::new(config.blobs.clone())
    })
}
