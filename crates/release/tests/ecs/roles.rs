//! In which role of AWS each repository is reached.

use portolan_release::Options;
use portolan_store::RolloutState;
use portolan_testkit::moto::{ACCOUNT, REGION};

use crate::bed::{Bed, service};

fn role(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

fn session(name: &str) -> String {
    format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}/portolan")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_is_reached_in_its_own_role_and_else_in_the_environments() {
    let place = format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/api");
    let more = format!(
        "role_arn = {:?}\n[images.api.at]\nstage = {{ repository = {place:?}, role_arn = {:?} }}",
        role("deploy"),
        role("images"),
    );
    let bed = Bed::new(&[service("api", &["api"]), service("web", &["web"])], &more).await;
    assert_eq!(bed.deploy().await.state, RolloutState::Succeeded);
    for action in ["BatchGetImage", "PutImage"] {
        assert_eq!(bed.fake.callers(action, "api"), [session("images")], "{action}");
        assert_eq!(bed.fake.callers(action, "web"), [session("deploy")], "{action}");
    }
    assert_eq!(bed.roll(Options::default()).await.state, RolloutState::Succeeded);
    assert_eq!(bed.fake.counts()["AssumeRole"], 2, "each is taken on once");
}
