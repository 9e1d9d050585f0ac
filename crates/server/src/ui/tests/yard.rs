//! Where releases go in these tests: services, images and tags in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use portolan_model::{Digest, Tag, Target as Named};
use portolan_release::images::{Resolved, There, Wanted};
use portolan_release::project::{self, ProjectSection, Spot};
use portolan_release::target::{
    Asked, Controller, Define, Ended, Explanation, Found, Look, Once, Seen, SeenContainer, Start,
    Started, StoppedContainer, StoppedTask, Target,
};
use portolan_release::{Images, Project, Reach, Releases, Settings};
use serde_json::json;

use super::bed::Bed;

/// What there is, and what becomes of it.
#[derive(Debug, Default)]
struct State {
    /// What each service runs, by environment and name; the first version until it is changed.
    runs: BTreeMap<(String, String), Digest>,
    /// What each definition names, by its name.
    definitions: BTreeMap<String, Digest>,
    /// Definitions that are being brought up, by environment and service, and looks at them so far.
    coming: BTreeMap<(String, String), (String, u32)>,
    /// Images whose tasks crash.
    crashing: BTreeSet<Digest>,
    /// Whether what comes up stays half way.
    stuck: bool,
    said: String,
    tags: BTreeMap<(Spot, Tag), Digest>,
}

/// One environment of it, or the whole.
#[derive(Debug, Clone, Default)]
pub(super) struct Yard {
    environment: String,
    state: Arc<Mutex<State>>,
}

/// The digest of version `version` of an image.
pub(super) fn version(image: &str, version: &str) -> Digest {
    Digest::of(format!("{image} {version}").as_bytes())
}

fn section() -> ProjectSection {
    serde_json::from_value(json!({
        "title": "The shop",
        "images": {
            "api": { "repository": "shop/orders-api", "services": ["orders-api", "orders-worker"] },
            "web": { "repository": "r.example/shop/web", "services": ["web"] },
        },
        "services": {
            "orders-worker": { "hooks": [
                { "name": "migrate", "when": "before", "command": ["./migrate", "--all"] },
            ] },
            "web": { "wave": 1 },
        },
        "environments": {
            "production": { "protected": true },
            "staging": {},
        },
    }))
    .unwrap()
}

pub(super) fn projects() -> BTreeMap<String, Project> {
    let sections = [("shop".to_owned(), section())].into();
    project::build(&sections, &|_| unreachable!()).unwrap().0
}

impl Yard {
    /// Lets the releases of `bed` go here.
    pub(super) fn of(bed: &mut Bed) -> Self {
        let yard = Self::default();
        let settings = Settings {
            poll: Duration::from_millis(1),
            again: Duration::from_millis(1),
            grace: Duration::ZERO,
            ..Settings::default()
        };
        let reach = Arc::new(yard.clone());
        bed.app.releases = Releases::new(bed.app.tracker.clone(), projects(), reach, settings);
        yard
    }

    /// Tasks of version `of` of an image crash, and say `said`.
    pub(super) fn crash(&self, image: &str, of: &str, said: &str) {
        let mut state = self.state.lock().unwrap();
        state.crashing.insert(version(image, of));
        said.clone_into(&mut state.said);
    }

    /// What comes up stays half way, or not.
    pub(super) fn stick(&self, stuck: bool) {
        self.state.lock().unwrap().stuck = stuck;
    }

    /// Somebody else changes what a service runs.
    pub(super) fn meddle(&self, environment: &str, service: &str, image: &str, of: &str) {
        let key = (environment.to_owned(), service.to_owned());
        self.state.lock().unwrap().runs.insert(key, version(image, of));
    }

    fn key(&self, service: &str) -> (String, String) {
        (self.environment.clone(), service.to_owned())
    }

    fn seen(&self, state: &State, service: &str) -> Found {
        let image = if service == "web" { "web" } else { "api" };
        let repository = if image == "web" { "r.example/shop/web" } else { "shop/orders-api" };
        let digest =
            state.runs.get(&self.key(service)).copied().unwrap_or_else(|| version(image, "v0"));
        let container = SeenContainer {
            name: "main".to_owned(),
            image: format!("{repository}@{digest}"),
            runs: [digest].into(),
        };
        Found::One(Box::new(Seen {
            id: service.to_owned(),
            controller: Controller::Own,
            definition: Some(format!("{service}:{}", digest.short())),
            deployment: Some(format!("d-{service}-{}", digest.short())),
            desired: 3,
            containers: vec![container],
        }))
    }
}

fn ready<T: Send + 'static>(value: T) -> Asked<'static, T> {
    std::future::ready(Ok(value)).boxed()
}

impl Target for Yard {
    fn read<'a>(&'a self, services: &'a BTreeSet<String>) -> Asked<'a, BTreeMap<String, Found>> {
        let state = self.state.lock().unwrap();
        ready(services.iter().map(|it| (it.clone(), self.seen(&state, it))).collect())
    }

    fn define<'a>(&'a self, define: &'a Define) -> Asked<'a, String> {
        let named = define.images.values().next().unwrap();
        let digest: Digest = named.rsplit_once('@').unwrap().1.parse().unwrap();
        let name = format!("{}:{}", define.service, digest.short());
        self.state.lock().unwrap().definitions.insert(name.clone(), digest);
        ready(name)
    }

