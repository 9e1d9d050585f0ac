//! Health checks, made from here: podman's own need systemd.

use std::collections::hash_map::Entry;
use std::net::Ipv4Addr;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use futures::{FutureExt as _, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::call::{Call, Keep, last_lines};
use crate::container::{Container, State};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::health::{Failure, HealthStatus, Tracker};
use crate::id::ContainerId;
use crate::labels::Filter;
use crate::spec::{Check, Health};

/// Checks at the same moment at most.
const AT_ONCE: usize = 8;
/// What is remembered of a container that nobody asked for this long goes.
const MEMORY: Duration = Duration::from_mins(10);
/// Bytes that are read of an answer: its first line.
const FIRST_LINE: usize = 256;
/// The wait between two looks at a container that is waited for.
const LOOK: Duration = Duration::from_millis(200);

impl Engine {
    /// As [`Engine::list`], after making every health check that is due. Ask about as often as the
    /// shortest interval; more often costs no more checks.
    pub async fn observe(&self, filter: &Filter) -> Result<Vec<Container>, EngineError> {
        let mut containers = self.list(filter).await?;
        let mut checks = Vec::new();
        for container in containers.iter().filter(|container| self.take_turn(container)) {
            // Boxed, since a stream of borrowing futures makes one that is not provably Send.
            checks.push(self.check(container).boxed());
        }
        let mut checks = futures::stream::iter(checks).buffer_unordered(AT_ONCE);
        while checks.next().await.is_some() {}
        drop(checks);
        for container in &mut containers {
            self.fill_health(container);
        }
        Ok(containers)
    }

    /// Waits until it is known how a container does: it is healthy or unhealthy, it runs and has no
    /// check, or it has ended. After `patience` it is answered as it then is.
    pub async fn settled(
        &self,
        id: &ContainerId,
        patience: Duration,
    ) -> Result<Container, EngineError> {
        let deadline = Instant::now() + patience;
        loop {
            let mut container = self.get(id).await?;
            if self.take_turn(&container) {
                self.check(&container).await;
                self.fill_health(&mut container);
            }
            let known = match (&container.state, &container.health) {
                (State::Exited, _) | (State::Running, None) => true,
                (State::Running, Some(health)) => health.status != HealthStatus::Starting,
                (State::Created | State::Stopping | State::Other, _) => false,
            };
            if known || Instant::now() >= deadline {
                return Ok(container);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Tells in `container` what its checks said so far.
    pub(crate) fn fill_health(&self, container: &mut Container) {
        if container.check.is_none() {
            return;
        }
        let now = Instant::now();
        let mut trackers = self.trackers.lock().unwrap_or_else(PoisonError::into_inner);
        let tracker = match trackers.entry(container.id.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(Tracker::new(now)),
        };
        tracker.seen = now;
        container.health = Some(tracker.report());
    }

    pub(crate) fn forget(&self, id: &ContainerId) {
        self.trackers.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Whether a check of `container` is due; the turn is then taken.
    fn take_turn(&self, container: &Container) -> bool {
        let (State::Running, Some(health)) = (container.state, &container.check) else {
            return false;
        };
        let now = Instant::now();
        let mut trackers = self.trackers.lock().unwrap_or_else(PoisonError::into_inner);
        trackers.retain(|_, tracker| now.duration_since(tracker.seen) < MEMORY);
        let tracker = trackers.entry(container.id.clone()).or_insert_with(|| Tracker::new(now));
        tracker.take_turn(health, now)
    }

    /// Makes one check and remembers what it said.
    async fn check(&self, container: &Container) {
        let Some(health) = &container.check else { return };
        let outcome = match &health.check {
            Check::Http(path) => match container.ports.first() {
                Some(port) => http(port.host, path, health.timeout).await,
                None => Err(Failure::Negative("the container has no port".to_owned())),
            },
            Check::Command(words) => self.command(container, words, health).await,
        };
        let mut trackers = self.trackers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tracker) = trackers.get_mut(&container.id) {
            tracker.take(health, outcome, Instant::now());
        }
    }

    async fn command(
        &self,
        container: &Container,
        words: &[String],
        health: &Health,
    ) -> Result<(), Failure> {
        let mut arguments = vec!["exec".to_owned(), container.id.to_string()];
        arguments.extend(words.iter().cloned());
        let doing = format!("check the container {}", container.id);
        let call = Call::new(doing, health.timeout, arguments).keep(Keep::LastOfBoth(4 << 10));
        match self.program.finish(&call).await {
            Ok((status, ..)) if status.success() => Ok(()),
            Ok((status, said, _)) => {
                let said = last_lines(&said);
                let separator = if said.is_empty() { "" } else { ": " };
                Err(Failure::Negative(format!("{status}{separator}{said}")))
            }
            Err(EngineError::TimedOut { after, .. }) => {
                Err(Failure::Hung(format!("the command did not end within {after:?}")))
            }
            Err(error) => Err(Failure::Negative(error.to_string())),
        }
    }
}

/// One `GET` on loopback.
async fn http(port: u16, path: &str, timeout: Duration) -> Result<(), Failure> {
    let no = |message: String| Err(Failure::Negative(format!("GET :{port}{path}: {message}")));
    match tokio::time::timeout(timeout, status(port, path)).await {
        Err(_) => no(format!("no answer within {timeout:?}")),
        Ok(Err(error)) => no(error.to_string()),
        Ok(Ok(Some(200..=399))) => Ok(()),
        Ok(Ok(Some(status))) => no(format!("status {status}")),
        Ok(Ok(None)) => no("the answer is not HTTP".to_owned()),
    }
}

/// The status of the answer; none when its first line is not that of one.
async fn status(port: u16, path: &str) -> std::io::Result<Option<u16>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: portolan-health\r\n\
         Accept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    while answer.len() < FIRST_LINE && !answer.contains(&b'\n') {
        let mut buffer = [0; FIRST_LINE];
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            break;
        }
        answer.extend_from_slice(&buffer[..count]);
    }
    Ok(status_of(&answer))
}

/// The status in the first line of an answer, `HTTP/1.1 200 OK`.
fn status_of(answer: &[u8]) -> Option<u16> {
    let rest = answer.strip_prefix(b"HTTP/1.")?;
    let digits = rest.strip_prefix(b"0 ").or_else(|| rest.strip_prefix(b"1 "))?.get(..3)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn asked(answer: &'static [u8]) -> Result<(), Failure> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1000];
            let count = stream.read(&mut request).await.unwrap();
            assert!(request[..count].starts_with(b"GET /up?x=1 HTTP/1.1\r\n"));
            stream.write_all(answer).await.unwrap();
            if answer.is_empty() {
                tokio::time::sleep(Duration::from_mins(1)).await;
            }
        });
        let outcome = http(port, "/up?x=1", Duration::from_millis(500)).await;
        server.abort();
        outcome
    }

    #[tokio::test]
    async fn from_200_to_399_is_well() {
        assert_eq!(asked(b"HTTP/1.1 200 OK\r\n\r\n").await, Ok(()));
        assert_eq!(asked(b"HTTP/1.0 302 Found\r\n\r\n").await, Ok(()));
        for (answer, reason) in [
            (&b"HTTP/1.1 500 Oops\r\n\r\n"[..], "status 500"),
            (b"HTTP/1.1 404 \r\n\r\n", "status 404"),
            (b"SSH-2.0-x\r\n", "not HTTP"),
            (b"HTTP/1.1 2", "not HTTP"),
            (b"", "no answer within 500ms"),
        ] {
            let Err(Failure::Negative(message)) = asked(answer).await else { panic!("{reason}") };
            assert!(message.contains(reason), "{message}");
        }
    }

    #[tokio::test]
    async fn nobody_there_is_a_failure() {
        let port = portolan_testkit::port::free().unwrap();
        let outcome = http(port, "/", Duration::from_secs(5)).await;
        let Err(Failure::Negative(message)) = outcome else { panic!("{outcome:?}") };
        assert!(message.contains("refused"), "{message}");
    }
}
