//! `.wellcome_project` files, as weco-deploy 5.7.4 reads them.
//!
//! A mapping from project to project; images have ids, each the last part of the name of an ECR
//! repository, and services, found by their tags. Whatever that tool ignores without a word is a
//! [`Warning`] here, and where it ends with a traceback there is an error.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use portolan_model::Tag;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, de::value::MapAccessDeserializer};

use super::yaml::{self, Entries, Text, mapping};
use super::{Environment, Image, Project, ProjectError, ReleaseTable, Spot, Warning, is_name};

/// What every image's repository begins with.
const PREFIX: &str = "uk.ac.wellcome/";
/// Where a project is whose file does not say it.
const REGION: &str = "eu-west-1";

mapping! {
    /// A project, as it is written.
    RawProject {
        name: Text,
        role_arn: Text,
        aws_region_name: Text,
        region_name: Text,
        environments: Vec<RawEnvironment>,
        image_repositories: Vec<RawImage>,
    }
}

mapping! {
    /// An environment, as it is written.
    RawEnvironment { id: Text, name: Text }
}

mapping! {
    /// An image, as it is written.
    RawImage { id: Text, services: Vec<RawService> }
}

mapping! {
    /// A service written as a mapping.
    RawServiceFields { id: Text }
}

/// A service: a mapping, or its bare name as older files have it.
#[derive(Debug, Clone)]
pub(super) enum RawService {
    Bare(String),
    Fields(RawServiceFields),
}

