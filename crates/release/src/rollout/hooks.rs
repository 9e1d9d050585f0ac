//! Commands that are run once around the change of a service.

use serde_json::json;

use super::step::{Rolling, name};
use super::stop::Stop;
use crate::plan::ServicePlan;
use crate::project::{Hook, Moment};
use crate::target::{Ended, Once, TargetError};

impl Rolling {
    /// Runs a service's hooks of one moment, in their order.
    pub(super) async fn hooks(&self, service: &ServicePlan, moment: Moment) -> Result<(), Stop> {
        for hook in service.hooks.iter().filter(|hook| hook.moment == moment) {
            self.hook(service, hook).await?;
        }
        Ok(())
    }

    async fn hook(&self, service: &ServicePlan, hook: &Hook) -> Result<(), Stop> {
        let step = name("hook", &[&service.service, &hook.name]);
        if self.outcome::<Ended>(&step)?.is_some() {
            return Ok(());
        }
        let definition = self.definition(&service.service)?.or_else(|| service.definition.clone());
        let once = Once {
            service: service.service.clone(),
            id: service.id.clone(),
            definition,
            container: hook.container.clone(),
            command: hook.command.clone(),
            seconds: hook.seconds,
            token: self.token(&step),
        };
        let run = async {
            let ended = self.patiently(|| self.target.run_once(&once)).await?;
            if ended.exit_code == Some(0) {
                return Ok(ended);
            }
            let doing = format!("run hook {} of service {}", hook.name, service.service);
            Err(TargetError::new(doing, false, told(&ended)))
        };
        let intent = json!({"command": hook.command, "token": once.token});
        self.step::<Ended>(&step, &intent, run).await.map(|_| ())
    }

    /// The token of what a step runs: the same for every try of this step of this rollout.
    fn token(&self, step: &str) -> String {
        let of = format!("{}/{step}", self.keeper.rollout());
        portolan_model::Digest::of(of.as_bytes()).hex().chars().take(32).collect()
    }
}

fn told(ended: &Ended) -> String {
    let code = match ended.exit_code {
        Some(code) => format!("it exited with {code}"),
        None => "it did not end by itself".to_owned(),
    };
    let reason = ended.reason.iter().map(|reason| format!(": {reason}"));
    let line = ended.log.last().map(|line| format!("; its last line was `{line}`"));
    std::iter::once(code).chain(reason).chain(line).collect()
}
