//! AWS as a deployment meets it: ECS with services that roll out, ECR with tags that move, STS, the
//! tagging API, `CloudWatch` Logs, and as much of `EventBridge` and `DynamoDB` as releases need, as AWS
//! documents them, at one address.
//!
//! Time is the fake's own: it stands still until [`FakeEcs::advance`], or runs beside the clock on
//! the wall where [`FakeEcs::run`] says how fast.
//!
//! Source: [the actions of ECS](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Operations.html),
//! in its JSON protocol, where moments are seconds since 1970;
//! [rolling updates](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html) and
//! [their circuit breaker](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html).

mod answers;
mod definitions;
mod dynamo;
mod fate;
mod given;
mod logs;
mod observed;
mod registry;
mod rollout;
mod rules;
mod service;
mod services;
mod state;
mod sts;
mod tagging;
mod task;
mod tasks;
#[cfg(test)]
mod tests;
mod trouble;
mod wire;

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use serde_json::Value;

pub use fate::Fate;
pub use given::GivenService;
pub use registry::PASSWORD;
use state::State;
use trouble::AtOnce;

/// A running fake. Dropping it ends it.
#[derive(Debug)]
pub struct FakeEcs {
    state: Arc<Mutex<State>>,
    at_once: Arc<AtOnce>,
    stop: Arc<AtomicBool>,
    port: u16,
    region: String,
    account: String,
}

/// Starts one for `region` of `account` on a free port, with no cluster.
pub fn start(account: &str, region: &str) -> anyhow::Result<FakeEcs> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listening as AWS")?;
    let port = listener.local_addr()?.port();
    let fake = FakeEcs {
        state: Arc::new(Mutex::new(State::new(account, region))),
        at_once: Arc::default(),
        stop: Arc::default(),
        port,
        region: region.to_owned(),
        account: account.to_owned(),
    };
    let (state, at_once) = (Arc::clone(&fake.state), Arc::clone(&fake.at_once));
    let stopping = Arc::clone(&fake.stop);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            if stopping.load(Ordering::SeqCst) {
                return;
            }
            let Ok(stream) = stream else { continue };
            let (state, at_once) = (Arc::clone(&state), Arc::clone(&at_once));
            let ended = Arc::clone(&stopping);
            std::thread::spawn(move || {
                let answer = |call: &wire::Call| {
                    let _one = at_once.enter();
                    let latency = lock(&state).latency();
                    std::thread::sleep(latency);
                    lock(&state).answer(call)
                };
                // A client that goes away in the middle is no concern of ours.
                wire::serve(&stream, &ended, answer).is_ok()
            });
        }
    });
    Ok(fake)
}

impl Drop for FakeEcs {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections, so that it sees that.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
    }
}

impl FakeEcs {
    /// `http://127.0.0.1:PORT`: the endpoint of every service.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The environment variables of a process that shall take it for AWS.
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL", self.url().as_str()),
            ("AWS_REGION", &self.region),
            ("AWS_DEFAULT_REGION", &self.region),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// What it answers to `action` with `body`, without a network, a count or a refusal on demand:
    /// for what a test sets up and looks at.
    pub fn call(&self, action: &str, body: &Value) -> anyhow::Result<Value> {
        let mut state = self.lock();
        state.catch_up();
        let answer = state.act(action, body);
        answer.map_err(|(kind, message)| anyhow::anyhow!("{action}: {kind}: {message}"))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
