//! The few HTTP requests that makers and peers need. Tests of the API bring their own client.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use anyhow::Context;

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers, in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header called `name` (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as text, with what is not UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("status {}, not JSON: {}", self.status, self.text()))
    }
}

/// A client that keeps connections, follows no redirect and takes every status as an answer.
#[derive(Debug, Clone)]
pub struct Client {
    agent: ureq::Agent,
}

impl Default for Client {
    fn default() -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .allow_non_standard_methods(true)
            .proxy(None)
            .timeout_global(Some(Duration::from_mins(2)))
            .build();
        Self { agent: ureq::Agent::new_with_config(config) }
    }
}

impl Client {
    /// A new client.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends `method` to `url` with `headers` and `body`, and reads the whole answer.
    pub fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> anyhow::Result<Answer> {
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let asked = || format!("{method} {url}");
        let response = if body.is_empty() && !matches!(method, "POST" | "PUT" | "PATCH") {
            self.agent.run(request.body(())?)
        } else {
            self.agent.run(request.body(body)?)
        }
        .with_context(asked)?;
        let (parts, mut body) = response.into_parts();
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let body = body.with_config().limit(u64::MAX).read_to_vec().with_context(asked)?;
        Ok(Answer { status: parts.status.as_u16(), headers, body })
    }

    /// `GET url`.
    pub fn get(&self, url: &str) -> anyhow::Result<Answer> {
        self.send("GET", url, &[], &[])
    }
}

/// Sends exactly `bytes` to `address` and answers what came back until the other side hung up: for
/// requests that no client would send. They should say `Connection: close`.
pub fn raw(address: &str, bytes: &[u8]) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.set_write_timeout(Some(Duration::from_secs(30)))?;
    let reading = stream.try_clone()?;
    std::thread::scope(|scope| {
        // Read while writing: whoever refuses a request need not read the rest of it.
        let reader = scope.spawn(|| read_all(reading));
        let _ = stream.write_all(bytes);
        let answer = reader.join().map_err(|_| anyhow::anyhow!("the reader panicked"))?;
        answer.with_context(|| format!("asking {address}"))
    })
}

/// Sends exactly `bytes` to `address` and hangs up without waiting for an answer.
pub fn hang_up(address: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(bytes)?;
    Ok(stream.shutdown(Shutdown::Both)?)
}

fn read_all(mut stream: TcpStream) -> std::io::Result<String> {
    let mut answer = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset && !answer.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
