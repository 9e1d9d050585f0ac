//! Plans of made-up worlds.

use std::collections::{BTreeMap, BTreeSet};

use portolan_model::{Platform, RolloutId, Timestamp};
use portolan_store::{Freeze, Held, Quarantine, Release, ReleaseImage};
use proptest::prelude::*;

use super::*;
use crate::project::{Environment, Image, Project, Service};
use crate::target::{Controller, Found, Seen, SeenContainer};

const ID: &str = "00000000-0000-0000-0000-000000000001";

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn spot(name: &str) -> Spot {
    Spot { registry: Some("r.example".into()), repository: format!("shop/{name}").parse().unwrap() }
}

/// A project whose images run in the services that are told with them.
fn project(images: &[(&str, &[&str])]) -> Project {
    let mut project = Project { id: "shop".into(), title: "Shop".into(), ..Project::default() };
    for (image, services) in images {
        let services: BTreeSet<String> = services.iter().map(|&it| it.to_owned()).collect();
        for service in &services {
            project.services.entry(service.clone()).or_default();
        }
        let (role_arn, at) = (None, BTreeMap::new());
        let image_of = Image { source: spot(image), role_arn, at, services };
        project.images.insert((*image).to_owned(), image_of);
    }
    let tags = vec!["env.prod".parse().unwrap()];
    project.environments.insert("prod".into(), Environment { tags, ..Environment::default() });
    project
}

fn release(project: &Project, version: &str) -> Release {
    let images = project.images.iter().map(|(id, image)| ReleaseImage {
        image: id.clone(),
        registry: image.source.registry.clone(),
        repository: image.source.repository.clone(),
        digest: digest(&format!("{id}{version}")),
        tag: None,
        revision: None,
    });
    Release {
        id: ID.parse().unwrap(),
        project: "shop".into(),
        description: String::new(),
        source: serde_json::Value::Null,
        created_by: "ann".into(),
        created_at: Timestamp::default(),
        ci_url: None,
        images: images.collect(),
    }
}

/// A world in which every service runs `version`, named by the environment's tag.
fn world(project: &Project, version: &str) -> World {
    let mut world = World::default();
    for (id, image) in &project.images {
        let tags = [("env.prod".parse().unwrap(), digest(&format!("{id}{version}")))].into();
        let there = ImageThere {
            spot: image.source.clone(),
            place: image.source.to_string(),
            present: true,
            at_source: true,
            platforms: vec![Platform::default()],
            tags,
            fixed_tags: false,
        };
        world.images.insert(id.clone(), there);
    }
    for name in project.services.keys() {
        let containers = project.images_of(name).into_iter().map(|image| SeenContainer {
            name: format!("c-{image}"),
            image: format!("{}:env.prod", spot(image)),
            runs: [digest(&format!("{image}{version}"))].into(),
        });
        let sidecar = SeenContainer {
            name: "sidecar".into(),
            image: "public.example/proxy:1".into(),
            runs: [digest("proxy")].into(),
        };
        let seen = Seen {
            id: format!("arn/{name}"),
            controller: Controller::Own,
            definition: Some(format!("{name}:1")),
            deployment: Some("d1".into()),
            desired: 2,
            containers: containers.chain([sidecar]).collect(),
        };
        world.services.insert(name.clone(), Found::One(Box::new(seen)));
    }
    world
}

fn made(project: &Project, release: &Release, world: &World) -> Plan {
    plan(project, ("prod", &project.environments["prod"]), release, &Scope::default(), world)
}

fn seen<'a>(world: &'a mut World, service: &str) -> &'a mut Seen {
    match world.services.get_mut(service) {
        Some(Found::One(seen)) => seen,
        other => panic!("{other:?}"),
    }
}

/// The world after `plan` was done.
fn done(plan: &Plan, mut world: World) -> World {
    for image in &plan.images {
        let there = world.images.get_mut(&image.image).unwrap();
        there.present = true;
        there.tags.extend(image.tags.iter().map(|moved| (moved.tag.clone(), image.digest)));
    }
    for service in plan.changed() {
        let seen = seen(&mut world, &service.service);
        seen.definition = Some(format!("{}:2", service.service));
        for change in &service.containers {
            let container = seen.containers.iter_mut().find(|it| it.name == change.container);
            let container = container.unwrap();
            container.image.clone_from(&change.will_name);
            if !container.runs.is_empty() || seen.desired > 0 {
                container.runs = [change.digest].into();
            }
        }
    }
    world
}

