//! How many calls a deployment costs, and how many of them are under way at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use portolan_aws::ecs::{ByTags, Ecs, ServiceKey, WithImages};
use portolan_aws::{Aws, AwsSettings, Ecr};
use portolan_model::Target;
use portolan_testkit::fake_ecs::{FakeEcs, GivenService};

use crate::bed;

/// Services that are worked on at a time.
const AT_ONCE: usize = 8;

/// Ten services in two clusters, each of an image of its own.
fn world(fake: &FakeEcs) -> BTreeSet<String> {
    let names: BTreeSet<_> = (0..10).map(|number| format!("svc-{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        fake.push(name, "old", &["env.stage"]).unwrap();
        fake.push(name, "new", &["latest"]).unwrap();
        let image = format!("{}:env.stage", fake.image(name));
        let service = GivenService {
            cluster: ["even", "odd"][number % 2],
            name,
            containers: &[("app", &image)],
            count: 2,
            tags: &[("deployment:env", "stage"), ("deployment:service", name)],
            ..GivenService::default()
        };
        fake.given(&service).unwrap();
    }
    names
}

#[tokio::test]
async fn ten_services_of_ten_images_cost_few_calls() {
    let fake = bed::fake();
    let names = world(&fake);
    let settings = AwsSettings {
        role_arn: Some("arn:aws:iam::123456789012:role/deployer".to_owned()),
        ..bed::settings(fake.url())
    };
    fake.latency(Duration::from_millis(20));
    fake.counts();
    fake.most_at_once();
    let aws = Aws::open(&settings).await;
    let (ecs, ecr) = (Ecs::of(&aws), Ecr::of(&aws, None));
    let wanted = ByTags {
        equal: BTreeMap::from([("deployment:env".to_owned(), "stage".to_owned())]),
        key: "deployment:service".to_owned(),
        values: names.clone(),
        ..ByTags::default()
    };
    let services = ecs.find_services(&wanted).await.unwrap();
    let latest = [Target::Tag("latest".parse().unwrap())];
    let images = names.iter().map(|name| ecr.images(name, &latest));
    let images: Vec<_> = stream::iter(images).buffered(AT_ONCE).try_collect().await.unwrap();
    let images: BTreeMap<_, _> = names.iter().zip(images).collect();
    let rolled = services.iter().map(|service| {
        let (ecs, image) = (&ecs, &images[&service.service_name].found[0].1);
        let reference = format!("{}@{}", fake.image(&service.service_name), image.digest);
        async move {
            let base = service.task_definition.as_deref().unwrap();
            let base = ecs.describe_task_definition(base).await?;
            let images = BTreeMap::from([("app".to_owned(), reference)]);
            let WithImages::Changed(changed) = base.with_images(&images) else { panic!("same") };
            let registered = ecs.register_task_definition(&changed).await?;
            let key = ServiceKey {
                cluster: service.cluster_arn.clone(),
                service: service.service_name.clone(),
            };
            let updated = ecs.update_service(&key, registered.arn(), false).await?;
            Ok::<_, portolan_aws::AwsError>((key, updated.deployment))
        }
    });
    let rolled: Vec<_> = rolled.collect();
    let rolled: Vec<_> = stream::iter(rolled).buffered(AT_ONCE).try_collect().await.unwrap();
    let counts = fake.counts();
    let total: usize = counts.values().sum();
    assert!(total <= 44, "{counts:?}");
    assert_eq!(fake.most_at_once(), AT_ONCE);

    fake.settle_all().unwrap();
    let keys: Vec<_> = rolled.iter().map(|(key, _)| key.clone()).collect();
    let found = ecs.describe_services(&keys).await.unwrap();
    assert_eq!(fake.counts()["DescribeServices"], 2, "a poll: one for each ten of a cluster");
    for (service, (_, ours)) in rolled.iter().map(|(key, ours)| {
        (found.services.iter().find(|it| it.service_name == key.service).unwrap(), (key, ours))
    }) {
        assert_eq!(service.deployment(ours).unwrap().rollout_state.as_deref(), Some("COMPLETED"));
    }
}
