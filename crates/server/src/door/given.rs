//! The token that a request brings.

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use portolan_model::Secret;

/// The name of the cookie in which a browser keeps its token.
pub(crate) const COOKIE_NAME: &str = "portolan_token";

/// No token is longer, in bytes.
const MOST_BYTES: usize = 512;

/// Clients differ in whether they pad.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a request brings to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given {
    /// Nothing.
    Nothing,
    /// What is no token at all, and why.
    Unreadable(&'static str),
    /// A token that a program sends.
    Header(Secret<String>),
    /// A token that a browser keeps, and sends by itself.
    Cookie(Secret<String>),
}

/// What `headers` bring: `Authorization` (RFC 6750, RFC 7617), else the cookie.
pub(super) fn read(headers: &HeaderMap) -> Given {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    match (all.next(), all.next()) {
        (Some(_), Some(_)) => Given::Unreadable("there is more than one `Authorization`"),
        (Some(value), None) => match authorization(value) {
            // Clients of registries that have no login send an empty one where they were told that
            // one could be needed.
            Given::Header(token) if token.expose().is_empty() => cookie(headers),
            given => given,
        },
        (None, _) => cookie(headers),
    }
}

fn authorization(value: &HeaderValue) -> Given {
    const KINDS: &str = "`Authorization` is neither `Bearer TOKEN` nor `Basic …` with the token as \
        the password";
    let Some((scheme, rest)) = value.to_str().ok().and_then(|text| text.split_once(' ')) else {
        return Given::Unreadable(KINDS);
    };
    let rest = rest.trim();
    if rest.len() > MOST_BYTES * 2 {
        return Given::Unreadable("`Authorization` is longer than any token");
    }
    if scheme.eq_ignore_ascii_case("bearer") {
        return Given::Header(Secret::new(rest.to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Given::Unreadable(KINDS);
    }
    let text = BASE64.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match text.as_deref().and_then(|text| text.split_once(':')) {
        Some((_, password)) => Given::Header(Secret::new(password.to_owned())),
        None => Given::Unreadable("`Authorization: Basic` holds no user and password in base64"),
    }
}

fn cookie(headers: &HeaderMap) -> Given {
    let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let token = texts
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, token)| token)
        .filter(|token| !token.is_empty() && token.len() <= MOST_BYTES);
    token.map_or(Given::Nothing, |token| Given::Cookie(Secret::new(token.to_owned())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn given(pairs: &[(http::HeaderName, &str)]) -> Given {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        read(&headers)
    }

    fn header(token: &str) -> Given {
        Given::Header(Secret::new(token.to_owned()))
    }

    #[test]
    fn a_token_comes_in_three_ways() {
        assert_eq!(given(&[]), Given::Nothing);
        for text in
            ["Bearer abc", "bearer  abc ", "Basic dTphYmM=", "BASIC dTphYmM", "Basic OmFiYw=="]
        {
            assert_eq!(given(&[(AUTHORIZATION, text)]), header("abc"), "{text}");
        }
        // A password may hold what ends a user.
        assert_eq!(given(&[(AUTHORIZATION, "Basic dTphOmI=")]), header("a:b"));
        let kept = Given::Cookie(Secret::new("abc".to_owned()));
        for text in ["portolan_token=abc", "a=b; portolan_token=abc; c=d"] {
            assert_eq!(given(&[(COOKIE, text)]), kept, "{text}");
        }
        let both = [(COOKIE, "portolan_token=abc"), (AUTHORIZATION, "Bearer x")];
        assert_eq!(given(&both), header("x"), "what a program says itself counts");
    }

    #[test]
    fn an_empty_login_is_none() {
        for text in ["Basic Og==", "Basic dTo="] {
            assert_eq!(given(&[(AUTHORIZATION, text)]), Given::Nothing, "{text}");
        }
        for text in ["portolan_token=", "portolan_token", "xportolan_token=abc", ""] {
            assert_eq!(given(&[(COOKIE, text)]), Given::Nothing, "{text}");
        }
    }

    #[test]
    fn what_is_no_login_says_so() {
        let long = format!("Bearer {}", "x".repeat(2000));
        for text in ["abc", "Digest abc", "Basic ***", "Basic dQ==", "Basic /w==", "é", &long] {
            let given = given(&[(AUTHORIZATION, text)]);
            assert!(matches!(given, Given::Unreadable(_)), "{text}: {given:?}");
        }
        let twice = [(AUTHORIZATION, "Bearer a"), (AUTHORIZATION, "Bearer a")];
        assert!(matches!(given(&twice), Given::Unreadable(_)));
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_read(value: Vec<u8>, cookie: Vec<u8>) {
            let mut headers = HeaderMap::new();
            headers.extend(HeaderValue::from_bytes(&value).ok().map(|value| (AUTHORIZATION, value)));
            headers.extend(HeaderValue::from_bytes(&cookie).ok().map(|value| (COOKIE, value)));
            read(&headers);
        }

        #[test]
        fn what_is_sent_well_is_found(user in "[a-z0-9@.]{0,20}", token in "[!-~]{1,100}") {
            let basic = format!("Basic {}", BASE64.encode(format!("{user}:{token}")));
            prop_assert_eq!(given(&[(AUTHORIZATION, &basic)]), header(&token));
            prop_assert_eq!(given(&[(AUTHORIZATION, &format!("Bearer {token}"))]), header(&token));
        }
    }
}
