//! A task, and what becomes of it in time.

use serde_json::{Value, json};

use super::definitions::Definition;
use super::fate::Fate;
use super::registry::Pulled;
use super::state::State;

/// Seconds for which a task is `PENDING`.
const STARTS: f64 = 3.0;
/// Seconds after which a task that runs has come to stay.
const SETTLES: f64 = 5.0;
/// Seconds after which a health check that never passes has failed.
const HEALTH: f64 = 30.0;
/// Seconds that a container takes to stop when it is told to.
const STOPS: f64 = 2.0;
/// Seconds for which a stopped task is told about.
const KEPT: f64 = 3_600.0;

/// A task: as it is described, and what is to become of it (nothing where a test set it).
#[derive(Debug)]
pub(super) struct Task {
    pub(super) told: Value,
    pub(super) course: Option<Course>,
}

/// What is to become of a task.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) service: Option<String>,
    phase: Phase,
    /// The fate of each container, in order.
    fates: Vec<Fate>,
    digests: Vec<Option<String>>,
    /// When something next becomes of it.
    due: f64,
    /// Whether it has come to stay.
    pub(super) is_good: bool,
    /// Whether it ended although it was to run.
    pub(super) has_failed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Pending,
    Running,
    Stopping,
    Stopped,
    Gone,
}

/// What became of a task in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happened {
    Nothing,
    Started,
    Changed,
    Gone,
}

/// Who a task is for.
pub(super) struct Owner {
    pub(super) cluster: String,
    pub(super) service: Option<String>,
    pub(super) group: String,
    pub(super) started_by: String,
}

impl State {
    /// A new task of `definition`, whose ARN is answered; its images were found as `pulled` says.
    pub(super) fn start_task(
        &mut self,
        owner: Owner,
        definition: &Definition,
        pulled: &[Pulled],
        once: Option<&Fate>,
    ) -> String {
        let Owner { cluster, service, group, started_by } = owner;
        let name = self.name();
        let arn = self.arn(&format!("task/{cluster}/{name}"));
        let (mut containers, mut fates, mut digests) = (Vec::new(), Vec::new(), Vec::new());
        for pulled in pulled {
            let digest = self.pull(pulled);
            let scripted = digest.iter().chain([&pulled.image]).find_map(|it| self.fates.get(it));
            let fate = scripted.or(once).cloned().unwrap_or(Fate::Runs);
            let has_check = definition.containers().any(|container| {
                container["name"] == pulled.name.as_str() && container["healthCheck"].is_object()
            });
            let name = self.name();
            let mut container = json!({
                "containerArn": self.arn(&format!("container/{cluster}/{name}")),
                "taskArn": arn,
                "name": pulled.name,
                "image": pulled.image,
                "lastStatus": "PENDING",
                "networkInterfaces": [],
                "healthStatus": "UNKNOWN",
                "cpu": "0",
            });
            if has_check {
                container["hasHealthCheck"] = json!(true);
            }
            containers.push(container);
            fates.push(fate);
            digests.push(digest);
        }
        let told = json!({
            "taskArn": arn,
            "clusterArn": self.arn(&format!("cluster/{cluster}")),
            "taskDefinitionArn": definition.arn(),
            "group": group,
            "startedBy": started_by,
            "lastStatus": "PENDING",
            "desiredStatus": "RUNNING",
            "healthStatus": "UNKNOWN",
            "launchType": "FARGATE",
            "platformVersion": "1.4.0",
            "availabilityZone": format!("{}a", self.region),
            "cpu": definition.told["cpu"].as_str().unwrap_or("256"),
            "memory": definition.told["memory"].as_str().unwrap_or("512"),
            "version": 1,
            "createdAt": self.now,
            "attachments": [],
            "overrides": { "containerOverrides": [] },
            "tags": [],
            "containers": containers,
        });
        let course = Course {
            service,
            phase: Phase::Pending,
            fates,
            digests,
            due: self.now + STARTS,
            is_good: false,
            has_failed: false,
        };
        let task = Task { told, course: Some(course) };
        self.cluster_mut(&cluster).tasks.insert(arn.clone(), task);
        arn
    }
}

