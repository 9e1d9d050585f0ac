//! ECS, as far as a sweep asks: `ListClusters`, `ListServices`, `DescribeServices`, `ListTasks` and
//! `DescribeTasks`, from what a test sets. In pages, and refused for being too many where told so.
//!
//! Source: [the actions of ECS](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Operations.html),
//! in its JSON protocol, where moments are seconds since 1970.

mod answers;
mod wire;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use serde_json::{Value, json};

/// A running fake. Dropping it ends it.
#[derive(Debug)]
pub struct FakeEcs {
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
    port: u16,
    region: String,
    account: String,
}

/// What it knows.
#[derive(Debug, Default)]
struct State {
    region: String,
    account: String,
    clusters: BTreeMap<String, Cluster>,
    /// Calls that are still to be refused.
    throttled: usize,
    /// Items of a page at most, where that is less than ECS's own.
    page: Option<usize>,
    /// The actions that were asked for, in order.
    calls: Vec<String>,
}

/// The services and tasks of a cluster, by ARN, as they are described.
#[derive(Debug, Default)]
struct Cluster {
    services: BTreeMap<String, Value>,
    tasks: BTreeMap<String, Value>,
}

/// Starts one for `region` of `account` on a free port, with no cluster.
pub fn start(account: &str, region: &str) -> anyhow::Result<FakeEcs> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listening as ECS")?;
    let port = listener.local_addr()?.port();
    let state =
        State { region: region.to_owned(), account: account.to_owned(), ..State::default() };
    let (state, stop) = (Arc::new(Mutex::new(state)), Arc::new(AtomicBool::new(false)));
    let (serving, stopping) = (Arc::clone(&state), Arc::clone(&stop));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            if stopping.load(Ordering::SeqCst) {
                return;
            }
            let (Ok(stream), state) = (stream, Arc::clone(&serving)) else { continue };
            // A client that goes away in the middle is no concern of ours.
            std::thread::spawn(move || {
                wire::serve(&stream, |action, body| lock(&state).answer(action, body)).is_ok()
            });
        }
    });
    Ok(FakeEcs { state, stop, port, region: region.to_owned(), account: account.to_owned() })
}

impl Drop for FakeEcs {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections, so that it sees that.
        drop(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
    }
}

impl FakeEcs {
    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

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
        lock(&self.state).clusters.entry(name.to_owned()).or_default();
    }

    /// Removes the cluster `name` with all that is in it.
    pub fn remove_cluster(&self, name: &str) {
        lock(&self.state).clusters.remove(name);
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
        lock(&self.state).clusters.entry(name.to_owned()).or_default().tasks.insert(arn, task);
    }

    /// Forgets a task, as ECS does about an hour after it stopped.
    pub fn remove_task(&self, name: &str, arn: &str) {
        if let Some(cluster) = lock(&self.state).clusters.get_mut(name) {
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
        let arn = service["serviceArn"].as_str().unwrap_or_default().to_owned();
        let mut state = lock(&self.state);
        state.clusters.entry(name.to_owned()).or_default().services.insert(arn, service);
    }

    /// Refuses the next `calls` for being too many.
    pub fn throttle(&self, calls: usize) {
        lock(&self.state).throttled = calls;
    }

    /// Lists no more than `items` at a time.
    pub fn page(&self, items: usize) {
        lock(&self.state).page = Some(items);
    }

    /// The actions that were asked for since this was asked last, in order.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.state).calls)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Client;

    fn ask(ecs: &FakeEcs, action: &str, body: &Value) -> (u16, Value) {
        let target = format!("AmazonEC2ContainerServiceV20141113.{action}");
        let headers = [("x-amz-target", target.as_str())];
        let client = Client::new();
        let answer = client.send("POST", &ecs.url(), &headers, body.to_string().as_bytes());
        let answer = answer.unwrap();
        (answer.status, answer.json().unwrap())
    }

    #[test]
    fn tasks_are_listed_in_pages_and_described() {
        let ecs = start("123456789012", "eu-west-2").unwrap();
        for id in ["a", "b", "c"] {
            ecs.put_task("dev", ecs.task("dev", id, "app:1", 1_700_000_000.5));
        }
        ecs.page(2);
        let (_, first) = ask(&ecs, "ListTasks", &json!({ "cluster": "dev" }));
        assert_eq!(first["taskArns"].as_array().unwrap().len(), 2);
        let (_, rest) = ask(
            &ecs,
            "ListTasks",
            &json!({ "cluster": ecs.cluster_arn("dev"), "nextToken": first["nextToken"] }),
        );
        assert_eq!(rest["taskArns"], json!([ecs.task_arn("dev", "c")]));
        assert!(rest["nextToken"].is_null());
        let gone = ecs.task_arn("dev", "gone");
        let asked = json!({ "cluster": "dev", "tasks": [ecs.task_arn("dev", "b"), gone] });
        let (_, told) = ask(&ecs, "DescribeTasks", &asked);
        assert_eq!(told["tasks"][0]["containers"][0]["image"], "app:1");
        assert_eq!(told["failures"], json!([{ "arn": gone, "reason": "MISSING" }]));
        let (_, none) =
            ask(&ecs, "ListTasks", &json!({ "cluster": "dev", "desiredStatus": "STOPPED" }));
        assert_eq!(none["taskArns"], json!([]));
    }

    #[test]
    fn it_refuses_what_ecs_refuses() {
        let ecs = start("123456789012", "eu-west-2").unwrap();
        let refused = |action: &str, body: Value| {
            let (status, told) = ask(&ecs, action, &body);
            (status, told["__type"].as_str().unwrap_or_default().to_owned())
        };
        let no_cluster = (400, "ClusterNotFoundException".to_owned());
        assert_eq!(refused("ListTasks", json!({ "cluster": "dev" })), no_cluster);
        ecs.cluster("dev");
        let elsewhere = "arn:aws:ecs:eu-west-2:999999999999:cluster/dev";
        assert_eq!(refused("ListServices", json!({ "cluster": elsewhere })), no_cluster);
        let many: Vec<_> = (0..101).map(|id| ecs.task_arn("dev", &id.to_string())).collect();
        let too_many = (400, "InvalidParameterException".to_owned());
        assert_eq!(refused("DescribeTasks", json!({ "cluster": "dev", "tasks": many })), too_many);
        ecs.throttle(1);
        assert_eq!(refused("ListClusters", json!({})).1, "ThrottlingException");
        assert_eq!(
            ask(&ecs, "ListClusters", &json!({})).1["clusterArns"][0],
            ecs.cluster_arn("dev")
        );
        assert_eq!(ecs.calls().len(), 5);
    }
}
