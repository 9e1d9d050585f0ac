//! The pages in Chromium: light and dark, wide and narrow, with scripts and without.

use portolan_testkit::Browser;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::bed::{Bed, change};
use super::shop::{self, Shop};
use super::yard::Yard;
use super::{assets, fleet, story};

/// The pages over a filled store, on a port of this machine.
struct Site {
    bed: Bed,
    shop: Shop,
    address: String,
    server: JoinHandle<()>,
}

impl Site {
    async fn open() -> Self {
        let mut bed = Bed::new().await;
        story::tell(&bed.store).await;
        fleet::tell(&bed).await;
        let yard = Yard::of(&mut bed);
        let shop = shop::tell(&bed, &yard).await;
        for number in 1..4 {
            assets::see(&bed, assets::set(number), &["app.zip", "lambdas/resize.zip"]).await;
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = bed.router();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { bed, shop, address, server }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Clicks on what matches `selector`, again where an answer replaced it between being found and
/// being clicked on.
fn click(browser: &Browser, selector: &str) {
    for _ in 0..20 {
        if browser.find(selector).unwrap().click().is_ok() {
            return;
        }
    }
    panic!("`{selector}` is replaced again and again");
}

/// Runs what blocks beside the server.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// A page's name and address.
fn pages() -> Vec<(&'static str, String)> {
    let layer = story::digest("debian");
    vec![
        ("wall", "/ui/".to_owned()),
        ("wall-then", "/ui/?at=2026-11-12T18:00Z".to_owned()),
        ("figures", "/ui/figures".to_owned()),
        ("services", "/ui/services".to_owned()),
        ("service", "/ui/service/orders-api".to_owned()),
        ("environment", "/ui/environment/staging".to_owned()),
        ("diff", "/ui/diff/integration/production".to_owned()),
        ("journal", "/ui/journal".to_owned()),
        ("dead", "/ui/journal?state=dead".to_owned()),
        ("deployment", "/ui/deployment/ecs-svc%2F121".to_owned()),
        ("images", "/ui/images".to_owned()),
        ("tags", "/ui/images/shop/orders-api".to_owned()),
        ("history", "/ui/tag/shop/orders-api:latest".to_owned()),
        ("image", "/ui/image/shop/orders-api:1.30.2?kept=1".to_owned()),
        ("index", "/ui/image/mailer:2026.11.3".to_owned()),
        ("failed", "/ui/image/tools/broken:0.1.0".to_owned()),
        ("waiting", "/ui/image/tools/waiting:nightly".to_owned()),
        ("file", format!("/ui/file/shop/orders-api:1.30.2?layer={layer}&path=etc/os-release")),
        (
            "binary",
            format!(
                "/ui/file/shop/orders-api:1.30.2?layer={}&path=app/native.node",
                story::digest("app")
            ),
        ),
        ("jobs", "/ui/jobs".to_owned()),
        ("assets", "/ui/assets".to_owned()),
        ("asset", format!("/ui/assets/{}", assets::commit(2))),
        ("where", "/ui/where?q=orders".to_owned()),
        ("nothing", "/ui/where?q=nowhere".to_owned()),
        ("error", "/ui/no-such-page".to_owned()),
    ]
}

/// What a page may not write to the console: a refused script or style, a script's error.
fn complaints(browser: &Browser) -> Vec<String> {
    let console = browser.console().unwrap();
    // The browser tells of each answer that is no 200, which an error page is meant to be.
    console
        .into_iter()
        .filter(|line| !line.contains("the server responded with a status"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_in_both_schemes_and_widths() {
    let site = Site::open().await;
    let jobs = site.bed.page("/ui/jobs?kind=backfill").await;
    let job = jobs.split("/ui/jobs/").nth(1).unwrap().split('"').next().unwrap();
    let mut pages = pages();
    pages.push(("job", format!("/ui/jobs/{job}")));
    let Shop { second, third, leaking, failed, waiting, .. } = &site.shop;
    let plan = |environment, id| format!("/ui/plan?project=shop&env={environment}&release={id}");
    pages.extend([
        ("releases", "/ui/releases".to_owned()),
        ("release", format!("/ui/release/{}", second.id)),
        ("release-quarantine", format!("/ui/release/{}", leaking.id)),
        ("plan", plan("production", third.id)),
        ("plan-refused", plan("staging", leaking.id)),
        ("rollout-failed", format!("/ui/rollout/{}", failed.id)),
        ("rollout-waiting", format!("/ui/rollout/{}", waiting.id)),
    ]);
    let pages: Vec<_> = pages.into_iter().map(|(name, path)| (name, site.url(&path))).collect();
    beside(move || {
        let browser = Browser::start().unwrap();
        for (look, width, scheme) in
            [("light", 1280, "light"), ("dark", 1280, "dark"), ("narrow", 360, "light")]
        {
            browser.resize(width, 900).unwrap();
            browser.prefer_scheme(scheme).unwrap();
            for (name, url) in &pages {
                browser.goto(url).unwrap();
                browser.screenshot(&format!("{name}-{look}")).unwrap();
                let wide = browser
                    .script("return document.documentElement.scrollWidth - innerWidth")
                    .unwrap();
                assert!(wide.as_i64().unwrap() <= 0, "{name} is {wide} px too wide at {width} px");
                assert_eq!(complaints(&browser), Vec::<String>::new(), "{name}");
                if *name == "binary" {
                    let row =
                        browser.script("return document.querySelector('.text tr').offsetHeight");
                    assert!(row.unwrap().as_i64().unwrap() < 30, "bytes of a row are in one line");
                }
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_finds_a_file() {
    let site = Site::open().await;
    let start = site.url("/ui/images");
    beside(move || {
        let browser = Browser::start().unwrap();
        browser.goto(&start).unwrap();
        // Typed letters filter on the server; the address keeps up.
        browser.find("input[name=q][placeholder^=Filter]").unwrap().keys("orders").unwrap();
        browser.wait_for("#results .pages", "1 repository").unwrap();
        assert!(
            browser.url().unwrap().ends_with("/ui/images?q=orders"),
            "{}",
            browser.url().unwrap()
        );
        click(&browser, "#results th a");
        browser.find("input[placeholder='Filter tags']").unwrap().keys("1.30.2").unwrap();
        browser.wait_for("#results .pages", "1 tag").unwrap();
        browser.find("button[data-copy]:not([hidden])").unwrap();
        click(&browser, "a[href$='orders-api:1.30.2']");
        browser.wait_for("h1", "1.30.2").unwrap();
        browser.find("input[placeholder^=Search]").unwrap().keys("os-rel").unwrap();
        browser.wait_for("#results tbody tr:first-child", "etc/os-release").unwrap();
        click(&browser, "#results tbody a");
        browser.wait_for(".text", "Debian GNU/Linux").unwrap();
        // The search box is one key away.
        browser.find("body").unwrap().keys("/").unwrap();
        browser.find("#where").unwrap().keys("staging\u{e007}").unwrap();
        browser.wait_for("main", "env.staging").unwrap();
        assert_eq!(complaints(&browser), Vec::<String>::new());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_scripts_everything_is_there() {
    let site = Site::open().await;
    let start = site.url("/ui/images");
    beside(move || {
        let browser = Browser::start().unwrap();
        browser.javascript(false).unwrap();
        browser.goto(&start).unwrap();
        browser.find("input[placeholder^=Filter]").unwrap().keys("orders\u{e007}").unwrap();
        browser.wait_for("#results .pages", "1 repository").unwrap();
        click(&browser, "#results th a");
        browser.wait_for("h1", "shop/orders-api").unwrap();
        assert!(browser.all("button[data-copy]:not([hidden])").unwrap().is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_moves_is_seen_without_a_reload() {
    let site = Site::open().await;
    let store = site.bed.store.clone();
    let url = site.url("/ui/jobs?kind=scan-image");
    let handle = tokio::runtime::Handle::current();
    beside(move || {
        let browser = Browser::start().unwrap();
        browser.goto(&url).unwrap();
        browser.wait_for("#live", "live").unwrap();
        browser.wait_for("tbody tr:first-child .chip", "queued").unwrap();
        browser.script("document.querySelector('table').dataset.same = 'yes'").unwrap();
        handle.block_on(async {
            let now = story::ago(0);
            change!(store, |tx| {
                let job =
                    tx.claim_job("here", &["scan-image"], now, story::ago(-1)).await?.unwrap();
                tx.finish_job(job.lease(), now).await
            });
            story::job(&store, "scan-image", serde_json::json!({}), now).await;
            store.wake_changes().await;
        });
        browser.wait_for("tbody tr:first-child .chip", "done").unwrap();
        // The new job is announced, and moves nothing until the reader asks.
        browser.wait_for("#more-new", "1 new, show").unwrap();
        let same = browser.script("return document.querySelector('table').dataset.same").unwrap();
        assert_eq!(same, "yes", "the page was not loaded again");
        click(&browser, "#more-new");
        browser.wait_for("tbody tr:first-child .chip", "queued").unwrap();
        assert_eq!(complaints(&browser), Vec::<String>::new());
    })
    .await;
}
