//! The stylesheet, the scripts and the mark, embedded in the binary.
//!
//! A page names a file with a part of its digest (`/ui/static/portolan.0123456789ab.css`), so
//! that a browser may keep it for ever and still never shows a page with an older one.

use std::borrow::Cow;

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use portolan_model::Digest;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::ask::At;
use super::error::PageError;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

fn digest(file: &EmbeddedFile) -> Digest {
    Digest::from_bytes(file.metadata.sha256_hash())
}

/// The URL of the file `name`, as it is now.
pub(super) fn url(name: &str) -> String {
    let Some(file) = Files::get(name) else { return format!("/ui/static/{name}") };
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    format!("/ui/static/{stem}.{}.{extension}", digest(&file).short())
}

/// The name in `asked`, and the part of the digest in it, where it has one.
fn parts(asked: &str) -> (Cow<'_, str>, Option<&str>) {
    let named = asked.rsplit_once('.').and_then(|(rest, extension)| {
        let (stem, short) = rest.rsplit_once('.')?;
        let is_short = short.len() == 12 && short.bytes().all(|b| b.is_ascii_hexdigit());
        is_short.then(|| (format!("{stem}.{extension}"), short))
    });
    match named {
        Some((name, short)) => (name.into(), Some(short)),
        None => (asked.into(), None),
    }
}

/// The media type of the file `name`; none of what lies beside, such as licences.
fn media_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

/// `GET /ui/static/{file}`.
pub(super) async fn serve(At(asked): At, headers: HeaderMap) -> Result<Response, PageError> {
    let (name, short) = parts(&asked);
    let media_type = media_type(&name).ok_or(PageError::NoSuchPage)?;
    let file = Files::get(&name).ok_or(PageError::NoSuchPage)?;
    let digest = digest(&file);
    let tag = format!("\"{}\"", digest.short());
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| {
        known.to_str().is_ok_and(|known| known.split(',').any(|each| each.trim() == tag))
    });
    // An address with an older digest is answered too, but may not be kept.
    let keep = if short == Some(digest.short().as_str()) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let body = match file.data {
        _ if known => Body::empty(),
        Cow::Borrowed(bytes) => Body::from(Bytes::from_static(bytes)),
        Cow::Owned(bytes) => Body::from(bytes),
    };
    let mut response = Response::new(body);
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_has_a_part_of_the_digest() {
        let file = Files::get("portolan.css").unwrap();
        let address = url("portolan.css");
        let (name, short) = parts(address.strip_prefix("/ui/static/").unwrap());
        assert_eq!(name, "portolan.css");
        assert_eq!(short, Some(Digest::of(&file.data).short().as_str()));
        assert_eq!(parts("htmx.min.js"), ("htmx.min.js".into(), None));
        assert_eq!(parts("x"), ("x".into(), None));
    }

    #[test]
    fn htmx_is_the_published_file() {
        let file = Files::get("htmx.min.js").unwrap();
        assert_eq!(
            digest(&file).hex(),
            "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"
        );
        assert_eq!(media_type("htmx.md"), None, "only what pages ask for is served");
    }
}
