//! Tasks that end by themselves: they are told, and brought back.

use std::time::{Duration, Instant};

use portolan_engine::{Container, State};
use portolan_store::RolloutState;

use crate::bed::Bed;

impl Bed {
    async fn of(&self, service: &str) -> Vec<Container> {
        let mut all = self.containers().await;
        all.retain(|it| it.place.service == service);
        all
    }

    /// Looks until `count` tasks of `web` run.
    async fn until_web_runs(&self, count: usize) {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            self.look().await;
            let all = self.of("web").await;
            let running = all.iter().filter(|it| it.state == State::Running).count();
            if running == count && all.len() == count {
                return;
            }
            assert!(Instant::now() < deadline, "{all:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_is_killed_is_told_and_another_takes_its_place() {
    let bed = Bed::new().await;
    bed.push_good("1");
    assert_eq!(bed.roll("1").await.state, RolloutState::Succeeded);
    assert_eq!(bed.told().await, bed.images("1").await);

    // Whoever looks again, also after a restart, has nothing to say.
    bed.look().await;
    let entries = bed.entries().await;
    for _ in 0..2 {
        bed.work().await;
        bed.restart().await;
        assert_eq!(bed.look().await.short, 0);
    }
    assert_eq!(bed.entries().await, entries, "nothing is said twice");

    let victim = bed.of("web").await.remove(0);
    bed.kill(&victim.name);
    bed.look().await;
    assert_eq!(bed.told().await.len(), 2, "one of three does not run");
    let task = bed.tasks().await.into_iter().find(|it| it.fact.id.ends_with(victim.id.as_str()));
    let task = task.unwrap().fact;
    assert_eq!(task.word.exit_code, Some(137));
    assert_eq!(task.word.stop_code.as_deref(), Some("EssentialContainerExited"));
    assert!(task.stopped_at >= task.running_at && task.running_at.is_some());
    assert_eq!(task.word.health, None);

    bed.until_web_runs(2).await;
    bed.look().await;
    assert_eq!(bed.told().await, bed.images("1").await);
    assert!(bed.of("web").await.iter().all(|it| it.id != victim.id));

    // What somebody removed by hand is told to be gone, and replaced too.
    let victim = bed.of("web").await.remove(0);
    bed.remove(&victim.name);
    bed.until_web_runs(2).await;
    bed.look().await;
    assert_eq!(bed.told().await, bed.images("1").await);
    let tasks = bed.tasks().await;
    let gone = tasks.iter().find(|it| it.fact.id.ends_with(victim.id.as_str())).unwrap();
    let reason = gone.fact.word.reason.as_deref();
    assert_eq!(reason, Some("it is not on this machine any more"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_never_well_is_left_and_what_a_rollout_stops_is_no_failure() {
    let bed = Bed::new().await;
    bed.push("1", "exit 3", "sleep 1000", &[]);
    assert_eq!(bed.roll("1").await.state, RolloutState::Failed);
    let ended = bed.of("web").await;
    for _ in 0..3 {
        bed.work().await;
        assert_eq!(bed.look().await.started, 0);
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    let ids = |all: &[Container]| all.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&bed.of("web").await), ids(&ended));
    let codes: Vec<_> = bed.tasks().await.iter().map(|it| it.fact.word.exit_code).collect();
    assert!(codes.iter().all(|code| *code == Some(3)), "{codes:?}");

    bed.push_good("2");
    bed.push_good("3");
    assert_eq!(bed.roll("2").await.state, RolloutState::Succeeded);
    let second: Vec<_> = bed.of("web").await.into_iter().map(|it| it.id).collect();
    assert_eq!(bed.roll("3").await.state, RolloutState::Succeeded);
    bed.look().await;
    assert_eq!(bed.told().await, bed.images("3").await);
    for task in bed.tasks().await {
        if second.iter().any(|id| task.fact.id.ends_with(id.as_str())) {
            let word = &task.fact.word;
            assert_eq!(word.stop_code.as_deref(), Some("ServiceSchedulerInitiated"), "{task:?}");
            assert_eq!(word.health.as_deref(), None);
            assert!(task.fact.stopping_at.is_some() && task.fact.stopped_at.is_some());
        }
    }
}
