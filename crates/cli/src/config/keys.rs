//! Every key, its type and its default. They are declared once, in `default.toml`.

use toml::{Table, Value};

use super::error::ConfigError;
use super::named::{Named, Names};

/// The default configuration, with a comment for each key.
pub(crate) const DEFAULT_FILE: &str = include_str!("default.toml");

/// One key of the configuration.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    /// The section, as in `store` or `events.ecr`.
    pub(crate) section: String,
    /// The name in the section, as in `url`.
    pub(crate) name: String,
    /// What it is where nobody said anything; its type is the key's type.
    pub(crate) default: Value,
}

impl Key {
    /// `store.url`.
    pub(crate) fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// `PORTOLAN_STORE_URL`.
    pub(crate) fn variable(&self) -> String {
        let name = format!("PORTOLAN_{}_{}", self.section, self.name);
        name.to_uppercase().replace(['.', '-'], "_")
    }
}

/// All keys, section by section, with those of the sections that have `names` of their own.
pub(super) fn all(names: &Names) -> Result<Vec<Key>, ConfigError> {
    let wrong = |reason: &dyn std::fmt::Display| ConfigError::Default(reason.to_string());
    let table: Table = DEFAULT_FILE.parse().map_err(|error| wrong(&error))?;
    let mut keys = Vec::new();
    for (section, values) in table {
        let Value::Table(values) = values else { return Err(wrong(&section)) };
        if let Some(named) = Named::of(&section) {
            keys.extend(named.keys(names.of(&section), &values));
            continue;
        }
        let (inner, values): (Vec<_>, Vec<_>) =
            values.into_iter().partition(|(_, value)| is_section(value));
        add(&mut keys, &section, values);
        for (name, values) in inner {
            let Value::Table(values) = values else { continue };
            add(&mut keys, &format!("{section}.{name}"), values);
        }
    }
    Ok(keys)
}

/// Whether `value` is a section with keys, and not a key whose value is a table: that is empty where
/// nobody said anything.
fn is_section(value: &Value) -> bool {
    value.as_table().is_some_and(|table| !table.is_empty())
}

fn add(keys: &mut Vec<Key>, section: &str, values: impl IntoIterator<Item = (String, Value)>) {
    let section = section.to_owned();
    let key = |(name, default)| Key { section: section.clone(), name, default };
    keys.extend(values.into_iter().map(key));
}

/// The word of `words` that `written` was probably meant to be.
pub(crate) fn meant<'a>(
    written: &str,
    words: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let (slips, word) = nearest(written, words)?;
    (slips <= 1 + word.len() / 4).then_some(word)
}

/// The word of `words` that is the fewest slips of the finger away from `written`, and how many.
pub(crate) fn nearest<'a>(
    written: &str,
    words: impl IntoIterator<Item = &'a str>,
) -> Option<(usize, &'a str)> {
    let slips =
        |word: &str| strsim::damerau_levenshtein(&written.to_lowercase(), &word.to_lowercase());
    words.into_iter().map(|word| (slips(word), word)).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood() {
        let words = ["listen", "url", "connections"];
        for (written, word) in [
            ("lisen", Some("listen")),
            ("LISTEN", Some("listen")),
            ("ulr", Some("url")),
            ("conections", Some("connections")),
            ("path", None),
            ("", None),
        ] {
            assert_eq!(meant(written, words), word, "{written}");
        }
    }

    #[test]
    fn every_key_has_a_comment_right_above_it() {
        // The second environment is as the first.
        let keys = all(&Names::default()).unwrap();
        for key in keys.iter().filter(|key| key.section != "environments.production") {
            let start = format!("\n{} = ", key.name);
            let section = DEFAULT_FILE.split_once(&format!("\n[{}]\n", key.section)).unwrap().1;
            let before = format!("\n{section}").split_once(&start).unwrap().0.to_owned();
            let above = before.lines().last().unwrap().to_owned();
            assert!(above.starts_with("# ") && above.ends_with('.'), "{}: {above}", key.path());
        }
    }

    #[test]
    fn variables_are_named_after_keys_and_never_alike() {
        let mut names: Vec<_> = all(&Names::default()).unwrap().iter().map(Key::variable).collect();
        for name in ["STORE_URL", "EVENTS_ECR_QUEUE", "ENVIRONMENTS_PRODUCTION_ACCOUNT"] {
            assert!(names.contains(&format!("PORTOLAN_{name}")), "{name}");
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
