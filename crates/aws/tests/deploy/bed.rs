//! Where the tests stand.

use portolan_aws::ecs::ServiceKey;
use portolan_aws::{Aws, AwsSettings, StaticKey};
use portolan_model::Secret;
use portolan_testkit::fake_ecs::{self, FakeEcs, GivenService};
use portolan_testkit::moto;

pub(crate) fn settings(url: String) -> AwsSettings {
    AwsSettings {
        region: Some(moto::REGION.to_owned()),
        endpoint: Some(url),
        key: Some(StaticKey {
            id: "test".into(),
            secret: Secret::new("test".into()),
            session: None,
        }),
        ..AwsSettings::default()
    }
}

pub(crate) async fn aws(url: String) -> Aws {
    Aws::open(&settings(url)).await
}

pub(crate) fn fake() -> FakeEcs {
    fake_ecs::start(moto::ACCOUNT, moto::REGION).unwrap()
}

pub(crate) fn key(cluster: &str, service: &str) -> ServiceKey {
    ServiceKey { cluster: cluster.to_owned(), service: service.to_owned() }
}

/// A service `api` of `count` tasks in `main` that runs `app:env.stage`.
pub(crate) fn api(fake: &FakeEcs, count: usize, breaker: Option<bool>) -> String {
    let digest = fake.push("app", "one", &["ref.one", "env.stage"]).unwrap();
    let image = format!("{}:env.stage", fake.image("app"));
    let service = GivenService {
        cluster: "main",
        name: "api",
        containers: &[("api", &image), ("proxy", "nginx:1")],
        count,
        tags: &[("deployment:env", "stage"), ("deployment:service", "api")],
        breaker,
        ..GivenService::default()
    };
    fake.given(&service).unwrap();
    digest
}
