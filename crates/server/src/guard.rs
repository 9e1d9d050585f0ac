//! From where a request comes, as far as its head tells.
//!
//! A page of the web can make a browser send requests to a server that the page's author does not
//! reach: by a name that it points to 127.0.0.1 (DNS rebinding), or across sites. The first shows in
//! `Host`, the second in `Origin`. Programs other than browsers send no `Origin`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};

use crate::api::ApiError;

/// Whose requests a router answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those of this process.
    InProcess,
    /// Those of this machine: the listener is on loopback.
    Machine,
    /// Those of whoever reaches the listener.
    Network,
}

/// Whose request it is; an extension of every request that the guard lets pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// This process's own.
    InProcess,
    /// Of somebody on this machine, who asks for this machine by name.
    Machine,
    /// As of somebody on this machine, but passed on there by a proxy: for whom is not known.
    Passed,
    /// Of anybody.
    Elsewhere,
}

/// Headers that only proxies send.
const PASSED: [&str; 5] = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/// What the guard goes by.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    /// Whose requests are answered.
    pub(crate) reach: Reach,
    /// Names, besides loopback's, by which the server is asked for. None, on a listener that is not
    /// loopback, for any.
    pub(crate) hosts: Arc<[String]>,
}

/// Passes requests on whose `Host` and `Origin`, where there are any, may be.
pub(crate) async fn check(
    State(guard): State<Guard>,
    mut request: Request,
    next: Next,
) -> Response {
    match guard.caller(request.uri(), request.headers()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(message) => ApiError::new(StatusCode::FORBIDDEN, message).into_response(),
    }
}

impl Guard {
    fn caller(&self, uri: &Uri, headers: &HeaderMap) -> Result<Caller, String> {
        let mut hosts: Vec<&[u8]> =
            headers.get_all(HOST).iter().map(HeaderValue::as_bytes).collect();
        hosts.extend(uri.authority().map(|it| it.as_str().as_bytes()));
        let mut caller = match self.reach {
            Reach::InProcess => Caller::InProcess,
            Reach::Machine => Caller::Machine,
            Reach::Network => Caller::Elsewhere,
        };
        for host in &hosts {
            let text = std::str::from_utf8(host).unwrap_or_default();
            if is_loopback(text) {
                continue;
            }
            if !self.is_named(text) {
                return Err(format!(
                    "the host `{}` is not loopback, and not one of `hosts` of [server]: ask for \
                     localhost or 127.0.0.1, or name it there",
                    shown(host)
                ));
            }
            // Somebody passes on here what comes from elsewhere.
            caller = Caller::Elsewhere;
        }
        if caller == Caller::Machine && PASSED.iter().any(|name| headers.contains_key(*name)) {
            caller = Caller::Passed;
        }
        for origin in headers.get_all(ORIGIN) {
            let host = origin.to_str().ok().and_then(|text| text.split_once("://"));
            let is_ours = |(_, host): (&str, &str)| {
                is_loopback(host) || hosts.iter().any(|it| it.eq_ignore_ascii_case(host.as_bytes()))
            };
            if !host.is_some_and(is_ours) {
                return Err(format!(
                    "requests from pages of `{}` are refused: only pages of this server and of this \
                     machine may ask",
                    shown(origin.as_bytes())
                ));
            }
        }
        Ok(caller)
    }

    /// Whether the server may be asked for by the name `host`, which is not loopback's.
    fn is_named(&self, host: &str) -> bool {
        if self.hosts.is_empty() {
            // Every request brings a token then, which a page of the web does not have.
            return self.reach == Reach::Network;
        }
        let bare = split(host).map(|(name, _)| name);
        self.hosts.iter().any(|named| {
            named.eq_ignore_ascii_case(host)
                || bare.is_some_and(|name| named.eq_ignore_ascii_case(name))
        })
    }
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(100).collect()
}

/// The name or address in `host`, and the port; none where it is neither.
fn split(host: &str) -> Option<(&str, Option<u16>)> {
    let (name, rest) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => (address, rest),
        None => host.find(':').map_or((host, ""), |colon| host.split_at(colon)),
    };
    let port = match rest {
        "" => None,
        _ => Some(rest.strip_prefix(':')?.parse().ok()?),
    };
    Some((name.strip_suffix('.').unwrap_or(name), port))
}

