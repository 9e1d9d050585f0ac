//! How rollouts are judged, over whole histories.

use portolan_model::Timestamp;
use portolan_store::Page;
use portolan_testkit::story::{Recipe, Story, digest};
use portolan_tracker::running::RunningFilter;
use portolan_tracker::{Status, Wanted};

use crate::bed::{ACCOUNTS, Bed};

crate::on_both_engines!(every_rollout_is_judged_as_it_went, what_runs_is_told_by_service_and_place);

const BEGIN: i64 = 1_780_000_000_000;

async fn told(bed: &Bed, seed: u64) -> Story {
    let story = Story::of(&Recipe {
        seed,
        accounts: ACCOUNTS.map(str::to_owned).to_vec(),
        services: 3,
        rollouts: 6,
        tasks: 3,
        versions: 1000,
        begin: BEGIN,
    });
    for task in &story.tasks {
        bed.know(&task.service, digest(&task.service, task.version), Some(&task.service)).await;
    }
    bed.say(story.events.iter().rev().map(|said| said.body.clone())).await;
    bed.work(500).await;
    story
}

async fn every_rollout_is_judged_as_it_went(bed: Bed) {
    let story = told(&bed, 3).await;
    let end = Timestamp::from_millis(story.events.last().unwrap().at + 1);
    let (mut failed, mut stopped, mut running) = (0, 0, 0);
    for rollout in &story.rollouts {
        let view = bed.tracker.deployment(&rollout.deployment, end).await.unwrap().unwrap();
        let is = |account: usize| rollout.account == ACCOUNTS[account];
        assert_eq!(view.environment(), if is(0) { "dev" } else { "prod" });
        assert_eq!(view.version, format!("1.{}.0", rollout.version));
        let later = story.rollouts.iter().any(|other| {
            (&other.account, &other.service) == (&rollout.account, &rollout.service)
                && other.begun > rollout.begun
                && other.completed.is_some()
        });
        match view.verdict.status {
            Status::Failed | Status::RolledBack => {
                assert!(rollout.failed.is_some(), "{view:?}");
                assert!(!view.verdict.reasons.is_empty());
                failed += 1;
            }
            Status::Stopped => {
                assert!(later && rollout.completed.is_some(), "{view:?}");
                stopped += 1;
            }
            Status::Running => {
                assert!(!later && rollout.completed.is_some(), "{view:?}");
                running += 1;
            }
            other => panic!("{other:?} {view:?}"),
        }
        // Before its end it was on its way.
        let early = Timestamp::from_millis(rollout.begun + 1);
        if let Some(view) = bed.tracker.deployment(&rollout.deployment, early).await.unwrap() {
            assert_eq!(view.verdict.status, Status::Pending);
        }
    }
    assert!(failed > 1 && stopped > 10 && running == 6, "{failed} {stopped} {running}");
    let wanted = Wanted { status: Some(Status::Running), ..Wanted::default() };
    let page = bed.tracker.deployments(&wanted, end, Page::first(4)).await.unwrap();
    assert_eq!((page.items.len(), page.total), (4, 6));
}

async fn what_runs_is_told_by_service_and_place(bed: Bed) {
    let story = told(&bed, 4).await;
    let end = Timestamp::from_millis(story.events.last().unwrap().at + 1);
    let running = bed.tracker.running(end, &RunningFilter::default()).await.unwrap();
    let places: Vec<_> =
        running.cells.iter().map(|it| format!("{} {}", it.service, it.environment)).collect();
    let all = ["service-0", "service-1", "service-2"];
    let expected: Vec<_> =
        all.iter().flat_map(|it| [format!("{it} dev"), format!("{it} prod")]).collect();
    assert_eq!(places, expected);
    for cell in &running.cells {
        let account = ACCOUNTS[usize::from(cell.environment == "prod")];
        let truly = story.tasks.iter().filter(|task| {
            task.account == account && task.service == cell.service && task.runs(end.millis())
        });
        assert_eq!(cell.counts.running, truly.count() as u64);
        assert!(cell.runs() && !cell.drifts());
    }
    let filter =
        RunningFilter { environments: vec!["prod".into()], service: Some("service-1".into()) };
    let one = bed.tracker.running(end, &filter).await.unwrap();
    assert_eq!(one.cells.len(), 1);
    let before = Timestamp::from_millis(BEGIN - 1);
    let none = bed.tracker.running(before, &RunningFilter::default()).await.unwrap();
    assert!(none.cells.is_empty());
}
