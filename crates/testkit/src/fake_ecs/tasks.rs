//! Tasks: listed, described, run once, stopped.

use serde_json::{Value, json};

use super::answers::{described, invalid, last, no, text};
use super::fate::Fate;
use super::state::{Refusal, State};
use super::task::Owner;

/// What becomes of a task that is run once, where nothing else is scripted.
const ONCE: Fate = Fate::Exits { code: 0, after: std::time::Duration::from_secs(2) };

impl State {
    pub(super) fn list_tasks(&self, body: &Value) -> Result<Value, Refusal> {
        let cluster = self.cluster_name(body)?;
        let desired = body["desiredStatus"].as_str().unwrap_or("RUNNING");
        let (service, started_by) = (body["serviceName"].as_str(), body["startedBy"].as_str());
        if started_by.is_some() && (service.is_some() || body["family"].is_string()) {
            return invalid("startedBy must be the only filter");
        }
        let group = service.map(|name| format!("service:{}", last(name)));
        let of = &self.clusters[&cluster];
        if let Some(service) = service
            && !of.services.contains_key(last(service))
        {
            return no("ServiceNotFoundException", "Service not found.");
        }
        let is_wanted = |told: &Value| {
            told["desiredStatus"] == desired
                && group.as_ref().is_none_or(|group| told["group"] == group.as_str())
                && started_by.is_none_or(|by| told["startedBy"] == by)
        };
        let tasks = of.tasks.iter().filter(|(_, task)| is_wanted(&task.told));
        self.paged("taskArns", tasks.map(|(arn, _)| arn.clone()).collect(), body, 100)
    }

    pub(super) fn describe_tasks(&self, body: &Value) -> Result<Value, Refusal> {
        let cluster = self.cluster_name(body)?;
        let tasks = &self.clusters[&cluster].tasks;
        described("tasks", 100, body, |asked| {
            let arn = self.task_arn(&cluster, asked);
            tasks.get(&arn).map(super::task::Task::described).ok_or(arn)
        })
    }

    pub(super) fn run_task(&mut self, body: &Value) -> Result<Value, Refusal> {
        let cluster = self.cluster_name(body)?;
        if body["count"].as_u64().is_some_and(|count| count != 1) {
            return invalid("only one task is run here");
        }
        let Some(definition) = self.definition(text(body, "taskDefinition")).cloned() else {
            return no("ClientException", "TaskDefinition not found.");
        };
        let token = text(body, "clientToken").to_owned();
        let arn = if let Some((_, arn)) = self.run.get(&token).filter(|_| !token.is_empty()) {
            arn.clone()
        } else {
            let first = &body["overrides"]["containerOverrides"][0];
            let command = super::answers::texts(first, "command").join(" ");
            let fate = self.fates.get(&command).cloned().unwrap_or(ONCE);
            let owner = Owner {
                cluster: cluster.clone(),
                service: None,
                group: format!("family:{}", text(&definition.told, "family")),
                started_by: text(body, "startedBy").to_owned(),
            };
            let pulled = self.resolve(&definition);
            let arn = self.start_task(owner, &definition, &pulled, Some(&fate));
            self.run.insert(token, (cluster.clone(), arn.clone()));
            arn
        };
        let task = self.clusters[&cluster].tasks.get(&arn);
        let told: Vec<_> = task.map(super::task::Task::described).into_iter().collect();
        Ok(json!({ "tasks": told, "failures": [] }))
    }

    pub(super) fn stop_task(&mut self, body: &Value) -> Result<Value, Refusal> {
        let cluster = self.cluster_name(body)?;
        let arn = self.task_arn(&cluster, text(body, "task"));
        let now = self.now;
        let Some(task) = self.cluster_mut(&cluster).tasks.get_mut(&arn) else {
            return invalid("The referenced task was not found.");
        };
        task.stop(now, "UserInitiated", text(body, "reason"));
        Ok(json!({ "task": task.described() }))
    }

    fn task_arn(&self, cluster: &str, asked: &str) -> String {
        self.arn(&format!("task/{cluster}/{}", last(asked)))
    }
}
