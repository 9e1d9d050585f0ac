//! The pages in a browser: read, searched, watched while things happen, and drawn for people to
//! look at (`target/screenshots`).

use portolan_testkit::Browser;
use portolan_testkit::{Image, Layer};

use crate::images;
use crate::world::{Engine, World};

/// Opens `path` and checks that the browser has nothing to complain of.
pub(crate) fn open(browser: &Browser, world: &World, path: &str) {
    browser.goto(&world.url(path)).unwrap();
    quiet(browser);
}

pub(crate) fn quiet(browser: &Browser) {
    let console = browser.console().unwrap();
    assert!(console.is_empty(), "{}: {console:?}", browser.url().unwrap());
}

/// Draws the page light, dark and on a narrow screen, where it must not need scrolling sideways.
pub(crate) fn draw(browser: &Browser, name: &str) {
    browser.screenshot(&format!("page-{name}")).unwrap();
    browser.prefer_scheme("dark").unwrap();
    browser.screenshot(&format!("page-{name}-dark")).unwrap();
    browser.prefer_scheme("light").unwrap();
    browser.resize(360, 800).unwrap();
    let wide =
        browser.script("return document.documentElement.scrollWidth > window.innerWidth").unwrap();
    browser.screenshot(&format!("page-{name}-narrow")).unwrap();
    browser.resize(1280, 900).unwrap();
    assert_eq!(wide, serde_json::Value::Bool(false), "{name} is wider than a narrow screen");
}

fn world_with_orders() -> World {
    let world = World::start(Engine::Sqlite);
    let publisher = world.publisher("shop/orders-api");
    for version in ["1.0.0", "1.1.0"] {
        publisher.index(version, &images::service_index("orders-api", version)).unwrap();
        publisher.index("stable", &images::service_index("orders-api", version)).unwrap();
        world.artifact("shop/orders-api", version);
    }
    world.publisher("shop/cart").image("3.0.0", &images::docker("cart", "3.0.0")).unwrap();
    world.artifact("shop/cart", "3.0.0");
    world
}

#[test]
fn an_open_page_shows_a_push_as_it_happens() {
    let world = World::start(Engine::Sqlite);
    let browser = Browser::start().unwrap();
    open(&browser, &world, "/");
    assert!(browser.url().unwrap().ends_with("/ui/"), "the wall comes first");
    browser.wait_for("main", "Nothing is known to run").unwrap();
    draw(&browser, "wall-empty");
    open(&browser, &world, "/ui/images");
    browser.wait_for("main", "No image has been pushed yet").unwrap();
    draw(&browser, "images-empty");
    let image = images::service("orders-api", "1.0.0", "linux/amd64");
    world.publisher("shop/orders-api").image("1.0.0", &image).unwrap();
    // Nothing jumps under the pointer: what is new is announced, and shown when asked for.
    browser.wait_for("#more-new", "1 new, show").unwrap();
    browser.click("#more-new").unwrap();
    browser.wait_for("#results", "shop/orders-api").unwrap();
    browser.wait_for("#results", "1.0.0").unwrap();
    browser.wait_for("#results", "scanned").unwrap();
    quiet(&browser);
}

#[test]
fn from_the_images_to_the_contents_of_a_file() {
    let world = world_with_orders();
    let browser = Browser::start().unwrap();
    open(&browser, &world, "/ui/images");
    browser.wait_for("#results", "shop/cart").unwrap();
    draw(&browser, "images");
    browser.find("input[name=q][placeholder^=Filter]").unwrap().keys("orders").unwrap();
    browser.wait_for("#results", "shop/orders-api").unwrap();
    let rows = || browser.all("#results tbody tr").unwrap().len();
    wait_until(|| rows() == 1);
    assert!(browser.url().unwrap().contains("q=orders"), "the address keeps the state");

    browser.click("#results th a").unwrap();
    browser.wait_for("h1", "shop/orders-api").unwrap();
    assert_eq!(rows(), 3);
    draw(&browser, "tags");
    browser.click("a[href='/ui/tag/shop/orders-api:stable']").unwrap();
    browser.wait_for("h1", "History of stable").unwrap();
    assert_eq!(browser.all("tbody tr").unwrap().len(), 2, "stable pointed to two images");
    draw(&browser, "history");

    open(&browser, &world, "/ui/image/shop/orders-api:1.1.0");
    browser.wait_for("main", "defra.cdp.service.name").unwrap();
    browser.wait_for("main", "linux/arm64").unwrap();
    draw(&browser, "image");
    browser.find("input[name=q][placeholder^=Search]").unwrap().keys("package-lock").unwrap();
    wait_until(|| rows() == 1);
    browser.click("#results tbody a").unwrap();
    browser.wait_for("h1", "home/node/app/package-lock.json").unwrap();
    browser.wait_for("main", "lockfileVersion").unwrap();
    draw(&browser, "file");
    quiet(&browser);

    browser.find("#where").unwrap().keys("orders-api\u{e007}").unwrap();
    browser.wait_for("h1", "Where is “orders-api”").unwrap();
    draw(&browser, "where");
    browser.goto(&world.url("/ui/image/no/such:image")).unwrap();
    browser.wait_for("main", "404").unwrap();
    draw(&browser, "not-found");
}

