//! Ports of the host: which are free, and which a container got.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::error::EngineError;
use crate::spec::Port;

/// How many chosen ports are remembered, so that two containers that start at once differ.
const REMEMBERED: usize = 256;

/// A port on 127.0.0.1 of the host, and the port inside the container that answers there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The host's.
    pub host: u16,
    /// The container's. In the host's network they are the same.
    pub container: u16,
}

/// Chooses free ports.
#[derive(Debug, Default)]
pub(crate) struct Ports {
    recent: Mutex<VecDeque<u16>>,
}

impl Ports {
    /// A port on which nobody listens, and which was not chosen lately.
    fn free(&self) -> Result<u16, EngineError> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        // Listening keeps each refused port from being offered again.
        let mut refused = Vec::new();
        loop {
            let listener =
                TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(EngineError::NoPort)?;
            let port = listener.local_addr().map_err(EngineError::NoPort)?.port();
            if !recent.contains(&port) {
                recent.push_back(port);
                if recent.len() > REMEMBERED {
                    recent.pop_front();
                }
                return Ok(port);
            }
            refused.push(listener);
            if refused.len() > REMEMBERED {
                return Err(EngineError::NoPort(std::io::ErrorKind::AddrInUse.into()));
            }
        }
    }

    /// The ports that a container with the wishes `ports` gets, in the host's network or not.
    pub(crate) fn choose(
        &self,
        ports: &[Port],
        host_network: bool,
    ) -> Result<Vec<Published>, EngineError> {
        let choose = |(at, port): (usize, &Port)| {
            // Only the first port is told to the container: in the host's network the others are
            // where the container has them.
            let fixed = if host_network && at > 0 { port.container } else { port.host };
            let host = match fixed {
                Some(host) => host,
                None => self.free()?,
            };
            let container = if host_network { host } else { port.container.unwrap_or(host) };
            Ok(Published { host, container })
        };
        ports.iter().enumerate().map(choose).collect()
    }
}

/// `HOST:CONTAINER` divided by commas.
pub(crate) fn written(ports: &[Published]) -> String {
    let one = |port: &Published| format!("{}:{}", port.host, port.container);
    ports.iter().map(one).collect::<Vec<_>>().join(",")
}

/// Reads what [`written`] wrote; nothing where it is something else.
pub(crate) fn read(text: &str) -> Vec<Published> {
    let one = |text: &str| {
        let (host, container) = text.split_once(':')?;
        Some(Published { host: host.parse().ok()?, container: container.parse().ok()? })
    };
    text.split(',').map(one).collect::<Option<_>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn port(container: Option<u16>, host: Option<u16>) -> Port {
        Port { container, host }
    }

    #[test]
    fn a_hundred_choices_are_a_hundred_ports() {
        let ports = Ports::default();
        let chosen: HashSet<_> = (0..100).map(|_| ports.free().unwrap()).collect();
        assert_eq!(chosen.len(), 100);
    }

    #[test]
    fn the_network_decides_where_a_container_listens() {
        let ports = Ports::default();
        let own = ports.choose(&[port(Some(80), None), port(Some(90), Some(7))], false).unwrap();
        assert_eq!((own[0].container, own[1].container, own[1].host), (80, 90, 7));
        let own = ports.choose(&[port(None, None)], false).unwrap();
        assert_eq!(own[0].container, own[0].host);
        let shared = ports.choose(&[port(Some(80), None), port(Some(90), None)], true).unwrap();
        assert_eq!(shared[0].container, shared[0].host);
        assert_ne!(shared[0].host, 80);
        assert_eq!(shared[1], Published { host: 90, container: 90 });
    }

    #[test]
    fn what_is_written_is_read() {
        let ports = [Published { host: 1, container: 2 }, Published { host: 3, container: 4 }];
        assert_eq!(read(&written(&ports)), ports);
        assert!(read(&written(&[])).is_empty());
        for text in ["x", "1:2,", "1:99999", ":", "1:2,3"] {
            assert!(read(text).is_empty(), "{text}");
        }
    }
}
