//! Which labels of an image say what the catalogue asks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Names of labels, the first that an image has counts. Part of `[scan]` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabelNames {
    /// The service that the image is.
    pub service_name: Vec<String>,
    /// Where its source is.
    pub source_url: Vec<String>,
    /// The commit that it was built from.
    pub revision: Vec<String>,
}

impl Default for LabelNames {
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            service_name: names(&["defra.cdp.service.name"]),
            source_url: names(&["defra.cdp.git.repo.url", "org.opencontainers.image.source"]),
            revision: names(&["org.opencontainers.image.revision"]),
        }
    }
}

/// The value of the first of `names` that is there and not empty.
pub(crate) fn first<'a>(labels: &'a BTreeMap<String, String>, names: &[String]) -> Option<&'a str> {
    names
        .iter()
        .find_map(|name| labels.get(name).filter(|value| !value.is_empty()))
        .map(String::as_str)
}
