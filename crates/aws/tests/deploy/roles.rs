//! Roles, who asks, and credentials that end.

use std::time::Duration;

use portolan_aws::ecs::Ecs;
use portolan_aws::{Aws, AwsSettings, Ecr, Logs, Trouble};

use crate::bed;

const ROLE: &str = "arn:aws:iam::760097843905:role/deployer";

fn as_role(url: String) -> AwsSettings {
    AwsSettings { role_arn: Some(ROLE.to_owned()), ..bed::settings(url) }
}

#[tokio::test]
async fn a_role_is_taken_on_once_for_all_services() {
    let fake = bed::fake();
    fake.push("app", "one", &["latest"]).unwrap();
    let aws = Aws::open(&as_role(fake.url())).await;
    let (ecs, ecr) = (Ecs::of(&aws), Ecr::of(&aws, None));
    ecs.clusters().await.unwrap();
    ecr.repositories(&["app".to_owned()]).await.unwrap();
    Logs::of(&aws).last_lines("g", "s", 1).await.unwrap();
    let caller = aws.caller().await.unwrap();
    assert_eq!(caller.account, "760097843905");
    assert_eq!(caller.arn, "arn:aws:sts::760097843905:assumed-role/deployer/portolan");
    assert_eq!(fake.counts()["AssumeRole"], 1);
    let base = bed::aws(fake.url()).await.caller().await.unwrap();
    assert_eq!(base.arn, "arn:aws:iam::123456789012:user/test");
}

#[tokio::test]
async fn a_role_that_is_about_to_end_is_taken_on_again() {
    let fake = bed::fake();
    fake.roles_last(Duration::from_secs(2));
    let ecs = Ecs::of(&Aws::open(&as_role(fake.url())).await);
    ecs.clusters().await.unwrap();
    ecs.clusters().await.unwrap();
    assert_eq!(fake.counts()["AssumeRole"], 2);
}

#[tokio::test]
async fn credentials_that_ended_and_rights_that_are_missing_are_told_apart() {
    let fake = bed::fake();
    let ecs = Ecs::of(&Aws::open(&as_role(fake.url())).await);
    ecs.clusters().await.unwrap();
    fake.expire_roles();
    let error = ecs.clusters().await.unwrap_err();
    assert_eq!(error.trouble(), Trouble::Expired);
    assert!(error.to_string().contains("is expired; the credentials"), "{error}");
    fake.refuse("ListClusters", "AccessDeniedException", "not authorized to ecs:ListClusters", 1);
    let error = bed_ecs(&fake.url()).await.clusters().await.unwrap_err();
    assert_eq!(error.trouble(), Trouble::Denied);
    assert!(error.to_string().contains("ecs:ListClusters"), "{error}");
}

async fn bed_ecs(url: &str) -> Ecs {
    Ecs::of(&bed::aws(url.to_owned()).await)
}