/// Whether `host`, with or without a port, can only be this machine.
fn is_loopback(host: &str) -> bool {
    split(host).is_some_and(|(name, _)| {
        name.eq_ignore_ascii_case("localhost")
            || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for host in ["localhost", "LOCALHOST:5094", "127.0.0.1:1", "127.9.9.9", "[::1]:80", "[::1]"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "localhost:x",
            "localhost:80@evil.example",
            "[::2]",
            "0.0.0.0",
            "2130706433",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    fn ask(
        reach: Reach,
        named: &[&str],
        headers: &[(http::HeaderName, &str)],
    ) -> Result<Caller, String> {
        let hosts = named.iter().map(|&name| name.to_owned()).collect();
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        let headers = headers.collect();
        Guard { reach, hosts }.caller(&Uri::from_static("/"), &headers)
    }

    #[test]
    fn the_page_that_asks_must_be_of_this_machine() {
        let ask = |name, value| ask(Reach::Machine, &[], &[(name, value)]);
        assert_eq!(ask(HOST, "127.0.0.1:5094"), Ok(Caller::Machine));
        assert_eq!(ask(ORIGIN, "http://localhost:5094"), Ok(Caller::Machine));
        assert!(ask(HOST, "evil.example").is_err_and(|said| said.contains("evil.example")));
        assert!(ask(ORIGIN, "https://evil.example").is_err());
        assert!(ask(ORIGIN, "null").is_err(), "a sandboxed frame");
        let guard = Guard { reach: Reach::Machine, hosts: Arc::new([]) };
        let absolute = Uri::from_static("http://evil.example/");
        assert!(guard.caller(&absolute, &HeaderMap::new()).is_err());
        let bare = guard.caller(&Uri::from_static("/"), &HeaderMap::new());
        assert_eq!(bare, Ok(Caller::Machine));
    }

    #[test]
    fn what_a_proxy_passes_on_is_of_anybody() {
        let named = ["portolan.example"];
        for host in ["portolan.example", "PORTOLAN.example:443", "portolan.example."] {
            assert_eq!(
                ask(Reach::Machine, &named, &[(HOST, host)]),
                Ok(Caller::Elsewhere),
                "{host}"
            );
        }
        assert_eq!(ask(Reach::Machine, &named, &[(HOST, "localhost")]), Ok(Caller::Machine));
        assert!(ask(Reach::Machine, &named, &[(HOST, "other.example")]).is_err());
        assert!(ask(Reach::Network, &named, &[(HOST, "other.example")]).is_err());
        let same = [(HOST, "portolan.example"), (ORIGIN, "https://portolan.example")];
        assert_eq!(ask(Reach::Machine, &named, &same), Ok(Caller::Elsewhere));
        let other = [(HOST, "portolan.example"), (ORIGIN, "https://evil.example")];
        assert!(ask(Reach::Machine, &named, &other).is_err());
    }

    #[test]
    fn a_proxy_that_names_loopback_is_seen_by_what_it_adds() {
        for name in PASSED {
            let added = [(HOST, "127.0.0.1:5094"), (http::HeaderName::from_static(name), "x")];
            assert_eq!(ask(Reach::Machine, &[], &added), Ok(Caller::Passed), "{name}");
            assert_eq!(ask(Reach::Network, &[], &added), Ok(Caller::Elsewhere), "{name}");
            assert_eq!(ask(Reach::InProcess, &[], &added), Ok(Caller::InProcess), "{name}");
        }
    }

    #[test]
    fn on_the_network_everybody_is_from_elsewhere() {
        for host in ["10.0.0.7:5094", "portolan", "127.0.0.1:5094"] {
            assert_eq!(ask(Reach::Network, &[], &[(HOST, host)]), Ok(Caller::Elsewhere), "{host}");
        }
        let same = [(HOST, "10.0.0.7:5094"), (ORIGIN, "http://10.0.0.7:5094")];
        assert!(ask(Reach::Network, &[], &same).is_ok());
        let other = [(HOST, "10.0.0.7:5094"), (ORIGIN, "http://10.0.0.7:3000")];
        assert!(ask(Reach::Network, &[], &other).is_err());
    }
}
