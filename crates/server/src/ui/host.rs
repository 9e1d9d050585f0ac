//! The address at which the reader reaches this server, for commands to copy.

use http::{HeaderMap, header};

/// Where to push to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PushTo {
    /// Host and port, as they stand in an image reference.
    pub(super) host: String,
    /// Whether it is reached without TLS, which clients of a registry must be told.
    pub(super) plain: bool,
}

impl PushTo {
    /// The address in a request's headers; the default one where they have none that fits into an
    /// image reference.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let host = text(header::HOST).filter(|host| {
            let name = |b: u8| b.is_ascii_alphanumeric() || b".-:[]".contains(&b);
            !host.is_empty() && host.len() <= 255 && host.bytes().all(name)
        });
        let secure = text(header::HeaderName::from_static("x-forwarded-proto"));
        Self { host: host.unwrap_or("127.0.0.1:5094").to_owned(), plain: secure != Some("https") }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn host(given: &'static str) -> String {
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(given))]);
        PushTo::of(&headers).host
    }

    #[test]
    fn a_host_that_is_none_is_not_repeated() {
        assert_eq!(host("portolan.example:5094"), "portolan.example:5094");
        assert_eq!(host("[::1]:5094"), "[::1]:5094");
        for bad in ["", "a b", "$(reboot)", "a;b", "<script>"] {
            assert_eq!(host(bad), "127.0.0.1:5094", "{bad}");
        }
    }
}
