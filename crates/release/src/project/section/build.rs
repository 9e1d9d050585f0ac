//! Projects from their sections and files.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use portolan_model::{Reference, Tag};

use super::{
    AtPlace, AtSection, EnvironmentSection, HookSection, ImageSection, ProjectSection,
    ServiceSection,
};
use crate::project::table::is_table_name;
use crate::project::wellcome::{account, pointer};
use crate::project::{
    Environment, Hook, Image, Place, Project, ProjectError, ReleaseTable, Service, Spot, Taken,
    Warning, is_name, wellcome,
};

/// Seconds that a hook may run where nothing is told.
const HOOK_SECONDS: u32 = 600;
/// The longest that a hook may be given, in seconds: a day.
const MOST_SECONDS: u32 = 86_400;

/// The projects that `sections` describe, by name, and what in them has no effect. `read` reads a
/// file that a section names.
pub fn build(
    sections: &BTreeMap<String, ProjectSection>,
    read: &dyn Fn(&Path) -> io::Result<String>,
) -> Result<(BTreeMap<String, Project>, Vec<Warning>), ProjectError> {
    let (mut projects, mut warnings) = (BTreeMap::new(), Vec::new());
    for (id, section) in sections {
        check_name(&format!("projects.{id}"), id)?;
        let mut project = match &section.file {
            Some(path) => {
                let wanted = section.project.as_deref().unwrap_or(id);
                of_file(path, wanted, read, &mut warnings)?
            }
            None => Project { title: id.clone(), ..Project::default() },
        };
        project.id.clone_from(id);
        project.table = table(&format!("projects.{id}.table"), section, project.table.take(), id)?;
        if project.table.is_some() {
            let in_file = section.project.as_deref().unwrap_or(id);
            warnings.retain(|warning| warning.at != format!("{in_file}.region_name"));
        }
        add(&mut project, section)?;
        projects.insert(id.clone(), project);
    }
    Ok((projects, warnings))
}

fn of_file(
    path: &Path,
    wanted: &str,
    read: &dyn Fn(&Path) -> io::Result<String>,
    warnings: &mut Vec<Warning>,
) -> Result<Project, ProjectError> {
    let shown = path.display().to_string();
    let text = read(path).map_err(|source| ProjectError::File { path: shown.clone(), source })?;
    let (found, said) = wellcome::read(&text)?;
    // Each file is read once for each of its projects: what it says of others is told with them.
    let about = |warning: &Warning| {
        warning.at == wanted
            || warning.at.strip_prefix(wanted).is_some_and(|at| at.starts_with('.'))
    };
    warnings.extend(said.into_iter().filter(about));
    let has: Vec<String> = found.iter().map(|project| project.id.clone()).collect();
    found.into_iter().find(|project| project.id == wanted).ok_or_else(|| ProjectError::NotInFile {
        path: shown,
        project: wanted.to_owned(),
        has,
    })
}

/// The table of weco-deploy that `section` wants, of a project whose file says `of_file`.
fn table(
    at: &str,
    section: &ProjectSection,
    of_file: Option<ReleaseTable>,
    id: &str,
) -> Result<Option<ReleaseTable>, ProjectError> {
    let otherwise =
        of_file.unwrap_or_else(|| ReleaseTable::of(section.project.as_deref().unwrap_or(id)));
    let found = section.table.as_ref().and_then(|told| told.table(otherwise));
    let Some(table) = found else { return Ok(None) };
    if !is_table_name(&table.name) {
        let what = format!("`{}` cannot be the name of a DynamoDB table", table.name);
        return Err(ProjectError::Value { at: at.to_owned(), what });
    }
    if let Some(role) = table.role_arn.as_ref().filter(|role| account(role).is_none()) {
        return Err(ProjectError::Role { at: at.to_owned(), arn: role.clone() });
    }
    Ok(Some(table))
}

