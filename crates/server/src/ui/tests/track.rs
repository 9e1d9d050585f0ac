//! The pages about what runs where, as they are drawn.

use http::StatusCode;

use super::bed::Bed;
use super::fleet;

/// Compares a page with how it was drawn before, but for the marks of its rows.
macro_rules! assert_drawn {
    ($page:expr) => {{
        let mut settings = insta::Settings::clone_current();
        settings.add_filter(r#"id="s-[0-9a-f]{16}""#, "id=\"s-[service]\"");
        settings.add_filter(r#"data-mark="[0-9a-f]{16}""#, "data-mark=\"[mark]\"");
        let page = $page;
        settings.bind(|| insta::assert_snapshot!(page));
    }};
}

async fn told() -> Bed {
    let bed = Bed::new().await;
    fleet::tell(&bed).await;
    bed
}

#[tokio::test]
async fn the_wall() {
    let bed = told().await;
    assert_drawn!(bed.main("/ui/").await);
}

#[tokio::test]
async fn an_empty_wall_says_what_fills_it() {
    let bed = Bed::new().await;
    assert_drawn!(bed.main("/ui/").await);
    assert!(bed.main("/ui/services").await.contains("No service is known"));
    assert!(bed.main("/ui/journal").await.contains("Nothing has been said yet"));
    assert!(bed.main("/ui/environment/staging").await.contains("Nothing is known to run"));
    let figures = bed.main("/ui/figures").await;
    assert!(figures.contains("<dd>- <small>of 0 images</small></dd>"), "{figures}");
}

#[tokio::test]
async fn a_service() {
    let bed = told().await;
    assert_drawn!(bed.main("/ui/service/orders-api").await);
    let production = bed.main("/ui/service/orders-api?environment=production").await;
    assert!(production.contains("4 deployments"), "{production}");
    let nothing = bed.ask("/ui/service/nothing", &[]).await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_deployment_that_failed() {
    let bed = told().await;
    assert_drawn!(bed.main("/ui/deployment/ecs-svc%2F121").await);
}

#[tokio::test]
async fn an_environment() {
    let bed = told().await;
    assert_drawn!(bed.main("/ui/environment/staging").await);
}

#[tokio::test]
async fn two_environments() {
    let bed = told().await;
    assert_drawn!(bed.main("/ui/diff/integration/production").await);
}

#[tokio::test]
async fn the_journal() {
    let bed = told().await;
    assert_drawn!(bed.main("/ui/journal?state=dead").await);
}

#[tokio::test]
async fn a_page_asks_for_the_rows_that_differ_alone() {
    let bed = told().await;
    let whole = bed.page("/ui/").await;
    let marks: Vec<&str> =
        whole.split("data-mark=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(marks.len(), 6);
    let has = marks.join(",");
    let same = bed.ask("/ui/", &[("portolan-has", &has)]).await.body;
    assert!(!same.contains("data-mark"), "{same}");
    let next = fleet::Rollout {
        place: "staging",
        service: "orders-api",
        version: "1.31.0",
        key: 114,
        tasks: 3,
    };
    let said = next.comes_up(super::story::ago(3 * super::story::MINUTE));
    fleet::say(&bed.app.intake, &bed.app.tracker, said).await;
    let changed = bed.ask("/ui/", &[("portolan-has", &has)]).await.body;
    assert_eq!(changed.matches("data-mark").count(), 1, "{changed}");
    assert!(changed.contains("/ui/service/orders-api"), "{changed}");
}

#[tokio::test]
async fn services_are_filtered_on_the_server() {
    let bed = told().await;
    for (asked, found, left_out) in [
        ("q=ORDERS", "orders-api", "payments"),
        ("q=9.4", "storefront", "orders-api"),
        ("state=failing", "search-indexer", "mailer"),
        ("state=rolling%20out", "payments", "mailer"),
        ("state=drift", "storefront", "payments"),
        ("state=behind", "orders-api", "mailer"),
    ] {
        let page = bed.main(&format!("/ui/?{asked}")).await;
        assert!(page.contains(&format!("/ui/service/{found}\"")), "{asked}: {page}");
        assert!(!page.contains(&format!("/ui/service/{left_out}\"")), "{asked}: {page}");
    }
    assert!(bed.main("/ui/?q=.%2A").await.contains("No service is like this"));
    for bad in ["state=nothing", "at=garbage", "back=x", "page=-1"] {
        let answer = bed.ask(&format!("/ui/?{bad}"), &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    let slid = bed.ask("/ui/?back=-24&q=orders", &[]).await;
    assert_eq!(slid.headers["location"], "/ui/?q=orders&at=2026-11-19T18:00:00.000Z");
}

#[tokio::test]
async fn the_wall_of_a_moment_is_that_of_then() {
    let bed = told().await;
    let cell = |page: &str, version: &str| page.contains(&format!(">{version}</a>"));
    let then = bed.main("/ui/?at=2026-11-01T18:00Z&q=orders").await;
    assert!(cell(&then, "1.29.0") && !cell(&then, "1.30.0"), "{then}");
    let before = bed.main("/ui/?at=2026-09-01").await;
    assert!(before.contains("Nothing is known to run at that moment"), "{before}");
    let broken = bed.main("/ui/environment/production?at=2026-11-11T18:05:30Z").await;
    assert!(broken.contains("1.30.0 failed") && cell(&broken, "1.29.0"), "{broken}");
    assert!(broken.contains("/ui/service/orders-api?at=2026-11-11T18:05:30.000Z"), "{broken}");
}

#[tokio::test]
async fn a_dead_entry_is_replayed_by_a_form() {
    let bed = told().await;
    let page = bed.main("/ui/journal?state=dead").await;
    let action = page.split("action=\"").find(|rest| rest.contains("/replay\"")).unwrap();
    let action = action.split('"').next().unwrap();
    let request = http::Request::post(action).header("host", "localhost:5094");
    let request = request.body(axum::body::Body::empty()).unwrap();
    let answer = tower::ServiceExt::oneshot(bed.router(), request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()["location"], action.strip_suffix("/replay").unwrap());
    assert_eq!(bed.store.pending_events(None, 10).await.unwrap().len(), 1);
}
