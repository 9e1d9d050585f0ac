//! Where nothing runs: what would is recorded, told as such, and all else is as anywhere.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use portolan_release::project::{self, Project, ProjectSection};
use portolan_release::target::Asked;
use portolan_release::target::record::RecordTarget;
use portolan_release::{
    Back, Here, Images, Note, Options, Order, Plan, Reach, Releases, Scope, Settings, Source,
    Target, Teller,
};
use portolan_store::{Release, Rollout, RolloutState, Store, Task, TaskFilter};
use portolan_tracker::{Rules, Tracker};

use crate::bed::{Bed, digest};
use crate::shelf::Shelf;

const PROJECT: &str = r#"
[images.api]
repository = "r.example/shop/api"
services = ["web"]
[services.web]
hooks = [{ name = "migrate", when = "before", command = ["./migrate"] }]
[services.web.local]
count = 2
[environments.staging]
runs = "record"
"#;

#[derive(Debug)]
struct Nowhere {
    shelf: Shelf,
    teller: Teller,
}

impl Reach for Nowhere {
    fn target<'a>(&'a self, project: &'a Project, place: &'a str) -> Asked<'a, Arc<dyn Target>> {
        let why = "there is no engine".to_owned();
        let target = RecordTarget::new(project.clone(), place, self.teller.clone(), why);
        std::future::ready(Ok(Arc::new(target) as Arc<dyn Target>)).boxed()
    }

    fn images<'a>(&'a self, _: &'a Project, _: Option<&'a str>) -> Asked<'a, Arc<dyn Images>> {
        std::future::ready(Ok(Arc::new(self.shelf.clone()) as Arc<dyn Images>)).boxed()
    }
}

struct Recording {
    releases: Releases,
    tracker: Tracker,
    store: Store,
    _bed: Bed,
}

impl Recording {
    async fn new() -> Self {
        let bed = Bed::new().await;
        let section: ProjectSection = toml::from_str(PROJECT).unwrap();
        let (projects, _) =
            project::build(&[("shop".to_owned(), section)].into(), &|_| unreachable!()).unwrap();
        let store = bed.store.clone();
        let tracker = Tracker::new(store.clone(), Rules::default());
        let reach = Nowhere { shelf: bed.shelf.clone(), teller: Teller::new(store.clone()) };
        let settings = Settings { poll: Duration::from_millis(1), ..Settings::default() };
        let releases = Releases::new(tracker.clone(), projects, Arc::new(reach), settings);
        Self { releases, tracker, store, _bed: bed }
    }

    async fn release(&self, version: u32) -> Release {
        let tag = format!("v{version}").parse().unwrap();
        let note = Note { by: "ann".to_owned(), ..Note::default() };
        self.releases.prepare("shop", &Source::Tag { tag }, note).await.unwrap()
    }

    async fn plan(&self, version: u32) -> Plan {
        let release = self.release(version).await.id;
        self.releases.plan("shop", "staging", release, &Scope::default()).await.unwrap()
    }

    async fn apply(&self, plan: Plan, options: Options) -> Rollout {
        let order = Order { plan, options, by: "ann".to_owned(), ci_url: None };
        let ordered = self.releases.apply(order).await.unwrap();
        self.releases.run(ordered.id, "me").await.unwrap()
    }

    /// The tasks that are told to be there, after all that is in the journal was acted on.
    async fn there(&self) -> Vec<Task> {
        let entries = self.store.pending_events(None, 1_000).await.unwrap();
        self.tracker.apply(&entries).await.unwrap();
        let filter = TaskFilter { at: Some(self.store.now()), held: true, ..TaskFilter::default() };
        self.store.tasks(&filter).await.unwrap()
    }

    async fn assert_there(&self, version: u32) {
        let there = self.there().await;
        assert_eq!(there.len(), 2, "{there:?}");
        for task in there {
            assert!(task.fact.is_recorded_only());
            assert_eq!(task.fact.stated, Some(digest("api", version)));
            assert_eq!(task.fact.running_at, task.fact.pending_at);
        }
    }
}

#[tokio::test]
async fn what_would_run_is_recorded_and_goes_on_and_back() {
    let here = Recording::new().await;
    let plan = here.plan(1).await;
    let note = "recorded only: nothing is run, as there is no engine";
    assert_eq!(plan.notes, [note]);
    assert!(plan.refusals.is_empty(), "{:?}", plan.refusals);
    let first = here.apply(plan, Options::default()).await;
    assert_eq!((first.state, first.reason.as_deref()), (RolloutState::Succeeded, Some(note)));
    here.assert_there(1).await;
    assert!(here.plan(1).await.is_empty(), "it is there");

    let second = here.apply(here.plan(2).await, Options::default()).await;
    assert_eq!(second.state, RolloutState::Succeeded);
    here.assert_there(2).await;
    let all = here.store.tasks(&TaskFilter { held: true, ..TaskFilter::default() }).await.unwrap();
    let over = all.iter().filter(|it| it.fact.stopped_at.is_some()).count();
    assert_eq!((all.len(), over), (4, 2), "what was replaced has ended");

    let place = ("shop", "staging");
    let back = here.releases.rollback(place, &Back::Previous, &Scope::default(), "bob").await;
    let (plan, options) = back.unwrap();
    assert_eq!(plan.release, first.release);
    assert_eq!(here.apply(plan, options).await.state, RolloutState::Succeeded);
    here.assert_there(1).await;
    let steps = here.releases.rollout(first.id).await.unwrap().unwrap().1;
    let hook = steps.iter().find(|step| step.name == "hook:web:migrate").unwrap();
    let outcome = hook.outcome.as_ref().unwrap();
    assert_eq!(outcome["reason"], "recorded only: it was not run");
}

#[tokio::test]
async fn what_was_recorded_and_not_told_is_told_by_the_next_look() {
    let here = Recording::new().await;
    here.apply(here.plan(1).await, Options::default()).await;
    here.assert_there(1).await;
    // As a process leaves it that is killed before it told.
    let mut recorded = here.store.recorded_services(None, "staging").await.unwrap();
    let [mut service] = [recorded.remove(0)];
    service.deployment = "later".to_owned();
    service.definition =
        service.definition.replace(&digest("api", 1).to_string(), &digest("api", 2).to_string());
    service.at = here.store.now();
    let write =
        here.store.write(move |tx| Box::pin(async move { tx.record_service(&service).await }));
    write.await.unwrap();
    here.assert_there(1).await;
    let look = async || {
        // Each as a process of its own.
        let mut looking = Here::new(Teller::new(here.store.clone()));
        looking.look(None, &["staging".to_owned()].into(), &|_, _| None).await.unwrap();
    };
    look().await;
    here.assert_there(2).await;
    let told = here.there().await;
    look().await;
    assert_eq!(here.there().await, told);
    assert_eq!(here.store.pending_events(None, 10).await.unwrap().len(), 0);
}
