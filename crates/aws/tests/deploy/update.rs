//! A service is updated, and our deployment followed.

use std::time::Duration;

use portolan_aws::ecs::{Ecs, Updated};
use portolan_aws::{Logs, Trouble};
use portolan_testkit::fake_ecs::{Fate, GivenService};

use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::bed::{self, key};

#[tokio::test]
async fn our_deployment_is_the_one_to_follow() {
    let fake = bed::fake();
    bed::api(&fake, 2, None);
    let ecs = Ecs::of(&bed::aws(fake.url()).await);
    let api = key("main", "api");
    let second = fake.push("app", "two", &["env.stage"]).unwrap();
    let Updated { deployment, service } = ecs.update_service(&api, None, true).await.unwrap();
    assert_eq!(service.primary().unwrap().id, deployment);
    let ours = service.deployment(&deployment).unwrap();
    assert_eq!(ours.rollout_state.as_deref(), Some("IN_PROGRESS"));
    assert!(ecs.tasks_of(&api, &deployment).await.unwrap().described.is_empty());
    fake.settle("main", "api").unwrap();
    let service =
        ecs.describe_services(std::slice::from_ref(&api)).await.unwrap().services.remove(0);
    let ours = service.deployment(&deployment).unwrap();
    assert_eq!(ours.rollout_state.as_deref(), Some("COMPLETED"));
    let tasks = ecs.tasks_of(&api, &deployment).await.unwrap().described;
    assert_eq!(tasks.len(), 2, "those of the deployment before are not ours: {tasks:?}");
    for task in &tasks {
        assert_eq!(task.last_status, "RUNNING");
        assert_eq!(task.containers[0].image_digest.as_deref(), Some(second.as_str()));
    }
    // Nothing is otherwise: there is no new deployment, and the answer says so.
    let again = ecs.update_service(&api, service.task_definition.as_deref(), false).await.unwrap();
    assert_eq!(again.deployment, deployment);
}

#[tokio::test]
async fn a_deployment_that_fails_tells_why() {
    let fake = bed::fake();
    bed::api(&fake, 1, Some(true));
    let aws = bed::aws(fake.url()).await;
    let (ecs, logs, api) = (Ecs::of(&aws), Logs::of(&aws), key("main", "api"));
    let broken = fake.push("app", "broken", &["env.stage"]).unwrap();
    fake.fate(&broken, Fate::OutOfMemory { after: Duration::from_secs(1) });
    fake.says(&broken, &["starting", "loading everything"]);
    let Updated { deployment, .. } = ecs.update_service(&api, None, true).await.unwrap();
    fake.advance(Duration::from_mins(3));
    let service =
        ecs.describe_services(std::slice::from_ref(&api)).await.unwrap().services.remove(0);
    assert!(service.deployment(&deployment).is_none(), "it was rolled back: {service:?}");
    let reason = service.primary().unwrap().rollout_state_reason.clone().unwrap();
    assert!(reason.contains("completed"), "{reason}");
    let tasks = ecs.tasks_of(&api, &deployment).await.unwrap().described;
    let failed: Vec<_> =
        tasks.iter().filter(|task| task.containers[0].exit_code == Some(137)).collect();
    assert!(failed.len() >= 3, "{tasks:?}");
    let task = failed[0];
    assert_eq!(task.stop_code.as_deref(), Some("EssentialContainerExited"));
    assert_eq!(task.stopped_reason.as_deref(), Some("Essential container in task exited"));
    let reason = task.containers[0].reason.as_deref().unwrap();
    assert!(reason.starts_with("OutOfMemoryError"), "{reason}");
    let definition = ecs.describe_task_definition(task.task_definition_arn.as_deref().unwrap());
    let streams = definition.await.unwrap().log_streams(&task.task_arn);
    assert_eq!(streams.len(), 2);
    let lines = logs.last_lines(&streams[0].group, &streams[0].stream, 1).await.unwrap();
    assert_eq!(
        lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(),
        ["loading everything"]
    );
    assert_eq!(logs.last_lines("/ecs/none", "x", 5).await.unwrap(), []);
}

#[tokio::test]
async fn what_cannot_be_updated_is_refused() {
    let fake = bed::fake();
    bed::api(&fake, 1, None);
    let service = GivenService {
        cluster: "main",
        name: "blue",
        containers: &[("app", "nginx:1")],
        controller: "CODE_DEPLOY",
        ..GivenService::default()
    };
    fake.given(&service).unwrap();
    let ecs = Ecs::of(&bed::aws(fake.url()).await);
    let found = ecs.describe_services(&[key("main", "blue")]).await.unwrap();
    assert_eq!(found.services[0].controller(), "CODE_DEPLOY");
    for (name, force, definition, code) in [
        ("blue", true, None, "InvalidParameterException"),
        ("none", true, None, "ServiceNotFoundException"),
        ("api", false, Some("api:9"), "ClientException"),
    ] {
        let error = ecs.update_service(&key("main", name), definition, force).await.unwrap_err();
        assert_eq!((error.code(), error.trouble()), (Some(code), Trouble::Refused), "{error}");
    }
}

#[tokio::test]
async fn throttling_is_waited_out_and_then_said() {
    let fake = bed::fake();
    bed::api(&fake, 1, None);
    let ecs = Ecs::of(&bed::aws(fake.url()).await);
    fake.throttle(2);
    ecs.update_service(&key("main", "api"), None, true).await.unwrap();
    assert_eq!(fake.counts()["UpdateService"], 3);
    fake.throttle(100);
    let error = ecs.clusters().await.unwrap_err();
    assert_eq!(error.trouble(), Trouble::Throttled);
    assert_eq!(fake.counts()["ListClusters"], 5);
}

#[tokio::test]
async fn nobody_there_is_said_so() {
    let settings = portolan_aws::AwsSettings {
        timeout: Duration::from_secs(2),
        ..bed::settings("http://127.0.0.1:1".to_owned())
    };
    let error = Ecs::open(&settings).await.clusters().await.unwrap_err();
    assert_eq!(error.trouble(), Trouble::Unreachable);
    assert!(error.to_string().starts_with("could not list the clusters of ECS"), "{error}");
}

#[tokio::test]
async fn who_hangs_is_left_for_another_try() {
    let server = MockServer::start().await;
    let clusters = |delay| {
        let answer = ResponseTemplate::new(200);
        answer
            .set_body_raw(r#"{"clusterArns": ["a"]}"#, "application/x-amz-json-1.1")
            .set_delay(delay)
    };
    let hangs = clusters(Duration::from_mins(1));
    Mock::given(any()).respond_with(hangs).up_to_n_times(1).mount(&server).await;
    Mock::given(any()).respond_with(clusters(Duration::ZERO)).mount(&server).await;
    let settings = portolan_aws::AwsSettings {
        timeout: Duration::from_secs(6),
        ..bed::settings(server.uri())
    };
    assert_eq!(Ecs::open(&settings).await.clusters().await.unwrap(), ["a"]);
}
