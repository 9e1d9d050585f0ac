//! What can be set about the client.

use std::time::Duration;

use portolan_model::Limits;

/// How the client behaves. The defaults suit a person at a terminal and a server alike.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How large what comes may be.
    pub limits: Limits,
    /// Hosts (with port) that are spoken to over plain http, besides loopback.
    pub insecure: Vec<String>,
    /// Hosts on private addresses that registries outside may send us to.
    pub egress_allowed: Vec<String>,
    /// How often a request that may be repeated is sent in all.
    pub attempts: u32,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long an answer may take to begin.
    pub response_timeout: Duration,
    /// How long a transfer may stand still.
    pub stall_timeout: Duration,
    /// How many tags are listed at most.
    pub most_tags: usize,
    /// Where another registry's `Retry-After` is longer than this, this is waited.
    pub longest_wait: Duration,
    /// The wait before the first repetition; it doubles with each.
    pub first_wait: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            insecure: Vec::new(),
            egress_allowed: Vec::new(),
            attempts: 5,
            connect_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_mins(1),
            stall_timeout: Duration::from_mins(1),
            most_tags: 1_000_000,
            longest_wait: Duration::from_secs(30),
            first_wait: Duration::from_millis(250),
        }
    }
}
