//! A target in memory. Deployments take two looks to complete, or fail as their images are scripted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use portolan_model::{Digest, Reference};
use portolan_release::target::{
    Asked, Controller, Define, Ended, Explanation, Found, Look, Once, Seen, SeenContainer, Start,
    Started, StoppedContainer, StoppedTask, Target, TargetError,
};

use crate::shelf::Shelf;

#[derive(Debug, Clone, Default)]
pub(crate) struct Service {
    pub(crate) definition: String,
    pub(crate) deployment: String,
    /// What each container runs.
    pub(crate) runs: BTreeMap<String, Digest>,
    /// Deployments, oldest first.
    pub(crate) deployments: Vec<String>,
}

#[derive(Debug, Clone)]
struct Deployment {
    service: String,
    definition: String,
    looks: u32,
    over: Option<Look>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) services: BTreeMap<String, Service>,
    pub(crate) definitions: BTreeMap<String, BTreeMap<String, String>>,
    deployments: BTreeMap<String, Deployment>,
    pub(crate) hooks: Vec<String>,
    /// Images whose tasks crash.
    pub(crate) crashing: BTreeSet<Digest>,
    /// Whether a failed deployment is taken back by the target itself.
    pub(crate) breaker: bool,
    /// Hooks that fail.
    pub(crate) failing_hooks: BTreeSet<String>,
    /// How often the next calls say that they are busy.
    pub(crate) busy: u32,
    /// Whether nothing can be started.
    pub(crate) broken: bool,
    count: u32,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    pub(crate) state: Arc<Mutex<State>>,
    pub(crate) shelf: Shelf,
}

fn ready<T: Send + 'static>(value: T) -> Asked<'static, T> {
    std::future::ready(Ok(value)).boxed()
}

fn refused<T: Send + 'static>(doing: &str, transient: bool) -> Asked<'static, T> {
    std::future::ready(Err(TargetError::new(doing, transient, "it said no"))).boxed()
}

impl Memory {
    /// Adds a service that runs what `images` name.
    pub(crate) fn add(&self, name: &str, images: &[(&str, String)]) {
        let mut state = self.state.lock().unwrap();
        let definition = format!("{name}:1");
        let images: BTreeMap<String, String> = images
            .iter()
            .map(|(container, image)| ((*container).to_owned(), image.clone()))
            .collect();
        let runs = self.resolved(&images);
        state.definitions.insert(definition.clone(), images);
        let deployment = format!("d-{name}-0");
        let deployments = vec![deployment.clone()];
        state
            .services
            .insert(name.to_owned(), Service { definition, deployment, runs, deployments });
    }

    fn resolved(&self, images: &BTreeMap<String, String>) -> BTreeMap<String, Digest> {
        let digest = |image: &String| {
            let reference: Reference = image.parse().unwrap();
            self.shelf.resolve_now(&reference).expect("an image that is there")
        };
        images.iter().map(|(name, image)| (name.clone(), digest(image))).collect()
    }

    pub(crate) fn services(&self) -> BTreeMap<String, Service> {
        self.state.lock().unwrap().services.clone()
    }

    /// Somebody else deploys a definition.
    pub(crate) fn meddle(&self, service: &str, container: &str, image: &str) {
        let define = Define {
            service: service.to_owned(),
            id: service.to_owned(),
            from: Some(self.services()[service].definition.clone()),
            images: [(container.to_owned(), image.to_owned())].into(),
        };
        let definition = self.define_now(&define);
        let mut state = self.state.lock().unwrap();
        Self::start_now(&mut state, service, &definition);
        let runs = self.resolved(&state.definitions[&definition].clone());
        state.services.get_mut(service).unwrap().runs = runs;
    }

    fn define_now(&self, define: &Define) -> String {
        let mut state = self.state.lock().unwrap();
        let mut images = state.definitions[define.from.as_ref().unwrap()].clone();
        images.extend(define.images.clone());
        state.count += 1;
        let name = format!("{}:{}", define.service, state.count + 1);
        state.definitions.insert(name.clone(), images);
        name
    }

