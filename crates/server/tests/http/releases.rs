//! Releases over HTTP, from the wish to the services that run, on a fake of AWS.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use portolan_aws::{AwsSettings, StaticKey};
use portolan_model::Secret;
use portolan_oci::credentials::NoCredentials;
use portolan_oci::{Client, Settings as OciSettings};
use portolan_release::Settings as RolloutSettings;
use portolan_release::project::{self, ProjectSection};
use portolan_server::{ReleaseSettings, Settings};
use portolan_testkit::fake_ecs::{self, FakeEcs, Fate, GivenService};
use portolan_testkit::moto::{ACCOUNT, REGION};
use serde_json::{Value, json};

use crate::bed::{Answer, Bed};

/// A shop of two images, one of which two services run, in two environments.
struct Shop {
    fake: FakeEcs,
    bed: Bed,
}

const IMAGES: [(&str, &[&str]); 2] = [("api", &["api", "web"]), ("worker", &["worker"])];
const ENVIRONMENTS: [&str; 2] = ["staging", "production"];

fn world() -> FakeEcs {
    let fake = fake_ecs::start(ACCOUNT, REGION).unwrap();
    for (image, services) in IMAGES {
        fake.push(image, &format!("{image} 1"), &["v1", "env.staging", "env.production"]).unwrap();
        fake.push(image, &format!("{image} 2"), &["v2"]).unwrap();
        fake.push(image, &format!("{image} 3"), &["v3"]).unwrap();
        for environment in ENVIRONMENTS {
            let named = format!("{}:env.{environment}", fake.image(image));
            for service in services {
                let tags = [("deployment:env", environment), ("deployment:service", service)];
                let given = GivenService {
                    cluster: environment,
                    name: service,
                    containers: &[("main", &named)],
                    tags: &tags,
                    breaker: Some(true),
                    ..GivenService::default()
                };
                fake.given(&given).unwrap();
            }
        }
    }
    fake.run(100.0);
    fake
}

fn settings(fake: &FakeEcs) -> ReleaseSettings {
    let section = json!({
        "images": {
            "api": { "repository": fake.image("api"), "services": ["api", "web"] },
            "worker": { "repository": fake.image("worker"), "services": ["worker"] },
        },
        "services": { "worker": { "wave": 1 } },
        "environments": {
            "staging": { "clusters": ["staging"] },
            "production": { "clusters": ["production"], "protected": true },
        },
    });
    let section: ProjectSection = serde_json::from_value(section).unwrap();
    let sections = [("shop".to_owned(), section)].into();
    let (projects, _) = project::build(&sections, &|_| unreachable!()).unwrap();
    let secret = Secret::new("test".to_owned());
    let aws = AwsSettings {
        region: Some(REGION.to_owned()),
        endpoint: Some(fake.url()),
        key: Some(StaticKey { id: "test".to_owned(), secret, session: None }),
        ..AwsSettings::default()
    };
    ReleaseSettings {
        projects,
        aws,
        client: Some(Client::new(OciSettings::default(), Arc::new(NoCredentials)).unwrap()),
        rollout: RolloutSettings {
            poll: Duration::from_millis(20),
            again: Duration::from_millis(5),
            ..RolloutSettings::default()
        },
        ..ReleaseSettings::default()
    }
}

impl Shop {
    async fn on_sqlite() -> Self {
        let fake = tokio::task::spawn_blocking(world).await.unwrap();
        let releases = settings(&fake);
        let bed = Bed::with(|settings: &mut Settings| settings.releases = releases).await;
        Self { fake, bed }
    }

    async fn on_postgres() -> Self {
        let fake = tokio::task::spawn_blocking(world).await.unwrap();
        let releases = settings(&fake);
        let bed = Bed::postgres_with(|settings: &mut Settings| settings.releases = releases).await;
        Self { fake, bed }
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.bed.send("POST", path, &[], body.to_string()).await
    }

