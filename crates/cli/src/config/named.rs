//! Sections of sections, whose names are the configuration's own: environments, notifications.

use toml::{Table, Value};

use super::error::ConfigError;
use super::file::Text;
use super::keys::Key;
use super::origin::Origin;
use crate::env::Environment;

/// There are no more of a kind.
const MOST: usize = 64;

/// A section whose sections have names of the configuration's own choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Named {
    /// The section.
    pub(super) section: &'static str,
    /// The variable with the names.
    pub(super) variable: &'static str,
    /// What one of them is.
    one: &'static str,
}

/// `[environments.NAME]`.
pub(super) const ENVIRONMENTS: Named =
    Named { section: "environments", variable: "PORTOLAN_ENVIRONMENTS", one: "an environment" };
/// `[notifications.NAME]`.
pub(super) const NOTIFICATIONS: Named =
    Named { section: "notifications", variable: "PORTOLAN_NOTIFICATIONS", one: "a rule" };
/// All of them.
pub(super) const ALL: [Named; 2] = [ENVIRONMENTS, NOTIFICATIONS];

/// The names of the sections of each; where there are none, those of the default file stand.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(Vec<(&'static str, Vec<String>)>);

impl Names {
    /// The names that the variables and the file give.
    pub(super) fn read(
        file: Option<&Text>,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        let read = |named: &Named| Ok((named.section, named.names(file, environment)?));
        ALL.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// The names of the sections of `section`.
    pub(super) fn of(&self, section: &str) -> &[String] {
        let found = self.0.iter().find(|(known, _)| *known == section);
        found.map_or(&[], |(_, names)| names)
    }
}

impl Named {
    /// The one of this section.
    pub(super) fn of(section: &str) -> Option<Self> {
        ALL.into_iter().find(|named| named.section == section)
    }

    /// The names: those of the variable, then those of the file.
    fn names(
        self,
        file: Option<&Text>,
        environment: &Environment,
    ) -> Result<Vec<String>, ConfigError> {
        let variable = environment.all().find(|(name, _)| *name == self.variable);
        let mut names: Vec<(String, Origin)> = Vec::new();
        if let Some((_, listed)) = variable.filter(|(_, listed)| !listed.trim().is_empty()) {
            let origin = Origin::Environment(self.variable.to_owned());
            let listed = listed.split(',').map(str::trim).filter(|name| !name.is_empty());
            names.extend(listed.map(|name| (name.to_owned(), origin.clone())));
        }
        for (name, origin) in file.map(|text| text.names_in(self.section)).into_iter().flatten() {
            if !names.iter().any(|(known, _)| *known == name) {
                names.push((name, origin));
            }
        }
        for (at, (name, origin)) in names.iter().enumerate() {
            let refuse = |reason: String| ConfigError::Value {
                key: self.section.to_owned(),
                reason,
                origin: origin.clone(),
            };
            if !is_name(name) {
                return Err(refuse(format!(
                    "`{}` is no name of {}: 63 letters, digits, `-` and `_` at most, the first a \
                     letter or digit",
                    name.chars().take(80).collect::<String>(),
                    self.one,
                )));
            }
            if at >= MOST {
                return Err(refuse(format!("there are more than {MOST} {}", self.section)));
            }
            if let Some((other, _)) =
                names[..at].iter().find(|(other, _)| word(other) == word(name))
            {
                return Err(refuse(format!("`{other}` and `{name}` cannot be told apart")));
            }
        }
        Ok(names.into_iter().map(|(name, _)| name).collect())
    }

    /// The keys of the sections `names`; of the default ones where there are no names. `defaults`
    /// has the default ones, with every key.
    pub(super) fn keys(self, names: &[String], defaults: &Table) -> Vec<Key> {
        let any = || defaults.values().next();
        let of = |name: &String| {
            let section = format!("{}.{name}", self.section);
            let values = defaults.get(name).or_else(any).and_then(Value::as_table);
            values.into_iter().flatten().map(move |(key, default)| Key {
                section: section.clone(),
                name: key.clone(),
                default: default.clone(),
            })
        };
        if names.is_empty() {
            return defaults.keys().flat_map(of).collect();
        }
        names.iter().flat_map(of).collect()
    }

    /// The names of the sections that have keys, in the order of the keys.
    pub(super) fn listed(self, keys: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for section in keys {
            let name = section.as_ref().strip_prefix(self.section);
            let name = name.and_then(|rest| rest.strip_prefix('.'));
            if let Some(name) = name.filter(|name| !names.iter().any(|known| known == name)) {
                names.push(name.to_owned());
            }
        }
        names
    }
}

/// A name as it stands in a variable.
fn word(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    name.len() <= 63
        && name.bytes().all(fits)
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
}
