//! A task is run once.

use std::time::Duration;

use portolan_aws::ecs::{Ecs, RunTask};
use portolan_testkit::fake_ecs::Fate;

use crate::bed::{self, key};

#[tokio::test]
async fn a_migration_is_run_once_and_its_exit_code_known() {
    let fake = bed::fake();
    bed::api(&fake, 1, None);
    fake.fate("migrate broken", Fate::Exits { code: 3, after: Duration::from_secs(1) });
    let ecs = Ecs::of(&bed::aws(fake.url()).await);
    let service = ecs.describe_services(&[key("main", "api")]).await.unwrap().services.remove(0);
    for (argument, code) in [("up", 0), ("broken", 3)] {
        let run = RunTask {
            cluster: service.cluster_arn.clone(),
            definition: service.task_definition.clone().unwrap(),
            launch: service.launch(),
            command: Some(("api".to_owned(), vec!["migrate".to_owned(), argument.to_owned()])),
            started_by: "portolan".to_owned(),
            token: format!("token-{argument}"),
        };
        assert!(run.launch.network_configuration.is_some());
        let task = ecs.run_task(&run).await.unwrap();
        assert_eq!(task.last_status, "PENDING");
        assert_eq!(
            ecs.run_task(&run).await.unwrap().task_arn,
            task.task_arn,
            "asked twice, run once"
        );
        fake.advance(Duration::from_secs(10));
        let told = ecs.describe("main", std::slice::from_ref(&task.task_arn)).await.unwrap();
        assert_eq!(told.described[0].last_status, "STOPPED");
        assert_eq!(told.described[0].containers[0].exit_code, Some(code));
        assert_eq!(told.described[0].started_by.as_deref(), Some("portolan"));
    }
}

#[tokio::test]
async fn a_task_that_hangs_is_stopped() {
    let fake = bed::fake();
    bed::api(&fake, 1, None);
    fake.fate("sleep", Fate::Runs);
    let ecs = Ecs::of(&bed::aws(fake.url()).await);
    let run = RunTask {
        cluster: "main".to_owned(),
        definition: "api".to_owned(),
        command: Some(("api".to_owned(), vec!["sleep".to_owned()])),
        ..RunTask::default()
    };
    let task = ecs.run_task(&run).await.unwrap();
    fake.advance(Duration::from_mins(1));
    ecs.stop_task("main", &task.task_arn, "it took too long").await.unwrap();
    fake.advance(Duration::from_secs(5));
    let told = ecs.describe("main", &[task.task_arn]).await.unwrap().described.remove(0);
    assert_eq!(told.last_status, "STOPPED");
    assert_eq!(told.stopped_reason.as_deref(), Some("it took too long"));
}
