//! Without authentication, only this machine may ask, and only knowingly.
//!
//! A page of the web can make a browser on this machine send requests to loopback: by a name that
//! it points to 127.0.0.1 (DNS rebinding), or across sites. The first shows in `Host`, the second
//! in `Origin`. Programs other than browsers send no `Origin`.

use std::net::IpAddr;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, StatusCode, Uri};

use crate::api::ApiError;

/// Passes requests on whose `Host` and `Origin`, where there are any, are loopback.
pub(crate) async fn check(request: Request, next: Next) -> Response {
    match refusal(request.uri(), request.headers()) {
        Some(message) => ApiError::new(StatusCode::FORBIDDEN, message).into_response(),
        None => next.run(request).await,
    }
}

fn refusal(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(100).collect::<String>();
    for host in headers.get_all(HOST) {
        if !host.to_str().is_ok_and(is_loopback) {
            return Some(format!(
                "the host `{}` is not loopback: without authentication, ask for localhost or \
                 127.0.0.1",
                shown(host.as_bytes())
            ));
        }
    }
    if let Some(authority) = uri.authority()
        && !is_loopback(authority.as_str())
    {
        let host = shown(authority.as_str().as_bytes());
        return Some(format!("the host `{host}` is not loopback"));
    }
    for origin in headers.get_all(ORIGIN) {
        let host = origin.to_str().ok().and_then(|text| text.split_once("://"));
        if !host.is_some_and(|(_, host)| is_loopback(host)) {
            return Some(format!(
                "requests from pages of `{}` are refused: without authentication, only pages of \
                 this machine may ask",
                shown(origin.as_bytes())
            ));
        }
    }
    None
}

/// Whether `host`, with or without a port, can only be this machine.
fn is_loopback(host: &str) -> bool {
    let (name, rest) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => (address, rest),
        None => host.find(':').map_or((host, ""), |colon| host.split_at(colon)),
    };
    let port_fits =
        rest.is_empty() || rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    let name = name.strip_suffix('.').unwrap_or(name);
    port_fits
        && (name.eq_ignore_ascii_case("localhost")
            || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()))
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

    #[test]
    fn the_page_that_asks_must_be_of_this_machine() {
        let ask = |name: http::HeaderName, value: &str| {
            let headers = HeaderMap::from_iter([(name, value.parse().unwrap())]);
            refusal(&Uri::from_static("/"), &headers)
        };
        assert_eq!(ask(HOST, "127.0.0.1:5094"), None);
        assert_eq!(ask(ORIGIN, "http://localhost:5094"), None);
        assert!(ask(HOST, "evil.example").is_some_and(|said| said.contains("evil.example")));
        assert!(ask(ORIGIN, "https://evil.example").is_some());
        assert!(ask(ORIGIN, "null").is_some(), "a sandboxed frame");
        let absolute = Uri::from_static("http://evil.example/");
        assert!(refusal(&absolute, &HeaderMap::new()).is_some());
        assert_eq!(refusal(&Uri::from_static("/"), &HeaderMap::new()), None);
    }
}
