//! Names of projects and scopes, which are parts of keys in a bucket and of IAM policies.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is no name of a project or a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no name: 64 lower-case letters, digits, `.`, `_` and `-` at most, the first a letter \
     or digit"
)]
pub struct NameError(String);

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                if is_name(text) {
                    return Ok(Self(text.to_owned()));
                }
                Err(NameError(text.chars().take(80).collect()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

names! {
    /// Whose builds they are: sets of two projects never meet, even where their inputs are equal.
    Project,
    /// How far a build is trusted. Whoever may write to a scope decides what those find who read it.
    Scope,
}

impl Scope {
    /// The scope of what was reviewed and merged: `main`.
    pub fn main() -> Self {
        Self("main".to_owned())
    }

    /// The scope of what anybody may propose: `pull-request`.
    pub fn pull_request() -> Self {
        Self("pull-request".to_owned())
    }

    /// Whether it is `main`.
    pub fn is_main(&self) -> bool {
        self.0 == "main"
    }
}

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-')
    };
    text.len() <= 64
        && text.bytes().all(fits)
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_part_of_a_key() {
        for name in ["a", "shop.api-2_x", &"a".repeat(64)] {
            assert_eq!(name.parse::<Project>().unwrap().as_str(), name);
        }
        for wrong in ["", ".", "..", "-a", "a/b", "A", "a b", "é", "a*", &"a".repeat(65)] {
            assert!(wrong.parse::<Scope>().is_err(), "{wrong}");
        }
    }
}
