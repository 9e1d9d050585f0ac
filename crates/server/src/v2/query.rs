//! The query of a request: each name's first value.

use http::Uri;
use percent_encoding::percent_decode_str;

/// The value of `name`, where the query has one that is UTF-8 and holds no NUL, which PostgreSQL
/// does not take. A `+` is a plus: media types have them, and nothing that is asked for has spaces.
pub(super) fn value(uri: &Uri, name: &str) -> Option<String> {
    uri.query()?.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let key = percent_decode_str(key).decode_utf8().ok()?;
        if key != name {
            return None;
        }
        let value = percent_decode_str(value).decode_utf8().ok()?.into_owned();
        (!value.contains('\0')).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_the_first_wins() {
        let uri =
            Uri::from_static("/?a=1&digest=sha256%3Aab&a=2&t=x/y+json&empty&bad=%ff&nul=a%00");
        assert_eq!(value(&uri, "a").as_deref(), Some("1"));
        assert_eq!(value(&uri, "digest").as_deref(), Some("sha256:ab"));
        assert_eq!(value(&uri, "t").as_deref(), Some("x/y+json"));
        assert_eq!(value(&uri, "empty").as_deref(), Some(""));
        assert_eq!(value(&uri, "bad"), None);
        assert_eq!(value(&uri, "nul"), None);
        assert_eq!(value(&Uri::from_static("/"), "a"), None);
    }
}
