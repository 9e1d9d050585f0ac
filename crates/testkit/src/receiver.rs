//! A receiver of webhooks: keeps what it is sent, and answers as it is told.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;

/// The longest body that is kept, in bytes.
const MOST: usize = 1 << 20;

/// How the receiver answers a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// With this status, and these headers.
    Status(u16, Vec<(&'static str, String)>),
    /// With 200, after this time.
    Slow(Duration),
    /// Not at all: the connection stays open until the receiver is dropped.
    Hang,
    /// Not at all: the connection is closed.
    HangUp,
}

impl Reply {
    /// With this status.
    pub fn status(status: u16) -> Self {
        Self::Status(status, Vec::new())
    }
}

/// A request that was received whole.
#[derive(Debug, Clone)]
pub struct Received {
    /// The first line.
    pub request: String,
    /// The headers, in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Received {
    /// The first header called `name` (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_slice(&self.body).context("the body is not JSON")
    }
}

#[derive(Debug, Default)]
struct State {
    replies: VecDeque<Reply>,
    received: Vec<Received>,
    open: Vec<TcpStream>,
}

/// A receiver on a port of its own, until it is dropped.
#[derive(Debug)]
pub struct Receiver {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Receiver {
    /// Starts one that answers the first requests by `replies`, and 200 after those.
    pub fn start(replies: impl IntoIterator<Item = Reply>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listening")?;
        let port = listener.local_addr()?.port();
        let replies = replies.into_iter().collect();
        let state = Arc::new(Mutex::new(State { replies, ..State::default() }));
        let weak = Arc::downgrade(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(stream), Some(state)) = (stream, weak.upgrade()) else { return };
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Ok(Self { port, state })
    }

    /// The URL of `path`, which starts with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What was received so far.
    pub fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).received.clone()
    }

    /// What was received when that is at least `count` requests, for which it waits.
    pub fn wait(&self, count: usize, patience: Duration) -> anyhow::Result<Vec<Received>> {
        let deadline = Instant::now() + patience;
        loop {
            let received = self.received();
            if received.len() >= count {
                return Ok(received);
            }
            let so_far = received.len();
            anyhow::ensure!(Instant::now() < deadline, "received {so_far} of {count} requests");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).open.clear();
        // The thread that listens sees at the next connection that nobody is here.
        let port = self.port;
        self.state = Arc::default();
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    }
}

/// Reads one request, keeps it, and answers it.
fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let Ok(received) = read(&stream) else { return };
    let reply = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.received.push(received);
        let reply = state.replies.pop_front().unwrap_or(Reply::status(200));
        if matches!(reply, Reply::Hang) {
            state.open.extend(stream.try_clone());
        }
        reply
    };
    let (status, headers) = match reply {
        Reply::Status(status, headers) => (status, headers),
        Reply::Slow(time) => {
            std::thread::sleep(time);
            (200, Vec::new())
        }
        Reply::Hang | Reply::HangUp => return,
    };
    let mut answer =
        format!("HTTP/1.1 {status} Told\r\ncontent-length: 0\r\nconnection: close\r\n");
    for (name, value) in headers {
        answer.extend([name, ": ", &value, "\r\n"]);
    }
    answer.push_str("\r\n");
    let _ = stream.write_all(answer.as_bytes());
}

fn read(stream: &TcpStream) -> anyhow::Result<Received> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let request = line.trim_end().to_owned();
    anyhow::ensure!(!request.is_empty(), "nothing was asked");
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: usize = length.map_or(Ok(0), |(_, value)| value.parse())?;
    anyhow::ensure!(length <= MOST, "{length} bytes are too many");
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Received { request, headers, body })
}
