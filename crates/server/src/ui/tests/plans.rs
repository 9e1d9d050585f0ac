//! Plans as pages, and ordering them.

use http::StatusCode;
use portolan_store::{Page, RolloutFilter, RolloutState};

use super::bed::{Bed, NOW, main_of};
use super::shop::{bring, fields, led, release, told};
use super::yard::Yard;

#[tokio::test]
async fn a_plan() {
    let (bed, _, shop) = told().await;
    let path = format!("/ui/plan?project=shop&env=production&release={}", shop.third.id);
    let page = bed.main(&path).await;
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r#"name="plan" value="[A-Za-z0-9+/=]+""#, "name=\"plan\" value=\"[plan]\"");
    settings.bind(|| insta::assert_snapshot!(page));
}

#[tokio::test]
async fn what_is_in_the_way_is_told_with_what_to_do() {
    let (bed, yard, shop) = told().await;
    let frozen = format!("/ui/plan?project=shop&env=staging&release={}", shop.first.id);
    let page = bed.main(&frozen).await;
    assert!(
        page.contains("frozen by ben: Load test") && page.contains("DELETE /environments"),
        "{page}"
    );
    assert!(!page.contains("method=\"post\""), "it cannot be ordered: {page}");
    let leaking = format!("/ui/plan?project=shop&env=production&release={}", shop.leaking.id);
    let page = bed.main(&leaking).await;
    assert!(
        page.contains("put in quarantine by ben") && page.contains("The release</a>"),
        "{page}"
    );
    // Somebody is at it: it can be waited for.
    yard.stick(true);
    bed.app.releases.approve(shop.waiting.id, "ben").await.unwrap();
    let (releases, id) = (bed.app.releases.clone(), shop.waiting.id);
    let running = tokio::spawn(async move { releases.run(id, "there").await });
    let path = format!("/ui/plan?project=shop&env=production&release={}", shop.first.id);
    let page = loop {
        let page = bed.main(&path).await;
        if page.contains("is changing the environment") {
            break page;
        }
        tokio::task::yield_now().await;
    };
    assert!(
        page.contains(&format!("/ui/rollout/{id}")) && page.contains("wait 10 minutes"),
        "{page}"
    );
    assert!(!page.contains("do not begin"), "{page}");
    yard.stick(false);
    assert_eq!(running.await.unwrap().unwrap().state, RolloutState::Succeeded);
}

#[tokio::test]
async fn exactly_what_was_seen_is_ordered() {
    let mut bed = Bed::new().await;
    let yard = Yard::of(&mut bed);
    let (one, two) = (release(&bed, "v1", "").await, release(&bed, "v2", "").await);
    bring(&bed, "staging", &one).await;
    let path = format!("/ui/plan?project=shop&env=staging&release={}", two.id);
    let page = bed.main(&path).await;
    let agreed = [
        &fields(&page, "/ui/plan")[..],
        &[("by", "ann"), ("on-failure", "leave"), ("wait", "600")],
    ]
    .concat();

    // Somebody else is faster: the person sees what moved, and nothing is done.
    yard.meddle("staging", "web", "web", "v9");
    let answer = bed.post("/ui/plan", &agreed).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    let moved = main_of(&answer.body);
    for part in ["The world has moved", "Nothing was done", "service web", "and runs sha256:"] {
        assert!(moved.contains(part), "{part} in {moved}");
    }
    let all = RolloutFilter::default();
    assert_eq!(bed.store.rollouts(&all, Page::ALL).await.unwrap().total, 1);

    // What the page shows now is ordered.
    let agreed = [
        &fields(&moved, "/ui/plan")[..],
        &[("by", "ann"), ("on-failure", "leave"), ("wait", "600")],
    ]
    .concat();
    let ordered = bed.post("/ui/plan", &agreed).await;
    let at = led(&ordered).to_owned();
    let page = bed.main(&at).await;
    assert!(page.contains("queued") && page.contains("it is left as it is then"), "{page}");
    assert!(page.contains("10 m at most"), "{page}");
    bed.app.run_jobs_until_idle().await.unwrap();
    let page = bed.main(&at).await;
    assert!(page.contains("3 of 3 services well") && page.contains("succeeded"), "{page}");
    let nothing = bed.main(&path).await;
    assert!(nothing.contains("There is nothing to do"), "{nothing}");

    // A form that was changed on its way, or is of no plan.
    let mut forged = agreed.clone();
    forged.retain(|(name, _)| *name != "hash");
    assert_eq!(bed.post("/ui/plan", &forged).await.status, StatusCode::BAD_REQUEST);
    forged
        .push(("hash", "sha256:0000000000000000000000000000000000000000000000000000000000000000"));
    let answer = bed.post("/ui/plan", &forged).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.body);
}

