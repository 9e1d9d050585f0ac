//! Images from a registry.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use portolan_engine::{Access, Credentials, Engine, EngineError};
use portolan_model::{Digest, Reference, Secret};
use portolan_testkit::containers::Containers;
use portolan_testkit::docker_registry::{self, Options};
use portolan_testkit::layout::Layout;
use portolan_testkit::{Index, Publisher};

use crate::bed::{Bed, Home, PLAIN, busybox, on_both_engines};

on_both_engines!(
    an_image_is_pulled_by_its_digest_once,
    an_image_that_a_container_has_stays,
    an_index_runs_under_its_own_digest,
    credentials_go_by_a_file_of_the_owner_that_is_gone_afterwards,
);

async fn an_image_is_pulled_by_its_digest_once(home: Home) {
    let bed = Bed::without_image(home).await;
    assert!(!bed.engine.has(&bed.image).await.unwrap());
    bed.engine.pull(&bed.image, &PLAIN).await.unwrap();
    assert!(bed.engine.has(&bed.image).await.unwrap());
    let missing = Reference { digest: Some(Digest::of(b"missing")), ..bed.image.clone() };
    let error = bed.engine.pull(&missing, &PLAIN).await.unwrap_err();
    let EngineError::Failed { doing, message, .. } = &error else { panic!("{error}") };
    assert!(doing.starts_with("pull the image") && message.contains("unknown"), "{error}");
    // What is here needs no registry any more.
    drop(bed.registry);
    bed.engine.pull(&bed.image, &PLAIN).await.unwrap();
}

async fn an_image_that_a_container_has_stays(home: Home) {
    let bed = Bed::new(home).await;
    let id = bed.engine.start(&bed.shell("web-1", "true")).await.unwrap().id;
    bed.ended(&id).await;
    assert!(!bed.engine.remove_image(&bed.image).await.unwrap());
    bed.engine.remove(&id).await.unwrap();
    assert!(bed.engine.remove_image(&bed.image).await.unwrap());
    assert!(!bed.engine.has(&bed.image).await.unwrap());
    assert!(bed.engine.remove_image(&bed.image).await.unwrap(), "it is gone, whoever removed it");
}

async fn an_index_runs_under_its_own_digest(home: Home) {
    let bed = Bed::without_image(home).await;
    let index = Index::of(vec![busybox("2")]);
    Publisher::new(&bed.registry.url(), "shop/web").index("2", &index).unwrap();
    let image = Reference { digest: Some(index.digest()), tag: None, ..bed.image.clone() };
    bed.engine.pull(&image, &PLAIN).await.unwrap();
    let spec =
        portolan_engine::Spec { image: image.clone(), ..bed.shell("two", "cat /www/version") };
    let finished = bed.engine.run_once(&spec, Duration::from_secs(30), 1).await.unwrap();
    assert_eq!(finished.log, b"2");
    assert_eq!(finished.container.image, Some(image));
}

async fn credentials_go_by_a_file_of_the_owner_that_is_gone_afterwards(home: Home) {
    let login = ("AWS".to_owned(), "pass word".to_owned());
    let options = Options { htpasswd: Some(login), ..Options::default() };
    let registry = docker_registry::start(&options).unwrap();
    let containers = Containers::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut layout = Layout::create(&folder.path().join("layout")).unwrap();
    let image = busybox("1");
    layout.image("1", &image).unwrap();
    let to = format!("docker://{}/a:1", registry.address());
    let (from, creds) = (layout.name("1"), "--dest-creds=AWS:pass word");
    let copy = ["copy", "--preserve-digests", "--dest-tls-verify=false", creds, &from, &to];
    containers.skopeo(&copy).unwrap();
    let name = format!("{}/a@{}", registry.address(), image.digest()).parse().unwrap();

    let scratch = tempfile::tempdir().unwrap();
    let engine = Engine::detect(home.settings(&scratch)).await.unwrap();
    let error = engine.pull(&name, &PLAIN).await.unwrap_err();
    assert!(matches!(error, EngineError::Failed { .. }), "{error}");
    let access = |password: &str| Access {
        plain_http: true,
        credentials: Some(Credentials {
            registry: registry.address(),
            username: "AWS".into(),
            password: Secret::new(password.into()),
        }),
    };
    let error = engine.pull(&name, &access("wrong word")).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("wrong word"), "{error}");
    engine.pull(&name, &access("pass word")).await.unwrap();
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn nobody_else_can_read_the_file_nor_the_arguments() {
    let bed = Bed::without_image(Home::podman()).await;
    // A program that says how it was called, in place of the engine.
    let program = bed.scratch.path().join("podman");
    let report = bed.scratch.path().join("report");
    let script = format!(
        "#!/bin/sh\ncase $1 in --version) echo podman version 4.3.1;; info) echo 4.3.1;;\nimage) \
         echo no such image >&2; exit 125;;\n*) echo \"$@\" > {0}; for word; do case $word in \
         --authfile=*) stat -c %a \"${{word#*=}}\" >> {0};; esac; done;; esac\n",
        report.display()
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut settings = bed.home.settings(&bed.scratch);
    settings.program = Some(program);
    let engine = Engine::detect(settings).await.unwrap();
    let password = Secret::new("pass word".to_owned());
    let access = |registry: String| Access {
        plain_http: false,
        credentials: Some(Credentials {
            registry,
            username: "AWS".into(),
            password: password.clone(),
        }),
    };
    engine.pull(&bed.image, &access("other.example".into())).await.unwrap();
    let said = std::fs::read_to_string(&report).unwrap();
    assert!(!said.contains("--authfile"), "another registry is told nothing: {said}");
    engine.pull(&bed.image, &access(bed.registry.address())).await.unwrap();
    let said = std::fs::read_to_string(&report).unwrap();
    assert!(said.ends_with("\n600\n"), "{said}");
    assert!(!said.contains("pass word") && !said.contains("tls-verify"), "{said}");
    assert_eq!(bed.scratch_files().len(), 2, "the program and its report");
}
