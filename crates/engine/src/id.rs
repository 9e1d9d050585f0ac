//! The identity of a container.

use std::fmt;
use std::str::FromStr;

use crate::check::invalid;
use crate::error::EngineError;

/// The engine's own identity of a container: 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerId(String);

impl ContainerId {
    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ContainerId {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 64 && text.bytes().all(digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(invalid("a container's identity", text, "it has 64 hexadecimal digits"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_not_an_option_nor_a_name() {
        assert!("a1".repeat(32).parse::<ContainerId>().is_ok());
        for text in ["", "--all", "web", &"A1".repeat(32), &"a1".repeat(33), &"é".repeat(32)] {
            assert!(text.parse::<ContainerId>().is_err(), "{text}");
        }
    }
}
