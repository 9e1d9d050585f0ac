//! Environments: sections whose names are the configuration's own.

use super::error::ConfigError;
use super::layers::Layers;
use super::named::ENVIRONMENTS;

/// The section that the environments are sections of.
const SECTION: &str = ENVIRONMENTS.section;

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

/// The environments of the layers, in the order of promotion.
pub(super) fn read(layers: &Layers) -> Result<Vec<EnvironmentConfig>, ConfigError> {
    let sections = ENVIRONMENTS.listed(layers.settings.iter().map(|it| &it.key.section));
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
            name: name.clone(),
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
