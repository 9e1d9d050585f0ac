//! Names and texts that want to be more than text.

use http::StatusCode;
use portolan_model::{Digest, FileKind};
use portolan_store::{FileRecord, ImageKind, ScannedImage};
use serde_json::json;

use super::assets;
use super::bed::{Bed, change};
use super::shop;
use super::story::{
    self, ago, content, digest, file, job, kept, layer, of_layers, scanned, see, tag,
};
use super::yard::Yard;

const SCRIPT: &str = "<script>alert('x')</script>";
const QUOTE: &str = "\" onmouseover=\"alert(1)\" x=\"";
const BIDI: &str = "a\u{202e}gnp.exe";

/// An image in which every text that a builder chooses is hostile.
async fn hostile() -> Bed {
    let bed = Bed::new().await;
    let store = &bed.store;
    let script = format!("{SCRIPT}{BIDI}\0\u{1b}[2J\n{QUOTE}");
    content(store, script.as_bytes()).await;
    let long = "n".repeat(4096);
    let files = vec![
        kept(SCRIPT, script.as_bytes()),
        file(BIDI),
        file(&long),
        file(QUOTE),
        FileRecord {
            kind: FileKind::Symlink,
            digest: None,
            link: Some(format!("../{SCRIPT}")),
            ..file("link")
        },
        FileRecord { note: Some(SCRIPT.into()), ..file("noted") },
    ];
    layer(store, "hostile", 1000, files).await;
    let found = ScannedImage {
        service_name: Some(SCRIPT.into()),
        source_url: Some(format!("javascript:{SCRIPT}")),
        revision: Some(QUOTE.into()),
        labels: [(SCRIPT.to_owned(), BIDI.to_owned()), (QUOTE.to_owned(), long)].into(),
        config: json!({
            "entrypoint": [SCRIPT], "cmd": [BIDI], "env": [SCRIPT, QUOTE],
            "workingDir": QUOTE, "user": SCRIPT, "exposedPorts": [SCRIPT],
        }),
        ..of_layers(&[("hostile", 1000, Some(SCRIPT))])
    };
    see(store, "hostile", "i", ImageKind::Image).await;
    scanned(store, "i", ImageKind::Image, found).await;
    tag(store, "hostile:1.0.0", Some("i"), ago(1)).await;
    see(store, "hostile", "failed", ImageKind::Image).await;
    let image = digest("failed");
    change!(store, |tx| tx.image_failed(&image, &format!("{SCRIPT}{BIDI}"), ago(1)).await);
    tag(store, "hostile:failed", Some("failed"), ago(1)).await;
    let set = portolan_store::AssetSet {
        project: SCRIPT.to_owned(),
        scope: QUOTE.to_owned(),
        bucket: format!("s3://{BIDI}"),
        key: QUOTE.to_owned(),
        inputs: Some(SCRIPT.to_owned()),
        signed_by: Some(QUOTE.to_owned()),
        made_by: Some(SCRIPT.to_owned()),
        ci_url: Some(format!("javascript:{SCRIPT}")),
        ..assets::set(1)
    };
    assets::see(&bed, set, &[SCRIPT, BIDI, QUOTE]).await;
    let payload = json!({ "repository": SCRIPT, "digest": QUOTE, "x": BIDI });
    let id = job(store, "scan-image", payload, ago(1)).await;
    change!(store, |tx| {
        let lease = tx.claim_job(SCRIPT, &["scan-image"], ago(1), ago(-1)).await?.unwrap().lease();
        let progress = json!({ SCRIPT: 3, "lines": [SCRIPT, BIDI] });
        tx.keep_job(lease, ago(-1), Some(&progress), ago(1)).await?;
        tx.fail_job(lease, &format!("{SCRIPT}{BIDI}"), ago(1)).await
    });
    assert_eq!(bed.ask(&format!("/ui/jobs/{id}"), &[]).await.status, StatusCode::OK);
    bed
}

