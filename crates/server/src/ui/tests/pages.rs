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
        ("/ui/static/nothing.css", StatusCode::NOT_FOUND),
        ("/ui/static/htmx.LICENSE", StatusCode::NOT_FOUND),
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
    for path in ["/ui/images", "/ui/nothing", "/ui/static/portolan.css", "/ui/images?page=x"] {
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
        let from = page.find(&format!("/ui/static/{name}")).unwrap();
        let path = page[from..].split('"').next().unwrap();
        let asset = bed.ask(path, &[]).await;
        assert_eq!(asset.status, StatusCode::OK);
        assert!(asset.headers["cache-control"].to_str().unwrap().contains("immutable"));
        let known = asset.headers["etag"].to_str().unwrap();
        let again = bed.ask(path, &[("if-none-match", known)]).await;
        assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    }
    let plain = bed.ask("/ui/static/portolan.css", &[]).await;
    assert_eq!(
        (plain.status, &plain.headers["cache-control"]),
        (StatusCode::OK, &"no-cache".parse().unwrap())
    );
}

#[tokio::test]
async fn the_tags_of_a_repository() {
    let bed = told().await;
    insta::assert_snapshot!(bed.main("/ui/images/shop/orders-api").await);
    let newest = bed.main("/ui/images/shop/orders-api?order=newest").await;
    assert!(newest.find("env.staging").unwrap() < newest.find("1.30.2").unwrap(), "{newest}");
    let filtered = bed.main("/ui/images/shop/orders-api?q=ENV").await;
    assert!(filtered.contains("env.staging") && !filtered.contains("1.30.2"), "{filtered}");
    let failed = bed.main("/ui/images/tools/broken").await;
    assert!(failed.contains("scan failed") && failed.contains("push the image again"), "{failed}");
    let index = bed.main("/ui/images/mailer").await;
    assert!(index.contains("linux/amd64, linux/arm64<"), "{index}");
}

#[tokio::test]
async fn many_tags_are_paged() {
    let bed = Bed::new().await;
    for minor in 0..120 {
        story::tag(&bed.store, &format!("many:1.{minor}.0"), Some("i"), story::ago(minor)).await;
    }
    let first = bed.main("/ui/images/many").await;
    assert!(first.contains("1 to 50 of 120 tags") && first.contains(">1.119.0<"), "{first}");
    assert!(!first.contains(">1.69.0<"), "{first}");
    let last = bed.main("/ui/images/many?page=3").await;
    assert!(last.contains("101 to 120 of 120 tags") && last.contains(">1.0.0<"), "{last}");
    assert!(last.contains("href=\"/ui/images/many?page=2\""), "{last}");
}

#[tokio::test]
async fn the_history_of_a_tag() {
    let bed = told().await;
    insta::assert_snapshot!(bed.main("/ui/tag/shop/orders-api:latest").await);
    let deleted = bed.main("/ui/tag/shop/orders-api:broken").await;
    assert!(deleted.contains("nothing: the tag was deleted"), "{deleted}");
}

#[tokio::test]
async fn one_image() {
    let bed = told().await;
    insta::assert_snapshot!(bed.main("/ui/image/shop/orders-api:1.30.2").await);
    let by_digest = format!("/ui/image/shop/orders-api@{}", story::digest("orders 2"));
    assert!(bed.main(&by_digest).await.contains("env.staging"));
    let failed = bed.main("/ui/image/tools/broken:0.1.0").await;
    assert!(failed.contains("4,096 of 3,000,000 bytes"), "{failed}");
    let waiting = bed.main("/ui/image/tools/waiting:nightly").await;
    assert!(waiting.contains("waits for its scan"), "{waiting}");
}

#[tokio::test]
async fn an_image_under_many_tags_shows_a_few() {
    let bed = told().await;
    for minor in 0..50 {
        let tag = format!("elsewhere:1.{minor}.0");
        story::tag(&bed.store, &tag, Some("orders 2"), story::ago(minor)).await;
    }
    let page = bed.main("/ui/image/shop/orders-api:1.30.2").await;
    assert!(page.contains("tags=all\">and 33 more</a>"), "{page}");
    assert!(page.contains(">env.staging</a>"), "its own repository's come first: {page}");
    let all = bed.main("/ui/image/shop/orders-api:1.30.2?tags=all").await;
    assert!(all.contains(">elsewhere:1.9.0</a>") && !all.contains(" more</a>"), "{all}");
}

