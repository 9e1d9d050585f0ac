//! Services: listed, described, made, updated.

use serde_json::{Value, json};

use super::answers::{described, invalid, last, no, text, texts};
use super::service::{Deployment, Live, Rollout};
use super::state::{Refusal, Service, State};

impl State {
    pub(super) fn list_services(&self, body: &Value) -> Result<Value, Refusal> {
        let cluster = self.cluster_name(body)?;
        let services = self.clusters[&cluster].services.values();
        let arn = |service: &Service| match service {
            Service::Set(told) => text(told, "serviceArn").to_owned(),
            Service::Live(live) => live.arn.clone(),
        };
        self.paged("serviceArns", services.map(arn).collect(), body, 10)
    }

    pub(super) fn describe_services(&self, body: &Value) -> Result<Value, Refusal> {
        let cluster = self.cluster_name(body)?;
        let services = &self.clusters[&cluster].services;
        let with_tags = texts(body, "include").iter().any(|it| it == "TAGS");
        described("services", 10, body, |asked| {
            let arn = self.arn(&format!("service/{cluster}/{}", last(asked)));
            if asked.starts_with("arn:") && asked != arn {
                return Err(asked.to_owned());
            }
            match services.get(last(asked)) {
                None => Err(arn),
                Some(Service::Set(told)) => Ok(told.clone()),
                Some(Service::Live(live)) => Ok(live.told(with_tags)),
            }
        })
    }

    pub(super) fn create_service(&mut self, body: &Value) -> Result<Value, Refusal> {
        let cluster = self.cluster_name(body)?;
        let name = text(body, "serviceName").to_owned();
        if self.clusters[&cluster].services.contains_key(&name) {
            return invalid("Creation of service was not idempotent.");
        }
        let mut live = Live::new(self, &cluster, body);
        if live.controller == "ECS" {
            self.deploy(&mut live, text(body, "taskDefinition"))?;
        }
        let told = live.told(true);
        self.cluster_mut(&cluster).services.insert(name, Service::Live(Box::new(live)));
        Ok(json!({ "service": told }))
    }

    pub(super) fn update_service(&mut self, body: &Value) -> Result<Value, Refusal> {
        let cluster = self.cluster_name(body)?;
        let name = last(text(body, "service")).to_owned();
        let Some(service) = self.cluster_mut(&cluster).services.remove(&name) else {
            return no("ServiceNotFoundException", "Service not found.");
        };
        let Service::Live(mut live) = service else {
            self.cluster_mut(&cluster).services.insert(name, service);
            return invalid("a service that a test set is not updated");
        };
        let updated = self.update(&mut live, body);
        let told = live.told(false);
        self.cluster_mut(&cluster).services.insert(name, Service::Live(live));
        updated.map(|()| json!({ "service": told }))
    }

    /// All services that roll out, and whether one of them is in progress.
    pub(super) fn rolling(&self) -> (Vec<Value>, bool) {
        let services = self.clusters.values().flat_map(|cluster| cluster.services.values());
        let live = services.filter_map(|service| match service {
            Service::Live(live) => Some(live),
            Service::Set(_) => None,
        });
        let live: Vec<_> = live.collect();
        let in_progress = |it: &Deployment| it.rollout == Rollout::InProgress;
        let is_busy = live.iter().any(|live| live.deployments.iter().any(in_progress));
        (live.into_iter().map(|live| live.told(true)).collect(), is_busy)
    }

    fn update(&mut self, live: &mut Live, body: &Value) -> Result<(), Refusal> {
        if live.status != "ACTIVE" {
            return no("ServiceNotActiveException", "Service was not ACTIVE.");
        }
        let asked = body["taskDefinition"].as_str();
        let force = body["forceNewDeployment"] == true;
        if live.controller != "ECS" && (asked.is_some() || force) {
            let what =
                if asked.is_some() { "update task definition" } else { "force a new deployment" };
            let kind = &live.controller;
            return invalid(format!(
                "Unable to {what} on services with a {kind} deployment controller."
            ));
        }
        // All is checked before anything changes.
        let primary = live.deployments.first().map(|it| it.definition.clone());
        let wanted = asked.map(ToOwned::to_owned).or_else(|| primary.clone());
        let wanted = wanted.map(|wanted| self.active(&wanted)).transpose()?;
        for field in ["deploymentConfiguration", "networkConfiguration"] {
            if !body[field].is_null() {
                live.given[field] = body[field].clone();
            }
        }
        if let Some(desired) = body["desiredCount"].as_u64() {
            live.desired = usize::try_from(desired).unwrap_or(0);
        }
        live.is_busy = true;
        if let Some(wanted) = wanted.filter(|wanted| force || primary.as_ref() != Some(wanted)) {
            self.deploy(live, &wanted)?;
        }
        Ok(())
    }

    /// A new primary deployment of the task definition `name`.
    fn deploy(&mut self, live: &mut Live, name: &str) -> Result<(), Refusal> {
        let arn = self.active(name)?;
        let pulled = self.definition(&arn).map(|definition| self.resolve(definition));
        let deployment = Deployment::new(self, arn, pulled.unwrap_or_default());
        live.deployments.insert(0, deployment);
        live.is_busy = true;
        Ok(())
    }

    /// The ARN of the task definition `name`, which must be an active one.
    fn active(&self, name: &str) -> Result<String, Refusal> {
        match self.definition(name) {
            None => no("ClientException", "TaskDefinition not found."),
            Some(definition) if definition.told["status"] != "ACTIVE" => {
                no("ClientException", "TaskDefinition is inactive")
            }
            Some(definition) => Ok(definition.arn()),
        }
    }
}
