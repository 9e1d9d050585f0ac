//! Which clusters an environment has.

use portolan_tracker::observation::Origin;

use super::{SweepError, Sweeping};
use crate::SweptEnvironment;

/// The name in the ARN of a cluster.
pub(super) fn name(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The ARN of the cluster `name` of `place`.
pub(super) fn arn(place: &SweptEnvironment, name: &str) -> String {
    let (partition, region) = (partition(&place.region), &place.region);
    format!("arn:{partition}:ecs:{region}:{}:cluster/{name}", place.account)
}

/// The partition of AWS that `region` is in.
fn partition(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// The clusters of an environment, by ARN.
#[derive(Debug)]
pub(super) enum Clusters {
    /// Those that the configuration names.
    Named(Vec<String>),
    /// All that there are.
    All(Vec<String>),
}

impl Clusters {
    pub(super) fn into_arns(self) -> Vec<String> {
        let (Self::Named(arns) | Self::All(arns)) = self;
        arns
    }
}

impl Sweeping<'_> {
    /// The clusters: those that are named, else those that ECS lists and that belong to this
    /// environment rather than to another.
    ///
    /// They are ARNs, so that credentials of another account are noticed, and do not make it seem
    /// that nothing runs any more.
    pub(super) async fn clusters(&self) -> Result<Clusters, SweepError> {
        let (place, named) = (self.place, &self.place.clusters);
        if !named.is_empty() && named.iter().all(|cluster| !cluster.ends_with('*')) {
            return Ok(Clusters::Named(named.iter().map(|cluster| arn(place, cluster)).collect()));
        }
        let listed = self.ecs.clusters().await?;
        if let Some(foreign) = listed.iter().find(|listed| **listed != arn(place, name(listed))) {
            let environment = place.name.clone();
            return Err(SweepError::Account { environment, arn: foreign.clone() });
        }
        let is_ours = |arn: &String| {
            let origin = Origin {
                account: place.account.clone(),
                region: place.region.clone(),
                cluster: name(arn).to_owned(),
            };
            let places = &self.app.settings.track.places;
            places.of(&origin).is_some_and(|environment| environment.name == place.name)
        };
        Ok(Clusters::All(listed.into_iter().filter(is_ours).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_has_its_partition() {
        assert_eq!(partition("eu-west-2"), "aws");
        assert_eq!(partition("cn-north-1"), "aws-cn");
        assert_eq!(partition("us-gov-west-1"), "aws-us-gov");
        assert_eq!(name("arn:aws:ecs:eu-west-2:1:cluster/dev"), "dev");
    }
}
