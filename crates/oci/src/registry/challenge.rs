//! `WWW-Authenticate`: how a registry wants to be told who asks
//! ([RFC 9110, section 11](https://www.rfc-editor.org/rfc/rfc9110#section-11)).

/// One way that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password with each request.
    Basic,
    /// A token from a token service.
    Bearer {
        /// Where tokens are had.
        realm: String,
        /// For whom they are.
        service: Option<String>,
        /// What is needed for the request that was refused, divided by spaces.
        scope: Option<String>,
    },
}

/// A header is not read past this many bytes.
const MOST_BYTES: usize = 8 * 1024;

/// The ways that one header offers which we know; several may stand in one header.
pub(super) fn parse(header: &str) -> Vec<Challenge> {
    let mut found = Vec::new();
    if header.len() > MOST_BYTES {
        return found;
    }
    let mut rest = header;
    while let Some((scheme, after)) = token(skip(rest)) {
        let (parameters, after) = parameters(after);
        rest = after;
        let value = |name: &str| {
            parameters
                .iter()
                .find(|(has, _)| has.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.clone())
        };
        if scheme.eq_ignore_ascii_case("basic") {
            found.push(Challenge::Basic);
        } else if scheme.eq_ignore_ascii_case("bearer")
            && let Some(realm) = value("realm")
        {
            found.push(Challenge::Bearer {
                realm,
                service: value("service"),
                scope: value("scope").filter(|scope| !scope.is_empty()),
            });
        }
    }
    found
}

fn skip(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', ','])
}

fn token(text: &str) -> Option<(&str, &str)> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = text.find(|c| !is_token(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// The `name=value` pairs at the start of `text`, and what comes after them: the next scheme.
fn parameters(mut text: &str) -> (Vec<(&str, String)>, &str) {
    let mut found = Vec::new();
    loop {
        let here = skip(text);
        let Some((name, after)) = token(here) else { return (found, "") };
        let Some(after) = after.trim_start().strip_prefix('=') else { return (found, here) };
        let Some((value, after)) = value(after.trim_start()) else { return (found, "") };
        found.push((name, value));
        text = after;
    }
}

/// A token or a quoted string, and what comes after it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        return token(text).map(|(value, after)| (value.to_owned(), after));
    };
    let mut out = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((out, &quoted[at + 1..])),
            '\\' => out.push(characters.next()?.1),
            c => out.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        Challenge::Bearer {
            realm: realm.into(),
            service: service.map(Into::into),
            scope: scope.map(Into::into),
        }
    }

    #[test]
    fn what_registries_send_is_read() {
        let docker = "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\",\
                      scope=\"repository:library/x:pull,push\",error=\"invalid_token\"";
        let scope = Some("repository:library/x:pull,push");
        let expected = bearer("https://auth.docker.io/token", Some("registry.docker.io"), scope);
        assert_eq!(parse(docker), [expected]);
        assert_eq!(parse("Basic realm=\"x\""), [Challenge::Basic]);
        assert_eq!(parse("basic"), [Challenge::Basic]);
        assert_eq!(
            parse("Negotiate, Basic realm=a, bearer Realm = \"q\\\"uoted\" , service=b"),
            [Challenge::Basic, bearer("q\"uoted", Some("b"), None)]
        );
    }

    #[test]
    fn what_is_broken_offers_nothing() {
        for header in ["", "Bearer", "Bearer realm=\"open", "Bearer service=x", "\"", "=,=", "é"] {
            assert_eq!(parse(header), [], "{header}");
        }
        assert_eq!(parse(&format!("Basic realm=\"{}\"", "x".repeat(9000))), []);
    }

    proptest! {
        #[test]
        fn nothing_panics_or_hangs(header in "\\PC{0,200}") {
            let _ = parse(&header);
        }

        #[test]
        fn quoted_values_come_back(realm in "\\PC{1,40}", service in "[ -~]{0,40}") {
            let quote = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
            let header =
                format!("Bearer realm=\"{}\", service=\"{}\"", quote(&realm), quote(&service));
            prop_assert_eq!(parse(&header), [bearer(&realm, Some(&service), None)]);
        }
    }
}