    /// What is answered, which must have the status.
    async fn told(&self, path: &str, body: &Value, status: StatusCode) -> Value {
        let answer = self.post(path, body).await;
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.text());
        answer.json()
    }

    async fn refused(&self, path: &str, body: &Value, status: StatusCode) -> String {
        self.told(path, body, status).await["message"].as_str().unwrap().to_owned()
    }

    async fn release(&self, tag: &str) -> String {
        let wish = json!({ "project": "shop", "from": { "tag": tag }, "by": "ann" });
        let made = self.told("/releases", &wish, StatusCode::CREATED).await;
        made["id"].as_str().unwrap().to_owned()
    }

    async fn plan(&self, environment: &str, release: &str) -> Value {
        let wish = json!({ "project": "shop", "environment": environment, "release": release });
        self.told("/plans", &wish, StatusCode::OK).await
    }

    fn wish(environment: &str, release: &str, plan: &Value) -> Value {
        json!({ "project": "shop", "environment": environment, "release": release,
                "plan": plan["plan"], "by": "ann" })
    }

    /// Plans, orders, and waits for the end.
    async fn deploy(&self, environment: &str, release: &str) -> Value {
        let plan = self.plan(environment, release).await;
        let wish = Self::wish(environment, release, &plan);
        let ordered = self.told("/rollouts", &wish, StatusCode::ACCEPTED).await;
        self.bed.work().await;
        self.bed.json(&format!("/rollouts/{}", ordered["id"].as_str().unwrap())).await
    }

    /// The versions that run in an environment.
    fn versions(&self, environment: &str) -> Vec<(&'static str, u32)> {
        let mut found = Vec::new();
        for (image, services) in IMAGES {
            for service in services {
                let running = self.fake.running(environment, service).unwrap();
                let version = |digest: &String| {
                    let tagged = |version: &u32| self.fake.tagged(image, &format!("v{version}"));
                    (1..=3).find(|version| tagged(version).as_ref() == Some(digest)).unwrap()
                };
                found.extend(running.iter().map(|(_, digest)| (*service, version(digest))));
            }
        }
        found
    }
}

fn all(version: u32) -> Vec<(&'static str, u32)> {
    vec![("api", version), ("web", version), ("worker", version)]
}

macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::Shop::on_sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(super::Shop::on_postgres().await).await;
            })+
        }
    };
}
on_both!(
    a_release_goes_there_and_back,
    what_fails_is_undone_and_explained,
    a_protected_environment_asks_for_two,
    what_is_in_the_way_is_told,
);

