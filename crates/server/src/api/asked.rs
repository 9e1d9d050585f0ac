//! What a query asks where a name may be repeated: environments, moments, numbers.

use std::fmt::Write as _;

use axum::extract::FromRequestParts;
use http::request::Parts;
use portolan_model::Timestamp;

use super::ask::{Query, shown};
use super::error::{ApiError, ApiResult};

/// Values of one name at most.
const MOST_VALUES: usize = 100;
/// The longest value, in bytes.
const MOST_BYTES: usize = 4096;

/// The names and values of a query. A value that is empty was not given.
pub(super) struct Asked(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let Query(pairs) = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await?;
        if let Some((name, _)) = pairs.iter().find(|(_, value)| value.len() > MOST_BYTES) {
            let name = shown(name);
            return Err(ApiError::bad(format!("`{name}` has more than {MOST_BYTES} bytes")));
        }
        Ok(Self(pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect()))
    }
}

impl Asked {
    /// Every value of the names `names`, in their order, each once.
    pub(super) fn many(&self, names: &[&str]) -> ApiResult<Vec<String>> {
        let mut values: Vec<String> = Vec::new();
        for (_, value) in self.0.iter().filter(|(name, _)| names.contains(&name.as_str())) {
            if !values.contains(value) {
                values.push(value.clone());
            }
            if values.len() > MOST_VALUES {
                let name = names.first().copied().unwrap_or_default();
                return Err(ApiError::bad(format!("more than {MOST_VALUES} values of `{name}`")));
            }
        }
        Ok(values)
    }

    /// The value of `name`, which may be given once.
    pub(super) fn one(&self, name: &str) -> ApiResult<Option<&str>> {
        let mut values = self.0.iter().filter(|(given, _)| given == name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(ApiError::bad(format!("`{name}` was given more than once"))),
            (value, None) => Ok(value.map(|(_, value)| value.as_str())),
        }
    }

    /// The value of `name` as a number.
    pub(super) fn number(&self, name: &str) -> ApiResult<Option<u64>> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let number = text.parse::<u64>().map_err(|_| {
            ApiError::bad(format!("`{name}` is a number from 0, and not `{}`", shown(text)))
        })?;
        // Both engines count in signed numbers.
        Ok(Some(number.min(i64::MAX as u64)))
    }

    /// The value of `name` as a moment, in any of the ways in which people write one at `now`.
    pub(super) fn moment(&self, name: &str, now: Timestamp) -> ApiResult<Option<Timestamp>> {
        let read = |text| Timestamp::spoken(text, now);
        let moment = self.one(name)?.map(read).transpose();
        moment.map_err(|error| ApiError::bad(format!("`{name}`: {error}")))
    }

    /// The moment that is asked about: `at`, else `now`.
    pub(super) fn at(&self, now: Timestamp) -> ApiResult<Timestamp> {
        Ok(self.moment("at", now)?.unwrap_or(now))
    }

    /// The environments that are asked about; all, where none is named.
    pub(super) fn environments(&self) -> ApiResult<Vec<String>> {
        self.many(&["environment", "environments"])
    }

    /// The query in one form: what answers the same has the same.
    pub(super) fn canonical(&self, names: &[&str]) -> String {
        let mut pairs: Vec<&(String, String)> =
            self.0.iter().filter(|(name, _)| names.contains(&name.as_str())).collect();
        pairs.sort_unstable();
        let mut text = String::new();
        for (name, value) in pairs {
            // Lengths keep apart what could run into one another.
            let _ = write!(text, "{name}={}:{value}&", value.len());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> Asked {
        Asked(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    #[test]
    fn values_are_read_and_refused() {
        let query = asked(&[("a", "1"), ("b", "x"), ("b", "y"), ("b", "x"), ("n", "-1")]);
        assert_eq!(query.number("a").unwrap(), Some(1));
        assert_eq!(query.number("none").unwrap(), None);
        assert!(query.number("n").is_err() && query.one("b").is_err());
        assert_eq!(query.many(&["b"]).unwrap(), ["x", "y"]);
        assert_eq!(
            asked(&[("a", "18446744073709551615")]).number("a").unwrap(),
            Some(i64::MAX as u64)
        );
        let many: Vec<_> = (0..=MOST_VALUES).map(|n| ("b".into(), n.to_string())).collect();
        assert!(Asked(many).many(&["b"]).is_err());
    }

    #[test]
    fn one_form_for_what_is_the_same() {
        let names = ["at", "environment"];
        let (one, other) = (
            asked(&[("environment", "b"), ("x", "y"), ("environment", "a")]),
            asked(&[("environment", "a"), ("environment", "b")]),
        );
        assert_eq!(one.canonical(&names), other.canonical(&names));
        let tricky = asked(&[("environment", "a&environment=1:b")]);
        assert_ne!(tricky.canonical(&names), other.canonical(&names));
    }
}
