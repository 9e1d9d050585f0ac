//! Sections, files, and one on top of the other.

use super::*;
use crate::project::{Moment, Runs};

#[derive(Debug, serde::Deserialize)]
struct File {
    projects: BTreeMap<String, ProjectSection>,
}

const WELLCOME: &str = "catalogue:
  name: Catalogue
  role_arn: arn:aws:iam::123456789012:role/deploy
  account_id: 1
  environments: [{id: stage, name: Stage}, {id: prod, name: Production}]
  image_repositories:
    - {id: api, services: [search, items]}
";

fn built(text: &str) -> Result<(BTreeMap<String, Project>, Vec<Warning>), ProjectError> {
    let file: File = toml::from_str(text).unwrap();
    build(&file.projects, &|path| match path.to_str() {
        Some(".wellcome_project") => Ok(WELLCOME.to_owned()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    })
}

#[test]
fn a_section_says_all() {
    let (projects, warnings) = built(
        r#"
        [projects.shop.images.orders-api]
        repository = "shop/orders-api"
        services = ["orders"]
        at.production = "r.example/prod/orders-api"
        [projects.shop.images.proxy]
        repository = "r.example:5000/shop/proxy"
        services = ["orders", "carts"]
        [projects.shop.services.orders]
        wave = 1
        containers.proxy = "sidecar"
        environments.production = { name = "orders-prod", cluster = "blue" }
        hooks = [{ name = "migrate", when = "before", command = ["migrate", "up"] }]
        local = { count = 2, port = 8080, health = { path = "/health" } }
        [projects.shop.environments.staging]
        runs = "local"
        [projects.shop.environments.production]
        registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
        role_arn = "arn:aws:iam::123456789012:role/deploy"
        protected = true
        platform = "linux/arm64"
        tags = ["env.production", "latest"]
        "#,
    )
    .unwrap();
    assert!(warnings.is_empty());
    let shop = &projects["shop"];
    assert_eq!(shop.images_of("orders"), ["orders-api", "proxy"].into());
    assert_eq!(shop.spot("orders-api", "staging").unwrap().to_string(), "shop/orders-api");
    assert_eq!(
        shop.spot("orders-api", "production").unwrap().to_string(),
        "r.example/prod/orders-api"
    );
    assert_eq!(
        shop.spot("proxy", "production").unwrap().to_string(),
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/proxy"
    );
    let orders = &shop.services["orders"];
    assert_eq!((orders.wave, orders.local.count, shop.services["carts"].wave), (1, 2, 0));
    assert_eq!((orders.hooks[0].moment, orders.hooks[0].seconds), (Moment::Before, 600));
    let production = &shop.environments["production"];
    assert_eq!(production.account.as_deref(), Some("123456789012"));
    assert_eq!((production.protected, production.tags.len()), (true, 2));
    assert_eq!(shop.environments["staging"].runs, Runs::Local);
}

#[test]
fn a_section_comes_on_top_of_its_file() {
    let (projects, warnings) = built(
        r#"
        [projects.search]
        file = ".wellcome_project"
        project = "catalogue"
        floating = true
        services.items = { optional = true, floating = false }
        environments.prod.protected = true
        "#,
    )
    .unwrap();
    let search = &projects["search"];
    assert_eq!((search.id.as_str(), search.title.as_str()), ("search", "Catalogue"));
    assert!(search.services["items"].optional && !search.services["items"].floating);
    assert!(search.services["search"].floating);
    let prod = &search.environments["prod"];
    assert!(prod.protected && prod.region.as_deref() == Some("eu-west-1"));
    assert_eq!(warnings.len(), 1);
}

#[test]
fn mistakes_are_told() {
    for (text, said) in [
        ("[projects.a]\nfile = \"none\"", "could not read none"),
        ("[projects.a]\nfile = \".wellcome_project\"", "it has catalogue"),
        ("[projects.\"a b\"]", "is no name"),
        ("[projects.a.images.b]", "`repository`"),
        ("[projects.a.images.b]\nrepository = \"B\"", "projects.a.images.b"),
        ("[projects.a.images.b]\nrepository = \"b:1\"", "without tag"),
        ("[projects.a.images.b]\nrepository = \"b\"\nat.x = \"c\"", "no environment `x`"),
        ("[projects.a.images.b]\nrepository = \"b\"\nrole_arn = \"x\"", "is no role"),
        (
            "[projects.a.images.b]\nrepository = \"b\"\nat.x = { repository = \"c\", role_arn = \"y\" }",
            "images.b.at.x: `y` is no role",
        ),
        ("[projects.a.services.b]", "no image"),
        ("[projects.a.environments.b]\nplatform = \"x\"", "platform"),
        (
            "[projects.a.environments.b]\nafter = [\"c\"]\n[projects.a.environments.c]\nafter = [\"b\"]",
            "it waits for itself",
        ),
        ("[projects.a.environments.b]\ntags = [\"-\"]", "tags"),
        ("[projects.a.environments.b]\nrole_arn = \"x\"", "is no role"),
    ] {
        let error = built(text).unwrap_err();
        assert!(error.to_string().contains(said), "{text}: {error}");
    }
    assert!(toml::from_str::<File>("[projects.a]\nnonsense = 1").is_err());
    let wrong = "[projects.a.images.b.at]\nx = { repository = \"c\", role = \"y\" }";
    let error = toml::from_str::<File>(wrong).unwrap_err();
    assert!(error.to_string().contains("`repository` and `role_arn`"), "{error}");
}