fn add(project: &mut Project, section: &ProjectSection) -> Result<(), ProjectError> {
    let at = format!("projects.{}", project.id);
    if let Some(title) = &section.title {
        project.title.clone_from(title);
    }
    for (id, section) in &section.images {
        add_image(project, &format!("{at}.images.{id}"), id, section)?;
    }
    let run: Vec<String> =
        project.images.values().flat_map(|image| image.services.iter().cloned()).collect();
    for service in run {
        project.services.entry(service).or_default();
    }
    if let Some(floating) = section.floating {
        project.services.values_mut().for_each(|service| service.floating = floating);
    }
    for (id, section) in &section.services {
        let at = format!("{at}.services.{id}");
        let Some(service) = project.services.get_mut(id) else {
            let what = "no image of the project names it: add it to an image's `services`";
            return Err(ProjectError::Value { at, what: what.to_owned() });
        };
        add_service(service, &at, section)?;
    }
    for (id, section) in &section.environments {
        add_environment(project, &format!("{at}.environments.{id}"), id, section)?;
    }
    check(project, &at)
}

fn add_image(
    project: &mut Project,
    at: &str,
    id: &str,
    section: &ImageSection,
) -> Result<(), ProjectError> {
    check_name(at, id)?;
    let told = section.repository.as_deref().map(|text| spot(at, text)).transpose()?;
    let known = project.images.get(id).cloned();
    let source = told.or_else(|| known.as_ref().map(|image| image.source.clone()));
    let source =
        source.ok_or_else(|| ProjectError::Missing { at: at.to_owned(), key: "repository" })?;
    let mut image = known.unwrap_or_else(|| Image {
        source: source.clone(),
        role_arn: None,
        at: BTreeMap::new(),
        services: std::collections::BTreeSet::new(),
    });
    image.source = source;
    if let Some(role) = &section.role_arn {
        image.role_arn = Some(self::role(at, role)?);
    }
    if let Some(services) = &section.services {
        for service in services {
            check_name(at, service)?;
        }
        image.services.clone_from(services);
    }
    for (environment, told) in &section.at {
        let at = format!("{at}.at.{environment}");
        image.at.insert(environment.clone(), taken(&at, told)?);
    }
    project.images.insert(id.to_owned(), image);
    Ok(())
}

fn taken(at: &str, told: &AtSection) -> Result<Taken, ProjectError> {
    let (repository, role_arn) = match told {
        AtSection::Repository(repository) => (repository, None),
        AtSection::Place(AtPlace { repository, role_arn }) => (repository, role_arn.as_ref()),
    };
    let role_arn = role_arn.map(|arn| role(at, arn)).transpose()?;
    Ok(Taken { spot: spot(at, repository)?, role_arn })
}

/// `arn`, where it names a role.
fn role(at: &str, arn: &str) -> Result<String, ProjectError> {
    match account(arn) {
        Some(_) => Ok(arn.to_owned()),
        None => Err(ProjectError::Role { at: at.to_owned(), arn: arn.to_owned() }),
    }
}

fn add_service(
    service: &mut Service,
    at: &str,
    section: &ServiceSection,
) -> Result<(), ProjectError> {
    service.wave = section.wave.unwrap_or(service.wave);
    service.optional = section.optional.unwrap_or(service.optional);
    service.floating = section.floating.unwrap_or(service.floating);
    service.containers.extend(section.containers.clone());
    for (environment, place) in &section.environments {
        service.places.insert(
            environment.clone(),
            Place {
                name: place.name.clone(),
                cluster: place.cluster.clone(),
                rule: place.rule.clone(),
                count: place.count,
                variables: place.variables.clone(),
            },
        );
    }
    if let Some(local) = &section.local {
        service.local = local.clone();
    }
    for section in &section.hooks {
        let hook = hook(at, section)?;
        if service.hooks.iter().any(|known| known.name == hook.name) {
            return Err(ProjectError::Twice { at: format!("{at}.hooks"), id: hook.name });
        }
        service.hooks.push(hook);
    }
    Ok(())
}

fn hook(at: &str, section: &HookSection) -> Result<Hook, ProjectError> {
    let at = format!("{at}.hooks");
    check_name(&at, &section.name)?;
    let seconds = section.seconds.unwrap_or(HOOK_SECONDS);
    if section.command.is_empty() {
        return Err(ProjectError::Missing { at, key: "command" });
    }
    if !(1..=MOST_SECONDS).contains(&seconds) {
        let what = format!("a hook may run for 1 to {MOST_SECONDS} seconds, not {seconds}");
        return Err(ProjectError::Value { at, what });
    }
    Ok(Hook {
        name: section.name.clone(),
        moment: section.moment,
        container: section.container.clone(),
        command: section.command.clone(),
        seconds,
    })
}

