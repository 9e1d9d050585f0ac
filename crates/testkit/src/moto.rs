//! moto: SQS, SNS, ECS and ECR as Python knows them. Right about queues; its ECS never rolls
//! anything out, which is what [`fake_ecs`](crate::fake_ecs) is for.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::Client;
use crate::process::{self, Process};

/// The environment variable with the path of `moto_server`, as `cargo xtask test` sets it.
pub const VARIABLE: &str = "PORTOLAN_TEST_MOTO";
/// The account to which everything belongs.
pub const ACCOUNT: &str = "123456789012";
/// The region in which everything is.
pub const REGION: &str = "eu-west-2";

/// Where `cargo xtask test` puts it.
const INSTALLED: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/peers/moto/bin/moto_server");

/// A running moto with nothing in it.
#[derive(Debug)]
pub struct Moto {
    process: Process,
    port: u16,
    client: Client,
    dir: TempDir,
}

/// Starts moto on a free port and waits until it answers.
pub fn start() -> anyhow::Result<Moto> {
    let program = program()?;
    let dir = tempfile::tempdir()?;
    let port = crate::port::free()?;
    let mut command = Command::new(program);
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).current_dir(dir.path());
    // It asks nobody who it is.
    command.envs([("AWS_EC2_METADATA_DISABLED", "true"), ("PYTHONDONTWRITEBYTECODE", "1")]);
    let mut process = Process::spawn("moto", &command, &dir.path().join("log"))?;
    let client = Client::new();
    let url = format!("http://127.0.0.1:{port}/moto-api/data.json");
    process
        .wait_until(Duration::from_mins(1), || {
            client.get(&url).is_ok_and(|answer| answer.status == 200)
        })
        .context("waiting for moto")?;
    Ok(Moto { process, port, client, dir })
}

fn program() -> anyhow::Result<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the test command hands its peers in this way")]
    if let Ok(path) = std::env::var(VARIABLE) {
        return Ok(PathBuf::from(path));
    }
    if Path::new(INSTALLED).is_file() {
        return Ok(PathBuf::from(INSTALLED));
    }
    process::find("moto_server", "python3-venv")
        .context("moto is missing: `cargo xtask test` installs it, or `pip install moto[server]`")
}

impl Moto {
    /// `http://127.0.0.1:PORT`: the endpoint of every service.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The environment variables of a process that shall take it for AWS.
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL", self.url().as_str()),
            ("AWS_REGION", REGION),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// The process, for its id and its log.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The folder with its log.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What moto answers to `target` (as in `AmazonSQS.CreateQueue`) of `service` (as in `sqs`).
    pub fn call(&self, service: &str, target: &str, body: &Value) -> anyhow::Result<Value> {
        let version = if service == "sqs" { "1.0" } else { "1.1" };
        // The region is read from the signature, which nobody verifies.
        let scope = format!("test/20260101/{REGION}/{service}/aws4_request");
        let signed =
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        let kind = format!("application/x-amz-json-{version}");
        let headers =
            [("x-amz-target", target), ("content-type", &kind), ("authorization", &signed)];
        let url = format!("{}/", self.url());
        let answer = self.client.send("POST", &url, &headers, body.to_string().as_bytes())?;
        ensure!(answer.status == 200, "{target}: {} {}", answer.status, answer.text());
        if answer.body.is_empty() { Ok(Value::Null) } else { answer.json() }
    }

    /// Makes the queue `name` with `attributes`, and answers its URL.
    pub fn queue(&self, name: &str, attributes: &Value) -> anyhow::Result<String> {
        let asked = json!({ "QueueName": name, "Attributes": attributes });
        let made = self.call("sqs", "AmazonSQS.CreateQueue", &asked)?;
        let url = made["QueueUrl"].as_str().context("no QueueUrl")?;
        Ok(url.to_owned())
    }

    /// Makes the bucket `name`.
    pub fn bucket(&self, name: &str) -> anyhow::Result<()> {
        let answer = self.s3("PUT", name, &[])?;
        ensure!(answer.status == 200, "{name}: {} {}", answer.status, answer.text());
        Ok(())
    }

    /// What moto answers to `method` for `path` (a bucket, or a bucket and a key) of S3.
    pub fn s3(&self, method: &str, path: &str, body: &[u8]) -> anyhow::Result<crate::http::Answer> {
        // In this region a bucket needs no word of where it shall be.
        let scope = "test/20260101/us-east-1/s3/aws4_request";
        let signed =
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        let url = format!("{}/{path}", self.url());
        self.client.send(method, &url, &[("authorization", &signed)], body)
    }

    /// Sends `bodies` to the queue at `url`.
    pub fn send(&self, url: &str, bodies: &[impl AsRef<str>]) -> anyhow::Result<()> {
        for some in bodies.chunks(10) {
            let entry =
                |(at, body): (usize, &str)| json!({ "Id": at.to_string(), "MessageBody": body });
            let bodies = some.iter().map(AsRef::as_ref).enumerate();
            let entries: Vec<_> = bodies.map(entry).collect();
            let asked = json!({ "QueueUrl": url, "Entries": entries });
            self.call("sqs", "AmazonSQS.SendMessageBatch", &asked)?;
        }
        Ok(())
    }

    /// How many messages the queue at `url` has: those that can be received, and those that are
    /// hidden.
    pub fn waiting(&self, url: &str) -> anyhow::Result<(u64, u64)> {
        let asked = json!({ "QueueUrl": url, "AttributeNames": ["All"] });
        let told = self.call("sqs", "AmazonSQS.GetQueueAttributes", &asked)?;
        let number = |name: &str| {
            let told = told["Attributes"][name].as_str().and_then(|text| text.parse().ok());
            told.with_context(|| format!("no {name}"))
        };
        let visible = number("ApproximateNumberOfMessages")?;
        Ok((visible, number("ApproximateNumberOfMessagesNotVisible")?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_counts_what_was_sent() {
        let moto = start().unwrap();
        let url = moto.queue("q", &json!({})).unwrap();
        assert!(url.starts_with(&moto.url()), "{url}");
        let bodies: Vec<_> = (0..12).map(|number| number.to_string()).collect();
        moto.send(&url, &bodies).unwrap();
        assert_eq!(moto.waiting(&url).unwrap(), (12, 0));
        assert!(moto.call("sqs", "AmazonSQS.Nothing", &json!({})).is_err());
    }
}