    fn start_now(state: &mut State, service: &str, definition: &str) -> String {
        state.count += 1;
        let id = format!("d-{service}-{}", state.count);
        let made = state.services.get_mut(service).unwrap();
        let before = std::mem::replace(&mut made.deployment, id.clone());
        definition.clone_into(&mut made.definition);
        made.deployments.push(id.clone());
        if let Some(before) = state.deployments.get_mut(&before)
            && before.over.is_none()
        {
            before.over = Some(Look::Replaced { by: id.clone() });
        }
        let deployment = Deployment {
            service: service.to_owned(),
            definition: definition.to_owned(),
            looks: 0,
            over: None,
        };
        state.deployments.insert(id.clone(), deployment);
        id
    }

    fn look_now(&self, state: &mut State, started: &Started) -> Look {
        let deployment = state.deployments[&started.deployment].clone();
        if let Some(over) = deployment.over {
            return over;
        }
        if deployment.looks < 2 {
            state.deployments.get_mut(&started.deployment).unwrap().looks += 1;
            return Look::Going { desired: 2, running: 1, failed: 0 };
        }
        let runs = self.resolved(&state.definitions[&deployment.definition].clone());
        let over = if runs.values().any(|digest| state.crashing.contains(digest)) {
            Look::Failed { reason: "the circuit breaker was triggered".to_owned() }
        } else {
            state.services.get_mut(&deployment.service).unwrap().runs = runs;
            Look::Complete
        };
        state.deployments.get_mut(&started.deployment).unwrap().over = Some(over.clone());
        if state.breaker && over != Look::Complete {
            let back = format!("{}:1", deployment.service);
            Self::start_now(state, &deployment.service, &back);
        }
        over
    }
}

impl Target for Memory {
    fn read<'a>(&'a self, services: &'a BTreeSet<String>) -> Asked<'a, BTreeMap<String, Found>> {
        let state = self.state.lock().unwrap();
        let found = services.iter().map(|name| {
            let Some(service) = state.services.get(name) else {
                return (name.clone(), Found::None);
            };
            let containers = state.definitions[&service.definition].iter();
            let containers = containers.map(|(name, image)| SeenContainer {
                name: name.clone(),
                image: image.clone(),
                runs: service.runs.get(name).copied().into_iter().collect(),
            });
            let seen = Seen {
                id: name.clone(),
                controller: Controller::Own,
                definition: Some(service.definition.clone()),
                deployment: Some(service.deployment.clone()),
                desired: 2,
                containers: containers.collect(),
            };
            (name.clone(), Found::One(Box::new(seen)))
        });
        ready(found.collect())
    }

    fn define<'a>(&'a self, define: &'a Define) -> Asked<'a, String> {
        {
            let mut state = self.state.lock().unwrap();
            if state.busy > 0 {
                state.busy -= 1;
                return refused("define", true);
            }
        }
        ready(self.define_now(define))
    }

    fn start<'a>(&'a self, start: &'a Start) -> Asked<'a, Started> {
        let mut state = self.state.lock().unwrap();
        if state.broken {
            return refused("start a deployment", false);
        }
        let own = state.services[&start.service].definition.clone();
        let definition = start.definition.clone().unwrap_or(own);
        let deployment = Self::start_now(&mut state, &start.service, &definition);
        ready(Started { service: start.service.clone(), id: start.id.clone(), deployment })
    }

    fn look<'a>(&'a self, started: &'a [Started]) -> Asked<'a, Vec<Look>> {
        let mut state = self.state.lock().unwrap();
        let looks = started.iter().map(|each| self.look_now(&mut state, each)).collect();
        ready(looks)
    }

    fn explain<'a>(&'a self, started: &'a Started) -> Asked<'a, Explanation> {
        let container = StoppedContainer {
            name: "main".to_owned(),
            exit_code: Some(1),
            reason: None,
            log: vec!["no database".to_owned()],
        };
        let id = format!("task-of-{}", started.service);
        let reason = Some("Essential container in task exited".to_owned());
        let task = StoppedTask { id, reason, containers: vec![container] };
        ready(Explanation { events: vec!["unable to start".to_owned()], tasks: vec![task] })
    }

    fn run_once<'a>(&'a self, once: &'a Once) -> Asked<'a, Ended> {
        let mut state = self.state.lock().unwrap();
        let run = format!("{} {} {}", once.token, once.service, once.command.join(" "));
        // A run that was begun before is followed.
        if !state.hooks.contains(&run) {
            state.hooks.push(run);
        }
        let fails = state.failing_hooks.contains(&once.command.join(" "));
        ready(Ended {
            exit_code: Some(i64::from(fails)),
            reason: None,
            log: vec!["bye".to_owned()],
        })
    }
}
