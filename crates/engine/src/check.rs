//! What may be said to the engine: every text from outside passes here first.

use std::time::Duration;

use crate::error::EngineError;

/// Bytes of all arguments of a command inside a container together.
const COMMAND_BYTES: usize = 64 << 10;
/// Bytes of one variable's value: Linux takes 128 KiB for one, with its name.
const VALUE_BYTES: usize = 64 << 10;
/// Bytes of one label's value.
const LABEL_BYTES: usize = 8 << 10;

/// The error for a `value` that cannot be `what`.
pub(crate) fn invalid(what: &'static str, value: &str, reason: &'static str) -> EngineError {
    let shown = value.chars().take(60).flat_map(char::escape_debug).collect();
    EngineError::Invalid { what, value: shown, reason }
}

fn is_word(text: &str, limit: usize, others: &[u8]) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= limit
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || others.contains(byte))
}

/// Checks the name of a container, network or installation.
pub(crate) fn name(what: &'static str, text: &str) -> Result<(), EngineError> {
    if is_word(text, 128, b"_.-") {
        return Ok(());
    }
    let reason = "use letters, digits, `_`, `.` and `-`, first a letter or digit, at most 128";
    Err(invalid(what, text, reason))
}

/// Checks what an environment, a project, a service or a deployment is called, as it stands in a
/// label: visible ASCII without what a filter of the engine takes as a pattern.
pub(crate) fn place(what: &'static str, text: &str) -> Result<(), EngineError> {
    if is_word(text, 255, b"_.-/:@") {
        return Ok(());
    }
    let reason = "use letters, digits, `_`, `.`, `-`, `/`, `:` and `@`, first a letter or digit, at \
                  most 255";
    Err(invalid(what, text, reason))
}

/// Checks a label of the user's own.
pub(crate) fn label(key: &str, value: &str) -> Result<(), EngineError> {
    if !is_word(key, 128, b"_.-/") {
        let reason = "use letters, digits, `_`, `.`, `-` and `/`, at most 128";
        return Err(invalid("a label's name", key, reason));
    }
    if key.starts_with("portolan.") {
        return Err(invalid("a label's name", key, "names in `portolan.` are Portolan's own"));
    }
    if value.len() > LABEL_BYTES || value.contains('\0') {
        return Err(invalid("a label", key, "its value has a zero byte or over 8 KiB"));
    }
    Ok(())
}

/// Checks a variable; the value is never shown.
pub(crate) fn variable(name: &str, value: &str) -> Result<(), EngineError> {
    let bytes = name.as_bytes();
    let fits = bytes.len() <= 255
        && bytes.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    if !fits {
        let reason = "use letters, digits and `_`, first no digit, at most 255";
        return Err(invalid("a variable's name", name, reason));
    }
    if name == "PORT" {
        let reason = "it tells the container its port: give the port as a port";
        return Err(invalid("a variable of one's own", name, reason));
    }
    if value.len() > VALUE_BYTES || value.contains('\0') {
        return Err(invalid("a variable", name, "its value has a zero byte or over 64 KiB"));
    }
    Ok(())
}

/// Checks the words of a command inside a container.
pub(crate) fn command(words: &[String]) -> Result<(), EngineError> {
    let first = words.first().map_or("", String::as_str);
    if words.len() > 1000 || words.iter().map(String::len).sum::<usize>() > COMMAND_BYTES {
        return Err(invalid("a command", first, "it has over 1000 words or over 64 KiB"));
    }
    if words.iter().any(|word| word.contains('\0')) {
        return Err(invalid("a command", first, "one of its words has a zero byte"));
    }
    Ok(())
}

/// Checks the path of an HTTP request, with its query.
pub(crate) fn path(text: &str) -> Result<(), EngineError> {
    let fits =
        text.len() <= 1000 && text.starts_with('/') && text.bytes().all(|b| b.is_ascii_graphic());
    if fits {
        return Ok(());
    }
    Err(invalid("a path", text, "it begins with `/` and has visible ASCII alone, at most 1000"))
}

/// Checks that a time can be waited.
pub(crate) fn time(
    what: &'static str,
    value: Duration,
    least: Duration,
    most: Duration,
) -> Result<(), EngineError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(invalid(what, &format!("{value:?}"), "it is too short or too long"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_mean_something_to_a_command_line_are_refused() {
        for text in ["web-1", "a", "A.b_c-9"] {
            assert!(name("a name", text).is_ok(), "{text}");
        }
        for text in ["", "-a", "--rm", ".a", "a b", "a;b", "a/b", "a=b", "$(a)", "é", "a\n", "a\0"]
        {
            assert!(name("a name", text).is_err(), "{text:?}");
        }
        assert!(name("a name", &"a".repeat(129)).is_err());
        assert!(place("a service", "team/orders-api:1").is_ok());
        for text in ["*", "a*", "a=b", "a,b", "", "a b", "-a", "a\n"] {
            assert!(place("a service", text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn values_are_never_shown() {
        let error = variable("PASSWORD", "secret\0").unwrap_err().to_string();
        assert!(error.contains("PASSWORD") && !error.contains("secret"), "{error}");
        assert!(variable("A-B", "").is_err());
        assert!(variable("1A", "").is_err());
        assert!(variable("A=B", "").is_err());
        assert!(variable("PORT", "80").is_err());
        assert!(variable("_A1", "a b\n\"c\"").is_ok());
        assert!(label("portolan.service", "x").is_err());
        assert!(label("-a", "x").is_err());
        assert!(label("team/owner", "a=b,c").is_ok());
    }

    #[test]
    fn a_path_cannot_hold_a_second_request() {
        assert!(path("/health?deep=1").is_ok());
        for text in ["", "health", "/a b", "/a\r\nX: y", "/é"] {
            assert!(path(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn an_error_is_one_short_line(text in "\\PC{0,300}|[\\x00-\\x20]{0,100}") {
            if let Err(error) = name("a name", &text) {
                let shown = error.to_string();
                prop_assert!(shown.lines().count() == 1 && shown.chars().count() < 1000, "{shown}");
            }
        }
    }
}
