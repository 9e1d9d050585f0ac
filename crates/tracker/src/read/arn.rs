//! Names out of Amazon's resource names.
//!
//! Source: [ARNs of ECS](https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html#ecs-resource-ids);
//! the old form of a task's and a service's does not name the cluster.

use super::field::NAME;
use crate::observation::Origin;

/// The parts of `arn:partition:service:region:account:KIND/REST`.
struct Arn<'a> {
    region: &'a str,
    account: &'a str,
    kind: &'a str,
    rest: &'a str,
}

impl<'a> Arn<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (Some("arn"), Some(_), Some(_)) = (parts.next(), parts.next(), parts.next()) else {
            return None;
        };
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let (kind, rest) = resource.split_once('/')?;
        Some(Self { region, account, kind, rest })
    }
}

fn fits(name: &str) -> bool {
    (1..=NAME).contains(&name.len()) && !name.contains('\0')
}

/// The cluster that `CLUSTER/NAME` names; none in the old form, which is but the name.
fn cluster_in(arn: &Arn<'_>) -> Option<String> {
    let (cluster, _) = arn.rest.split_once('/')?;
    fits(cluster).then(|| cluster.to_owned())
}

/// The name of a cluster given by its ARN or by its name.
pub(super) fn cluster(text: &str) -> String {
    let name = Arn::of(text).map_or(text, |arn| arn.rest);
    if fits(name) { name.to_owned() } else { String::new() }
}

/// The name of the service that one of `resources` is.
pub(super) fn service(resources: &[&str]) -> Option<String> {
    resources.iter().filter_map(|text| Arn::of(text)).find(|arn| arn.kind == "service").and_then(
        |arn| {
            let name = arn.rest.rsplit('/').next()?;
            fits(name).then(|| name.to_owned())
        },
    )
}

/// What of the origin is not known yet, out of the ARN of something in it.
pub(super) fn complete(origin: &mut Origin, arn: Option<&str>) {
    let Some(arn) = arn.and_then(Arn::of) else { return };
    let fill = |field: &mut String, value: Option<&str>| {
        if let Some(value) = value.filter(|value| field.is_empty() && fits(value)) {
            value.clone_into(field);
        }
    };
    fill(&mut origin.account, Some(arn.account));
    fill(&mut origin.region, Some(arn.region));
    let cluster = match arn.kind {
        "cluster" => Some(arn.rest.to_owned()),
        "task" | "service" | "container" => cluster_in(&arn),
        _ => None,
    };
    fill(&mut origin.cluster, cluster.as_deref());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_and_old_forms() {
        let mut origin = Origin::default();
        complete(&mut origin, Some("arn:aws:ecs:eu-west-2:333333333333:task/4f1c2d7a"));
        assert_eq!((origin.account.as_str(), origin.cluster.as_str()), ("333333333333", ""));
        complete(&mut origin, Some("arn:aws:ecs:us-east-1:1:task/dev/4f1c2d7a"));
        assert_eq!((origin.region.as_str(), origin.cluster.as_str()), ("eu-west-2", "dev"));
        assert_eq!(cluster("arn:aws-cn:ecs:r:1:cluster/dev"), "dev");
        assert_eq!(cluster("dev"), "dev");
        let of = |text| service(&["arn:aws:ecs:r:1:task/a/b", text]);
        assert_eq!(of("arn:aws:ecs:r:1:service/dev/orders").as_deref(), Some("orders"));
        assert_eq!(of("arn:aws:ecs:r:1:service/orders").as_deref(), Some("orders"));
        assert_eq!((of("arn:aws:ecs:r:1:service/"), of("orders"), of("")), (None, None, None));
    }
}