    fn start<'a>(&'a self, start: &'a Start) -> Asked<'a, Started> {
        let definition = start.definition.clone().unwrap();
        let deployment = format!("d-{}", definition.replace(':', "-"));
        let coming = (definition, 0);
        self.state.lock().unwrap().coming.insert(self.key(&start.service), coming);
        ready(Started { service: start.service.clone(), id: start.id.clone(), deployment })
    }

    fn look<'a>(&'a self, started: &'a [Started]) -> Asked<'a, Vec<Look>> {
        let mut state = self.state.lock().unwrap();
        let mut looks = Vec::new();
        for one in started {
            let key = self.key(&one.service);
            let stuck = state.stuck;
            let (definition, seen) = state.coming.get_mut(&key).unwrap();
            *seen += 1;
            let (definition, seen) = (definition.clone(), *seen);
            let image = if one.service == "web" { "web" } else { "api" };
            let digest = state.definitions.get(&definition).copied();
            let digest = digest.unwrap_or_else(|| version(image, "v0"));
            looks.push(if seen < 2 || stuck {
                Look::Going { desired: 3, running: 1, failed: 1 }
            } else if state.crashing.contains(&digest) {
                Look::Failed { reason: "the circuit breaker was triggered".to_owned() }
            } else {
                state.runs.insert(key, digest);
                Look::Complete
            });
        }
        ready(looks)
    }

    fn explain<'a>(&'a self, started: &'a Started) -> Asked<'a, Explanation> {
        let said = self.state.lock().unwrap().said.clone();
        let container = StoppedContainer {
            name: "main".to_owned(),
            exit_code: Some(7),
            reason: None,
            log: vec!["listening on 8080".to_owned(), said.clone()],
        };
        let id = format!("arn:aws:ecs:eu-west-2:111111111111:task/main/{}", started.service);
        let reason = Some("Essential container in task exited".to_owned());
        let task = StoppedTask { id, reason, containers: vec![container] };
        let event = format!("(service {}) is unable to reach a steady state.", started.service);
        ready(Explanation { events: vec![event], tasks: vec![task] })
    }

    fn run_once<'a>(&'a self, _: &'a Once) -> Asked<'a, Ended> {
        ready(Ended { exit_code: Some(0), reason: None, log: vec!["migrated".to_owned()] })
    }
}

impl Images for Yard {
    fn place(&self, spot: &Spot) -> String {
        spot.to_string()
    }

    /// Every version of every image is there, but for those that begin with an `x`.
    fn resolve<'a>(&'a self, spot: &'a Spot, target: &'a Named) -> Asked<'a, Option<Resolved>> {
        let image = if spot.repository.as_str().ends_with("web") { "web" } else { "api" };
        let digest = match target {
            Named::Tag(tag) => {
                (!tag.as_str().starts_with('x')).then(|| version(image, tag.as_str()))
            }
            Named::Digest(digest) => Some(*digest),
        };
        ready(digest.map(|digest| Resolved { digest, tags: Vec::new() }))
    }

    fn find<'a>(&'a self, _: &'a Spot, targets: &'a [Named]) -> Asked<'a, Vec<Option<Digest>>> {
        let digest = |target: &Named| match target {
            Named::Digest(digest) => Some(*digest),
            Named::Tag(_) => None,
        };
        ready(targets.iter().map(digest).collect())
    }

    fn tags<'a>(&'a self, _: &'a Spot, _: &'a Digest) -> Asked<'a, Vec<Tag>> {
        ready(Vec::new())
    }

    fn look<'a>(&'a self, wanted: &'a [Wanted]) -> Asked<'a, Vec<There>> {
        let state = self.state.lock().unwrap();
        let there = wanted.iter().map(|it| {
            let key = |tag: &Tag| (it.spot.clone(), tag.clone());
            let tags =
                it.tags.iter().filter_map(|tag| Some((tag.clone(), *state.tags.get(&key(tag))?)));
            There { present: true, tags: tags.collect(), ..There::default() }
        });
        ready(there.collect())
    }

    fn copy<'a>(&'a self, _: &'a Digest, _: &'a Spot, _: &'a Spot) -> Asked<'a, ()> {
        ready(())
    }

    fn point<'a>(&'a self, spot: &'a Spot, digest: &'a Digest, tag: &'a Tag) -> Asked<'a, ()> {
        self.state.lock().unwrap().tags.insert((spot.clone(), tag.clone()), *digest);
        ready(())
    }
}

impl Reach for Yard {
    fn target<'a>(&'a self, _: &'a Project, environment: &'a str) -> Asked<'a, Arc<dyn Target>> {
        let target = Self { environment: environment.to_owned(), state: self.state.clone() };
        ready(Arc::new(target) as Arc<dyn Target>)
    }

    fn images<'a>(&'a self, _: &'a Project, _: Option<&'a str>) -> Asked<'a, Arc<dyn Images>> {
        ready(Arc::new(self.clone()) as Arc<dyn Images>)
    }
}
