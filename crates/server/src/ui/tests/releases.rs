//! The promotion board, and the page of a release.

use http::StatusCode;
use portolan_model::ReleaseId;
use portolan_store::{Page, RolloutFilter, Scope};

use super::bed::{Bed, NOW, change, main_of};
use super::shop::{bring, fields, led, release, told};
use super::story;
use super::yard::Yard;

#[tokio::test]
async fn the_board() {
    let (bed, ..) = told().await;
    insta::assert_snapshot!(bed.main("/ui/releases").await);
    let asked = bed.main("/ui/releases?project=shop&page=1").await;
    assert!(asked.contains("5 releases"), "{asked}");
    let past = bed.main("/ui/releases?page=9").await;
    assert!(past.contains("that is so old"), "{past}");
    let none = bed.ask("/ui/releases?project=%3Cb%3E", &[]).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_empty_board_says_what_fills_it() {
    let mut bed = Bed::new().await;
    let page = bed.main("/ui/releases").await;
    assert!(page.contains("There is no project yet") && page.contains("[projects.shop"), "{page}");
    Yard::of(&mut bed);
    let page = bed.main("/ui/releases").await;
    assert!(page.contains("portolan release prepare --project shop --tag latest"), "{page}");
    assert!(page.contains("No release was brought here yet"), "{page}");
}

#[tokio::test]
async fn a_release_is_prepared_by_a_form() {
    let mut bed = Bed::new().await;
    Yard::of(&mut bed);
    let page = bed.main("/ui/releases").await;
    let hidden = fields(&page, "/ui/releases");
    let with = |more: &[(&'static str, &'static str)]| [&hidden[..], more].concat();
    let told = [("from", "tag"), ("what", "v2"), ("description", "faster"), ("by", "ann")];
    let made = bed.post("/ui/releases", &with(&told)).await;
    let page = bed.main(led(&made)).await;
    assert!(page.contains("from the tag v2") && page.contains("faster"), "{page}");
    for (bad, status, said) in [
        (&[("from", "tag"), ("what", "v2")][..], StatusCode::BAD_REQUEST, "say who asks"),
        (&[("from", "tag"), ("what", "a b"), ("by", "ann")], StatusCode::BAD_REQUEST, "a b"),
        (
            &[("from", "tag"), ("what", ""), ("by", "ann")],
            StatusCode::BAD_REQUEST,
            "say from which",
        ),
        (&[("from", "sky"), ("what", "x"), ("by", "ann")], StatusCode::BAD_REQUEST, "is prepared"),
        (&[("from", "commit"), ("what", "x"), ("by", "ann")], StatusCode::BAD_REQUEST, "no commit"),
        (&[("from", "tag"), ("what", "x1"), ("by", "ann")], StatusCode::NOT_FOUND, "web in"),
    ] {
        let answer = bed.post("/ui/releases", &with(bad)).await;
        assert_eq!(answer.status, status, "{bad:?}: {}", answer.body);
        assert!(main_of(&answer.body).contains(said), "{bad:?}: {}", answer.body);
    }
    assert_eq!(bed.store.releases(None, Page::ALL).await.unwrap().total, 1);
}

#[tokio::test]
async fn a_release() {
    let (bed, _, shop) = told().await;
    insta::assert_snapshot!(bed.main(&format!("/ui/release/{}", shop.second.id)).await);
    let never = bed.main(&format!("/ui/release/{}", shop.leaking.id)).await;
    assert!(never.contains("never brought anywhere"), "{never}");
    assert!(!never.contains("/ui/plan"), "what is in quarantine is not offered: {never}");
    for bad in ["x", "018f0000-0000-7000-8000-000000000000", "..%2f..", "%00"] {
        let answer = bed.ask(&format!("/ui/release/{bad}"), &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{bad}");
    }
}

#[tokio::test]
async fn what_changed_is_told_since_what_is_chosen() {
    let mut bed = Bed::new().await;
    story::tell(&bed.store).await;
    Yard::of(&mut bed);
    // Two releases of images that the catalogue has read.
    let mut made = Vec::new();
    for image in ["orders 1", "orders 2"] {
        let mut release = release(&bed, "v1", image).await;
        release.id = ReleaseId::new(bed.store.ids());
        release.images[0].digest = story::digest(image);
        release.images[0].revision = Some(format!("{:0>40}", image.len() + made.len()));
        let copy = release.clone();
        change!(bed.store, |tx| tx.add_release(&copy).await);
        made.push(release);
    }
    let path = format!("/ui/release/{}", made[1].id);
    let page = bed.main(&path).await;
    assert!(page.contains("1 image is the same"), "{page}");
    let page = bed.main(&format!("{path}?since=staging")).await;
    assert!(page.contains("<option value=\"staging\" selected>"), "{page}");
    assert_eq!(page.matches(">new</span>").count(), 2, "nothing runs there: {page}");
    bring(&bed, "staging", &made[0]).await;
    let page = bed.main(&format!("{path}?since=staging")).await;
    assert!(page.contains("The commits between are not known"), "{page}");
    assert!(page.contains("app/native.node") && page.contains("and 194 more"), "{page}");
    // The first one, and an environment that there is not.
    let first = bed.main("/ui/releases?page=1").await;
    assert!(first.contains("4 releases"), "{first}");
    let none = bed.ask(&format!("{path}?since=mars"), &[]).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND, "{}", none.body);
    // A page that asks for what moves is not told once more of what does not.
    let again = bed.ask(&path, &[("portolan-has", "")]).await.body;
    assert!(again.contains("What changed") && !again.contains("the release before it"), "{again}");
}

#[tokio::test]
async fn quarantine_is_set_and_lifted_by_forms() {
    let (bed, _, shop) = told().await;
    let path = format!("/ui/release/{}", shop.first.id);
    let action = format!("{path}/quarantine");
    let set = bed.post(&action, &[("reason", "it leaks <b>"), ("by", "eve")]).await;
    let page = bed.main(led(&set)).await;
    assert!(
        page.contains("It is not deployed again") && page.contains("it leaks &#60;b&#62;"),
        "{page}"
    );
    let board = bed.main("/ui/releases").await;
    assert!(board.contains("eve: it leaks"), "{board}");
    let lift = bed.post(&action, &fields(&page, &action)).await;
    assert!(!bed.main(led(&lift)).await.contains("It is not deployed again"));
    let silent = bed.post(&action, &[("reason", " "), ("by", "eve")]).await;
    assert_eq!(silent.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_order_of_a_world_that_has_moved_is_not_begun() {
    let mut bed = Bed::new().await;
    Yard::of(&mut bed);
    let (one, two) = (release(&bed, "v1", "").await, release(&bed, "v2", "").await);
    let early = super::shop::order(&bed, "production", &one).await;
    bring(&bed, "production", &two).await;
    bed.app.releases.approve(early.id, "ben").await.unwrap();
    let ended = bed.app.releases.run(early.id, "here").await.unwrap();
    assert_eq!(ended.state.name(), "refused");
    let page = bed.main("/ui/releases").await;
    assert!(page.contains("not begun") && page.contains("the world has moved"), "{page}");
}

#[tokio::test]
async fn reading_changes_nothing() {
    let (bed, _, shop) = told().await;
    let count = async || {
        let rollouts = bed.store.rollouts(&RolloutFilter::default(), Page::ALL).await.unwrap();
        (bed.store.releases(None, Page::ALL).await.unwrap().total, rollouts.total)
    };
    let before = count().await;
    let (first, rollout) = (shop.first.id, shop.failed.id);
    for path in [
        "/ui/releases".to_owned(),
        format!("/ui/release/{first}"),
        format!("/ui/plan?project=shop&env=production&release={first}"),
        "/ui/plan?project=shop&env=production&back=previous".to_owned(),
        format!("/ui/rollout/{rollout}"),
    ] {
        bed.page(&path).await;
    }
    for path in ["/ui/back".to_owned(), format!("/ui/rollout/{rollout}/approve")] {
        let answer = bed.ask(&path, &[]).await;
        assert!(!answer.status.is_success(), "{path}: {}", answer.status);
    }
    assert_eq!(count().await, before);
}

/// The header of a browser that keeps a token with these scopes.
async fn kept(bed: &Bed, text: &str, name: &str, scopes: &[Scope]) -> String {
    let token = portolan_store::NewToken {
        id: portolan_model::TokenId::new(bed.store.ids()),
        name: name.to_owned(),
        digest: portolan_model::Digest::of(text.as_bytes()),
        scopes: scopes.to_vec(),
        created_at: NOW.parse().unwrap(),
        expires_at: None,
    };
    assert!(change!(bed.store, |tx| tx.add_token(token).await));
    format!("portolan_token={text}")
}

#[tokio::test]
async fn forms_are_for_those_who_may() {
    let (bed, _, shop) = told().await;
    let cookie = kept(&bed, "portolan_x", "ann", &[Scope::Deploy("production".to_owned())]).await;
    bed.app.door.renew(&bed.store).await.unwrap();
    let (waiting, first) = (shop.waiting.id, shop.first.id);
    let path = format!("/ui/rollout/{waiting}");
    let stranger = bed.main(&path).await;
    assert!(stranger.contains("Log in to change something"), "{stranger}");
    assert!(stranger.contains(&format!("/ui/login?to=/ui/rollout/{waiting}")), "{stranger}");
    assert!(!stranger.contains("method=\"post\""), "{stranger}");
    let own = main_of(&bed.ask(&path, &[("cookie", &cookie)]).await.body);
    assert!(own.contains("it is not you who approves it") && own.contains("/refuse"), "{own}");
    let page =
        main_of(&bed.ask(&format!("/ui/release/{first}"), &[("cookie", &cookie)]).await.body);
    assert!(
        !page.contains("/quarantine\"") && page.contains("scope <code>release</code>"),
        "{page}"
    );
    let plan = format!("/ui/plan?project=shop&env=production&release={first}");
    let plan = main_of(&bed.ask(&plan, &[("cookie", &cookie)]).await.body);
    assert!(plan.contains("as <b class=\"any\">ann</b>") && !plan.contains("Your name"), "{plan}");
}

/// Many releases: what a page asks of the store does not grow with them.
#[tokio::test]
async fn of_a_thousand_releases_a_page_shows_some() {
    let mut bed = Bed::new().await;
    Yard::of(&mut bed);
    let first = release(&bed, "v1", "the oldest").await;
    bring(&bed, "staging", &first).await;
    for _ in 0..10 {
        let first = first.clone();
        let ids: Vec<ReleaseId> = (0..100).map(|_| ReleaseId::new(bed.store.ids())).collect();
        change!(bed.store, |tx| {
            for id in ids {
                let copy =
                    portolan_store::Release { id, description: String::new(), ..first.clone() };
                tx.add_release(&copy).await?;
            }
            Ok(())
        });
    }
    let page = bed.main("/ui/releases").await;
    assert_eq!(page.matches("id=\"r-").count(), 25);
    assert!(page.contains("1 to 25 of 1,001 releases"), "{page}");
    let last = bed.main("/ui/releases?page=41").await;
    assert!(last.contains("the oldest") && last.contains(">live</span>"), "{last}");
}