impl Task {
    /// Lets become of it what is due at `now`.
    pub(super) fn step(&mut self, now: f64) -> Happened {
        let Some(course) = &mut self.course else { return Happened::Nothing };
        if now < course.due {
            return Happened::Nothing;
        }
        course.due = f64::INFINITY;
        match course.phase {
            Phase::Pending => self.begin(now),
            Phase::Running => self.go_on(now),
            Phase::Stopping => {
                self.end(now, None);
                Happened::Changed
            }
            Phase::Stopped | Phase::Gone => {
                course.phase = Phase::Gone;
                Happened::Gone
            }
        }
    }

    /// Tells it to stop, for `reason`.
    pub(super) fn stop(&mut self, now: f64, code: &str, reason: &str) {
        let Some(course) = &mut self.course else { return };
        if !matches!(course.phase, Phase::Pending | Phase::Running) {
            return;
        }
        course.due = if course.phase == Phase::Pending { now + 1.0 } else { now + STOPS };
        course.phase = Phase::Stopping;
        course.is_good = false;
        self.told["desiredStatus"] = json!("STOPPED");
        self.told["stopCode"] = json!(code);
        self.told["stoppedReason"] = json!(reason);
        self.told["stoppingAt"] = json!(now);
        self.bump();
    }

    pub(super) fn is_running(&self) -> bool {
        self.told["lastStatus"] == "RUNNING"
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.told["lastStatus"] == "STOPPED"
    }

    pub(super) fn shall_run(&self) -> bool {
        self.told["desiredStatus"] == "RUNNING"
    }

    pub(super) fn id(&self) -> &str {
        super::answers::last(super::answers::text(&self.told, "taskArn"))
    }

    fn begin(&mut self, now: f64) -> Happened {
        let Some(course) = &mut self.course else { return Happened::Nothing };
        let fates = course.fates.iter().zip(&course.digests).enumerate();
        let mut unable = fates.filter_map(|(at, (fate, digest))| match fate {
            Fate::NoSecret => Some((
                at,
                "ResourceInitializationError: unable to pull secrets or \
                registry auth: execution resource retrieval failed: unable to retrieve secret from \
                asm: ResourceNotFoundException: Secrets Manager can't find the specified secret."
                    .to_owned(),
            )),
            _ if *fate == Fate::CannotPull || digest.is_none() => {
                let image = self.told["containers"][at]["image"].as_str().unwrap_or_default();
                Some((
                    at,
                    format!(
                        "CannotPullContainerError: pull image manifest has been retried \
                    1 time(s): failed to resolve ref {image}: {image}: not found"
                    ),
                ))
            }
            _ => None,
        });
        if let Some((at, why)) = unable.next() {
            drop(unable);
            course.has_failed = true;
            self.told["containers"][at]["reason"] = json!(why);
            self.told["desiredStatus"] = json!("STOPPED");
            self.told["stopCode"] = json!("TaskFailedToStart");
            self.told["stoppedReason"] = json!(why);
            self.told["stoppingAt"] = json!(now);
            self.end(now, None);
            return Happened::Changed;
        }
        drop(unable);
        if course.fates.contains(&Fate::StaysPending) {
            return Happened::Nothing;
        }
        course.phase = Phase::Running;
        course.due = now + course.next_after(0.0);
        for (container, digest) in containers(&mut self.told).zip(&course.digests) {
            container["lastStatus"] = json!("RUNNING");
            container["imageDigest"] = json!(digest);
        }
        self.told["lastStatus"] = json!("RUNNING");
        self.told["startedAt"] = json!(now);
        self.bump();
        Happened::Started
    }

