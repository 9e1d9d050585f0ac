//! Whether the environments and registries of projects can be reached.

use std::collections::BTreeSet;

use portolan_aws::{Aws, EcrHost};
use portolan_engine::{Engine, EngineError};
use portolan_release::Project;
use portolan_release::project::Runs;

use super::Check;
use crate::config::Config;
use crate::env::Environment;
use crate::error::Failure;
use crate::exit::Code;
use crate::{registries, releasing};

/// One check for each environment of each project, and one for each registry.
pub(super) async fn check(config: &Config, environment: &Environment) -> Vec<Check> {
    const NAME: &str = "projects";
    let mut checks: Vec<Check> = Vec::new();
    for warning in &config.warnings {
        checks.push(Check::note(NAME, warning, "it has no effect: remove it, or correct it"));
    }
    let mut hosts = BTreeSet::new();
    for project in config.projects.values() {
        for name in project.environments.keys() {
            checks.push(place(config, project, name).await);
            let spots = project.images.keys().filter_map(|image| project.spot(image, name));
            hosts.extend(spots.filter_map(|spot| spot.registry));
        }
        hosts.extend(project.images.values().filter_map(|image| image.source.registry.clone()));
    }
    for host in hosts {
        // ECR is asked through AWS, with an environment's own role.
        if EcrHost::parse(&host).is_none() && host != config.listen.to_string() {
            checks.push(registry(config, environment, &host).await);
        }
    }
    checks
}

async fn place(config: &Config, project: &Project, name: &str) -> Check {
    const NAME: &str = "environment";
    let at = format!("{name} of {}", project.id);
    let Some(told) = project.environments.get(name) else { return Check::ok(NAME, at) };
    if told.runs == Runs::Record {
        return Check::ok(NAME, format!("{at}: what would run is recorded only"));
    }
    if told.runs == Runs::Local {
        let settings = releasing::engine(config);
        return match Engine::detect(settings).await {
            Ok(_) => Check::ok(NAME, format!("{at}: this machine has an engine for containers")),
            Err(error @ (EngineError::NotFound { .. } | EngineError::Unusable { .. })) => {
                let finding = format!("{at}: what would run here is recorded only: {error}");
                Check::note(NAME, finding, "install podman or docker to run it")
            }
            Err(error) => Check::failed(NAME, Failure::of(Code::Configuration, &error)),
        };
    }
    let caller = Aws::open(&releasing::aws(config, project, name)).await.caller().await;
    match (caller, &told.account) {
        (Ok(caller), Some(account)) if caller.account != *account => Check::wrong(
            NAME,
            format!("{at} is in account {account}, and AWS takes us for {}", caller.arn),
            Some("give the environment a `role_arn` of that account, or another login".to_owned()),
        ),
        (Ok(caller), _) => Check::ok(NAME, format!("{at}: AWS takes us for {}", caller.arn)),
        (Err(error), _) => {
            let failure = Failure::of(Code::OtherSide, &error);
            Check::failed(NAME, failure.hint(format!("{at} cannot be reached: check AWS's login")))
        }
    }
}

async fn registry(config: &Config, environment: &Environment, host: &str) -> Check {
    const NAME: &str = "registry";
    let registry = match registries::registry(config, environment, host) {
        Ok(registry) => registry,
        Err(failure) => return Check::failed(NAME, failure),
    };
    match registry.check().await {
        Ok(()) => Check::ok(NAME, format!("{host} answers, and lets us in")),
        Err(error) => Check::failed(NAME, registries::failure(&error.into())),
    }
}