#[test]
fn a_backfill_is_watched_to_its_end() {
    let world = world_with_orders();
    let browser = Browser::start().unwrap();
    open(&browser, &world, "/ui/jobs");
    browser.wait_for("main", "done").unwrap();
    draw(&browser, "jobs");
    let started = world.client.send("POST", &world.url("/admin/backfill"), &[], &[]).unwrap();
    let id = started.json().unwrap()["id"].as_str().unwrap().to_owned();
    browser.wait_for("#more-new", "1 new, show").unwrap();
    browser.click("#more-new").unwrap();
    browser.click(&format!("a[href='/ui/jobs/{id}']")).unwrap();
    browser.wait_for("#state", "done").unwrap();
    draw(&browser, "job");
    quiet(&browser);
}

#[test]
fn pages_can_be_read_without_javascript() {
    let world = world_with_orders();
    let browser = Browser::start().unwrap();
    browser.javascript(false).unwrap();
    open(&browser, &world, "/ui/images?q=cart");
    assert_eq!(browser.all("#results tbody tr").unwrap().len(), 1);
    browser.click("#results th a").unwrap();
    browser.click("a[href='/ui/image/shop/cart:3.0.0']").unwrap();
    browser.wait_for("h1", "shop/cart 3.0.0").unwrap();
    browser.find("input[name=q][placeholder^=Search]").unwrap().keys("os-release\u{e007}").unwrap();
    browser.wait_for("#results", "etc/os-release").unwrap();
    assert_eq!(browser.all("#results tbody tr").unwrap().len(), 1);
}

#[test]
fn what_images_say_of_themselves_is_only_text() {
    let world = World::start(Engine::Sqlite);
    let attack =
        "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";
    let archive = portolan_testkit::tar::archive(&[
        portolan_testkit::tar::Entry::file(format!("a/{}", attack.replace('/', "|")), "x"),
        portolan_testkit::tar::Entry::file("app/package.json", attack),
    ]);
    let image = Image::builder()
        .layer(Layer::gzip(&archive))
        .label("defra.cdp.service.name", attack)
        .label("defra.cdp.git.repo.url", "javascript:document.title='owned'")
        .label(attack, attack)
        .build();
    world.publisher("hostile/page").image("1.0.0", &image).unwrap();
    world.artifact("hostile/page", "1.0.0");
    let browser = Browser::start().unwrap();
    for path in [
        "/ui/images",
        "/ui/images/hostile/page",
        "/ui/image/hostile/page:1.0.0",
        "/ui/where?q=%3Cscript%3Edocument.title='owned'%3C/script%3E",
        "/ui/images?q=%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
    ] {
        open(&browser, &world, path);
        assert_ne!(browser.title().unwrap(), "owned", "{path}");
        assert!(browser.all("img, main script").unwrap().is_empty(), "{path}");
        assert!(browser.all("a[href^='javascript:']").unwrap().is_empty(), "{path}");
    }
    open(&browser, &world, "/ui/image/hostile/page:1.0.0?q=package.json");
    browser.wait_for("#labels ~ .sheet", "<script>").unwrap();
    browser.screenshot("page-hostile").unwrap();
    browser.click("#results tbody a").unwrap();
    browser.wait_for("table.text", "<script>").unwrap();
    quiet(&browser);
    assert_ne!(browser.title().unwrap(), "owned");
}

fn wait_until(done: impl Fn() -> bool) {
    for _ in 0..200 {
        if done() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("it did not come about within ten seconds");
}
