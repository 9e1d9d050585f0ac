//! `/ui/login`: where a browser is given a token to keep.
//!
//! It keeps the token itself, in a cookie that no script reads and that no other site makes it send.

use std::collections::HashMap;

use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use url::form_urlencoded;

use super::ask::Asked;
use super::error::PageError;
use super::frame::{Frame, Section, page};
use super::show::Visible;
use crate::App;
use crate::door::COOKIE_NAME;

/// The longest form, in bytes.
const MOST_BYTES: usize = 4096;
/// For how long a browser keeps a token, in seconds: a day's work.
const KEPT: u32 = 12 * 3600;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LoginQuery {
    /// Where to go afterwards.
    to: String,
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginView {
    frame: Frame,
    /// Where to go afterwards.
    to: Visible,
    /// The name of the token that the browser keeps.
    holder: Option<Visible>,
    /// Why the token that was sent is no good.
    problem: Option<Visible>,
    /// Whether there are tokens at all.
    is_open: bool,
}

/// `GET /ui/login`.
pub(super) async fn form(
    State(app): State<App>,
    Asked(query): Asked<LoginQuery>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let holder = app.door.kept(&app.store, &headers).await?;
    let holder = holder.map(|token| Visible::new(token.name));
    page(&view(&app, &query.to, holder, None).await?)
}

async fn view(
    app: &App,
    to: &str,
    holder: Option<Visible>,
    problem: Option<String>,
) -> Result<LoginView, PageError> {
    Ok(LoginView {
        frame: Frame::new(Section::None, "Log in"),
        to: Visible::new(ours(to)),
        holder,
        problem: problem.map(|text| Visible::cut(&text, 500)),
        is_open: app.door.standing(&app.store).await?.tokens == 0,
    })
}

/// `POST /ui/login`: keeps the token in the browser, and goes on.
pub(super) async fn log_in(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, PageError> {
    let bytes = axum::body::to_bytes(body, MOST_BYTES).await;
    let bytes =
        bytes.map_err(|_| PageError::bad("the form is too long, or did not arrive whole"))?;
    let form: HashMap<String, String> = form_urlencoded::parse(&bytes).into_owned().collect();
    let field = |name: &str| form.get(name).map_or("", |text| text.trim());
    let (token, to) = (field("token"), ours(field("to")));
    if let Err(unlike) = app.door.token(&app.store, token).await? {
        let view = view(&app, to, None, Some(unlike.to_string())).await?;
        return Ok((StatusCode::UNAUTHORIZED, Html(view.render()?)).into_response());
    }
    // What was looked up is a token, and has none of a cookie's own signs.
    Ok(keeping(token, KEPT, to, &headers))
}

/// `POST /ui/logout`: forgets the token.
pub(super) async fn log_out(headers: HeaderMap) -> Response {
    keeping("", 0, "/ui/login", &headers)
}

/// Goes to `to`, and has the browser keep `token` for some seconds.
fn keeping(token: &str, seconds: u32, to: &str, headers: &HeaderMap) -> Response {
    let is_tls = headers.get("x-forwarded-proto").is_some_and(|value| value == "https");
    let secure = if is_tls { "; Secure" } else { "" };
    let cookie = format!(
        "{COOKIE_NAME}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
    );
    let mut response = Redirect::to(to).into_response();
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// `to` where it is a page of ours, else the first page.
fn ours(to: &str) -> &str {
    let plain = to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if to.starts_with("/ui/") && plain { to } else { "/ui/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_on_to_pages_of_ours_alone() {
        for (to, expected) in [
            ("/ui/journal?state=dead", "/ui/journal?state=dead"),
            ("", "/ui/"),
            ("//evil.example/", "/ui/"),
            ("https://evil.example/", "/ui/"),
            ("/ui\\evil", "/ui/"),
            ("/ui/\r\nset-cookie: a=b", "/ui/"),
            ("/v2/", "/ui/"),
        ] {
            assert_eq!(ours(to), expected, "{to:?}");
        }
    }

    #[test]
    fn the_cookie_is_for_this_server_alone() {
        let told = |headers: &HeaderMap| {
            let response = keeping("abc", 60, "/ui/", headers);
            response.headers()[SET_COOKIE].to_str().unwrap().to_owned()
        };
        let plain = "portolan_token=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Strict";
        assert_eq!(told(&HeaderMap::new()), plain);
        let tls = HeaderMap::from_iter([(
            http::HeaderName::from_static("x-forwarded-proto"),
            HeaderValue::from_static("https"),
        )]);
        assert_eq!(told(&tls), format!("{plain}; Secure"));
    }
}
