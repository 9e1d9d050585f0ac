//! How the configuration says what is released, and how environments are reached.

use std::time::Duration;

use portolan_aws::AwsSettings;
use portolan_model::Digest;
use portolan_release::Settings as RolloutSettings;
use portolan_release::project::Project;
use portolan_server::ReleaseSettings;

use crate::config::Config;
use crate::env::Environment;
use crate::error::Outcome;
use crate::registries;

/// How projects are released.
pub(crate) fn settings(config: &Config, environment: &Environment) -> Outcome<ReleaseSettings> {
    if config.projects.is_empty() {
        return Ok(ReleaseSettings::default());
    }
    for warning in &config.warnings {
        tracing::warn!(warning, "a project's file says what has no effect");
    }
    let host = config.listen.to_string();
    // The built-in registry is reached as any other where an image is copied to or from it.
    let mut reached = config.clone();
    reached.registry.insecure.push(host.clone());
    Ok(ReleaseSettings {
        projects: config.projects.clone(),
        aws: AwsSettings {
            region: config.registry.region.clone(),
            role_arn: config.registry.role_arn.clone(),
            ..AwsSettings::default()
        },
        client: Some(registries::client(&reached, environment, None)?),
        host: Some(host),
        insecure: config.registry.insecure.clone(),
        engine: Some(engine(config)),
        rollout: RolloutSettings {
            lease: Duration::from_secs(config.workers.lease_seconds.into()),
            poll: Duration::from_millis(config.releases.poll_millis.into()),
            grace: Duration::from_secs(config.releases.grace_seconds.into()),
            ..RolloutSettings::default()
        },
    })
}

/// How containers of this machine are run. Whose they are is told by the store: who has another one
/// does not see them.
pub(crate) fn engine(config: &Config) -> portolan_engine::Settings {
    let store = config.store_file.as_deref().and_then(|file| std::path::absolute(file).ok());
    let store = store.map_or_else(|| config.store_url.clone(), |file| file.display().to_string());
    let digest = Digest::of(store.as_bytes()).to_string();
    let short: String = digest.chars().skip("sha256:".len()).take(12).collect();
    let scratch = config.blobs.with_file_name("engine");
    portolan_engine::Settings::new(format!("portolan-{short}"), scratch)
}

/// How AWS is reached for an environment of a project.
pub(crate) fn aws(config: &Config, project: &Project, environment: &str) -> AwsSettings {
    let told = project.environments.get(environment);
    let registry = &config.registry;
    AwsSettings {
        region: told.and_then(|it| it.region.clone()).or_else(|| registry.region.clone()),
        role_arn: told.and_then(|it| it.role_arn.clone()).or_else(|| registry.role_arn.clone()),
        ..AwsSettings::default()
    }
}