fn assert_harmless(path: &str, page: &str) {
    // The only scripts of a page are the two files in its head.
    assert_eq!(page.matches("<script").count(), 2, "{path}: {page}");
    assert!(!page.contains("onmouseover=\""), "{path}: {page}");
    assert!(!page.contains("href=\"javascript"), "{path}");
    assert!(!page.contains(" style="), "{path}: the policy would refuse it");
    let invisible = page.chars().find(|c| {
        (c.is_control() && *c != '\n' && *c != '\t') || ('\u{202a}'..='\u{202e}').contains(c)
    });
    assert_eq!(invisible, None, "{path}");
}

#[tokio::test]
async fn what_others_wrote_stays_text_on_every_page() {
    let bed = hostile().await;
    let jobs = bed.page("/ui/jobs").await;
    let job = jobs.split("/ui/jobs/").nth(1).unwrap().split('"').next().unwrap();
    let layer = digest("hostile");
    let encoded = "%3Cscript%3Ealert('x')%3C/script%3E";
    let paths = [
        "/ui/images".to_owned(),
        format!("/ui/images?q={encoded}"),
        "/ui/images?q=%22%20onmouseover=%22alert(1)".to_owned(),
        "/ui/images/hostile".to_owned(),
        "/ui/assets".to_owned(),
        format!("/ui/assets?project={encoded}&scope=%22%3E{encoded}"),
        format!("/ui/assets/{}", assets::commit(1)),
        format!("/ui/images/hostile?q={encoded}%E2%80%AE"),
        "/ui/image/hostile:1.0.0".to_owned(),
        format!("/ui/image/hostile:1.0.0?q={encoded}&kept=%22%3E&platform=%22%3E{encoded}"),
        "/ui/image/hostile:failed".to_owned(),
        format!("/ui/image/hostile@{}", digest("i")),
        format!("/ui/file/hostile:1.0.0?layer={layer}&path={encoded}"),
        format!("/ui/file/hostile:1.0.0?layer={layer}&path=a%E2%80%AEgnp.exe"),
        format!("/ui/file/hostile:1.0.0?layer={layer}&path=link"),
        format!("/ui/file/hostile:1.0.0?layer={layer}&path=noted"),
        "/ui/tag/hostile:1.0.0".to_owned(),
        "/ui/jobs".to_owned(),
        format!("/ui/jobs?kind={encoded}"),
        format!("/ui/jobs/{job}"),
        format!("/ui/where?q={encoded}%E2%80%AE"),
        "/ui/where?q=%22%20onmouseover=%22alert(1)".to_owned(),
        format!("/ui/{encoded}"),
        format!("/ui/images/{encoded}"),
        format!("/ui/image/{encoded}:1"),
        format!("/ui/tag/{encoded}"),
        format!("/ui/file/{encoded}?layer={layer}&path=x"),
        format!("/ui/jobs/{encoded}"),
        format!("/ui/jobs?state={encoded}"),
        format!("/ui/images/hostile?order={encoded}"),
    ];
    for path in paths {
        let answer = bed.ask(&path, &[]).await;
        assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        if !answer.status.is_redirection() {
            assert_harmless(&path, &answer.body);
        }
    }
    let image = bed.page("/ui/image/hostile:1.0.0").await;
    assert!(image.contains("a⟨U+202E⟩gnp.exe"), "{image}");
    assert!(image.contains(&"n".repeat(4096)));
}

