//! From what an event says to facts: a pure function.
//!
//! The outcome depends on the event and the configuration alone, never on what is known already, so
//! that the same events in any order, however often, give the same facts.

mod deployed;
mod deployment;
mod task;

use portolan_store::RequestFact;

use crate::Places;
use crate::facts::Facts;
use crate::observation::{Observation, Origin, RequestObserved};
use crate::places::Environment;

/// What the outcome depends on besides the event.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Where the environments are.
    pub places: Places,
    /// Containers that are never what a task is there for: those that collect logs and figures.
    pub ignored_containers: Vec<String>,
}

impl Default for Rules {
    /// The local environments `staging` and `production`; the containers that AWS and its users put
    /// beside others to collect logs and figures are ignored.
    fn default() -> Self {
        let place = |(order, name): (u32, &str)| Environment {
            name: name.to_owned(),
            order,
            ..Environment::default()
        };
        let ignored = ["log_router", "cwagent", "aws-for-fluent-bit", "cloudwatch-agent"];
        Self {
            places: Places::new([(1, "staging"), (2, "production")].map(place).to_vec()),
            ignored_containers: ignored.map(str::to_owned).to_vec(),
        }
    }
}

/// Why an event can be read and yet has no place here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unplaced {
    /// It comes from where no environment is.
    #[error(
        "no environment has the account {account:?}, region {region:?}, cluster {cluster:?}: add \
         `account` (and `region`, `clusters`) to an [environments.NAME] of the configuration, then \
         replay this event"
    )]
    Origin {
        /// The account's number.
        account: String,
        /// The region.
        region: String,
        /// The cluster's name.
        cluster: String,
    },
    /// It names an environment that there is not.
    #[error(
        "there is no environment `{0}`: add [environments.{0}] to the configuration, then replay \
         this event"
    )]
    Name(String),
}

impl Rules {
    fn place(&self, origin: &Origin) -> Result<&Environment, Unplaced> {
        self.places.of(origin).ok_or_else(|| Unplaced::Origin {
            account: origin.account.chars().take(40).collect(),
            region: origin.region.chars().take(40).collect(),
            cluster: origin.cluster.chars().take(255).collect(),
        })
    }

    fn named(&self, name: &str) -> Result<&Environment, Unplaced> {
        self.places.named(name).ok_or_else(|| Unplaced::Name(name.chars().take(100).collect()))
    }
}

/// Adds to `facts` what `observation` says.
pub fn project(observation: Observation, rules: &Rules, facts: &mut Facts) -> Result<(), Unplaced> {
    match observation {
        Observation::Task(task) => task::project(*task, rules, facts)?,
        Observation::Ended(end) => deployment::ended(*end, rules, facts)?,
        Observation::Rollout(rollout) => deployment::rollout(rollout, rules, facts)?,
        Observation::Service(service) => deployment::service(service, rules, facts)?,
        Observation::Link(link) => deployment::link(link, rules, facts)?,
        Observation::Request(request) => {
            rules.named(&request.environment)?;
            facts.request(asked(*request));
        }
        Observation::Deployed(deployed) => deployed::project(*deployed, rules, facts)?,
        Observation::Image(image) => facts.images.push(image),
        Observation::Object(object) => facts.objects.push(object),
        Observation::Nothing(_) => {}
    }
    Ok(())
}

fn asked(request: RequestObserved) -> RequestFact {
    let mark = mark(&[
        &request.service,
        &request.version,
        &request.environment,
        request.user_id.as_deref().unwrap_or_default(),
        request.user_name.as_deref().unwrap_or_default(),
    ]);
    RequestFact {
        id: request.id,
        environment: request.environment,
        service: request.service,
        version: request.version,
        user_id: request.user_id,
        user_name: request.user_name,
        instance_count: request.instance_count,
        cpu: request.cpu,
        memory: request.memory,
        at: request.at,
        mark,
    }
}

/// A number that tells contents apart, the same wherever it is computed: FNV-1a of 64 bits.
fn mark(parts: &[&str]) -> i64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0xff])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash.cast_signed()
}
