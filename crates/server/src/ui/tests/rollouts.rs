//! Rollouts as pages: as they go on, as they end, approved, and taken back.

use http::StatusCode;
use portolan_release::{OnFailure, Options, Order, Scope};
use portolan_store::RolloutState;

use super::bed::{Bed, main_of};
use super::shop::{bring, led, order, release, told};
use super::yard::Yard;

#[tokio::test]
async fn a_rollout_that_failed() {
    let (bed, _, shop) = told().await;
    let page = bed.main(&format!("/ui/rollout/{}", shop.failed.id)).await;
    for part in [
        "failed and undone",
        "exited with <b>7</b>",
        "FATAL no database at db.internal:5432",
        "is unable to reach a steady state",
        "Essential container in task exited",
        "as it was before",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    insta::assert_snapshot!(page);
    let none = bed.ask("/ui/rollout/018f0000-0000-7000-8000-000000000000", &[]).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_tells_how_far_it_is() {
    let mut bed = Bed::new().await;
    let yard = Yard::of(&mut bed);
    let one = release(&bed, "v1", "").await;
    let ordered = order(&bed, "staging", &one).await;
    let path = format!("/ui/rollout/{}", ordered.id);
    assert!(bed.main(&path).await.contains("Nothing was begun yet"));
    yard.stick(true);
    let (releases, id) = (bed.app.releases.clone(), ordered.id);
    let running = tokio::spawn(async move { releases.run(id, "here").await });
    let page = loop {
        let page = bed.main(&path).await;
        if page.contains("1 of 3 run, 1 failed") {
            break page;
        }
        tokio::task::yield_now().await;
    };
    for part in ["under way", "coming up", "waits for its turn", "0 of 3 services well"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(page.contains("data-moves") && bed.page(&path).await.contains("/ui/changes"));
    let head = bed.main("/ui/releases").await;
    assert!(head.contains(&path) && head.contains("under way"), "{head}");
    yard.stick(false);
    assert_eq!(running.await.unwrap().unwrap().state, RolloutState::Succeeded);
    let page = bed.main(&path).await;
    assert!(page.contains("3 of 3 services well") && !page.contains("of 3 run"), "{page}");
    assert!(!page.contains("Roll back"), "nothing was there before: {page}");
    bring(&bed, "staging", &release(&bed, "v2", "").await).await;
    assert!(bed.main(&path).await.contains("Bring this back"));
}

#[tokio::test]
async fn a_second_person_approves() {
    let (bed, _, shop) = told().await;
    let path = format!("/ui/rollout/{}", shop.waiting.id);
    let page = bed.main(&path).await;
    assert!(page.contains("somebody else than ann must agree"), "{page}");
    let approve = format!("{path}/approve");
    let own = bed.post(&approve, &[("by", "ann")]).await;
    assert_eq!(own.status, StatusCode::CONFLICT);
    assert!(main_of(&own.body).contains("another person"), "{}", own.body);
    assert_eq!(bed.post(&approve, &[]).await.status, StatusCode::BAD_REQUEST);
    let by = [("by", "ben")];
    assert_eq!(led(&bed.post(&approve, &by).await), path);
    bed.app.run_jobs_until_idle().await.unwrap();
    // The answer may have been lost on its way.
    assert_eq!(led(&bed.post(&approve, &by).await), path);
    let page = bed.main(&path).await;
    assert!(page.contains("Approved") && page.contains("succeeded"), "{page}");
    assert!(page.contains("env=production&#38;back=previous"), "{page}");
    let late = bed.post(&format!("{path}/refuse"), &by).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.body);
}

#[tokio::test]
async fn what_was_left_half_done_is_told() {
    let mut bed = Bed::new().await;
    let yard = Yard::of(&mut bed);
    bring(&bed, "staging", &release(&bed, "v1", "").await).await;
    yard.crash("web", "v2", "no");
    let two = release(&bed, "v2", "").await;
    let releases = bed.app.releases.clone();
    let plan = releases.plan("shop", "staging", two.id, &Scope::default()).await.unwrap();
    let options = Options { on_failure: OnFailure::Leave, ..Options::default() };
    let order = Order { plan, options, by: "ann".to_owned(), ci_url: None };
    let ordered = releases.apply(order).await.unwrap();
    assert_eq!(releases.run(ordered.id, "here").await.unwrap().state, RolloutState::Failed);
    let board = bed.main("/ui/releases").await;
    assert_eq!(board.matches("live in part").count(), 2, "{board}");
    assert!(board.contains("left half done"), "{board}");
    let page = bed.main(&format!("/ui/rollout/{}", ordered.id)).await;
    assert!(page.contains("Bring back what was there"), "{page}");
}

#[tokio::test]
async fn what_was_not_begun_is_taken_back() {
    let (bed, _, shop) = told().await;
    let path = format!("/ui/rollout/{}", shop.waiting.id);
    let fields = [("by", "eve"), ("reason", "not on a <i>Friday</i>")];
    assert_eq!(led(&bed.post(&format!("{path}/refuse"), &fields).await), path);
    let page = bed.main(&path).await;
    assert!(page.contains("taken back by eve: not on a &#60;i&#62;Friday"), "{page}");
    assert!(!page.contains("method=\"post\""), "{page}");
    let late = bed.post(&format!("{path}/approve"), &[("by", "ben")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
}
