//! How far one environment is behind another.

use std::collections::{HashMap, HashSet};

use portolan_model::{Timestamp, Version};
use portolan_store::{DeploymentFilter, StoreError};

use crate::Tracker;
use crate::view::Names;

/// Deployments of each service in each environment that are looked back on.
const DEPTH: u64 = 40;

/// Versions by environment and service, that of the newest deployment first.
pub type Versions = HashMap<(String, String), Vec<String>>;

impl Tracker {
    /// The versions that these services had in these environments until `at`; of each service in
    /// each environment those of the last forty deployments.
    pub async fn versions(
        &self,
        at: Timestamp,
        services: Vec<String>,
        environments: Vec<String>,
    ) -> Result<Versions, StoreError> {
        if services.is_empty() || environments.is_empty() {
            return Ok(Versions::new());
        }
        let filter =
            DeploymentFilter { environments, services: Some(services), ..Default::default() };
        let latest = self.store().latest_deployments(at, DEPTH, &filter).await?;
        let names = Names::of(self.store(), latest.iter()).await?;
        let mut versions = Versions::new();
        for deployment in latest {
            let service = deployment.service.clone().unwrap_or_default();
            let name = names.name(deployment.tag.as_ref(), deployment.digest);
            versions.entry((deployment.fact.environment, service)).or_default().push(name);
        }
        Ok(versions)
    }
}

/// How many releases lie between `mine` and `theirs`, the version of an environment that had the
/// versions `deployed`, newest first. 0 where `mine` is not behind.
///
/// Of semantic versions those count that are higher than `mine` and not higher than `theirs`; of
/// others those that were deployed since `mine` was.
pub fn releases_behind(mine: &str, theirs: &str, deployed: &[String]) -> u64 {
    if mine == theirs {
        return 0;
    }
    let version = |text: &str| text.parse::<Version>().ok();
    let all = || deployed.iter().map(String::as_str);
    let between: HashSet<&str> = if let (Some(low), Some(high)) = (version(mine), version(theirs)) {
        if low >= high {
            return 0;
        }
        let fits = |text: &&str| version(text).is_some_and(|it| low < it && it <= high);
        all().filter(fits).collect()
    } else {
        all().skip_while(|text| *text != theirs).take_while(|text| *text != mine).collect()
    };
    (between.len() as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(mine: &str, theirs: &str, deployed: &[&str]) -> u64 {
        let deployed: Vec<String> = deployed.iter().map(|&text| text.to_owned()).collect();
        releases_behind(mine, theirs, &deployed)
    }

    #[test]
    fn semantic_versions_are_counted_by_precedence() {
        let deployed = ["1.10.0", "1.9.1", "1.10.0", "1.9.0", "1.8.0"];
        assert_eq!(behind("1.9.0", "1.10.0", &deployed), 2, "each version once");
        assert_eq!(behind("1.10.0", "1.10.0", &deployed), 0);
        assert_eq!(behind("2.0.0", "1.10.0", &deployed), 0, "ahead is not behind");
        assert_eq!(
            behind("1.9.0", "1.9.1", &deployed),
            1,
            "what was gone back from is not counted"
        );
        assert_eq!(behind("1.0.0", "1.1.0", &[]), 1, "at least the version that is there");
    }

    #[test]
    fn other_versions_are_counted_by_deployments() {
        let deployed = ["ref.d", "ref.c", "ref.d", "ref.b", "ref.a"];
        assert_eq!(behind("ref.b", "ref.d", &deployed), 2);
        assert_eq!(behind("ref.a", "ref.d", &deployed), 3);
        assert_eq!(behind("ref.z", "ref.d", &deployed), 4, "as many as are remembered");
        assert_eq!(behind("ref.d", "ref.d", &deployed), 0);
    }
}
