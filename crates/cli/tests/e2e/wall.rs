//! What runs where, in a browser: seen as it happens, at any moment before, with scripts and without.

use portolan_testkit::server::Options;
use portolan_testkit::{Browser, Image};
use serde_json::{Value, json};

use crate::pages::{draw, open, quiet};
use crate::world::{Engine, World};

/// Environments, each with its account.
const PLACES: [(&str, &str); 3] =
    [("dev", "111111111111"), ("staging", "222222222222"), ("production", "333333333333")];

/// A server with these environments and the images of two versions.
fn world() -> World {
    let names = PLACES.map(|(name, _)| name).join(",");
    let mut environment = vec![("PORTOLAN_ENVIRONMENTS".to_owned(), names)];
    for (name, account) in PLACES {
        let variable = format!("PORTOLAN_ENVIRONMENTS_{}_ACCOUNT", name.to_uppercase());
        environment.push((variable, account.to_owned()));
    }
    let world = World::start_with(Engine::Sqlite, Options { environment, ..Options::default() });
    for version in ["1.0.0", "1.1.0"] {
        let image = Image::builder().label("version", version).build();
        world.publisher("shop/orders-api").image(version, &image).unwrap();
        world.artifact("shop/orders-api", version);
    }
    world
}

/// What ECS says of a task of the service at that minute of the day.
fn task(place: &str, version: &str, minute: u32) -> Value {
    let account = PLACES.iter().find(|(name, _)| *name == place).unwrap().1;
    let at = format!("2026-11-02T10:{minute:02}:00Z");
    json!({
        "id": format!("{place}-{version}-{minute}"), "detail-type": "ECS Task State Change",
        "source": "aws.ecs", "account": account, "region": "eu-west-2", "time": at,
        "detail": {
            "createdAt": at, "desiredStatus": "RUNNING", "lastStatus": "RUNNING",
            "group": "service:orders-api",
            "taskDefinitionArn": format!("arn:aws:ecs:eu-west-2:{account}:task-definition/o:{minute}"),
            "containers": [{
                "name": "orders-api", "lastStatus": "RUNNING",
                "image": format!("{account}.dkr.ecr.eu-west-2.amazonaws.com/shop/orders-api:{version}"),
            }],
        },
    })
}

fn post(world: &World, event: &Value) {
    let json = [("content-type", "application/json")];
    let body = event.to_string();
    let answer = world.client.send("POST", &world.url("/events"), &json, body.as_bytes()).unwrap();
    assert!(answer.status < 300, "{}: {}", answer.status, answer.text());
}

#[test]
fn an_open_wall_shows_a_deployment_as_it_happens() {
    let world = world();
    let browser = Browser::start().unwrap();
    open(&browser, &world, "/ui/");
    browser.wait_for("#live", "live").unwrap();
    post(&world, &task("dev", "1.0.0", 1));
    // Nothing jumps under the pointer: a service that is new is announced.
    browser.wait_for("#more-new", "1 new, show").unwrap();
    browser.click("#more-new").unwrap();
    browser.wait_for(".wall td[data-label=dev]", "1.0.0").unwrap();
    browser.wait_for("#live", "live").unwrap();
    browser.script("document.querySelector('.wall').dataset.same = 'yes'").unwrap();
    post(&world, &task("staging", "1.0.0", 2));
    browser.wait_for(".wall td[data-label=staging]", "1.0.0").unwrap();
    post(&world, &task("dev", "1.1.0", 3));
    browser.wait_for(".wall td[data-label=dev]", "1.1.0").unwrap();
    browser.wait_for(".wall td[data-label=staging]", "1 release behind dev").unwrap();
    let same = browser.script("return document.querySelector('.wall').dataset.same").unwrap();
    assert_eq!(same, "yes", "the page was not loaded again");
    draw(&browser, "wall");
    quiet(&browser);
}

#[test]
fn any_moment_before_is_one_address_away() {
    let world = world();
    for (place, version, minute) in
        [("dev", "1.0.0", 1), ("dev", "1.1.0", 20), ("production", "1.0.0", 30)]
    {
        post(&world, &task(place, version, minute));
    }
    let browser = Browser::start().unwrap();
    browser.javascript(false).unwrap();
    open(&browser, &world, "/ui/?at=2026-11-02T10:10Z");
    browser.wait_for(".wall td[data-label=dev]", "1.0.0").unwrap();
    assert!(browser.all(".wall td[data-label=production]").unwrap().is_empty());
    // The field of a form leads to another moment, without a script.
    open(&browser, &world, "/ui/?at=2026-11-02T10:40:00&q=orders");
    browser.wait_for(".wall td[data-label=dev]", "1.1.0").unwrap();
    browser.click(".wall .svc").unwrap();
    browser.wait_for("h1", "orders-api").unwrap();
    assert!(browser.url().unwrap().contains("at=2026-11-02T10:40:00"), "the moment is kept");
    browser.wait_for(".lanes", "production").unwrap();
    draw(&browser, "service");
    open(&browser, &world, "/ui/environment/production?at=2026-11-02T10:40Z");
    browser.wait_for("tbody", "1.0.0").unwrap();
    draw(&browser, "environment");
    browser.click("a[href^='/ui/diff/dev/production']").unwrap();
    browser.wait_for("tbody", "behind").unwrap();
    draw(&browser, "diff");
    browser.click("tbody .ver").unwrap();
    browser.wait_for("h1", "orders-api 1.1.0 in dev").unwrap();
    draw(&browser, "deployment");
    open(&browser, &world, "/ui/figures?at=2026-11-03");
    browser.wait_for("main", "What they mean").unwrap();
    quiet(&browser);
}

#[test]
fn what_was_set_aside_is_replayed_from_its_page() {
    let world = world();
    let mut stranger = task("dev", "1.0.0", 1);
    stranger["account"] = json!("999999999999");
    post(&world, &stranger);
    let browser = Browser::start().unwrap();
    open(&browser, &world, "/ui/journal");
    browser.wait_for("tbody tr:first-child", "dead").unwrap();
    browser.wait_for("tbody tr:first-child .why", "999999999999").unwrap();
    draw(&browser, "journal");
    browser.click("tbody tr:first-child th a").unwrap();
    browser.wait_for(".payload", "ECS Task State Change").unwrap();
    draw(&browser, "entry");
    browser.script("document.querySelector('main').dataset.old = 'yes'").unwrap();
    browser.click("form.again button").unwrap();
    // It leads back to the entry, which is dead again: nothing has been put right.
    browser.wait_for("main:not([data-old]) .say", "999999999999").unwrap();
    quiet(&browser);
}

#[test]
fn what_events_say_is_only_text() {
    let world = world();
    let attack = "<img src=x onerror=\"document.title='owned'\">";
    let mut event = task("dev", "1.0.0", 1);
    event["detail"]["group"] = json!(format!("service:{attack}"));
    event["detail"]["taskDefinitionArn"] = json!(attack);
    post(&world, &event);
    let browser = Browser::start().unwrap();
    open(&browser, &world, "/ui/services");
    browser.wait_for("tbody", "<img src=x").unwrap();
    for path in ["/ui/", "/ui/services", "/ui/environment/dev", "/ui/journal"] {
        open(&browser, &world, path);
        assert_ne!(browser.title().unwrap(), "owned", "{path}");
        assert!(browser.all("img").unwrap().is_empty(), "{path}");
    }
    open(&browser, &world, "/ui/");
    browser.click(".wall .svc").unwrap();
    browser.wait_for("h1", "<img src=x").unwrap();
    assert!(browser.all("img").unwrap().is_empty());
    quiet(&browser);
}
