//! Debian's docker-registry (distribution 2.8): what a registry client must get along with.

use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use tempfile::TempDir;

use crate::http::Client;
use crate::process::{self, Process};

/// How the registry is set up.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Ask for this user name and password, by HTTP Basic.
    pub htpasswd: Option<(String, String)>,
    /// Answer `DELETE`; without it the registry says `UNSUPPORTED`.
    pub delete: bool,
}

/// A running registry with its own empty storage.
#[derive(Debug)]
pub struct DockerRegistry {
    process: Process,
    port: u16,
    dir: TempDir,
}

/// Starts a registry on a free port and waits until `/v2/` answers.
pub fn start(options: &Options) -> anyhow::Result<DockerRegistry> {
    let program = process::find("docker-registry", "docker-registry")?;
    let dir = tempfile::tempdir()?;
    let port = crate::port::free()?;
    let mut config = serde_json::json!({
        "version": "0.1",
        "log": { "level": "warn", "accesslog": { "disabled": true } },
        "storage": {
            "filesystem": { "rootdirectory": dir.path().join("storage") },
            "delete": { "enabled": options.delete },
        },
        "http": { "addr": format!("127.0.0.1:{port}"), "secret": "of a test" },
    });
    if let Some((user, password)) = &options.htpasswd {
        let htpasswd = process::find("htpasswd", "apache2-utils")?;
        let line = process::output(Command::new(htpasswd).arg("-Bbn").args([user, password]))?;
        let path = dir.path().join("htpasswd");
        std::fs::write(&path, line)?;
        config["auth"] = serde_json::json!({ "htpasswd": { "realm": "test", "path": path } });
    }
    // Every JSON text is also YAML, the language of this file.
    let file = dir.path().join("config.yml");
    std::fs::write(&file, config.to_string())?;
    let mut command = Command::new(program);
    command.arg("serve").arg(&file);
    let mut process = Process::spawn("docker-registry", &command, &dir.path().join("log"))?;
    let url = format!("http://127.0.0.1:{port}/v2/");
    let client = Client::new();
    process
        .wait_until(Duration::from_secs(20), || {
            client.get(&url).is_ok_and(|answer| matches!(answer.status, 200 | 401))
        })
        .context("waiting for docker-registry")?;
    Ok(DockerRegistry { process, port, dir })
}

impl DockerRegistry {
    /// `127.0.0.1:PORT`, as it stands in an image reference.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// The process, for its id and its log.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The folder with its configuration, log and `storage`.
    pub fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_answers_a_request_written_by_hand() {
        let registry = start(&Options::default()).unwrap();
        let asked = b"GET /v2/ HTTP/1.0\r\n\r\n";
        let answer = crate::http::raw(&registry.address(), asked).unwrap();
        assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    }

    #[test]
    fn an_open_registry_answers_and_a_closed_one_asks_who_is_there() {
        let open = start(&Options::default()).unwrap();
        assert_eq!(Client::new().get(&format!("{}/v2/", open.url())).unwrap().status, 200);
        let options = Options { htpasswd: Some(("AWS".into(), "secret".into())), delete: true };
        let closed = start(&options).unwrap();
        let url = format!("{}/v2/", closed.url());
        assert_eq!(Client::new().get(&url).unwrap().status, 401);
        let basic = [("authorization", "Basic QVdTOnNlY3JldA==")];
        assert_eq!(Client::new().send("GET", &url, &basic, &[]).unwrap().status, 200);
    }
}
