//! Services and tasks as a test sets them, of which nothing becomes: what a sweep finds.

use serde_json::{Value, json};

use super::FakeEcs;
use super::state::Service;
use super::task::Task;

impl FakeEcs {
    /// The ARN of the cluster `name`.
    pub fn cluster_arn(&self, name: &str) -> String {
        format!("arn:aws:ecs:{}:{}:cluster/{name}", self.region, self.account)
    }

    /// The ARN of the task `id` of the cluster `name`.
    pub fn task_arn(&self, name: &str, id: &str) -> String {
        format!("arn:aws:ecs:{}:{}:task/{name}/{id}", self.region, self.account)
    }

    /// Makes the cluster `name`, if it is not there.
    pub fn cluster(&self, name: &str) {
        self.lock().cluster_mut(name);
    }

    /// Removes the cluster `name` with all that is in it.
    pub fn remove_cluster(&self, name: &str) {
        self.lock().clusters.remove(name);
    }

    /// A task that runs since `started`, in seconds since 1970: to be changed and put.
    pub fn task(&self, cluster: &str, id: &str, image: &str, started: f64) -> Value {
        json!({
            "taskArn": self.task_arn(cluster, id),
            "clusterArn": self.cluster_arn(cluster),
            "taskDefinitionArn":
                format!("arn:aws:ecs:{}:{}:task-definition/app:1", self.region, self.account),
            "group": "service:app",
            "startedBy": "ecs-svc/1",
            "lastStatus": "RUNNING",
            "desiredStatus": "RUNNING",
            "launchType": "FARGATE",
            "cpu": "256",
            "memory": "512",
            "version": 3,
            "createdAt": started,
            "startedAt": started,
            "containers": [
                { "name": "app", "image": image, "lastStatus": "RUNNING" },
            ],
        })
    }

    /// Puts a task, as `DescribeTasks` tells it, into the cluster `name`, in place of the one of its
    /// ARN.
    pub fn put_task(&self, name: &str, task: Value) {
        let arn = task["taskArn"].as_str().unwrap_or_default().to_owned();
        let task = Task { told: task, course: None };
        self.lock().cluster_mut(name).tasks.insert(arn, task);
    }

    /// Forgets a task, as ECS does about an hour after it stopped.
    pub fn remove_task(&self, name: &str, arn: &str) {
        if let Some(cluster) = self.lock().clusters.get_mut(name) {
            cluster.tasks.remove(arn);
        }
    }

    /// A service with one deployment, to be changed and put.
    pub fn service(&self, cluster: &str, name: &str, deployment: &str, changed: f64) -> Value {
        json!({
            "serviceArn": format!(
                "arn:aws:ecs:{}:{}:service/{cluster}/{name}", self.region, self.account
            ),
            "serviceName": name,
            "clusterArn": self.cluster_arn(cluster),
            "status": "ACTIVE",
            "desiredCount": 1,
            "runningCount": 1,
            "pendingCount": 0,
            "deployments": [{
                "id": deployment,
                "status": "PRIMARY",
                "taskDefinition":
                    format!("arn:aws:ecs:{}:{}:task-definition/app:1", self.region, self.account),
                "desiredCount": 1,
                "runningCount": 1,
                "pendingCount": 0,
                "failedTasks": 0,
                "rolloutState": "COMPLETED",
                "rolloutStateReason": format!("ECS deployment {deployment} completed."),
                "createdAt": changed,
                "updatedAt": changed,
            }],
        })
    }

    /// Puts a service, as `DescribeServices` tells it, into the cluster `name`.
    pub fn put_service(&self, name: &str, service: Value) {
        let own = service["serviceName"].as_str().unwrap_or_default().to_owned();
        self.lock().cluster_mut(name).services.insert(own, Service::Set(service));
    }

    /// Lists no more than `items` at a time.
    pub fn page(&self, items: usize) {
        self.lock().page = Some(items);
    }
}
