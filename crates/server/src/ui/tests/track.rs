//! The pages about what runs where, as they are drawn.

use http::StatusCode;

use super::bed::Bed;
use super::fleet;

async fn told() -> Bed {
    let bed = Bed::new().await;
    fleet::tell(&bed).await;
    bed
}

#[tokio::test]
async fn the_wall() {
    let bed = told().await;
    insta::assert_snapshot!(bed.main("/ui/").await);
}

#[tokio::test]
async fn an_empty_wall_says_what_fills_it() {
    let bed = Bed::new().await;
    insta::assert_snapshot!(bed.main("/ui/").await);
    assert!(bed.main("/ui/services").await.contains("No service is known"));
    assert!(bed.main("/ui/journal").await.contains("Nothing has been said yet"));
    assert!(bed.main("/ui/environment/staging").await.contains("Nothing is known to run"));
    let figures = bed.main("/ui/figures").await;
    assert!(figures.contains("<dd>- <small>of 0 images</small></dd>"), "{figures}");
}

#[tokio::test]
async fn a_service() {
    let bed = told().await;
    insta::assert_snapshot!(bed.main("/ui/service/orders-api").await);
    let production = bed.main("/ui/service/orders-api?environment=production").await;
    assert!(production.contains("4 deployments"), "{production}");
    let nothing = bed.ask("/ui/service/nothing", &[]).await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_deployment_that_failed() {
    let bed = told().await;
    insta::assert_snapshot!(bed.main("/ui/deployment/ecs-svc%2F121").await);
}

#[tokio::test]
async fn an_environment() {
    let bed = told().await;
    insta::assert_snapshot!(bed.main("/ui/environment/staging").await);
}

#[tokio::test]
async fn two_environments() {
    let bed = told().await;
    insta::assert_snapshot!(bed.main("/ui/diff/integration/production").await);
}

#[tokio::test]
async fn the_journal() {
    let bed = told().await;
    insta::assert_snapshot!(bed.main("/ui/journal?state=dead").await);
}
