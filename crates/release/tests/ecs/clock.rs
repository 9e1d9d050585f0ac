//! Tasks that run by the clock are released with the services.

use std::time::Duration;

use portolan_release::Options;
use portolan_release::plan::Action;
use portolan_store::RolloutState;
use portolan_testkit::fake_ecs::Fate;
use portolan_testkit::moto::{ACCOUNT, REGION};
use serde_json::{Value, json};

use crate::bed::{Bed, service};

/// A service, and a job that a rule runs, by the newest definition of its family.
async fn bed() -> (Bed, Value) {
    let repository = format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/job");
    let more = format!(
        "[images.job]\nrepository = {repository:?}\nservices = [\"nightly\"]\n\
         [services.nightly.environments]\nstage = {{ rule = \"nightly\" }}\n\
         [services.api]\nwave = 1\n"
    );
    let bed = Bed::new(&[service("api", &["api"])], &more).await;
    bed.fake.push("job", "job 1", &["v1", "env.stage"]).unwrap();
    bed.fake.push("job", "job 2", &["v2"]).unwrap();
    let asked = json!({
        "family": "nightly", "taskRoleArn": "arn:aws:iam::1:role/nightly",
        "containerDefinitions": [{ "name": "job", "image": format!("{repository}:env.stage") }],
    });
    bed.fake.call("RegisterTaskDefinition", &asked).unwrap();
    let target = json!({
        "Id": "run", "Arn": format!("arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/even"),
        "RoleArn": "arn:aws:iam::1:role/events", "Input": "{\"containerOverrides\":[]}",
        "EcsParameters": {
            "TaskDefinitionArn": format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/nightly"),
            "TaskCount": 1, "LaunchType": "FARGATE", "NewerThanThis": true,
        },
    });
    let other = json!({ "Id": "tell", "Arn": "arn:aws:sns:eu-west-2:1:told" });
    bed.fake.given_rule("nightly", vec![other, target.clone()]);
    (bed, target)
}

fn target(bed: &Bed) -> Value {
    bed.fake.targets("nightly").into_iter().find(|target| target["Id"] == "run").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_task_of_a_rule_is_of_the_release() {
    let (bed, before) = bed().await;
    let plan = bed.plan().await;
    let nightly = plan.services.iter().find(|it| it.service == "nightly").unwrap();
    assert_eq!((nightly.id.as_str(), nightly.action), ("rule:nightly", Action::Define));
    assert!(plan.refusals.is_empty(), "{:?}", plan.refusals);
    let rollout = bed.roll(Options::default()).await;
    assert_eq!((rollout.state, rollout.reason), (RolloutState::Succeeded, None));
    let after = target(&bed);
    let arn = after["EcsParameters"]["TaskDefinitionArn"].as_str().unwrap();
    assert!(arn.ends_with(":task-definition/nightly:2"), "{arn}");
    let told = bed.fake.call("DescribeTaskDefinition", &json!({ "taskDefinition": arn })).unwrap();
    let definition = &told["taskDefinition"];
    let image = definition["containerDefinitions"][0]["image"].as_str().unwrap();
    assert!(image.ends_with(&format!("job@{}", bed.digest("job", 2).unwrap())), "{image}");
    assert_eq!(definition["taskRoleArn"], "arn:aws:iam::1:role/nightly");
    // All else of the target is as it was.
    let mut expected = before;
    expected["EcsParameters"]["TaskDefinitionArn"] = json!(arn);
    assert_eq!(after, expected);
    assert_eq!(bed.fake.targets("nightly").len(), 2);
    let again = bed.plan().await;
    assert!(again.is_empty() && again.refusals.is_empty(), "{again:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_goes_back_with_the_rest() {
    let (bed, before) = bed().await;
    let crash = Fate::Exits { code: 1, after: Duration::from_secs(1) };
    bed.fake.fate(&bed.digest("api", 2).unwrap(), crash);
    let rollout = bed.roll(Options::default()).await;
    assert_eq!(rollout.state, RolloutState::RolledBack, "{:?}", rollout.reason);
    assert_eq!(target(&bed), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_that_is_not_there_is_told_before_anything_is_done() {
    let (bed, target) = bed().await;
    bed.fake.given_rule("nightly", Vec::new());
    let said = |plan: portolan_release::Plan| {
        plan.refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    let none = said(bed.plan().await);
    assert!(none.contains("service nightly is not there"), "{none}");
    let mut second = target.clone();
    second["Id"] = json!("second");
    bed.fake.given_rule("nightly", vec![target, second]);
    let several = said(bed.plan().await);
    assert!(several.contains("rule:nightly/run, rule:nightly/second"), "{several}");
}