fn add_environment(
    project: &mut Project,
    at: &str,
    id: &str,
    section: &EnvironmentSection,
) -> Result<(), ProjectError> {
    check_name(at, id)?;
    let made = Environment {
        title: id.to_owned(),
        tags: vec![pointer(at, id)?],
        ..Environment::default()
    };
    let place = project.environments.entry(id.to_owned()).or_insert(made);
    let EnvironmentSection { title, runs, registry, account: told, region, .. } = section;
    place.title = title.clone().unwrap_or_else(|| place.title.clone());
    place.runs = runs.unwrap_or(place.runs);
    place.registry = registry.clone().or_else(|| place.registry.take());
    place.account = told.clone().or_else(|| place.account.take());
    place.region = region.clone().or_else(|| place.region.take());
    if let Some(role) = &section.role_arn {
        let of_role = account(role)
            .ok_or_else(|| ProjectError::Role { at: at.to_owned(), arn: role.clone() })?;
        place.role_arn = Some(role.clone());
        place.account.get_or_insert(of_role);
    }
    place.clusters =
        section.clusters.clone().unwrap_or_else(|| std::mem::take(&mut place.clusters));
    if let Some(text) = &section.platform {
        place.platform = text.parse().map_err(|error| ProjectError::Value {
            at: format!("{at}.platform"),
            what: format!("{error}"),
        })?;
    }
    place.protected = section.protected.unwrap_or(place.protected);
    place.after = section.after.clone().unwrap_or_else(|| std::mem::take(&mut place.after));
    if let Some(tags) = &section.tags {
        let tags: Result<Vec<Tag>, _> = tags.iter().map(|tag| tag.parse()).collect();
        place.tags =
            tags.map_err(|source| ProjectError::Reference { at: format!("{at}.tags"), source })?;
    }
    Ok(())
}

/// What refers to something refers to something that there is.
fn check(project: &Project, at: &str) -> Result<(), ProjectError> {
    let unknown = |at: String, kind: &str, id: &str| {
        let what = format!("the project has no {kind} `{id}`");
        Err(ProjectError::Value { at, what })
    };
    for (id, environment) in &project.environments {
        let is_other = |it: &&String| !project.environments.contains_key(*it) || *it == id;
        if let Some(before) = environment.after.iter().find(is_other) {
            return unknown(format!("{at}.environments.{id}.after"), "other environment", before);
        }
        if project.before(id).contains(id.as_str()) {
            let at = format!("{at}.environments.{id}.after");
            let what = "it waits for itself: no release could ever come there".to_owned();
            return Err(ProjectError::Value { at, what });
        }
    }
    for (id, image) in &project.images {
        if let Some(place) = image.at.keys().find(|it| !project.environments.contains_key(*it)) {
            return unknown(format!("{at}.images.{id}.at"), "environment", place);
        }
    }
    for (id, service) in &project.services {
        let at = format!("{at}.services.{id}");
        if let Some(place) =
            service.places.keys().find(|it| !project.environments.contains_key(*it))
        {
            return unknown(format!("{at}.environments"), "environment", place);
        }
        let by_clock = service.places.values().any(|place| place.rule.is_some());
        if by_clock && (!service.hooks.is_empty() || service.floating) {
            let what = "what a rule runs is not started anew: it has no hooks, and is not floating";
            return Err(ProjectError::Value { at, what: what.to_owned() });
        }
        let runs = project.images_of(id);
        if let Some(image) = service.containers.keys().find(|it| !runs.contains(it.as_str())) {
            return unknown(format!("{at}.containers"), "image for this service called", image);
        }
    }
    Ok(())
}

fn spot(at: &str, text: &str) -> Result<Spot, ProjectError> {
    let reference: Reference =
        text.parse().map_err(|source| ProjectError::Reference { at: at.to_owned(), source })?;
    if reference.tag.is_some() || reference.digest.is_some() {
        let what = format!("`{text}` names an image: name its repository, without tag and digest");
        return Err(ProjectError::Value { at: at.to_owned(), what });
    }
    Ok(Spot { registry: reference.registry, repository: reference.repository })
}

fn check_name(at: &str, name: &str) -> Result<(), ProjectError> {
    if is_name(name) {
        return Ok(());
    }
    Err(ProjectError::Name { at: at.to_owned(), name: name.chars().take(100).collect() })
}

#[cfg(test)]
mod tests;
