//! Environments: sections whose names are the configuration's own.

use toml::{Table, Value};

use super::error::ConfigError;
use super::file::Text;
use super::keys::Key;
use super::layers::Layers;
use super::origin::Origin;
use crate::env::Environment;

/// The section that the environments are sections of.
pub(super) const SECTION: &str = "environments";
/// The variable with their names.
pub(super) const VARIABLE: &str = "PORTOLAN_ENVIRONMENTS";
/// There are no more.
const MOST: usize = 64;

/// One environment: `[environments.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EnvironmentConfig {
    /// Its name.
    pub(crate) name: String,
    /// Its place in the order of promotion.
    pub(crate) order: u32,
    /// The AWS account that runs it.
    pub(crate) account: Option<String>,
    /// The AWS region.
    pub(crate) region: Option<String>,
    /// The ECS clusters; none for any.
    pub(crate) clusters: Vec<String>,
    /// The AWS role to assume before ECS is asked.
    pub(crate) role_arn: Option<String>,
    /// Whether a second person is needed for a change.
    pub(crate) protected: bool,
}

/// The names of the environments: those of the variable, else of the file, else none, which stands
/// for the default ones.
pub(super) fn names(
    file: Option<&Text>,
    environment: &Environment,
) -> Result<Vec<String>, ConfigError> {
    let variable = environment.all().find(|(name, _)| *name == VARIABLE);
    let mut names: Vec<(String, Origin)> = Vec::new();
    if let Some((_, listed)) = variable.filter(|(_, listed)| !listed.trim().is_empty()) {
        let origin = Origin::Environment(VARIABLE.to_owned());
        let listed = listed.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.extend(listed.map(|name| (name.to_owned(), origin.clone())));
    }
    for (name, origin) in file.map(|text| text.names_in(SECTION)).into_iter().flatten() {
        if !names.iter().any(|(known, _)| *known == name) {
            names.push((name, origin));
        }
    }
    for (at, (name, origin)) in names.iter().enumerate() {
        let refuse = |reason: String| ConfigError::Value {
            key: SECTION.to_owned(),
            reason,
            origin: origin.clone(),
        };
        if !is_name(name) {
            return Err(refuse(format!(
                "`{}` is no name of an environment: 63 letters, digits, `-` and `_` at most, the \
                 first a letter or digit",
                name.chars().take(80).collect::<String>()
            )));
        }
        if at >= MOST {
            return Err(refuse(format!("there are more than {MOST} environments")));
        }
        if let Some((other, _)) = names[..at].iter().find(|(other, _)| word(other) == word(name)) {
            return Err(refuse(format!("`{other}` and `{name}` cannot be told apart")));
        }
    }
    Ok(names.into_iter().map(|(name, _)| name).collect())
}

/// The name of an environment as it stands in a variable.
fn word(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    name.len() <= 63
        && name.bytes().all(fits)
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
}

/// The keys of the environments `names`; of the default ones where there are no names. `defaults`
/// has the default ones, with every key.
pub(super) fn keys(names: &[String], defaults: &Table) -> Vec<Key> {
    let any = || defaults.values().next();
    let of = |name: &String| {
        let section = format!("{SECTION}.{name}");
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

/// The environments of the layers, in the order of promotion.
pub(super) fn read(layers: &Layers) -> Result<Vec<EnvironmentConfig>, ConfigError> {
    let mut sections: Vec<&str> = Vec::new();
    for setting in &layers.settings {
        let name = setting.key.section.strip_prefix(SECTION).and_then(|it| it.strip_prefix('.'));
        if let Some(name) = name.filter(|name| !sections.contains(name)) {
            sections.push(name);
        }
    }
    let mut environments = Vec::new();
    for (place, name) in (1..).zip(sections) {
        let path = |key: &str| format!("{SECTION}.{name}.{key}");
        let order: u32 = layers.get(&path("order"))?;
        let account = layers.told(&path("account"))?;
        let digits = |account: &String| account.bytes().all(|byte| byte.is_ascii_digit());
        if !account.as_ref().is_none_or(|account| digits(account) && account.len() <= 12) {
            let setting = layers.setting(&path("account"))?;
            return Err(setting.refuse("an AWS account is a number of 12 digits"));
        }
        let clusters: Vec<String> = layers.get(&path("clusters"))?;
        let inner_star = |cluster: &String| cluster.trim_end_matches('*').contains('*');
        if clusters.iter().any(|cluster| inner_star(cluster) || cluster.contains([':', '/'])) {
            let reason = "a cluster is told by its name, which may end with one *";
            return Err(layers.setting(&path("clusters"))?.refuse(reason));
        }
        environments.push(EnvironmentConfig {
            name: name.to_owned(),
            order: if order == 0 { place } else { order },
            account,
            region: layers.told(&path("region"))?,
            clusters,
            role_arn: layers.told(&path("role_arn"))?,
            protected: layers.get(&path("protected"))?,
        });
    }
    environments.sort_by_key(|environment| environment.order);
    apart(layers, &environments)?;
    Ok(environments)
}

/// Refuses two environments that are in exactly the same place.
fn apart(layers: &Layers, environments: &[EnvironmentConfig]) -> Result<(), ConfigError> {
    let place = |one: &EnvironmentConfig| {
        one.account.clone().map(|account| (account, one.region.clone(), one.clusters.clone()))
    };
    for (at, one) in environments.iter().enumerate() {
        let same = |other: &&EnvironmentConfig| place(one).is_some() && place(other) == place(one);
        if let Some(other) = environments[..at].iter().find(same) {
            let setting = layers.setting(&format!("{SECTION}.{}.account", one.name))?;
            return Err(setting.refuse(format!(
                "`{}` and `{}` are in the same account, and neither region nor clusters tell them \
                 apart",
                other.name, one.name
            )));
        }
    }
    Ok(())
}