impl<'de> Deserialize<'de> for RawService {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = RawService;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a service's id, or a mapping with it")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(RawService::Bare(text.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(RawService::Bare(number.to_string()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(RawService::Bare(number.to_string()))
            }

            fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Self::Value, E> {
                Ok(RawService::Bare(truth.to_string()))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                Deserialize::deserialize(MapAccessDeserializer::new(map)).map(RawService::Fields)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// The projects of the file `text`, each with its table, and what in it has no effect.
pub fn read(text: &str) -> Result<(Vec<Project>, Vec<Warning>), ProjectError> {
    let whole: Option<Entries<RawProject>> = yaml::read(text)?;
    let entries = whole.map(|entries| entries.0).unwrap_or_default();
    if entries.is_empty() {
        return Err(ProjectError::Empty);
    }
    let (mut projects, mut warnings) = (Vec::new(), Vec::new());
    for (id, raw) in entries {
        projects.push(project(&id, raw, &mut warnings)?);
    }
    Ok((projects, warnings))
}

fn project(
    id: &str,
    raw: RawProject,
    warnings: &mut Vec<Warning>,
) -> Result<Project, ProjectError> {
    let id = named(id, Some(Text(id.to_owned())), "id")?;
    let Text(title) = raw.name.ok_or_else(|| missing(&id, "name"))?;
    let Text(role_arn) = raw.role_arn.ok_or_else(|| missing(&id, "role_arn"))?;
    let account = account(&role_arn).ok_or_else(|| ProjectError::Role {
        at: format!("{id}.role_arn"),
        arn: role_arn.clone(),
    })?;
    let region = raw.aws_region_name.map_or_else(|| REGION.to_owned(), |Text(region)| region);
    ignored(&id, &raw.unknown, warnings);
    if raw.region_name.is_some() {
        let what = "it moves the original's table of releases alone: services and images are found \
                    by aws_region_name";
        warnings.push(Warning::new(format!("{id}.region_name"), what));
    }
    let environments = raw.environments.unwrap_or_default();
    if environments.is_empty() {
        let what = "it has no environments: releases can be prepared, and not deployed";
        warnings.push(Warning::new(id.clone(), what));
    }
    let table = ReleaseTable {
        region: Some(raw.region_name.map_or_else(|| REGION.to_owned(), |Text(region)| region)),
        role_arn: Some(role_arn.clone()),
        ..ReleaseTable::of(&id)
    };
    let mut project = Project { id: id.clone(), title, table: Some(table), ..Project::default() };
    for (index, raw) in environments.into_iter().enumerate() {
        let at = format!("{id}.environments[{index}]");
        ignored(&at, &raw.unknown, warnings);
        let name = named(&at, raw.id, "id")?;
        let Text(title) = raw.name.ok_or_else(|| missing(&at, "name"))?;
        let environment = Environment {
            title,
            registry: Some(format!("{account}.dkr.ecr.{region}.amazonaws.com")),
            account: Some(account.clone()),
            region: Some(region.clone()),
            role_arn: Some(role_arn.clone()),
            tags: vec![pointer(&at, &name)?],
            ..Environment::default()
        };
        once(&at, &name, project.environments.insert(name.clone(), environment).is_none())?;
    }
    let registry = format!("{account}.dkr.ecr.{region}.amazonaws.com");
    for (index, raw) in raw.image_repositories.unwrap_or_default().into_iter().enumerate() {
        let at = format!("{id}.image_repositories[{index}]");
        image(&at, raw, &registry, &mut project, warnings)?;
    }
    Ok(project)
}

fn image(
    at: &str,
    raw: RawImage,
    registry: &str,
    project: &mut Project,
    warnings: &mut Vec<Warning>,
) -> Result<(), ProjectError> {
    ignored(at, &raw.unknown, warnings);
    let name = named(at, raw.id, "id")?;
    let repository = format!("{PREFIX}{name}").parse();
    let source = Spot {
        registry: Some(registry.to_owned()),
        repository: repository
            .map_err(|source| ProjectError::Reference { at: format!("{at}.id"), source })?,
    };
    let mut services = BTreeSet::new();
    for (index, raw) in raw.services.unwrap_or_default().into_iter().enumerate() {
        let at = format!("{at}.services[{index}]");
        let id = match raw {
            RawService::Bare(id) => named(&at, Some(Text(id)), "id")?,
            RawService::Fields(fields) => {
                ignored(&at, &fields.unknown, warnings);
                named(&at, fields.id, "id")?
            }
        };
        project.services.entry(id.clone()).or_default();
        once(&at, &id, services.insert(id.clone()))?;
    }
    let image = Image { source, role_arn: None, at: BTreeMap::new(), services };
    once(at, &name, project.images.insert(name.clone(), image).is_none())
}

/// The tag that points to what is deployed to `environment`.
pub(super) fn pointer(at: &str, environment: &str) -> Result<Tag, ProjectError> {
    let tag = format!("env.{environment}").parse();
    tag.map_err(|source| ProjectError::Reference { at: at.to_owned(), source })
}

/// The account of a role's ARN.
pub(super) fn account(arn: &str) -> Option<String> {
    let mut parts = arn.splitn(6, ':');
    let is = |part: Option<&str>, word| part == Some(word);
    let fits = is(parts.next(), "arn")
        && parts.next().is_some_and(|partition| partition.starts_with("aws"))
        && is(parts.next(), "iam")
        && is(parts.next(), "");
    let account = parts.next().filter(|_| fits)?;
    let role = parts.next().and_then(|resource| resource.strip_prefix("role/"))?;
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (is_account && !role.is_empty()).then(|| account.to_owned())
}

fn ignored(at: &str, unknown: &[String], warnings: &mut Vec<Warning>) {
    for key in unknown {
        warnings.push(Warning::new(format!("{at}.{key}"), "it is not known, and has no effect"));
    }
}

fn missing(at: &str, key: &'static str) -> ProjectError {
    ProjectError::Missing { at: at.to_owned(), key }
}

fn named(at: &str, text: Option<Text>, key: &'static str) -> Result<String, ProjectError> {
    let Text(name) = text.ok_or_else(|| missing(at, key))?;
    if is_name(&name) { Ok(name) } else { Err(ProjectError::Name { at: at.to_owned(), name }) }
}

fn once(at: &str, id: &str, first: bool) -> Result<(), ProjectError> {
    if first { Ok(()) } else { Err(ProjectError::Twice { at: at.to_owned(), id: id.to_owned() }) }
}

#[cfg(test)]
mod tests;
