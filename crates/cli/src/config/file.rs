//! Finding a configuration file, and reading it so that every value knows its line.

use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use toml::Value;
use toml::de::{DeTable, DeValue};

use super::error::ConfigError;
use super::keys::{Key, meant};
use super::origin::Origin;
use super::projects;
use crate::env::Environment;

/// The name of the file.
const NAME: &str = "portolan.toml";
/// No configuration is larger, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// Which file is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// Named by a flag or a variable, or in the working directory or above: what is embedded is
    /// beside it.
    Project(PathBuf),
    /// In the user's configuration directory: it is about every project.
    User(PathBuf),
    /// None.
    None,
}

impl Found {
    /// The file.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Project(path) | Self::User(path) => Some(path),
            Self::None => None,
        }
    }
}

/// The file to read: the one that was named, else the nearest `portolan.toml` upward from the
/// working directory, else the user's.
pub(crate) fn find(named: Option<&Path>, environment: &Environment) -> Found {
    if let Some(path) = named {
        return Found::Project(environment.directory.join(path));
    }
    let upward = environment.directory.ancestors().map(|directory| directory.join(NAME));
    if let Some(path) = upward.into_iter().find(|path| path.is_file()) {
        return Found::Project(path);
    }
    let user = environment.configuration_home().map(|home| home.join("portolan").join(NAME));
    user.filter(|path| path.is_file()).map_or(Found::None, Found::User)
}

/// A file that was read.
#[derive(Debug)]
pub(super) struct Text {
    path: PathBuf,
    text: String,
}

/// A value of a file: the index of its key, the value, its origin.
type Placed = (usize, Value, Origin);

/// The file at `path`.
pub(super) fn read(path: &Path) -> Result<Text, ConfigError> {
    let failed = |source| ConfigError::Read { path: path.to_owned(), source };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > MOST_BYTES {
        return Err(ConfigError::Large { path: path.to_owned(), size });
    }
    Ok(Text { path: path.to_owned(), text: std::fs::read_to_string(path).map_err(failed)? })
}

impl Text {
    /// The names in the section `section`, with their origins; none where the file is not TOML,
    /// which [`Text::values`] says.
    pub(super) fn names_in(&self, section: &str) -> Vec<(String, Origin)> {
        let Ok(table) = DeTable::parse(&self.text) else { return Vec::new() };
        let found = table.into_inner().into_iter().find(|(name, _)| name.get_ref() == section);
        let Some(DeValue::Table(names)) = found.map(|(_, value)| value.into_inner()) else {
            return Vec::new();
        };
        let told = |name: toml::Spanned<_>| {
            let origin = self.origin(name.span().start);
            (String::from(name.into_inner()), origin)
        };
        names.into_iter().map(|(name, _)| told(name)).collect()
    }

    /// The values of the file.
    pub(super) fn values(&self, keys: &[Key]) -> Result<Vec<Placed>, ConfigError> {
        let table = DeTable::parse(&self.text).map_err(|error| self.syntax(&error))?;
        let mut values = Vec::new();
        self.section("", table.into_inner(), keys, &mut values)?;
        Ok(values)
    }

    /// Adds the values of the section at `path`, which is "" for the whole file, to `values`.
    fn section(
        &self,
        path: &str,
        content: DeTable<'_>,
        keys: &[Key],
        values: &mut Vec<Placed>,
    ) -> Result<(), ConfigError> {
        for (name, value) in content {
            if path.is_empty() && name.get_ref() == projects::SECTION {
                // What is below has names of its own on every floor: [`Text::projects`] reads it.
                continue;
            }
            let origin = self.origin(name.span().start);
            let name = name.into_inner();
            let full = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            if keys.iter().any(|key| is_within(&key.section, &full)) {
                let DeValue::Table(content) = value.into_inner() else {
                    let (wanted, found) = ("a section", "a value");
                    return Err(ConfigError::Type { key: full, wanted, found, origin });
                };
                self.section(&full, content, keys, values)?;
                continue;
            }
            let known = keys.iter().position(|key| key.section == path && key.name == name);
            let Some(at) = known else {
                let is_section = path.is_empty() || matches!(value.get_ref(), DeValue::Table(_));
                return Err(unknown(path, &name, is_section, keys, origin));
            };
            let deserializer = toml::de::ValueDeserializer::from(value);
            let value = Value::deserialize(deserializer).map_err(|error| self.syntax(&error))?;
            values.push((at, value, origin));
        }
        Ok(())
    }

    fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count()
    }

    /// The whole of it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// That it is written at the byte `at`.
    pub(super) fn origin(&self, at: usize) -> Origin {
        Origin::File { path: self.path.clone(), line: self.line(at) }
    }

    fn syntax(&self, error: &toml::de::Error) -> ConfigError {
        ConfigError::Syntax {
            path: self.path.clone(),
            line: error.span().map_or(1, |span| self.line(span.start)),
            message: error.message().to_owned(),
        }
    }
}

/// Whether `section` is `path` or a section of it.
fn is_within(section: &str, path: &str) -> bool {
    section.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn unknown(
    section: &str,
    name: &str,
    is_section: bool,
    keys: &[Key],
    origin: Origin,
) -> ConfigError {
    let full = |name: &str| {
        if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
    };
    // The word after the section's own path, of each section below it.
    let below = keys.iter().filter_map(|key| {
        let rest = key.section.strip_prefix(section)?;
        let rest = if section.is_empty() { rest } else { rest.strip_prefix('.')? };
        rest.split('.').next()
    });
    if is_section {
        let own = section.is_empty().then_some(projects::SECTION);
        let meant = meant(name, below.chain(own)).map(full);
        return ConfigError::Unknown { what: "section", name: full(name), meant, origin };
    }
    let beside = keys.iter().filter(|key| key.section == section).map(|key| key.name.as_str());
    let meant = match meant(name, beside) {
        Some(name) => Some(full(name)),
        // Perhaps it is the right name in the wrong section.
        None => keys.iter().find(|key| key.name == name).map(Key::path),
    };
    ConfigError::Unknown { what: "key", name: full(name), meant, origin }
}

#[cfg(test)]
mod tests {
    use super::super::keys;
    use super::super::named::Names;
    use super::*;

    fn of(text: &str) -> Text {
        Text { path: PathBuf::from("p.toml"), text: text.to_owned() }
    }

    fn error(text: &str) -> String {
        let keys = keys::all(&Names::default()).unwrap();
        crate::error::Failure::from(of(text).values(&keys).unwrap_err()).text(str::to_owned)
    }

    #[test]
    fn every_value_knows_its_line() {
        let text = "\n[server]\n\nlisten = \"[::1]:1\"\n[store]\nconnections = 3";
        let keys = keys::all(&Names::default()).unwrap();
        let values = of(text).values(&keys).unwrap();
        let told: Vec<_> =
            values.iter().map(|(at, _, origin)| format!("{} {origin}", keys[*at].path())).collect();
        assert_eq!(told, ["server.listen p.toml:4", "store.connections p.toml:6"]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        insta::assert_snapshot!(error("[server]\nlisen = 1"), @r"
        error: p.toml:2: there is no configuration key `server.lisen`
        hint: did you mean `server.listen`?
        ");
        insta::assert_snapshot!(error("[stor]\nurl = 1"), @r"
        error: p.toml:1: there is no configuration section `stor`
        hint: did you mean `store`?
        ");
        insta::assert_snapshot!(error("[server]\nrules = 1"), @r"
        error: p.toml:2: there is no configuration key `server.rules`
        hint: did you mean `scan.rules`?
        ");
        insta::assert_snapshot!(error("server = 1"), @r"
        error: p.toml:1: `server` must be a section, not a value
        hint: `portolan config default` shows every section and key
        ");
        assert!(error("[server]\nlisten = ").starts_with("error: p.toml:2: not TOML: "));
    }

    #[test]
    fn the_nearest_file_upward_wins_over_the_user_s() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b");
        std::fs::create_dir_all(dir.path().join("home/portolan")).unwrap();
        std::fs::create_dir_all(&deep).unwrap();
        let home = dir.path().join("home").display().to_string();
        let environment = Environment::of(&deep, &[("XDG_CONFIG_HOME", &home)]);
        assert_eq!(find(None, &environment), Found::None);
        let user = dir.path().join("home/portolan/portolan.toml");
        std::fs::write(&user, "").unwrap();
        assert_eq!(find(None, &environment), Found::User(user));
        let project = dir.path().join("a/portolan.toml");
        std::fs::write(&project, "").unwrap();
        assert_eq!(find(None, &environment), Found::Project(project));
        let named = find(Some(Path::new("x.toml")), &environment);
        assert_eq!(named, Found::Project(deep.join("x.toml")));
    }
}
