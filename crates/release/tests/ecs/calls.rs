//! How many calls a rollout makes, and how many at once.

use portolan_store::RolloutState;

use crate::bed::{Bed, Given, service};

const NAMES: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

async fn ten(more: &str) -> Bed {
    let images: Vec<[&str; 1]> = NAMES.iter().map(|&name| [name]).collect();
    let services: Vec<Given<'_>> =
        NAMES.iter().zip(&images).map(|(name, images)| service(name, images)).collect();
    Bed::new(&services, more).await
}

/// The calls that were made, with one look at what is under way: how many more there are depends on
/// time alone.
fn calls(bed: &Bed) -> (usize, String) {
    let counts = bed.fake.counts();
    // The services are in two clusters, and described once for the plan and once after.
    let others = counts.values().sum::<usize>() - counts["DescribeServices"];
    (others + 4, format!("{counts:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_floating_services_take_few_calls() {
    let floating: String =
        NAMES.map(|name| format!("[services.{name}]\nfloating = true\n")).concat();
    let bed = ten(&floating).await;
    assert_eq!(bed.deploy().await.state, RolloutState::Succeeded);
    assert_eq!(bed.tags(), [2; 10]);
    let (calls, told) = calls(&bed);
    assert!(calls <= 44, "{calls}: {told}");
    assert!(bed.fake.most_at_once() < 10, "{}", bed.fake.most_at_once());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_services_are_asked_for_together() {
    let names: Vec<String> = (0..60).map(|number| format!("s{number}")).collect();
    let images: Vec<[&str; 1]> = names.iter().map(|name| [name.as_str()]).collect();
    let services: Vec<Given<'_>> =
        names.iter().zip(&images).map(|(name, images)| service(name, images)).collect();
    let bed = Bed::new(&services, "").await;
    assert_eq!(bed.plan().await.changed().count(), 60);
    let counts = bed.fake.counts();
    // Two clusters; each of their 60 tasks is told of with others.
    assert_eq!(
        (counts["DescribeServices"], counts["ListTasks"], counts["DescribeTasks"]),
        (6, 2, 2)
    );
    assert!(!counts.contains_key("DescribeTaskDefinition"));
    assert_eq!(counts["BatchGetImage"], 60, "{counts:?}");
    assert!(bed.fake.most_at_once() < 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_pinned_services_take_fifty_calls_once_their_definitions_are_known() {
    let bed = ten("").await;
    assert_eq!(bed.deploy().await.state, RolloutState::Succeeded);
    // Each definition is read once, and once is looked what is behind the tags.
    let (first, told) = calls(&bed);
    assert!(first <= 60, "{first}: {told}");
    assert_eq!(bed.deploy_of(1).await.state, RolloutState::Succeeded);
    assert_eq!(bed.tags(), [1; 10]);
    let (again, told) = calls(&bed);
    assert!(again <= 46, "{again}: {told}");
    assert!(bed.fake.most_at_once() < 10, "{}", bed.fake.most_at_once());
}
