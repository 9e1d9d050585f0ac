//! How the configuration says what runs where: environments, queues, sweeps.

use std::sync::Arc;

use portolan_aws::AwsSettings;
use portolan_aws::sns::{SnsVerifier, Web};
use portolan_server::{AwsWork, SnsSettings, SweptEnvironment};
use portolan_tracker::{Environment, Places, Rules};

use crate::config::{Config, EnvironmentConfig};
use crate::error::{Failure, Outcome};
use crate::exit::Code;

/// Where environments are, and what is left out of them.
pub(crate) fn rules(config: &Config) -> Rules {
    let place = |it: &EnvironmentConfig| Environment {
        name: it.name.clone(),
        order: it.order,
        account: it.account.clone(),
        region: it.region.clone(),
        clusters: it.clusters.clone(),
        protected: it.protected,
    };
    Rules {
        places: Places::new(config.environments.iter().map(place).collect()),
        ignored_containers: config.events.ignored_containers.clone(),
    }
}

/// Which queues are received from, and which environments are asked of ECS.
pub(crate) fn aws(config: &Config) -> AwsWork {
    let events = &config.events;
    let reach = |region: &Option<String>, role_arn: &Option<String>| AwsSettings {
        region: region.clone(),
        role_arn: role_arn.clone(),
        ..AwsSettings::default()
    };
    let swept = |it: &EnvironmentConfig| {
        Some(SweptEnvironment {
            name: it.name.clone(),
            account: it.account.clone()?,
            region: it.region.clone()?,
            clusters: it.clusters.clone(),
            reach: reach(&it.region, &it.role_arn),
        })
    };
    let environments = config.environments.iter().filter(|_| events.sweep.is_some());
    AwsWork {
        queues: events.queues.clone(),
        reach: reach(&events.region, &events.role_arn),
        pollers: events.pollers,
        swept: environments.filter_map(swept).collect(),
        sweep: events.sweep.unwrap_or_else(|| AwsWork::default().sweep),
        ..AwsWork::default()
    }
}

/// Which topics of SNS are heard.
pub(crate) fn sns(config: &Config) -> Outcome<Option<SnsSettings>> {
    let topics = config.events.sns_topics.clone();
    if topics.is_empty() {
        return Ok(None);
    }
    let web = Web::new().map_err(|reason| {
        Failure::new(Code::Configuration, format!("could not set up HTTPS for SNS: {reason}"))
    })?;
    Ok(Some(SnsSettings { verifier: SnsVerifier::new(Arc::new(web)), topics }))
}