#[tokio::test]
async fn some_services_alone() {
    let mut bed = Bed::new().await;
    Yard::of(&mut bed);
    let one = release(&bed, "v1", "").await;
    let path = format!("/ui/plan?project=shop&env=staging&release={}&service=web", one.id);
    let page = bed.main(&path).await;
    assert!(!page.contains("orders-worker") && page.contains("Plan all services"), "{page}");
    let agreed = [&fields(&page, "/ui/plan")[..], &[("by", "ann")]].concat();
    let at = bed.post("/ui/plan", &agreed).await;
    bed.app.run_jobs_until_idle().await.unwrap();
    let page = bed.main(led(&at)).await;
    assert!(page.contains("1 of 1 service well") && page.contains("only web"), "{page}");
    assert!(bed.main("/ui/releases").await.contains("only web"));
    let none = bed.ask(&path.replace("=web", "=none"), &[]).await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn there_is_a_way_back() {
    let (bed, _, shop) = told().await;
    let page = bed.main("/ui/plan?project=shop&env=production&back=previous").await;
    assert!(page.contains("Go back") && page.contains(&shop.first.id.to_string()), "{page}");
    let agreed = [&fields(&page, "/ui/plan")[..], &[("by", "ann")]].concat();
    let at = led(&bed.post("/ui/plan", &agreed).await).to_owned();
    assert!(bed.main(&at).await.contains("back to"));
    // What ran at a moment becomes a release, by a form alone.
    let form = [("project", "shop"), ("env", "production"), ("at", NOW), ("by", "ann")];
    let answer = bed.post("/ui/back", &form).await;
    let plan = led(&answer);
    assert!(plan.starts_with("/ui/plan?project=shop&env=production&release="), "{plan}");
    assert!(bed.main(plan).await.contains("Go back"));
    for (bad, status) in [
        (
            &[("project", "shop"), ("env", "production"), ("at", "x"), ("by", "ann")][..],
            StatusCode::BAD_REQUEST,
        ),
        (&[("project", "shop"), ("env", "production"), ("at", NOW)], StatusCode::BAD_REQUEST),
        (
            &[("project", "none"), ("env", "production"), ("at", NOW), ("by", "ann")],
            StatusCode::NOT_FOUND,
        ),
        (
            &[("project", "shop"), ("env", "mars"), ("at", NOW), ("by", "ann")],
            StatusCode::NOT_FOUND,
        ),
        (
            &[("project", "shop"), ("env", "production"), ("at", "2020-01-01"), ("by", "ann")],
            StatusCode::NOT_FOUND,
        ),
    ] {
        let answer = bed.post("/ui/back", bad).await;
        assert_eq!(answer.status, status, "{bad:?}: {}", answer.body);
    }
}

#[tokio::test]
async fn plans_that_make_no_sense_are_pages_that_say_so() {
    let (bed, _, shop) = told().await;
    let id = shop.first.id;
    for (query, status) in [
        (String::new(), StatusCode::BAD_REQUEST),
        ("project=shop&env=staging".to_owned(), StatusCode::BAD_REQUEST),
        ("project=shop&env=staging&release=x".to_owned(), StatusCode::BAD_REQUEST),
        (format!("project=shop&env=mars&release={id}"), StatusCode::NOT_FOUND),
        (format!("project=none&env=staging&release={id}"), StatusCode::NOT_FOUND),
        (
            "project=shop&env=staging&release=018f0000-0000-7000-8000-000000000000".to_owned(),
            StatusCode::NOT_FOUND,
        ),
        (
            format!("project=shop&env=staging&release={id}&wait=99999999999"),
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let answer = bed.ask(&format!("/ui/plan?{query}"), &[]).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
        assert!(answer.body.contains("<h1>"), "{query}");
    }
    let mut fresh = Bed::new().await;
    Yard::of(&mut fresh);
    let answer = fresh.ask("/ui/plan?project=shop&env=staging&back=previous", &[]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.body.contains("nothing before"), "{}", answer.body);
}