fn refusals(plan: &Plan) -> String {
    plan.refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[test]
fn every_service_of_an_image_is_changed_once() {
    let project = project(&[
        ("merger", &["bibs", "items", "holdings"]),
        ("manager", &["inferrer"]),
        ("feature", &["inferrer"]),
        ("lonely", &[]),
    ]);
    let plan = made(&project, &release(&project, "2"), &world(&project, "1"));
    assert_eq!(refusals(&plan), "");
    let changed: Vec<&str> = plan.changed().map(|it| it.service.as_str()).collect();
    assert_eq!(changed, ["bibs", "holdings", "inferrer", "items"]);
    let inferrer = plan.services.iter().find(|it| it.service == "inferrer").unwrap();
    assert_eq!(inferrer.containers.len(), 2, "both containers, and not the sidecar");
    assert!(inferrer.containers[0].will_name.starts_with("r.example/shop/feature@sha256:"));
    let tagged: Vec<&str> =
        plan.images.iter().filter(|it| !it.tags.is_empty()).map(|it| it.image.as_str()).collect();
    assert_eq!(tagged, ["feature", "lonely", "manager", "merger"]);
}

#[test]
fn what_runs_is_compared_and_never_where_a_tag_points() {
    let project = project(&[("api", &["api"])]);
    // The tag was moved by a deployment that died before it changed the service.
    let mut world = world(&project, "1");
    let tag = "env.prod".parse().unwrap();
    world.images.get_mut("api").unwrap().tags.insert(tag, digest("api2"));
    let plan = made(&project, &release(&project, "2"), &world);
    assert_eq!(plan.changed().count(), 1);
    assert!(plan.images[0].tags.is_empty());
}

#[test]
fn a_service_that_runs_it_already_is_left_alone() {
    let project = project(&[("api", &["api"]), ("web", &["web"])]);
    let mut world = world(&project, "1");
    seen(&mut world, "web").containers[0].runs = [digest("web2")].into();
    let plan = made(&project, &release(&project, "2"), &world);
    assert_eq!(plan.changed().map(|it| it.service.as_str()).collect::<Vec<_>>(), ["api"]);
    // With one changed container the other of the same service is pinned too.
    let two = super::tests::project(&[("api", &["both"]), ("web", &["both"])]);
    let mut world = super::tests::world(&two, "1");
    seen(&mut world, "both").containers[1].runs = [digest("web2")].into();
    let plan = made(&two, &release(&two, "2"), &world);
    assert!(plan.services[0].containers.iter().all(|it| it.will_name.contains("@sha256:")));
}

#[test]
fn a_pinned_service_that_runs_something_else_is_started_anew() {
    let project = project(&[("api", &["api"])]);
    let mut world = world(&project, "1");
    let pinned = format!("r.example/shop/api@{}", digest("api2"));
    seen(&mut world, "api").containers[0].image = pinned;
    let plan = made(&project, &release(&project, "2"), &world);
    assert_eq!(plan.services[0].action, Action::Restart);
    seen(&mut world, "api").desired = 0;
    seen(&mut world, "api").containers[0].runs.clear();
    let plan = made(&project, &release(&project, "2"), &world);
    assert_eq!(plan.services[0].action, Action::Keep);
}

#[test]
fn a_floating_service_is_started_anew_after_its_tag_moved() {
    let mut project = project(&[("api", &["api"])]);
    project.services.get_mut("api").unwrap().floating = true;
    let mut world = world(&project, "1");
    let plan = made(&project, &release(&project, "2"), &world);
    assert_eq!(plan.services[0].action, Action::Restart);
    assert!(plan.images[0].tags[0].first);
    assert_eq!(plan.services[0].containers[0].will_name, "r.example/shop/api:env.prod");
    world.images.get_mut("api").unwrap().fixed_tags = true;
    seen(&mut world, "api").containers[0].image = "r.example/shop/api:1.2.3".into();
    let plan = made(&project, &release(&project, "2"), &world);
    let said = refusals(&plan);
    assert!(said.contains("1.2.3") && said.contains("immutable"), "{said}");
}

#[test]
fn each_reason_to_refuse_is_named() {
    let project = project(&[("api", &["api"]), ("web", &["web"])]);
    let mut base = world(&project, "1");
    base.images.get_mut("api").unwrap().platforms = vec!["linux/arm64".parse().unwrap()];
    base.images.get_mut("web").unwrap().present = false;
    seen(&mut base, "web").containers.remove(0);
    seen(&mut base, "api").controller = Controller::Other("CODE_DEPLOY".into());
    let id = ID.parse::<RolloutId>().unwrap();
    let until = Timestamp::from_millis(1);
    base.held = Some(Held { rollout: id, owner: "ci".into(), fence: 1, until });
    let word = || (String::from("because"), String::from("bob"), Timestamp::default());
    let (reason, created_by, created_at) = word();
    base.quarantined =
        Some(Quarantine { release: ID.parse().unwrap(), reason, created_by, created_at });
    let (reason, created_by, created_at) = word();
    let (p, e) = ("shop".into(), "prod".into());
    base.frozen =
        Some(Freeze { project: p, environment: e, reason, created_by, created_at, until: None });
    let said = refusals(&made(&project, &release(&project, "2"), &base));
    for part in [
        "built for linux/arm64, not for linux/amd64",
        "is not in r.example/shop/web",
        "no container that runs image web; it has sidecar",
        "CODE_DEPLOY",
        "is changing the environment (ci",
        "frozen by bob: because",
        "quarantine by bob: because",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let mut missing = world(&project, "1");
    missing.services.insert("api".into(), Found::None);
    missing.services.insert("web".into(), Found::Several(vec!["a".into(), "b".into()]));
    let said = refusals(&made(&project, &release(&project, "2"), &missing));
    assert!(said.contains("api is not there") && said.contains("more than one: a, b"), "{said}");
    let none = super::tests::project(&[]);
    let said = refusals(&made(&none, &release(&none, "2"), &World::default()));
    assert_eq!(said, "there is no service and no tag to change");
}

#[test]
fn an_optional_service_may_be_missing() {
    let mut project = project(&[("api", &["api", "extra"])]);
    project.services.insert("extra".into(), Service { optional: true, ..Service::default() });
    let mut world = world(&project, "1");
    world.services.insert("extra".into(), Found::None);
    let plan = made(&project, &release(&project, "2"), &world);
    assert_eq!((refusals(&plan).as_str(), plan.notes.len()), ("", 1));
}

#[test]
fn what_is_elsewhere_is_copied_first() {
    let mut project = project(&[("api", &["api"])]);
    project.environments.get_mut("prod").unwrap().registry = Some("prod.example".into());
    let mut world = world(&project, "1");
    let there = world.images.get_mut("api").unwrap();
    there.spot = project.spot("api", "prod").unwrap();
    there.place = there.spot.to_string();
    there.present = false;
    let plan = made(&project, &release(&project, "2"), &world);
    assert_eq!(plan.images[0].copy_from, Some(spot("api")));
    assert!(plan.services[0].containers[0].will_name.starts_with("prod.example/shop/api@"));
    world.images.get_mut("api").unwrap().at_source = false;
    let said = refusals(&made(&project, &release(&project, "2"), &world));
    assert!(said.contains("prod.example/shop/api, nor in r.example/shop/api"), "{said}");
}

#[test]
fn a_part_of_a_release_is_some_services() {
    let project = project(&[("api", &["api"]), ("web", &["web"])]);
    let scope = Scope { services: Some(["web".to_owned()].into()) };
    let (release, world) = (release(&project, "2"), world(&project, "1"));
    let plan = plan(&project, ("prod", &project.environments["prod"]), &release, &scope, &world);
    assert_eq!(plan.services.len(), 1);
    assert_eq!(plan.images.iter().map(|it| it.image.as_str()).collect::<Vec<_>>(), ["web"]);
}

#[test]
fn what_moved_is_said() {
    let project = project(&[("api", &["api"])]);
    let (release, before) = (release(&project, "2"), world(&project, "1"));
    let agreed = made(&project, &release, &before);
    assert!(moved(&agreed, &made(&project, &release, &before)).is_empty());
    let mut after = before.clone();
    seen(&mut after, "api").definition = Some("api:7".into());
    seen(&mut after, "api").containers[0].runs = [digest("other")].into();
    after.images.get_mut("api").unwrap().tags.clear();
    let said = moved(&agreed, &made(&project, &release, &after)).join("; ");
    for part in ["was api:1, and is api:7", "and runs sha256:", "tags point elsewhere"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    after.services.insert("api".into(), Found::None);
    let said = moved(&agreed, &made(&project, &release, &after)).join("; ");
    assert!(said.contains("service api is no longer there"), "{said}");
}

#[derive(Debug, Clone)]
struct Case {
    /// For each image, which of four services run it.
    runs: Vec<[bool; 4]>,
    /// For each service: floating, optional, wave, which version it runs, whether it is named by
    /// digest.
    services: Vec<(bool, bool, u32, u8, bool)>,
    tags: Vec<u8>,
}

fn case() -> impl Strategy<Value = Case> {
    let image = proptest::array::uniform4(any::<bool>());
    let service = (any::<bool>(), any::<bool>(), 0..3_u32, 0..3_u8, any::<bool>());
    (proptest::collection::vec(image, 1..5), proptest::collection::vec(service, 4))
        .prop_flat_map(|(runs, services)| {
            let tags = proptest::collection::vec(0..3_u8, runs.len());
            (Just(runs), Just(services), tags)
        })
        .prop_map(|(runs, services, tags)| Case { runs, services, tags })
}

fn built(case: &Case) -> (Project, Release, World) {
    const IMAGES: [&str; 4] = ["a", "b", "c", "d"];
    const SERVICES: [&str; 4] = ["s", "t", "u", "v"];
    let runs: Vec<Vec<&str>> = case
        .runs
        .iter()
        .map(|runs| (0..4).filter(|at| runs[*at]).map(|at| SERVICES[at]).collect())
        .collect();
    let images: Vec<(&str, &[&str])> =
        IMAGES.into_iter().zip(&runs).map(|(image, runs)| (image, runs.as_slice())).collect();
    let mut project = project(&images);
    let mut world = world(&project, "1");
    for (name, (floating, optional, wave, runs, pinned)) in SERVICES.iter().zip(&case.services) {
        let Some(service) = project.services.get_mut(*name) else { continue };
        (service.floating, service.optional, service.wave) = (*floating, *optional, *wave);
        let seen = seen(&mut world, name);
        for container in seen.containers.iter_mut().filter(|it| it.name != "sidecar") {
            let image = container.name.trim_start_matches("c-").to_owned();
            let is = digest(&format!("{image}{runs}"));
            container.runs = [is].into();
            if *pinned && !floating {
                container.image = format!("{}@{is}", spot(&image));
            }
        }
    }
    for (image, at) in IMAGES.iter().zip(&case.tags) {
        let there = world.images.get_mut(*image).unwrap();
        there.tags.insert("env.prod".parse().unwrap(), digest(&format!("{image}{at}")));
    }
    let release = release(&project, "2");
    (project, release, world)
}

proptest! {
    #[test]
    fn done_once_there_is_nothing_left_to_do(case in case()) {
        let (project, release, world) = built(&case);
        let first = made(&project, &release, &world);
        prop_assert_eq!(refusals(&first), "");
        let second = made(&project, &release, &done(&first, world));
        prop_assert!(second.is_empty(), "{:#?}", second);
        prop_assert_eq!(second.hash == first.hash, first.is_empty());
    }

    #[test]
    fn whoever_runs_something_else_is_changed_and_nobody_else(case in case()) {
        let (project, release, world) = built(&case);
        let plan = made(&project, &release, &world);
        let changed: BTreeSet<&str> = plan.changed().map(|it| it.service.as_str()).collect();
        for (name, found) in &world.services {
            let Found::One(seen) = found else { continue };
            let runs_all = project.images_of(name).iter().all(|image| {
                let wanted = release.image(image).unwrap().digest;
                seen.containers.iter().any(|it| {
                    it.name == format!("c-{image}") && it.runs.iter().eq([&wanted])
                })
            });
            prop_assert_eq!(!runs_all, changed.contains(name.as_str()), "{}", name);
        }
        let waves: Vec<u32> = plan.services.iter().map(|it| it.wave).collect();
        prop_assert!(waves.is_sorted());
    }

    #[test]
    fn a_plan_is_whole_after_a_journey_and_not_when_it_was_changed(case in case()) {
        let (project, release, world) = built(&case);
        let plan = made(&project, &release, &world);
        let text = serde_json::to_string(&plan).unwrap();
        let mut back: Plan = serde_json::from_str(&text).unwrap();
        prop_assert!(back.is_whole());
        prop_assert_eq!(&back, &plan);
        back.images[0].digest = digest("other");
        prop_assert!(!back.is_whole());
    }
}
