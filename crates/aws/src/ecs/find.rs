//! The services that are wanted: by name, or by their tags.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use super::list::Failure;
use super::{AT_ONCE, Ecs, Service};
use crate::{AwsError, Trouble};

/// Services that `DescribeServices` takes at a time.
const SERVICES: usize = 10;
/// Values of one tag that `GetResources` takes.
const VALUES: usize = 20;
/// Pages of resources, of 100 each, that are read at most.
const PAGES: usize = 200;

/// A service, as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceKey {
    /// Its cluster, by name or ARN.
    pub cluster: String,
    /// Its name or ARN.
    pub service: String,
}

/// Services that are wanted by their tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ByTags {
    /// The clusters to look in, by name or ARN; none for all.
    pub clusters: Vec<String>,
    /// Tags that each of them has.
    pub equal: BTreeMap<String, String>,
    /// A tag whose value tells them apart, as in `deployment:service`.
    pub key: String,
    /// The values of it that are wanted.
    pub values: BTreeSet<String>,
}

/// Services, as ECS described them.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Those that are there, `INACTIVE` ones too, with their tags.
    pub services: Vec<Service>,
    /// Those that are not.
    pub missing: Vec<ServiceKey>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Described {
    services: Vec<Service>,
    failures: Vec<Failure>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Resources {
    pagination_token: String,
    resource_tag_mapping_list: Vec<Resource>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Resource {
    #[serde(rename = "ResourceARN")]
    arn: String,
}

impl Ecs {
    /// The services `keys` with their tags and last events, in calls of ten of one cluster, eight
    /// of them at a time. A cluster that does not exist is an error.
    pub async fn describe_services(&self, keys: &[ServiceKey]) -> Result<Found, AwsError> {
        self.described(keys, &["TAGS"]).await
    }

    pub(super) async fn described(
        &self,
        keys: &[ServiceKey],
        include: &[&str],
    ) -> Result<Found, AwsError> {
        let mut clusters: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for key in keys {
            clusters.entry(&key.cluster).or_default().insert(&key.service);
        }
        let mut calls = Vec::new();
        for (cluster, services) in clusters {
            let services: Vec<&str> = services.into_iter().collect();
            for some in services.chunks(SERVICES) {
                let asked = json!({ "cluster": cluster, "services": some, "include": include });
                let doing = move || format!("describe services of the ECS cluster {cluster}");
                calls.push(async move {
                    self.ecs.read::<Described>("DescribeServices", &asked, doing).await
                });
            }
        }
        let answers: Vec<Described> = stream::iter(calls).buffered(AT_ONCE).try_collect().await?;
        let mut found = Found::default();
        let mut told = Vec::new();
        for answer in answers {
            found.services.extend(answer.services);
            told.extend(answer.failures);
        }
        if let Some(other) = told.iter().find(|failure| failure.reason != "MISSING") {
            let what = format!("that it cannot tell about {}: {}", other.arn, other.reason);
            let doing = "describe services of ECS".to_owned();
            return Err(AwsError::Answer { doing, what: what.into() });
        }
        let known: BTreeSet<(&str, &str)> =
            found.services.iter().flat_map(Service::names).collect();
        let is_missing = |key: &&ServiceKey| {
            !known.contains(&(last(&key.cluster), key.service.as_str()))
                && !known.contains(&("", key.service.as_str()))
        };
        let missing = keys.iter().filter(is_missing).cloned().collect();
        Ok(Found { missing, ..found })
    }

    /// The services that have the tags that are `wanted`, without `INACTIVE` ones.
    ///
    /// Asks the index of tags, where that is permitted: one call for a hundred services. The index
    /// lags by seconds, so what it finds is held against the services' own tags, and where it does
    /// not find all that is wanted, all services of the clusters are listed and described.
    pub async fn find_services(&self, wanted: &ByTags) -> Result<Vec<Service>, AwsError> {
        if wanted.values.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(keys) = self.indexed(wanted).await? {
            let services = match self.describe_services(&keys).await {
                Ok(found) => matching(found, wanted),
                // A cluster that has gone since.
                Err(error) if error.code() == Some("ClusterNotFoundException") => Vec::new(),
                Err(error) => return Err(error),
            };
            let tag = |service: &Service| service.tag(&wanted.key).map(ToOwned::to_owned);
            let found: BTreeSet<String> = services.iter().filter_map(tag).collect();
            if found.is_superset(&wanted.values) {
                return Ok(services);
            }
        }
        let all = if wanted.clusters.is_empty() {
            self.clusters().await?
        } else {
            wanted.clusters.clone()
        };
        let listings: Vec<_> = all.iter().map(|cluster| self.service_keys(cluster)).collect();
        let keys: Vec<Vec<_>> = stream::iter(listings).buffered(AT_ONCE).try_collect().await?;
        Ok(matching(self.describe_services(&keys.concat()).await?, wanted))
    }

    /// The services that the index of tags has; none where it may not be asked, and where it has
    /// one that it names without its cluster, as long ago.
    async fn indexed(&self, wanted: &ByTags) -> Result<Option<Vec<ServiceKey>>, AwsError> {
        let mut filters: Vec<Value> = Vec::new();
        for (key, value) in &wanted.equal {
            filters.push(json!({ "Key": key, "Values": [value] }));
        }
        // No values at all stand for any.
        let few = wanted.values.len() <= VALUES;
        let values: Vec<_> = wanted.values.iter().filter(|_| few).collect();
        filters.push(json!({ "Key": wanted.key, "Values": values }));
        let mut asked = json!({
            "ResourceTypeFilters": ["ecs:service"],
            "TagFilters": filters,
            "ResourcesPerPage": 100,
        });
        let doing = || "find services of ECS by their tags".to_owned();
        let mut keys = Vec::new();
        for _ in 0..PAGES {
            let page: Resources = match self.tagging.read("GetResources", &asked, doing).await {
                Ok(page) => page,
                Err(error) if matches!(error.trouble(), Trouble::Denied | Trouble::Refused) => {
                    tracing::debug!(%error, "services are listed instead");
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            for resource in page.resource_tag_mapping_list {
                let Some(key) = key(&resource.arn) else { return Ok(None) };
                let cluster = |asked: &String| last(asked) == key.cluster;
                if wanted.clusters.is_empty() || wanted.clusters.iter().any(cluster) {
                    keys.push(key);
                }
            }
            if page.pagination_token.is_empty() {
                return Ok(Some(keys));
            }
            asked["PaginationToken"] = json!(page.pagination_token);
        }
        Err(AwsError::Answer { doing: doing(), what: "with more than 20000 services".into() })
    }
}

impl Service {
    /// What it may be asked for by: its cluster's name and its own name or ARN; and its ARN alone.
    fn names(&self) -> [(&str, &str); 3] {
        let (cluster, arn) = (last(&self.cluster_arn), self.service_arn.as_str());
        [(cluster, self.service_name.as_str()), (cluster, arn), ("", arn)]
    }
}

fn matching(found: Found, wanted: &ByTags) -> Vec<Service> {
    let is_wanted = |service: &Service| {
        let equal = |(key, value): (&String, &String)| service.tag(key) == Some(value);
        wanted.equal.iter().all(equal)
            && service.tag(&wanted.key).is_some_and(|value| wanted.values.contains(value))
            && service.status.as_deref() != Some("INACTIVE")
    };
    found.services.into_iter().filter(is_wanted).collect()
}

/// The service that an ARN names, in its cluster.
fn key(arn: &str) -> Option<ServiceKey> {
    let (_, path) = arn.split_once(":service/")?;
    let (cluster, _) = path.split_once('/')?;
    Some(ServiceKey { cluster: cluster.to_owned(), service: arn.to_owned() })
}

/// The name at the end of an ARN.
fn last(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
