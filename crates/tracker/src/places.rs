//! Which environment something belongs to, by where in AWS it was seen.

use crate::observation::Origin;

/// A named place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Its place in the order of promotion: what has a lower number comes first.
    pub order: u32,
    /// The account's number; none for an environment that is not in AWS.
    pub account: Option<String>,
    /// The region, where one account holds several environments.
    pub region: Option<String>,
    /// The clusters, where one region holds several environments. A `*` at the end stands for any
    /// text. Empty: any cluster.
    pub clusters: Vec<String>,
    /// Whether a second person is needed for a change.
    pub protected: bool,
}

/// All environments.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// By order, then name.
    all: Vec<Environment>,
}

impl Environment {
    /// How closely this describes `origin`; none where it is not there at all.
    fn fits(&self, origin: &Origin) -> Option<u8> {
        if self.account.as_ref()? != &origin.account {
            return None;
        }
        let region = match &self.region {
            None => 0,
            Some(region) if *region == origin.region => 1,
            Some(_) => return None,
        };
        let cluster = if self.clusters.is_empty() {
            0
        } else {
            self.clusters.iter().filter_map(|pattern| cluster(pattern, &origin.cluster)).max()?
        };
        Some(region + cluster)
    }
}

/// How closely `pattern` describes a cluster: 4 for its name, 2 for its beginning.
fn cluster(pattern: &str, name: &str) -> Option<u8> {
    if pattern == name {
        return Some(4);
    }
    let beginning = pattern.strip_suffix('*')?;
    name.starts_with(beginning).then_some(2)
}

impl Places {
    /// These environments.
    pub fn new(mut all: Vec<Environment>) -> Self {
        all.sort_by(|a, b| (a.order, &a.name).cmp(&(b.order, &b.name)));
        Self { all }
    }

    /// The environment that something seen at `origin` belongs to: the one that describes it most
    /// closely, by cluster, then region, then account; of equals the first in order.
    pub fn of(&self, origin: &Origin) -> Option<&Environment> {
        let fitting = self.all.iter().filter_map(|place| Some((place.fits(origin)?, place)));
        // `max_by_key` takes the last of equals.
        fitting.rev().max_by_key(|(closeness, _)| *closeness).map(|(_, place)| place)
    }

    /// The environment of this name.
    pub fn named(&self, name: &str) -> Option<&Environment> {
        self.all.iter().find(|place| place.name == name)
    }

    /// All of them, in the order of promotion.
    pub fn all(&self) -> &[Environment] {
        &self.all
    }

    /// The place of `name` in the order of promotion; last where there is no such environment.
    pub fn rank(&self, name: &str) -> usize {
        self.all.iter().position(|place| place.name == name).unwrap_or(self.all.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str, account: &str, region: Option<&str>, clusters: &[&str]) -> Environment {
        Environment {
            name: name.to_owned(),
            account: Some(account.to_owned()),
            region: region.map(str::to_owned),
            clusters: clusters.iter().map(|&cluster| cluster.to_owned()).collect(),
            ..Environment::default()
        }
    }

    #[test]
    fn the_closest_description_wins() {
        let places = Places::new(vec![
            place("account", "1", None, &[]),
            place("region", "1", Some("eu-west-2"), &[]),
            place("prefix", "1", None, &["blue-*"]),
            place("cluster", "1", None, &["blue-one"]),
            place("other", "2", Some("eu-west-2"), &["c"]),
            Environment { name: "local".into(), ..Environment::default() },
        ]);
        let of = |account: &str, region: &str, cluster: &str| {
            let (account, region, cluster) = (account.into(), region.into(), cluster.into());
            places.of(&Origin { account, region, cluster }).map(|place| place.name.as_str())
        };
        assert_eq!(of("1", "us-east-1", "x"), Some("account"));
        assert_eq!(of("1", "eu-west-2", ""), Some("region"));
        assert_eq!(of("1", "us-east-1", "blue-two"), Some("prefix"));
        assert_eq!(of("1", "eu-west-2", "blue-one"), Some("cluster"));
        assert_eq!(of("2", "eu-west-2", "d"), None);
        assert_eq!(of("2", "eu-west-1", "c"), None);
        assert_eq!(of("", "", ""), None);
    }

    #[test]
    fn equals_go_to_the_first_in_order() {
        let mut later = place("a", "1", None, &[]);
        later.order = 2;
        let places = Places::new(vec![later, place("b", "1", None, &[])]);
        let origin = Origin { account: "1".into(), ..Origin::default() };
        assert_eq!(places.of(&origin).map(|place| &*place.name), Some("b"));
        assert_eq!((places.rank("b"), places.rank("a"), places.rank("c")), (0, 1, 2));
    }
}
