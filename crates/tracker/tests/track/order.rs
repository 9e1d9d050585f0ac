//! Neither the order of events nor their repetition matters, at any moment.

use std::collections::{BTreeMap, BTreeSet};

use portolan_model::Timestamp;
use portolan_store::TaskFilter;
use portolan_testkit::story::{Recipe, Story, TrueTask, digest};
use portolan_tracker::status;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::bed::{ACCOUNTS, Bed};

const BEGIN: i64 = 1_780_000_000_000;

fn story(seed: u64) -> Story {
    Story::of(&Recipe {
        seed,
        accounts: ACCOUNTS.map(str::to_owned).to_vec(),
        services: 2,
        rollouts: 3,
        tasks: 3,
        versions: 1000,
        begin: BEGIN,
    })
}

/// How a stream reaches us.
#[derive(Debug, Clone)]
struct Delivery {
    seed: u64,
    /// For each event the place that it sorts to, and how often it comes.
    order: Vec<(u32, u8)>,
    /// Events in one message, and entries acted on at a time.
    batches: (usize, u32),
    /// After how many events the images of odd versions become known.
    known_after: usize,
}

fn delivery() -> impl Strategy<Value = Delivery> {
    let order = proptest::collection::vec((any::<u32>(), 1_u8..3), 64);
    (any::<u64>(), order, (1_usize..60, 1_u32..200), 0_usize..200).prop_map(
        |(seed, order, batches, known_after)| Delivery { seed, order, batches, known_after },
    )
}

async fn deliver(bed: &Bed, story: &Story, delivery: &Delivery) {
    let images: BTreeSet<_> =
        story.tasks.iter().map(|task| (task.service.clone(), task.version)).collect();
    let (odd, even): (Vec<_>, Vec<_>) =
        images.into_iter().partition(|(_, version)| version % 2 == 1);
    for (service, version) in even {
        bed.know(&service, digest(&service, version), Some(&service)).await;
    }
    let mut bodies: Vec<(u64, &str)> = Vec::new();
    for (number, said) in story.events.iter().enumerate() {
        let (place, times) = delivery.order[number % delivery.order.len()];
        for time in 0..u64::from(times) {
            let mixed = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(place);
            bodies.push((mixed.rotate_left(17).wrapping_add(time << 60), &said.body));
        }
    }
    bodies.sort_unstable();
    let mut odd = Some(odd);
    for (number, chunk) in bodies.chunks(delivery.batches.0).enumerate() {
        bed.say(chunk.iter().map(|(_, body)| (*body).to_owned())).await;
        bed.work(delivery.batches.1).await;
        if (number + 1) * delivery.batches.0 >= delivery.known_after {
            for (service, version) in odd.take().into_iter().flatten() {
                bed.know(&service, digest(&service, version), Some(&service)).await;
            }
        }
    }
    for (service, version) in odd.into_iter().flatten() {
        bed.know(&service, digest(&service, version), Some(&service)).await;
    }
}

/// Moments around each thing that happened, and between.
fn moments(story: &Story) -> Vec<i64> {
    let mut moments: Vec<i64> = story.events.iter().flat_map(|it| [it.at - 1, it.at]).collect();
    moments.sort_unstable();
    moments.dedup();
    let step = (moments.len() / 40).max(1);
    moments.into_iter().step_by(step).chain([i64::MAX / 2]).collect()
}

async fn assert_true(bed: &Bed, story: &Story) {
    for at in moments(story) {
        let moment = Timestamp::from_millis(at);
        let tasks = TaskFilter { at: Some(moment), ..TaskFilter::default() };
        let found: BTreeMap<String, _> = bed
            .store
            .tasks(&tasks)
            .await
            .unwrap()
            .into_iter()
            .filter(|task| status::runs(task, moment))
            .map(|task| (task.fact.id.clone(), (task.service, task.digest)))
            .collect();
        let runs = |task: &&TrueTask| task.runs(at);
        let expected = story
            .tasks
            .iter()
            .filter(runs)
            .map(|task| (task.arn.clone(), (Some(task.service.clone()), Some(task.digest))));
        assert_eq!(found, expected.collect(), "at {moment}");
    }
}

#[test]
fn any_order_and_any_repetition_tell_the_truth_at_every_moment() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = Config { cases: 16, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&delivery(), |delivery| {
        runtime.block_on(async {
            let story = story(delivery.seed);
            let bed = Bed::sqlite().await;
            deliver(&bed, &story, &delivery).await;
            assert_true(&bed, &story).await;
        });
        Ok(())
    });
    outcome.unwrap();
}

crate::on_both_engines!(two_orders_and_a_rebuild_leave_the_same_rows);

async fn two_orders_and_a_rebuild_leave_the_same_rows(bed: Bed) {
    let story = story(7);
    let delivery = |places: [u32; 4], batches, known_after| Delivery {
        seed: 7,
        order: places.map(|place| (place, 1 + u8::try_from(place % 2).unwrap())).to_vec(),
        batches,
        known_after,
    };
    deliver(&bed, &story, &delivery([1, 77, 3_000, 9], (50, 100), 0)).await;
    let first = bed.dump().await;
    assert_true(&bed, &story).await;
    assert!(first.1.is_empty(), "nothing is held when all images are known");

    let other = Bed::sqlite().await;
    deliver(&other, &story, &delivery([50_000, 2, 31, 8], (7, 13), 150)).await;
    assert_eq!(other.dump().await, first);

    let entries = bed.tracker.rebuild().await.unwrap();
    assert_eq!(entries, story.events.len() as u64);
    assert_eq!(bed.dump().await, first);
}
