//! Who may come in: the tokens that a request needs once there are some.
//!
//! Without tokens the server is open to this machine, and not reached from any other. The first token
//! closes it: what changes something needs one whose scope fits ([`table`]), and so does what reads,
//! when it comes from elsewhere. Whoever can read the store's file can do all, and so what asks in
//! process is let in.

mod given;
mod keys;
mod refusal;
mod secret;
mod table;

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{HOST, ORIGIN, REFERER};
use http::{HeaderMap, Method};
use portolan_model::{Digest, Timestamp, TokenId};
use portolan_store::{Scope, Store, StoreError, Token};

use crate::App;
use crate::guard::Caller;
use given::Given;
use keys::{Keys, Ring};
use refusal::Refusal;
use table::Need;

pub(crate) use given::COOKIE_NAME;
pub(crate) use secret::mint;

/// What keeps the door of a server. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Door {
    ring: Arc<Ring>,
    own: Option<Arc<Own>>,
}

/// The token by which this process comes in at its own door: it is kept nowhere, and gone with the
/// process.
#[derive(Debug)]
struct Own {
    digest: Digest,
    holder: Holder,
}

/// How the door is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// How many tokens are not revoked.
    pub(crate) tokens: usize,
    /// Whether one of them lets somebody in.
    pub(crate) has_live: bool,
}

/// Who was let in with a token.
#[derive(Debug, Clone)]
pub(crate) struct Holder {
    /// The token.
    pub(crate) id: TokenId,
    /// Its name.
    pub(crate) name: String,
    scopes: Vec<Scope>,
}

impl Holder {
    /// Whether the token is good for what `needed` is for.
    pub(crate) fn allows(&self, needed: &Scope) -> bool {
        self.scopes.iter().any(|scope| scope.allows(needed))
    }
}

/// Why a text lets nobody in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unlike {
    /// It is no token, or one that was revoked.
    #[error("this token is not known: it was revoked, or it is of another server")]
    Unknown,
    /// Its time is over.
    #[error("the token `{name}` expired at {at}: `portolan token create` makes another")]
    Expired {
        /// Its name.
        name: String,
        /// When.
        at: Timestamp,
    },
}

impl Door {
    /// A door that this process itself may come in by, to read and to push, with the token of this
    /// digest.
    pub(crate) fn with_own(digest: Digest, id: TokenId) -> Self {
        let holder = Holder { id, name: "this server".to_owned(), scopes: vec![Scope::Push] };
        Self { own: Some(Arc::new(Own { digest, holder })), ..Self::default() }
    }

    fn own(&self, text: &str) -> Option<&Holder> {
        let own = self.own.as_ref()?;
        (own.digest == Digest::of(text.as_bytes())).then_some(&own.holder)
    }

    /// How many tokens there are.
    pub(crate) async fn standing(&self, store: &Store) -> Result<Standing, StoreError> {
        let keys = self.ring.keys(store).await?;
        Ok(Standing { tokens: keys.len(), has_live: keys.has_live(store.now()) })
    }

    /// Reads the tokens again: this process has changed them.
    pub(crate) async fn renew(&self, store: &Store) -> Result<(), StoreError> {
        self.ring.renew(store).await
    }

    /// The token with this text.
    pub(crate) async fn token(
        &self,
        store: &Store,
        text: &str,
    ) -> Result<Result<Token, Unlike>, StoreError> {
        let keys = self.ring.keys(store).await?;
        Ok(live(&keys, text, store.now()).map(|key| key.token.clone()))
    }

    /// The token that a browser keeps, where it is one that lets somebody in.
    pub(crate) async fn kept(
        &self,
        store: &Store,
        headers: &HeaderMap,
    ) -> Result<Option<Token>, StoreError> {
        let Given::Cookie(text) = given::read(headers) else { return Ok(None) };
        Ok(self.token(store, text.expose()).await?.ok())
    }

