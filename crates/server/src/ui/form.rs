//! What a form of a page says.

use axum::extract::{FromRequest, Request};
use url::form_urlencoded;

use super::error::PageError;

/// The longest form, in bytes: a plan of some hundred services is in one.
const MOST_BYTES: usize = 4 << 20;

/// The names and values of a form, in their order, without spaces around them.
#[derive(Debug)]
pub(super) struct Form(Vec<(String, String)>);

impl<S: Sync> FromRequest<S> for Form {
    type Rejection = PageError;

    async fn from_request(request: Request, _: &S) -> Result<Self, PageError> {
        let bytes = axum::body::to_bytes(request.into_body(), MOST_BYTES).await.map_err(|_| {
            PageError::bad("the form is longer than any of ours, or did not arrive whole")
        })?;
        Ok(Self::of(&bytes))
    }
}

impl Form {
    fn of(bytes: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(bytes);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.trim().to_owned())).collect())
    }

    /// The first value of `name`; empty where there is none.
    pub(super) fn one(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(given, _)| given == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// The first value of `name`, unless that is empty.
    pub(super) fn given(&self, name: &str) -> Option<String> {
        Some(self.one(name)).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// Every name and value.
    pub(super) fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_sent_is_read() {
        let form = Form::of(b"by=+ann+&services=a%2Fb&services=&x&%ff=%00&by=eve");
        assert_eq!((form.one("by"), form.one("services"), form.one("x")), ("ann", "a/b", ""));
        assert_eq!(
            (form.given("by"), form.given("x"), form.one("none")),
            (Some("ann".into()), None, "")
        );
        assert_eq!(form.into_pairs().len(), 6);
    }
}
