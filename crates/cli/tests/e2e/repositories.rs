//! Repositories and templates of those without GitHub.

use portolan_testkit::server::Options;
use serde_json::json;

use crate::world::{Engine, PATIENCE, World};

on_both_stores!(a_file_of_repositories_is_served);

fn a_file_of_repositories_is_served(engine: Engine) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("repos.json");
    let listed = json!({ "repositories": [
        { "name": "shop", "teams": ["makers"], "createdAt": "2023-09-27T09:12:01Z" },
        { "name": "node-template", "teams": ["makers"] },
    ] });
    std::fs::write(&file, listed.to_string()).unwrap();
    let variable = |name: &str, value: String| (format!("PORTOLAN_GITHUB_{name}"), value);
    let environment = vec![
        variable("SOURCE", format!("file:{}", file.display())),
        variable("TEMPLATES", "{ node-template = 'Node.js', gone = 'Gone' }".to_owned()),
    ];
    let world = World::start_with(engine, Options { environment, ..Options::default() });
    let shop = world.eventually("/repositories/shop", PATIENCE, |answer| answer.status == 200);
    let shop = shop.unwrap().json().unwrap();
    assert_eq!(shop["repository"]["createdAt"], "2023-09-27T09:12:01.000Z");
    let templates = world.json("/cdp-portal-backend/templates?team=makers").unwrap();
    assert_eq!(templates["templates"][0]["id"], "node-template");
    let types = world.json("/service-types").unwrap();
    assert_eq!(types["serviceTypes"][1], json!({ "value": "gone", "text": "Gone" }));
    // What it answers is itself such a file.
    std::fs::write(&file, world.get("/repositories").unwrap().body).unwrap();
    let again = World::start_with(
        engine,
        Options {
            environment: vec![variable("SOURCE", format!("file:{}", file.display()))],
            ..Options::default()
        },
    );
    again.eventually("/repositories/shop", PATIENCE, |answer| answer.status == 200).unwrap();
    assert_eq!(again.json("/repositories").unwrap(), world.json("/repositories").unwrap());
    again.quiet().unwrap();
}
