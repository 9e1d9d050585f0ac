//! Releases of images of the built-in registry, run by the engine of this machine.

use portolan_testkit::containers::{Containers, busybox};
use portolan_testkit::server::Options;
use portolan_testkit::{Publisher, Server};

const CONFIG: &str = r#"
[workers]
lease_seconds = 10
[releases]
poll_millis = 200
[projects.shop.images.web]
repository = "shop/web"
services = ["web"]
[projects.shop.services.web]
local = { stop_seconds = 1 }
[projects.shop.environments]
staging = { runs = "local" }
"#;

#[test]
fn a_release_runs_on_this_machine_and_goes_back_where_it_does_not_come_up() {
    let containers = Containers::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("portolan.toml");
    std::fs::write(&config, CONFIG).unwrap();
    let text = |text: std::ffi::OsString| text.into_string().unwrap();
    let own = containers.environment().into_iter();
    let mut environment: Vec<(String, String)> =
        own.map(|(name, value)| (text(name), text(value))).collect();
    environment.push(("PORTOLAN_CONFIG".to_owned(), config.display().to_string()));
    let options = Options { environment, ..Options::default() };
    let server = Server::start(env!("CARGO_BIN_EXE_portolan"), options).unwrap();
    for (tag, does) in
        [("v1", "sleep 600"), ("v2", "sleep 601"), ("v3", "echo no database; exit 7")]
    {
        let image = busybox(&[("version", tag)], &["sh", "-c", does]).unwrap();
        Publisher::new(&server.url(""), "shop/web").image(tag, &image).unwrap();
    }
    let running = || containers.podman(&["ps", "--format", "{{.Command}}"]).unwrap();
    let deploy = |tag: &str| {
        let wanted = ["release-deploy", "--tag", tag, "--env", "staging", "--yes", "--by", "ann"];
        server.cli(&wanted)
    };
    assert!(deploy("v1").unwrap().contains("succeeded"));
    assert!(running().contains("sleep 600"), "{}", running());
    assert!(deploy("v2").unwrap().contains("succeeded"));
    assert!(running().contains("sleep 601") && !running().contains("sleep 600"), "{}", running());
    let failed = deploy("v3").unwrap_err().to_string();
    for part in ["exit status: 6", "rolled-back", "no database"] {
        assert!(failed.contains(part), "{part} in {failed}");
    }
    assert!(running().contains("sleep 601"), "{}", running());
    let back = ["rollback", "--env", "staging", "--yes", "--by", "ann"];
    assert!(server.cli(&back).unwrap().contains("succeeded"));
    assert!(running().contains("sleep 600"), "{}", running());
}
