//! Finding a configuration file, and reading it so that every value knows its line.

use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use toml::Value;
use toml::de::{DeTable, DeValue};

use super::error::ConfigError;
use super::keys::{Key, meant};
use super::origin::Origin;
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

/// The values of the file at `path`: the index of the key in `keys`, the value, its origin.
pub(super) fn read(path: &Path, keys: &[Key]) -> Result<Vec<(usize, Value, Origin)>, ConfigError> {
    let failed = |source| ConfigError::Read { path: path.to_owned(), source };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > MOST_BYTES {
        return Err(ConfigError::Large { path: path.to_owned(), size });
    }
    parse(path, &std::fs::read_to_string(path).map_err(failed)?, keys)
}

fn parse(
    path: &Path,
    text: &str,
    keys: &[Key],
) -> Result<Vec<(usize, Value, Origin)>, ConfigError> {
    let line = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
    let syntax = |error: &toml::de::Error| ConfigError::Syntax {
        path: path.to_owned(),
        line: error.span().map_or(1, |span| line(span.start)),
        message: error.message().to_owned(),
    };
    let origin = |at: usize| Origin::File { path: path.to_owned(), line: line(at) };
    let table = DeTable::parse(text).map_err(|error| syntax(&error))?;
    let mut values = Vec::new();
    for (section, content) in table.into_inner() {
        let origin_of_section = origin(section.span().start);
        let section = section.into_inner();
        if !keys.iter().any(|key| key.section == section) {
            let sections = keys.iter().map(|key| key.section.as_str());
            return Err(ConfigError::Unknown {
                what: "section",
                name: section.to_string(),
                meant: meant(&section, sections).map(ToOwned::to_owned),
                origin: origin_of_section,
            });
        }
        let DeValue::Table(content) = content.into_inner() else {
            return Err(ConfigError::Type {
                key: section.to_string(),
                wanted: "a section",
                found: "a value",
                origin: origin_of_section,
            });
        };
        for (name, value) in content {
            let origin = origin(name.span().start);
            let name = name.into_inner();
            let known = keys.iter().position(|key| key.section == section && key.name == name);
            let Some(at) = known else {
                return Err(unknown_key(&section, &name, keys, origin));
            };
            let deserializer = toml::de::ValueDeserializer::from(value);
            let value = Value::deserialize(deserializer).map_err(|error| syntax(&error))?;
            values.push((at, value, origin));
        }
    }
    Ok(values)
}

fn unknown_key(section: &str, name: &str, keys: &[Key], origin: Origin) -> ConfigError {
    let beside = || keys.iter().filter(|key| key.section == section);
    let meant = match meant(name, beside().map(|key| key.name.as_str())) {
        Some(name) => Some(format!("{section}.{name}")),
        // Perhaps it is the right name in the wrong section.
        None => keys.iter().find(|key| key.name == name).map(Key::path),
    };
    ConfigError::Unknown { what: "key", name: format!("{section}.{name}"), meant, origin }
}

#[cfg(test)]
mod tests {
    use super::super::keys;
    use super::*;

    fn error(text: &str) -> String {
        let keys = keys::all().unwrap();
        let error = parse(Path::new("p.toml"), text, &keys).unwrap_err();
        crate::error::Failure::from(error).text(str::to_owned)
    }

    #[test]
    fn every_value_knows_its_line() {
        let text = "\n[server]\n\nlisten = \"[::1]:1\"\n[store]\nconnections = 3";
        let keys = keys::all().unwrap();
        let values = parse(Path::new("p.toml"), text, &keys).unwrap();
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
