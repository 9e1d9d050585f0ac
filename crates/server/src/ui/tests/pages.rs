//! Each page, as it is drawn.

use http::StatusCode;

use super::bed::{Bed, main_of};
use super::story;

async fn told() -> Bed {
    let bed = Bed::new().await;
    story::tell(&bed.store).await;
    bed
}

#[tokio::test]
async fn the_repositories() {
    let bed = told().await;
    insta::assert_snapshot!(bed.main("/ui/images").await);
    let filtered = bed.main("/ui/images?q=tools").await;
    assert!(filtered.contains("tools/broken") && !filtered.contains("mailer"));
    let none = bed.main("/ui/images?q=%25").await;
    assert!(none.contains("No repository has “<span class=\"any\">%</span>”"), "{none}");
}

#[tokio::test]
async fn an_empty_store_says_what_would_fill_it() {
    let bed = Bed::new().await;
    insta::assert_snapshot!(bed.main("/ui/images").await);
    let secure = bed.ask("/ui/images", &[("x-forwarded-proto", "https")]).await.body;
    assert!(!secure.contains("tls-verify"), "{secure}");
}

#[tokio::test]
async fn the_frame() {
    let bed = Bed::new().await;
    let page = bed.page("/ui/images").await;
    let frame = page.replace(&main_of(&page), "");
    let hashed = insta::Settings::clone_current();
    let mut hashed = hashed;
    hashed.add_filter(r"\.[0-9a-f]{12}\.", ".[digest].");
    hashed.bind(|| insta::assert_snapshot!(&frame[..frame.find("<main").unwrap()]));
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_frame() {
    let bed = Bed::new().await;
    for (path, status) in [
        ("/ui/nothing", StatusCode::NOT_FOUND),
        ("/ui/assets/nothing.css", StatusCode::NOT_FOUND),
        ("/ui/assets/htmx.LICENSE", StatusCode::NOT_FOUND),
        ("/ui/images?page=x", StatusCode::BAD_REQUEST),
        ("/ui/images?page=-1", StatusCode::BAD_REQUEST),
    ] {
        let answer = bed.ask(path, &[]).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.body.contains("<nav class=\"nav\""), "{path}: {}", answer.body);
        assert!(answer.body.contains("href=\"/ui/images\""), "{path}");
    }
    insta::assert_snapshot!(main_of(&bed.ask("/ui/nothing", &[]).await.body));
}

#[tokio::test]
async fn every_answer_keeps_to_itself() {
    let bed = Bed::new().await;
    for path in ["/ui/images", "/ui/nothing", "/ui/assets/portolan.css", "/ui/images?page=x"] {
        let headers = bed.ask(path, &[]).await.headers;
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "same-origin");
    }
}

#[tokio::test]
async fn assets_are_kept_and_asked_for_again_cheaply() {
    let bed = Bed::new().await;
    let page = bed.page("/ui/images").await;
    for name in ["portolan.", "htmx.min.", "mark."] {
        let from = page.find(&format!("/ui/assets/{name}")).unwrap();
        let path = page[from..].split('"').next().unwrap();
        let asset = bed.ask(path, &[]).await;
        assert_eq!(asset.status, StatusCode::OK);
        assert!(asset.headers["cache-control"].to_str().unwrap().contains("immutable"));
        let known = asset.headers["etag"].to_str().unwrap();
        let again = bed.ask(path, &[("if-none-match", known)]).await;
        assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    }
    let plain = bed.ask("/ui/assets/portolan.css", &[]).await;
    assert_eq!(
        (plain.status, &plain.headers["cache-control"]),
        (StatusCode::OK, &"no-cache".parse().unwrap())
    );
}
