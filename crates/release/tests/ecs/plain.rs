//! What a rollout comes to on ECS.

use portolan_release::plan::Action;
use portolan_release::{Options, Scope};
use portolan_store::RolloutState;
use portolan_testkit::fake_ecs::Fate;

use crate::bed::{Bed, service};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_get_their_images_by_digest() {
    let services = [
        service("bibs", &["merger"]),
        service("items", &["merger"]),
        service("inferrer", &["manager", "feature"]),
    ];
    let bed = Bed::new(&services, "").await;
    let rollout = bed.roll(Options::default()).await;
    assert_eq!((rollout.state, rollout.reason), (RolloutState::Succeeded, None));
    for (name, tasks) in [("bibs", 2), ("items", 2), ("inferrer", 4)] {
        assert_eq!(bed.versions(name), vec![2; tasks], "{name}");
    }
    assert_eq!(bed.tags(), [2, 2, 2]);
    let described = bed.fake.described("even", "inferrer").unwrap();
    assert_eq!(described["deployments"].as_array().unwrap().len(), 1);
    assert!(described["taskDefinition"].as_str().unwrap().ends_with("inferrer:2"), "once");
    let asked = serde_json::json!({"taskDefinition": described["taskDefinition"]});
    let definition = bed.fake.call("DescribeTaskDefinition", &asked).unwrap();
    let containers = definition["taskDefinition"]["containerDefinitions"].as_array().unwrap();
    let image = |name: &str| {
        let container = containers.iter().find(|it| it["name"] == name).unwrap();
        container["image"].as_str().unwrap().to_owned()
    };
    assert!(image("manager").contains("manager@sha256:") && image("feature").contains("@sha256:"));
    assert_eq!(image("sidecar"), "public.example/proxy:1");
    assert_eq!(
        definition["taskDefinition"]["taskRoleArn"],
        format!("arn:aws:iam::{}:role/task", portolan_testkit::moto::ACCOUNT)
    );
    let again = bed.plan().await;
    assert!(again.is_empty() && again.refusals.is_empty(), "{again:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_floating_service_keeps_its_definition() {
    let bed = Bed::new(
        &[service("api", &["api"]), service("web", &["web"])],
        "[services.api]\nfloating = true",
    )
    .await;
    let plan = bed.plan().await;
    let actions: Vec<Action> = plan.services.iter().map(|it| it.action).collect();
    assert_eq!(actions, [Action::Restart, Action::Define]);
    assert_eq!(bed.roll(Options::default()).await.state, RolloutState::Succeeded);
    assert_eq!((bed.versions("api"), bed.tags()), (vec![2, 2], vec![2, 2]));
    let described = bed.fake.described("even", "api").unwrap();
    assert!(described["taskDefinition"].as_str().unwrap().ends_with("api:1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_has_its_place_from_the_project() {
    let more = "[services.api.environments.stage]\nname = \"api\"\ncluster = \"even\"";
    let bed = Bed::new(&[service("api", &["api"])], more).await;
    assert_eq!(bed.roll(Options::default()).await.state, RolloutState::Succeeded);
    assert_eq!(bed.versions("api"), [2, 2]);
    let counts = bed.fake.counts();
    assert!(!counts.contains_key("GetResources") && !counts.contains_key("ListServices"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_are_tasks_that_run_once() {
    let more = "[[services.api.hooks]]\nname = \"migrate\"\nwhen = \"before\"\ncommand = [\"migrate\", \"up\"]";
    for (code, state, versions) in [(0, RolloutState::Succeeded, 2), (3, RolloutState::Failed, 1)] {
        let bed = Bed::new(&[service("api", &["api"])], more).await;
        let after = std::time::Duration::from_secs(5);
        bed.fake.fate("migrate up", Fate::Exits { code, after });
        let rollout = bed.roll(Options::default()).await;
        let reason = rollout.reason.unwrap_or_default();
        assert_eq!(rollout.state, state, "{reason}");
        assert_eq!(
            reason.contains("hook migrate of service api: it exited with 3"),
            code == 3,
            "{reason}"
        );
        assert_eq!(bed.versions("api"), [versions; 2]);
        assert_eq!(bed.fake.counts()["RunTask"], 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ecs_does_not_roll_out_is_refused() {
    let mut other = service("api", &["api"]);
    other.controller = "CODE_DEPLOY";
    let bed = Bed::new(&[other, service("web", &["web"])], "").await;
    let release = bed.release().await;
    let plan = bed.releases.plan("shop", "stage", release.id, &Scope::default()).await.unwrap();
    let said: Vec<String> = plan.refusals.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["service api is changed by CODE_DEPLOY, and not by its target"]);
}