#[tokio::test]
async fn an_image_of_many_platforms() {
    let bed = told().await;
    insta::assert_snapshot!(bed.main("/ui/image/mailer:2026.11.3").await);
    let arm = bed.main("/ui/image/mailer:2026.11.3?platform=linux/arm64").await;
    assert!(arm.contains("aria-current=\"true\">linux/arm64<"), "{arm}");
    assert!(!arm.contains("unknown/unknown"), "an attestation is no platform: {arm}");
}

#[tokio::test]
async fn files_are_searched_and_paged() {
    let bed = told().await;
    let found = bed.main("/ui/image/shop/orders-api:1.30.2?q=PACKAGE").await;
    assert!(found.contains("app/package.json") && !found.contains("os-release"), "{found}");
    let kept = bed.main("/ui/image/shop/orders-api:1.30.2?kept=1").await;
    assert!(kept.contains("etc/os-release") && !kept.contains("app/server.js"), "{kept}");
    let first = bed.main("/ui/image/shop/orders-api:1.30.2?q=left-pad").await;
    assert!(first.contains("left-pad-049") && !first.contains("left-pad-050"), "{first}");
    let next = first.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let next = next.replace("&#38;", "&");
    let second = bed.main(next.split('#').next().unwrap()).await;
    assert!(second.contains("left-pad-050") && !second.contains("left-pad-049"), "{second}");
    let none = bed.main("/ui/image/shop/orders-api:1.30.2?q=nowhere").await;
    assert!(none.contains("has “<span class=\"any\">nowhere</span>” in its path"), "{none}");
}

fn file_page(layer: &str, path: &str) -> String {
    let layer = story::digest(layer);
    format!("/ui/file/shop/orders-api:1.30.2?layer={layer}&path={path}")
}

#[tokio::test]
async fn one_file() {
    let bed = told().await;
    insta::assert_snapshot!(bed.main(&file_page("debian", "etc/os-release")).await);
    let binary = bed.main(&file_page("app", "app/native.node")).await;
    assert!(binary.contains("Binary, 8 B") && binary.contains("7f 45 4c 46 00"), "{binary}");
    let large = bed.main(&file_page("app", "app/package-lock.json")).await;
    assert!(large.contains("larger than 16 MB") && large.contains("not kept"), "{large}");
    let link = bed.main(&file_page("debian", "bin")).await;
    assert!(link.contains("usr/bin"), "{link}");
}

#[tokio::test]
async fn the_jobs() {
    let bed = told().await;
    insta::assert_snapshot!(bed.main("/ui/jobs").await);
    let failed = bed.main("/ui/jobs?state=failed&kind=scan-image").await;
    assert!(failed.contains("is truncated") && !failed.contains("registry holds"), "{failed}");
    let none = bed.main("/ui/jobs?kind=none").await;
    assert!(none.contains("No job is like this"), "{none}");
    assert!(Bed::new().await.main("/ui/jobs").await.contains("There is no job yet"));
}

#[tokio::test]
async fn one_job() {
    let bed = told().await;
    let page = bed.main("/ui/jobs?kind=backfill").await;
    let id = page.split("/ui/jobs/").nth(1).unwrap().split('"').next().unwrap();
    insta::assert_snapshot!(bed.main(&format!("/ui/jobs/{id}")).await);
}

#[tokio::test]
async fn where_something_is() {
    let bed = told().await;
    let digest = story::digest("orders 2");
    for (asked, led) in [
        (digest.to_string(), format!("/ui/image/shop/orders-api@{digest}")),
        ("shop/orders-api:1.30.2".to_owned(), "/ui/image/shop/orders-api:1.30.2".to_owned()),
        (format!("shop/orders-api@{digest}"), format!("/ui/image/shop/orders-api@{digest}")),
    ] {
        let answer = bed.ask(&format!("/ui/where?q={asked}"), &[]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{asked}");
        assert_eq!(answer.headers["location"], *led);
    }
    for (asked, found) in [
        (digest.short(), "/ui/image/shop/orders-api@"),
        (digest.short()[..6].to_owned(), "/ui/image/shop/orders-api@"),
        (story::digest("debian").to_string(), "Images with the layer"),
        ("63eb5a3".to_owned(), "Images built from this commit"),
        ("orders".to_owned(), "Repositories"),
        ("orders-api".to_owned(), "Services"),
        ("staging".to_owned(), "/ui/image/shop/orders-api:env.staging"),
        (String::new(), "Ask the box above"),
        ("nowhere".to_owned(), "Nothing here is called so"),
    ] {
        let page = bed.main(&format!("/ui/where?q={asked}")).await;
        assert!(page.contains(found), "{asked}: {page}");
    }
    insta::assert_snapshot!(bed.main("/ui/where?q=orders").await);
}