    fn go_on(&mut self, now: f64) -> Happened {
        let started = self.told["startedAt"].as_f64().unwrap_or(now);
        let ran = now - started;
        let Some(course) = &mut self.course else { return Happened::Nothing };
        let ends = |fate: &Fate| fate.ends_after().is_some_and(|after| ran >= after);
        if let Some(at) = course.fates.iter().position(ends) {
            let (code, reason) = course.fates[at].end();
            course.has_failed = true;
            self.told["desiredStatus"] = json!("STOPPED");
            self.told["stoppingAt"] = json!(now);
            if let Some(code) = code {
                self.told["stopCode"] = json!("EssentialContainerExited");
                self.told["stoppedReason"] = json!("Essential container in task exited");
                self.told["containers"][at]["exitCode"] = json!(code);
            } else {
                self.told["stopCode"] = json!("ServiceSchedulerInitiated");
                self.told["stoppedReason"] = json!("Task failed container health checks");
                self.told["containers"][at]["healthStatus"] = json!("UNHEALTHY");
                self.told["healthStatus"] = json!("UNHEALTHY");
            }
            if let Some(reason) = reason {
                self.told["containers"][at]["reason"] = json!(reason);
            }
            self.end(now, Some(at));
            return Happened::Changed;
        }
        if ran >= SETTLES && !course.fates.contains(&Fate::NeverHealthy) {
            course.is_good = true;
            let mut any = false;
            for container in containers(&mut self.told) {
                if container["hasHealthCheck"] == true {
                    container["healthStatus"] = json!("HEALTHY");
                    any = true;
                }
            }
            if any {
                self.told["healthStatus"] = json!("HEALTHY");
            }
        }
        course.due = started + course.next_after(ran);
        self.bump();
        Happened::Changed
    }

    /// It has stopped; `at` is the container by which it ended.
    fn end(&mut self, now: f64, at: Option<usize>) {
        let ran = self.is_running();
        for (index, container) in containers(&mut self.told).enumerate() {
            container["lastStatus"] = json!("STOPPED");
            if ran && Some(index) != at && container["exitCode"].is_null() {
                container["exitCode"] = json!(0);
            }
        }
        self.told["lastStatus"] = json!("STOPPED");
        self.told["stoppedAt"] = json!(now);
        self.bump();
        if let Some(course) = &mut self.course {
            course.phase = Phase::Stopped;
            course.is_good = false;
            course.due = now + KEPT;
        }
    }

    fn bump(&mut self) {
        self.told["version"] = json!(self.told["version"].as_u64().unwrap_or(0) + 1);
    }

    /// As `DescribeTasks` tells it.
    pub(super) fn described(&self) -> Value {
        let mut told = self.told.clone();
        for container in containers(&mut told) {
            if let Some(members) = container.as_object_mut() {
                members.remove("hasHealthCheck");
            }
        }
        told
    }
}

impl Course {
    /// How long after its start something next becomes of it, when it has run for `ran` seconds.
    fn next_after(&self, ran: f64) -> f64 {
        let ends = self.fates.iter().filter_map(Fate::ends_after);
        let moments = ends.chain([SETTLES]).filter(|moment| *moment > ran || ran == 0.0);
        moments.fold(f64::INFINITY, f64::min)
    }
}

impl Fate {
    /// Seconds after its start at which it ends by itself.
    fn ends_after(&self) -> Option<f64> {
        match self {
            Self::Exits { after, .. } | Self::OutOfMemory { after } => Some(after.as_secs_f64()),
            Self::NeverHealthy => Some(HEALTH),
            _ => None,
        }
    }

    /// The exit code and the reason with which it ends.
    fn end(&self) -> (Option<i32>, Option<&'static str>) {
        match self {
            Self::Exits { code, .. } => (Some(*code), None),
            Self::OutOfMemory { .. } => {
                (Some(137), Some("OutOfMemoryError: Container killed due to memory usage"))
            }
            _ => (None, None),
        }
    }
}

fn containers(told: &mut Value) -> impl Iterator<Item = &mut Value> {
    told["containers"].as_array_mut().into_iter().flatten()
}
