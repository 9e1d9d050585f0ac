//! Releases in a browser: prepared, planned, ordered, approved and taken back by clicking, against a
//! server and a fake of AWS.

use portolan_testkit::{Browser, Server};

use crate::pages::{draw, quiet};
use crate::shop::Shop;

fn open(browser: &Browser, server: &Server, path: &str) {
    browser.goto(&server.url(path)).unwrap();
    quiet(browser);
}

fn write(browser: &Browser, selector: &str, text: &str) {
    browser.find(selector).unwrap().keys(text).unwrap();
}

/// Prepares a release by the form of the board, and leaves the browser on its page.
fn prepare(browser: &Browser, server: &Server, tag: &str, description: &str) {
    open(browser, server, "/ui/releases");
    write(browser, "input[name=what]", tag);
    write(browser, "input[name=description]", description);
    write(browser, "input[name=by]", "ann");
    browser.click("form[action='/ui/releases'][method=post] button").unwrap();
    browser.wait_for("main", &format!("from the tag {tag}")).unwrap();
}

/// Orders the plan of the page that is open, and waits for its rollout's page.
fn order(browser: &Browser, environment: &str) {
    browser.wait_for("h1", &format!("to {environment}")).unwrap();
    write(browser, ".order input[name=by]", "ann");
    browser.click(".order button.primary").unwrap();
    browser.wait_for("#now", "Ordered").unwrap();
}

#[test]
fn a_release_is_brought_approved_and_taken_back_by_clicking() {
    let shop = Shop::new();
    shop.protect();
    let (shop, server) = shop.serve(None);
    let browser = Browser::start().unwrap();
    open(&browser, &server, "/ui/releases");
    browser.wait_for("main", "No release of shop was prepared").unwrap();
    draw(&browser, "releases-empty");

    prepare(&browser, &server, "v2", "Faster checkout");
    draw(&browser, "release-new");
    browser.click("#places a[href*='env=staging']").unwrap();
    browser.wait_for("main", "3 services get a new definition").unwrap();
    draw(&browser, "plan-staging");
    order(&browser, "staging");
    // It is followed without a reload.
    browser.wait_for("#state", "succeeded").unwrap();
    browser.wait_for("#now", "3 of 3 services well").unwrap();
    draw(&browser, "rollout-staging");
    assert_eq!((shop.whole("staging"), shop.whole("production")), (2, 1));

    // The same release to production, where two must agree.
    open(&browser, &server, "/ui/releases");
    browser.wait_for("td[data-label=staging]", "live").unwrap();
    browser.click("td[data-label=production] a.btn").unwrap();
    order(&browser, "production");
    browser.wait_for("#state", "waits for a second person").unwrap();
    draw(&browser, "rollout-waiting");
    write(&browser, "form[action$='/approve'] input[name=by]", "ann");
    browser.click("form[action$='/approve'] button").unwrap();
    browser.wait_for("main", "409").unwrap();
    let told = browser.console().unwrap();
    assert!(told.iter().all(|line| line.contains("409")), "{told:?}");
    browser.script("history.back()").unwrap();
    browser.wait_for("#act", "somebody else than ann").unwrap();
    browser
        .script("document.querySelector(\"form[action$='/approve'] input\").value = ''")
        .unwrap();
    write(&browser, "form[action$='/approve'] input[name=by]", "ben");
    browser.click("form[action$='/approve'] button").unwrap();
    browser.wait_for("#state", "succeeded").unwrap();
    browser.wait_for("#now", "ben").unwrap();
    assert_eq!(shop.whole("production"), 2);

    // On, and back again.
    prepare(&browser, &server, "v3", "Prices from the new database");
    browser.click("#places a[href*='env=staging']").unwrap();
    order(&browser, "staging");
    browser.wait_for("#state", "succeeded").unwrap();
    assert_eq!(shop.whole("staging"), 3);
    browser.wait_for("#back", "Roll back").unwrap();
    browser.click("#back a").unwrap();
    browser.wait_for("h1", "Go back").unwrap();
    draw(&browser, "plan-back");
    order(&browser, "staging");
    browser.wait_for("#state", "succeeded").unwrap();
    assert_eq!((shop.whole("staging"), shop.whole("production")), (2, 2));
    open(&browser, &server, "/ui/releases");
    browser.wait_for("tbody tr:first-child td[data-label=staging]", "was live").unwrap();
    draw(&browser, "releases");
    quiet(&browser);
}

#[test]
fn without_scripts_it_can_be_done_too() {
    let (shop, server) = Shop::new().serve(None);
    let browser = Browser::start().unwrap();
    browser.javascript(false).unwrap();
    prepare(&browser, &server, "v2", "");
    browser.click("#places a[href*='env=staging']").unwrap();
    order(&browser, "staging");
    let id = browser.url().unwrap();
    for _ in 0..200 {
        browser.goto(&id).unwrap();
        if browser.find("#state").unwrap().text().unwrap().contains("succeeded") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(shop.whole("staging"), 2);
}
