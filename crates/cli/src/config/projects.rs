//! Projects: `[projects.NAME]`, with sections of their own below.

use std::collections::BTreeMap;
use std::path::Path;

use portolan_release::Project;
use portolan_release::project::{ProjectSection, Runs, build};
use serde::Deserialize as _;
use toml::de::{DeTable, DeValue};

use super::environments::EnvironmentConfig;
use super::error::ConfigError;
use super::file::Text;
use super::keys::meant;
use super::origin::Origin;

/// The section that the projects are sections of.
pub(super) const SECTION: &str = "projects";

/// What the configuration says of projects.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sections {
    /// By name.
    sections: BTreeMap<String, ProjectSection>,
    /// Where the first of them is.
    origin: Option<Origin>,
}

impl Text {
    /// The sections of projects; none where the file is not TOML, which [`Text::values`] says.
    pub(super) fn projects(&self) -> Result<Sections, ConfigError> {
        let mut read = Sections::default();
        let Ok(table) = DeTable::parse(self.text()) else { return Ok(read) };
        let found = table.into_inner().into_iter().find(|(name, _)| name.get_ref() == SECTION);
        let Some((name, value)) = found else { return Ok(read) };
        let origin = self.origin(name.span().start);
        let DeValue::Table(projects) = value.into_inner() else {
            let (wanted, found) = ("a section", "a value");
            return Err(ConfigError::Type { key: SECTION.to_owned(), wanted, found, origin });
        };
        for (name, value) in projects {
            let begins = name.span().start;
            let key = format!("{SECTION}.{}", name.get_ref());
            let section = ProjectSection::deserialize(toml::de::ValueDeserializer::from(value));
            let section = section.map_err(|error| {
                let at = error.span().map_or(begins, |span| span.start);
                wrong(key, error.message(), self.origin(at))
            })?;
            read.sections.insert(name.into_inner().into_owned(), section);
        }
        read.origin = Some(origin);
        Ok(read)
    }
}

/// What the parser says, in the words of a configuration: which key is none, and which was meant.
fn wrong(key: String, said: &str, origin: Origin) -> ConfigError {
    let unknown = said.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`'));
    let Some((name, rest)) = unknown else {
        return ConfigError::Value { key, reason: said.trim().replace('\n', " "), origin };
    };
    // They stand in backticks: every second part is one.
    let meant = meant(name, rest.split('`').skip(1).step_by(2)).map(str::to_owned);
    ConfigError::Unknown { what: "key", name: format!("{key}…{name}"), meant, origin }
}

impl Sections {
    /// The projects, and what in them has no effect. What they do not say of an environment is what
    /// `environments` say of the one of that name.
    pub(super) fn projects(
        &self,
        environments: &[EnvironmentConfig],
    ) -> Result<(BTreeMap<String, Project>, Vec<String>), ConfigError> {
        let folder = self.origin.as_ref().and_then(Origin::directory);
        let read = |path: &Path| {
            let path = folder.map_or_else(|| path.to_owned(), |folder| folder.join(path));
            std::fs::read_to_string(path)
        };
        let built = build(&self.sections, &read).map_err(|error| {
            let cause = std::error::Error::source(&error);
            let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
            ConfigError::Value {
                key: SECTION.to_owned(),
                reason: format!("{error}{cause}"),
                origin: self.origin.clone().unwrap_or(Origin::Default),
            }
        })?;
        let (mut projects, warnings) = built;
        for project in projects.values_mut() {
            for told in environments {
                let Some(place) = project.environments.get_mut(&told.name) else { continue };
                place.protected |= told.protected;
                if place.runs == Runs::Ecs {
                    place.account = place.account.take().or_else(|| told.account.clone());
                    place.region = place.region.take().or_else(|| told.region.clone());
                    place.role_arn = place.role_arn.take().or_else(|| told.role_arn.clone());
                    if place.clusters.is_empty() {
                        place.clusters.clone_from(&told.clusters);
                    }
                }
            }
        }
        Ok((projects, warnings.iter().map(ToString::to_string).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Flags};
    use crate::env::Environment;
    use crate::error::Failure;

    fn load(text: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("portolan.toml"), text).unwrap();
        let environment = Environment::of(dir.path(), &[]);
        Config::load(None, &environment, &Flags::default()).map_err(|error| {
            let place = dir.path().display().to_string();
            Failure::from(error).text(str::to_owned).replace(&place, "DIR")
        })
    }

    #[test]
    fn what_a_project_does_not_say_its_environment_does() {
        let text = "[environments.prod]\naccount = \"123456789012\"\nregion = \"eu-west-2\"\n\
             clusters = [\"a\"]\nprotected = true\n\
             [projects.shop.images.api]\nrepository = \"shop/api\"\nservices = [\"api\"]\n\
             [projects.shop.environments]\nprod = { region = \"eu-west-1\" }\n";
        let config = load(text).unwrap();
        let place = &config.projects["shop"].environments["prod"];
        assert_eq!(place.account.as_deref(), Some("123456789012"));
        assert_eq!(place.region.as_deref(), Some("eu-west-1"), "its own word counts");
        assert!(place.protected && place.clusters == ["a"]);
    }

    #[test]
    fn a_slip_is_told_with_its_line_and_what_was_meant() {
        let image = "[projects.shop.images.api]\nrepository = \"shop/api\"\n";
        for (text, told) in [
            (format!("{image}servces = []\n"), ["portolan.toml:3", "did you mean `services`?"]),
            (
                format!("{image}services = 1\n"),
                ["portolan.toml:3", "`projects.shop` cannot be used"],
            ),
            ("[project.shop]\n".to_owned(), ["portolan.toml:1", "did you mean `projects`?"]),
            ("projects = 1\n".to_owned(), ["portolan.toml:1", "must be a section"]),
            (
                "[projects.shop]\nfile = \"nowhere\"\n".to_owned(),
                ["could not read nowhere", "No such"],
            ),
            (
                format!("{image}at.mars = \"a/b\"\n"),
                ["projects.shop.images.api.at", "has no environment `mars`"],
            ),
        ] {
            let said = load(&text).unwrap_err();
            assert!(told.iter().all(|part| said.contains(part)), "{text}: {said}");
        }
    }
}
