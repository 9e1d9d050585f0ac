//! Who acts by a form: the holder of the token that the browser keeps; where there are no tokens,
//! whoever the form says.

use askama::Template;
use askama::filters::HtmlSafe;
use http::HeaderMap;
use portolan_store::{Scope, Token};

use super::error::PageError;
use super::link::Link;
use super::show::Visible;
use crate::App;

/// Who acts, as a part of a form.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/who.html")]
pub(super) struct Who {
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    /// There are no tokens, and the form asks for a name.
    Anybody,
    /// The token that the browser keeps.
    Holder { name: Visible, token: Box<Token> },
    /// There are tokens, and the browser keeps none of them.
    Stranger { login: Link },
}

impl HtmlSafe for Who {}

impl Who {
    /// Who asks with these headers for the page at `here`.
    pub(super) async fn of(app: &App, headers: &HeaderMap, here: &Link) -> Result<Self, PageError> {
        let kind = if let Some(token) = app.door.kept(&app.store, headers).await? {
            Kind::Holder { name: Visible::cut(&token.name, 80), token: Box::new(token) }
        } else if app.door.standing(&app.store).await?.tokens == 0 {
            Kind::Anybody
        } else {
            Kind::Stranger { login: Link::to("/ui/login").with("to", here.to_string()) }
        };
        Ok(Self { kind })
    }

    /// Whether a form would be taken that asks for `needed`. Where it would not, this is shown in its
    /// place.
    pub(super) fn may(&self, needed: &Scope) -> bool {
        match &self.kind {
            Kind::Anybody => true,
            Kind::Holder { token, .. } => token.allows(needed),
            Kind::Stranger { .. } => false,
        }
    }

    /// Whether a form would be taken that changes `environment`.
    pub(super) fn may_deploy(&self, environment: &str) -> bool {
        self.may(&Scope::Deploy(environment.to_owned()))
    }

    /// Whether it is known to be somebody called `name`.
    pub(super) fn is(&self, name: &str) -> bool {
        matches!(&self.kind, Kind::Holder { token, .. } if token.name == name)
    }
}
