//! Which value of a key wins: a flag's, else a variable's, else the file's, else the default.

use std::path::Path;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::error::ConfigError;
use super::file::{self, Found};
use super::keys::{self, Key, nearest};
use super::named::{self, Names};
use super::origin::Origin;
use super::projects::Sections;
use super::value;
use crate::env::Environment;

/// What flags say about the configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    /// `--listen ADDRESS`: `server.listen`.
    pub(crate) listen: Option<String>,
    /// `--data DIR`: everything that is embedded is in this directory.
    pub(crate) data: Option<std::path::PathBuf>,
}

/// A key, its value, and where that came from.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    /// The key.
    pub(crate) key: Key,
    /// The value that won.
    pub(crate) value: Value,
    /// Where it came from.
    pub(crate) origin: Origin,
}

/// Every key with the value that won.
#[derive(Debug, Clone)]
pub(crate) struct Layers {
    /// One for each key, in the order of sections and names.
    pub(crate) settings: Vec<Setting>,
    /// The file that was read.
    pub(crate) file: Found,
    /// What it says of projects.
    pub(super) projects: Sections,
}

impl Layers {
    /// Lays file, environment and flags over the defaults.
    pub(crate) fn read(
        named: Option<&Path>,
        environment: &Environment,
        flags: &Flags,
    ) -> Result<Self, ConfigError> {
        let file = file::find(named, environment);
        let text = file.path().map(file::read).transpose()?;
        let keys = keys::all(&Names::read(text.as_ref(), environment)?)?;
        let projects = text.as_ref().map(file::Text::projects).transpose()?.unwrap_or_default();
        let given = text.map(|text| text.values(&keys)).transpose()?;
        let variables = variables(&keys, environment)?;
        let mut settings: Vec<_> = keys
            .into_iter()
            .map(|key| Setting { value: key.default.clone(), key, origin: Origin::Default })
            .collect();
        for (at, value, origin) in given.into_iter().flatten().chain(variables) {
            settings[at].set(value, origin)?;
        }
        let mut layers = Self { settings, file, projects };
        if let Some(listen) = &flags.listen {
            layers.overrule("server.listen", listen.clone(), "--listen")?;
        }
        if let Some(data) = &flags.data {
            // What is not embedded stays where it is: `--data` moves no PostgreSQL.
            for (key, scheme, name) in
                [("store.url", "sqlite:", "portolan.db"), ("blobs.url", "file:", "blobs")]
            {
                if layers.text(key)?.starts_with(scheme) {
                    let path = data.join(name);
                    layers.overrule(key, format!("{scheme}{}", path.display()), "--data")?;
                }
            }
        }
        Ok(layers)
    }

    fn overrule(
        &mut self,
        path: &str,
        value: String,
        flag: &'static str,
    ) -> Result<(), ConfigError> {
        let missing = || ConfigError::Default(format!("no {path}"));
        let setting = self.settings.iter_mut().find(|setting| setting.key.path() == path);
        setting.ok_or_else(missing)?.set(Value::String(value), Origin::Flag(flag))
    }

    /// The setting of the key `path`, as in `store.url`.
    pub(crate) fn setting(&self, path: &str) -> Result<&Setting, ConfigError> {
        let found = self.settings.iter().find(|setting| setting.key.path() == path);
        found.ok_or_else(|| ConfigError::Default(format!("no {path}")))
    }