async fn a_release_goes_there_and_back(shop: Shop) {
    let (first, second) = (shop.release("v1").await, shop.release("v2").await);
    let listed = shop.bed.json("/releases?project=shop&size=1").await;
    assert_eq!((&listed["total"], &listed["releases"][0]["id"]), (&json!(2), &json!(second)));
    let told = shop.bed.json(&format!("/releases/{first}")).await;
    assert_eq!(told["images"][0]["digest"].as_str(), shop.fake.tagged("api", "v1").as_deref());
    assert_eq!((&told["createdBy"], &told["source"]["from"]), (&json!("ann"), &json!("tag")));

    let plan = shop.plan("staging", &second).await;
    assert_eq!((&plan["refused"], &plan["empty"]), (&json!([]), &json!(false)));
    let actions = plan["plan"]["services"].as_array().unwrap();
    assert!(actions.iter().all(|it| it["action"] == "define"), "{plan}");
    let done = shop.deploy("staging", &second).await;
    assert_eq!(
        (&done["state"], &done["createdBy"]),
        (&json!("succeeded"), &json!("ann")),
        "{done}"
    );
    let steps = done["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["state"] == "done"), "{steps:?}");
    assert!(steps.iter().any(|step| step["name"] == "watch:worker"));
    assert_eq!((shop.versions("staging"), shop.versions("production")), (all(2), all(1)));
    assert_eq!(shop.fake.tagged("api", "env.staging"), shop.fake.tagged("api", "v2"));
    let projects = shop.bed.json("/projects").await;
    assert_eq!(projects[0]["environments"][1]["release"], json!(second), "{projects}");
    assert_eq!(shop.plan("staging", &second).await["empty"], true);

    // Nothing came before it; then something did.
    let back = json!({ "project": "shop", "environment": "staging", "rollback": {} });
    shop.refused("/plans", &back, StatusCode::NOT_FOUND).await;
    let to =
        json!({ "project": "shop", "environment": "staging", "rollback": { "release": first } });
    let plan = shop.told("/plans", &to, StatusCode::OK).await;
    assert_eq!(plan["options"]["reason"], "rollback");
    let mut wish = Shop::wish("staging", &first, &json!({}));
    wish["planHash"] = plan["plan"]["hash"].clone();
    wish["options"] = plan["options"].clone();
    shop.told("/rollouts", &wish, StatusCode::ACCEPTED).await;
    shop.bed.work().await;
    assert_eq!(shop.versions("staging"), all(1));
    let plan = shop.told("/plans", &back, StatusCode::OK).await;
    assert_eq!(plan["plan"]["release"], json!(second));
    let rollouts = shop.bed.json("/rollouts?environment=staging&state=succeeded").await;
    assert_eq!(
        (&rollouts["total"], &rollouts["rollouts"][0]["release"]),
        (&json!(2), &json!(first))
    );
}

async fn what_fails_is_undone_and_explained(shop: Shop) {
    let digest = shop.fake.tagged("worker", "v3").unwrap();
    shop.fake.fate(&digest, Fate::Exits { code: 7, after: Duration::from_secs(3) });
    shop.fake.says(&digest, &["starting", "no database"]);
    let release = shop.release("v3").await;
    let ended = shop.deploy("staging", &release).await;
    assert_eq!(ended["state"], "rolled-back", "{ended}");
    let reason = ended["reason"].as_str().unwrap();
    for part in ["service worker", "exited with 7", "no database"] {
        assert!(reason.contains(part), "{part} in {reason}");
    }
    let steps = ended["steps"].as_array().unwrap();
    let failed = steps.iter().find(|step| step["state"] == "failed").unwrap();
    assert_eq!(failed["name"], "watch:worker");
    assert_eq!(failed["outcome"]["why"]["tasks"][0]["containers"][0]["exit_code"], 7, "{failed}");
    let fake = shop.fake;
    let fake = tokio::task::spawn_blocking(move || fake.settle_all().map(|_| fake)).await;
    let shop = Shop { fake: fake.unwrap().unwrap(), bed: shop.bed };
    assert_eq!(shop.versions("staging"), all(1));
}

async fn a_protected_environment_asks_for_two(shop: Shop) {
    let release = shop.release("v2").await;
    let plan = shop.plan("production", &release).await;
    let wish = Shop::wish("production", &release, &plan);
    let ordered = shop.told("/rollouts", &wish, StatusCode::ACCEPTED).await;
    assert_eq!(ordered["state"], "waiting");
    shop.bed.work().await;
    assert_eq!(shop.versions("production"), all(1));
    let at = format!("/rollouts/{}/approve", ordered["id"].as_str().unwrap());
    shop.refused(&at, &json!({ "by": "ann" }), StatusCode::CONFLICT).await;
    shop.refused(&at, &json!({}), StatusCode::BAD_REQUEST).await;
    let approved = shop.told(&at, &json!({ "by": "ben" }), StatusCode::OK).await;
    assert_eq!(approved["approvedBy"], "ben");
    shop.bed.work().await;
    assert_eq!(shop.versions("production"), all(2));
    // The answer may have been lost on its way.
    shop.told(&at, &json!({ "by": "ben" }), StatusCode::OK).await;
    shop.refused(&at, &json!({ "by": "eve" }), StatusCode::CONFLICT).await;
    // A plan that says of itself that nobody must agree is none that was made here.
    let back = shop.release("v1").await;
    let mut plan = shop.plan("production", &back).await;
    plan["plan"]["protected"] = json!(false);
    shop.refused("/rollouts", &Shop::wish("production", &back, &plan), StatusCode::BAD_REQUEST)
        .await;
}

async fn what_is_in_the_way_is_told(shop: Shop) {
    let release = shop.release("v2").await;
    let plan = shop.plan("staging", &release).await;
    let wish = Shop::wish("staging", &release, &plan);
    let freeze = json!({ "reason": "the sale", "by": "ann" });
    let frozen = shop.told("/environments/staging/freeze", &freeze, StatusCode::OK).await;
    assert_eq!(frozen["projects"], json!(["shop"]));
    let message = shop.refused("/rollouts", &wish, StatusCode::CONFLICT).await;
    assert!(message.contains("the sale"), "{message}");
    assert_eq!(
        shop.bed.json("/projects").await[0]["environments"][1]["frozen"]["reason"],
        "the sale"
    );
    let thaw = shop.bed.send("DELETE", "/environments/staging/freeze", &[], "").await;
    assert_eq!(thaw.status, StatusCode::OK, "{}", thaw.text());

    let quarantine = format!("/releases/{release}/quarantine");
    shop.told(&quarantine, &json!({ "reason": "it leaks", "by": "ann" }), StatusCode::OK).await;
    let message = shop.refused("/rollouts", &wish, StatusCode::CONFLICT).await;
    assert!(message.contains("it leaks"), "{message}");
    let listed = shop.bed.json("/releases").await;
    assert_eq!(listed["releases"][0]["quarantine"]["reason"], "it leaks");
    let free = shop.bed.send("DELETE", &quarantine, &[], "").await;
    assert_eq!(free.json()["quarantine"], Value::Null);

    // Another brings version 3 there while version 2 waits to be ordered.
    let third = shop.release("v3").await;
    assert_eq!(shop.deploy("staging", &third).await["state"], "succeeded");
    let answer = shop.post("/rollouts", &wish).await;
    if answer.status == StatusCode::ACCEPTED {
        let at = format!("/rollouts/{}", answer.json()["id"].as_str().unwrap());
        shop.bed.work().await;
        let ended = shop.bed.json(&at).await;
        assert_eq!(ended["state"], "refused", "{ended}");
        assert!(ended["reason"].as_str().unwrap().contains("moved"), "{ended}");
    } else {
        assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text());
    }
    let mut by_hash = wish.clone();
    by_hash["planHash"] = by_hash["plan"]["hash"].take();
    by_hash.as_object_mut().unwrap().remove("plan");
    let message = shop.refused("/rollouts", &by_hash, StatusCode::CONFLICT).await;
    assert!(message.contains("moved"), "{message}");
    assert_eq!(shop.versions("staging"), all(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wishes_that_make_no_sense_are_refused() {
    let shop = Shop::on_sqlite().await;
    let release = shop.release("v1").await;
    let bad = StatusCode::BAD_REQUEST;
    for from in [json!({}), json!({ "tag": "a b" }), json!({ "tag": "v1", "commit": "0123abc" })] {
        let wish = json!({ "project": "shop", "from": from, "by": "ann" });
        shop.refused("/releases", &wish, bad).await;
    }
    let url =
        json!({ "project": "shop", "from": { "tag": "v1" }, "by": "a", "ciUrl": "javascript:x" });
    shop.refused("/releases", &url, bad).await;
    let nobody = json!({ "project": "shop", "from": { "tag": "v1" } });
    assert!(shop.refused("/releases", &nobody, bad).await.contains("`by`"));
    let missing = json!({ "project": "shop", "from": { "tag": "v9" }, "by": "ann" });
    let message = shop.refused("/releases", &missing, StatusCode::NOT_FOUND).await;
    assert!(message.contains("api") && message.contains("worker"), "all are named: {message}");
    for (project, environment) in [("shpo", "staging"), ("shop", "stagin")] {
        let wish = json!({ "project": project, "environment": environment, "release": release });
        shop.refused("/plans", &wish, StatusCode::NOT_FOUND).await;
    }
    let both =
        json!({ "project": "shop", "environment": "staging", "release": release, "rollback": {} });
    shop.refused("/plans", &both, bad).await;
    for path in ["/releases/x", "/rollouts/x", "/rollouts/00000000-0000-0000-0000-0000000000ff"] {
        assert_eq!(shop.bed.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(shop.bed.get("/rollouts?state=lost").await.status, bad);
    let freeze = json!({ "reason": "x", "by": "ann" });
    shop.refused("/environments/mars/freeze", &freeze, StatusCode::NOT_FOUND).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_replica_claims_it_does_it() {
    let shop = Shop::on_postgres().await;
    let release = shop.release("v2").await;
    let plan = shop.plan("staging", &release).await;
    let wish = Shop::wish("staging", &release, &plan);
    let ordered = shop.told("/rollouts", &wish, StatusCode::ACCEPTED).await;
    let releases = settings(&shop.fake);
    let replica = shop.bed.replica_with(|settings| settings.releases = releases).await;
    replica.run_jobs_until_idle().await.unwrap();
    let ended = shop.bed.json(&format!("/rollouts/{}", ordered["id"].as_str().unwrap())).await;
    assert_eq!(ended["state"], "succeeded", "{ended}");
}