#[tokio::test]
async fn what_is_said_of_releases_stays_text() {
    let mut bed = Bed::new().await;
    let yard = Yard::of(&mut bed);
    let long = "n".repeat(4096);
    let hostile = format!("{SCRIPT}{BIDI}\n{QUOTE} {long}");
    yard.crash("web", "v2", &format!("{SCRIPT}{BIDI}\u{1b}[2J{QUOTE}"));
    let one = shop::release(&bed, "v1", &hostile).await;
    let two = shop::release(&bed, "v2", &hostile).await;
    let releases = &bed.app.releases;
    let failed = shop::bring(&bed, "staging", &two).await;
    let waiting = shop::order(&bed, "production", &one).await;
    releases.freeze(("shop", "staging"), &hostile, SCRIPT, None).await.unwrap();
    releases.quarantine(two.id, &hostile, QUOTE).await.unwrap();
    let encoded = "%3Cscript%3Ealert('x')%3C/script%3E";
    let refuse = format!("/ui/rollout/{}/refuse", waiting.id);
    let taken = bed.post(&refuse, &[("by", QUOTE), ("reason", &hostile[..2000])]).await;
    assert!(taken.status.is_redirection());
    for path in [
        "/ui/releases".to_owned(),
        format!("/ui/releases?project={encoded}"),
        format!("/ui/release/{}", two.id),
        format!("/ui/release/{encoded}"),
        format!("/ui/plan?project=shop&env=staging&release={}", two.id),
        format!("/ui/plan?project=shop&env={encoded}&release={}", two.id),
        format!("/ui/plan?project=shop&env=staging&release={}&service={encoded}", two.id),
        format!("/ui/plan?back={encoded}%E2%80%AE"),
        format!("/ui/rollout/{}", failed.id),
        format!("/ui/rollout/{}", waiting.id),
        format!("/ui/rollout/{encoded}"),
    ] {
        let answer = bed.ask(&path, &[]).await;
        assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        assert_harmless(&path, &answer.body);
    }
    let asked = [("project", SCRIPT), ("env", QUOTE), ("at", BIDI), ("by", "a\u{202e}")];
    let answer = bed.post("/ui/back", &asked).await;
    assert_harmless("/ui/back", &answer.body);
}

#[tokio::test]
async fn odd_addresses_are_refused_in_words() {
    let bed = Bed::new().await;
    story::tell(&bed.store).await;
    let layer = Digest::of(b"debian");
    for (path, status) in [
        ("/ui/images/UPPER".to_owned(), StatusCode::BAD_REQUEST),
        ("/ui/images/a/../../etc".to_owned(), StatusCode::BAD_REQUEST),
        ("/ui/images/%ff".to_owned(), StatusCode::BAD_REQUEST),
        ("/ui/images/none".to_owned(), StatusCode::NOT_FOUND),
        ("/ui/images/shop".to_owned(), StatusCode::NOT_FOUND),
        ("/ui/images/mailer?page=99999999999999999999".to_owned(), StatusCode::BAD_REQUEST),
        ("/ui/images/mailer?page=18446744073709551615".to_owned(), StatusCode::OK),
        ("/ui/image/mailer".to_owned(), StatusCode::BAD_REQUEST),
        ("/ui/image/mailer:none".to_owned(), StatusCode::NOT_FOUND),
        (format!("/ui/image/mailer@{}", digest("orders 2")), StatusCode::NOT_FOUND),
        ("/ui/tag/mailer:none".to_owned(), StatusCode::NOT_FOUND),
        (format!("/ui/tag/mailer@{}", digest("mailer index")), StatusCode::BAD_REQUEST),
        ("/ui/file/mailer:2026.11.3".to_owned(), StatusCode::BAD_REQUEST),
        (format!("/ui/file/mailer:2026.11.3?layer={layer}&path=none"), StatusCode::NOT_FOUND),
        (
            format!("/ui/file/mailer:2026.11.3?layer={}&path=app/package.json", digest("app")),
            StatusCode::NOT_FOUND,
        ),
        ("/ui/jobs/1".to_owned(), StatusCode::BAD_REQUEST),
        ("/ui/jobs/018f0000-0000-7000-8000-000000000000".to_owned(), StatusCode::NOT_FOUND),
        (format!("/ui/where?q={}", "x".repeat(5000)), StatusCode::OK),
        ("/ui/where?q=%00".to_owned(), StatusCode::OK),
    ] {
        let answer = bed.ask(&path, &[]).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.body.contains("<h1>") || answer.body.contains("<h1 "), "{path}");
    }
}