    /// The value of the key `path`.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ConfigError> {
        let setting = self.setting(path)?;
        setting
            .value
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| setting.refuse(error.message().trim().to_owned()))
    }

    /// The number of the key `path`, where none would mean that nothing is ever done.
    pub(crate) fn at_least_one<T: DeserializeOwned + PartialEq + Default>(
        &self,
        path: &str,
    ) -> Result<T, ConfigError> {
        let number = self.get(path)?;
        if number == T::default() {
            return Err(self.setting(path)?.refuse("it must be 1 at least"));
        }
        Ok(number)
    }

    /// The text of the key `path`.
    pub(crate) fn text(&self, path: &str) -> Result<String, ConfigError> {
        self.get(path)
    }

    /// The text of the key `path`, none where it is empty.
    pub(crate) fn told(&self, path: &str) -> Result<Option<String>, ConfigError> {
        Ok(Some(self.text(path)?).filter(|text| !text.is_empty()))
    }

    /// A whole section, where each of its keys may be left out.
    pub(crate) fn section<T: DeserializeOwned>(&self, section: &str) -> Result<T, ConfigError> {
        let of_section = || self.settings.iter().filter(|setting| setting.key.section == section);
        let table = |settings: &mut dyn Iterator<Item = &Setting>| {
            let pairs = settings.map(|setting| (setting.key.name.clone(), setting.value.clone()));
            Value::Table(pairs.collect::<Table>()).try_into::<T>()
        };
        table(&mut of_section()).map_err(|error| {
            // The parser does not say which key it was; the one that fails alone is it.
            let wrong = of_section().find_map(|setting| {
                let error = table(&mut std::iter::once(setting)).err()?;
                Some(setting.refuse(error.message().trim().to_owned()))
            });
            wrong.unwrap_or_else(|| ConfigError::Default(error.to_string()))
        })
    }
}

impl Setting {
    fn set(&mut self, value: Value, origin: Origin) -> Result<(), ConfigError> {
        if !value::fits(&value, &self.key.default) {
            let found = match &value {
                Value::Array(_) if self.key.default.is_array() => "another list",
                Value::Integer(_) if self.key.default.is_integer() => "a negative number",
                other => value::kind(other),
            };
            let wanted = value::wanted(&self.key.default);
            return Err(ConfigError::Type { key: self.key.path(), wanted, found, origin });
        }
        (self.value, self.origin) = (value, origin);
        Ok(())
    }

    /// That the value cannot be used, and why.
    pub(crate) fn refuse(&self, reason: impl Into<String>) -> ConfigError {
        let (key, origin) = (self.key.path(), self.origin.clone());
        ConfigError::Value { key, reason: reason.into(), origin }
    }
}

/// The values that variables give. A variable that is nearly one of ours is an error; one that is
/// far from all of them may be somebody else's (Kubernetes makes `PORTOLAN_SERVICE_HOST` of a
/// service called portolan).
fn variables(
    keys: &[Key],
    environment: &Environment,
) -> Result<Vec<(usize, Value, Origin)>, ConfigError> {
    let names: Vec<_> = keys.iter().map(Key::variable).collect();
    let mut values = Vec::new();
    for (name, text) in environment.all().filter(|(name, _)| name.starts_with("PORTOLAN_")) {
        let origin = Origin::Environment(name.to_owned());
        if named::ALL.iter().any(|named| named.variable == name) {
            continue;
        }
        if let Some(at) = names.iter().position(|known| known == name) {
            let default = &keys[at].default;
            let value = value::parse(text, default).ok_or_else(|| ConfigError::Type {
                key: keys[at].path(),
                wanted: value::wanted(default),
                found: "this text",
                origin: origin.clone(),
            })?;
            values.push((at, value, origin));
        } else if let Some((..=2, meant)) = nearest(name, names.iter().map(String::as_str)) {
            let meant = Some(meant.to_owned());
            return Err(ConfigError::Unknown { what: "key", name: name.into(), meant, origin });
        } else if let Some(named) = named::ALL.iter().find(|named| {
            name.strip_prefix(named.variable).is_some_and(|rest| rest.starts_with('_'))
        }) {
            // Of a section that is not named anywhere: nobody else has such a variable.
            let meant = Some(named.variable.to_owned());
            return Err(ConfigError::Unknown { what: "key", name: name.into(), meant, origin });
        }
    }
    Ok(values)
}
