//! Names of objects.

use std::fmt;
use std::str::FromStr;

/// The most bytes of a key, as
/// [S3](https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html) has it.
const MOST: usize = 1024;

/// The name of an object below the prefix of its bucket: 1 to 1,024 bytes of UTF-8 without control
/// characters, in segments between slashes of which none is empty, `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

/// Why a text is no [`Key`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is not a key of an object: {what}")]
pub struct KeyError {
    /// The beginning of the text.
    pub key: String,
    /// What is wrong with it.
    pub what: &'static str,
}

impl Key {
    /// The key as it is, of which only what no bucket would take is refused (no bytes, more than
    /// 1,024 of them, NUL): for what another tool stored. A directory refuses it where it is no
    /// [`Key`] by the whole rule.
    pub fn verbatim(text: &str) -> Result<Self, KeyError> {
        let wrong = |what| Err(KeyError { key: text.escape_debug().take(100).collect(), what });
        match text {
            "" => wrong("it is empty"),
            _ if text.len() > MOST => wrong("it has more than 1,024 bytes"),
            _ if text.contains('\0') => wrong("it has a NUL character"),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key `more` below this one.
    pub fn join(&self, more: &str) -> Result<Self, KeyError> {
        format!("{}/{more}", self.0).parse()
    }

    /// What is behind the last slash.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let key = Self::verbatim(text)?;
        let wrong = |what| Err(KeyError { key: text.escape_debug().take(100).collect(), what });
        if text.chars().any(char::is_control) {
            return wrong("it has a control character");
        }
        for segment in text.split('/') {
            match segment {
                "" => return wrong("a part between slashes is empty"),
                "." | ".." => return wrong("`.` and `..` are no parts of it"),
                _ => {}
            }
        }
        Ok(key)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_checked() {
        for good in ["a", "a/b.zip", ".hidden", "a b/é", "a..b", &"k".repeat(1024)] {
            assert_eq!(good.parse::<Key>().unwrap().as_str(), good);
        }
        for bad in ["", "/", "/a", "a/", "a//b", "a/../b", ".", "a/.", "a\nb", "a\0", "\u{85}"] {
            assert!(bad.parse::<Key>().is_err(), "{bad:?}");
        }
        assert!("k".repeat(1025).parse::<Key>().is_err());
    }

    #[test]
    fn what_another_tool_wrote_is_taken_as_it_is() {
        assert_eq!(Key::verbatim("artifacts//a").unwrap().file_name(), "a");
        assert!(Key::verbatim("").is_err());
        let key: Key = "a".parse().unwrap();
        assert_eq!(key.join("b/c").unwrap().as_str(), "a/b/c");
        assert!(key.join("../c").is_err());
    }
}