    async fn let_in(
        &self,
        store: &Store,
        caller: Caller,
        need: Need,
        headers: &HeaderMap,
        method: &Method,
    ) -> Result<Option<Holder>, Refusal> {
        let elsewhere = caller == Caller::Elsewhere;
        let needed = match need.clone() {
            Need::Nothing => return Ok(None),
            Need::Read if caller == Caller::Machine => return Ok(None),
            Need::Read | Need::Login => Scope::Read,
            Need::Scope(scope) => scope,
            Need::Deploy => Scope::Deploy("ENVIRONMENT".to_owned()),
        };
        let keys = self.ring.keys(store).await.map_err(Refusal::Store)?;
        if keys.len() == 0 && !elsewhere {
            return Ok(None);
        }
        let text = match given::read(headers) {
            Given::Nothing => return Err(Refusal::missing(&needed)),
            Given::Unreadable(why) => return Err(Refusal::Unknown(why.to_owned())),
            Given::Cookie(_) if changes(method) && !is_same_origin(headers) => {
                return Err(Refusal::Forbidden(
                    "a login of the pages is for the pages of this server alone: programs send \
                     `Authorization: Bearer TOKEN`"
                        .to_owned(),
                ));
            }
            Given::Header(text) | Given::Cookie(text) => text,
        };
        if let Some(own) = self.own(text.expose()) {
            let fits = own.allows(&needed);
            return if fits {
                Ok(Some(own.clone()))
            } else {
                Err(Refusal::scope(&own.name, &needed))
            };
        }
        let now = store.now();
        let key = live(&keys, text.expose(), now);
        let key = key.map_err(|unlike| Refusal::Unknown(unlike.to_string()))?;
        let of_some = |scope: &Scope| matches!(scope, Scope::Deploy(_) | Scope::Admin);
        let fits = match need {
            Need::Deploy => key.token.scopes.iter().any(of_some),
            _ => key.token.allows(&needed),
        };
        if !fits {
            return Err(Refusal::scope(&key.token.name, &needed));
        }
        key.was_used(store, now);
        let Token { id, name, scopes, .. } = key.token.clone();
        Ok(Some(Holder { id, name, scopes }))
    }
}

fn live<'k>(keys: &'k Keys, text: &str, now: Timestamp) -> Result<&'k keys::Key, Unlike> {
    let key = keys.find(text).ok_or(Unlike::Unknown)?;
    match key.token.expires_at {
        Some(at) if !key.token.is_live(now) => {
            Err(Unlike::Expired { name: key.token.name.clone(), at })
        }
        _ => Ok(key),
    }
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether a browser says that a page of this very server asks. Other ports of a host are another
/// server, and yet are sent its cookies.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = text(ORIGIN).and_then(|origin| origin.split_once("://"));
    match (origin, text(HOST)) {
        (Some((_, origin)), Some(host)) => origin.eq_ignore_ascii_case(host),
        _ => false,
    }
}

/// The page of this server whose form was sent, as far as the browser tells.
fn sent_from(headers: &HeaderMap) -> &str {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let from = text(REFERER).and_then(|from| from.split_once("://")).map(|(_, rest)| rest);
    let path = from.zip(text(HOST)).and_then(|(from, host)| from.strip_prefix(host));
    path.filter(|path| path.starts_with("/ui/")).unwrap_or("/ui/")
}

/// Lets requests in that may, with their [`Holder`] where a token was needed.
pub(crate) async fn check(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let caller = request.extensions().get::<Caller>().copied().unwrap_or(Caller::Elsewhere);
    if caller == Caller::InProcess {
        return next.run(request).await;
    }
    let (method, headers) = (request.method(), request.headers());
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    // A message that SNS signed is let in by its signature, which is checked where it is taken.
    let signed = route == "/events" && *method == Method::POST && crate::api::is_signed(headers);
    let need = if signed { Need::Nothing } else { table::need(method, route) };
    match app.door.let_in(&app.store, caller, need, headers, method).await {
        Ok(holder) => {
            if let Some(holder) = holder {
                request.extensions_mut().insert(holder);
            }
            next.run(request).await
        }
        Err(refusal) => {
            let asked = request.uri().path_and_query().map_or("/ui/", |asked| asked.as_str());
            let asked = if changes(method) { sent_from(headers) } else { asked };
            refusal.answer(route, asked)
        }
    }
}
