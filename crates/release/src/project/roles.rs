//! Which role of AWS is taken on for which repository.

use std::collections::BTreeMap;

use super::{Project, Spot};

/// Which role of AWS is taken on for which repository, as a project tells; for all others none but
/// whoever asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles(BTreeMap<Spot, String>);

impl Roles {
    /// The role for a repository, where one is told.
    pub fn of(&self, spot: &Spot) -> Option<&str> {
        self.0.get(spot).map(String::as_str)
    }
}

impl Project {
    /// The roles for the repositories that its images are released from and, with an environment, for
    /// those that this takes them from. What an image says goes before what the environment says for
    /// all, and what is told of a place before what is told of where an image comes from.
    pub fn roles(&self, environment: Option<&str>) -> Roles {
        let mut roles = BTreeMap::new();
        if let Some(name) = environment {
            let of_all = self.environments.get(name).and_then(|it| it.role_arn.as_ref());
            let spots = self.images.keys().filter_map(|id| self.spot(id, name));
            if let Some(role) = of_all {
                roles.extend(spots.map(|spot| (spot, role)));
            }
        }
        for image in self.images.values() {
            roles.extend(image.role_arn.as_ref().map(|role| (image.source.clone(), role)));
        }
        let taken = self.images.values().filter_map(|image| image.at.get(environment?));
        for taken in taken {
            roles.extend(taken.role_arn.as_ref().map(|role| (taken.spot.clone(), role)));
        }
        Roles(roles.into_iter().map(|(spot, role)| (spot, role.clone())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ProjectSection, build};
    use super::*;

    fn project(text: &str) -> Project {
        let section: ProjectSection = toml::from_str(text).unwrap();
        let (mut projects, _) =
            build(&[("shop".to_owned(), section)].into(), &|_| unreachable!()).unwrap();
        projects.remove("shop").unwrap()
    }

    fn role(name: &str) -> String {
        format!("arn:aws:iam::123456789012:role/{name}")
    }

    #[test]
    fn what_is_told_of_an_image_goes_before_what_is_told_of_all() {
        let project = project(
            r#"
            [images.api]
            repository = "ci.example/api"
            role_arn = "arn:aws:iam::123456789012:role/ci"
            [images.api.at]
            prod = { repository = "far.example/api", role_arn = "arn:aws:iam::123456789012:role/far" }
            [images.web]
            repository = "ci.example/web"
            at.prod = "far.example/web"
            [images.job]
            repository = "ci.example/job"
            [environments.prod]
            registry = "prod.example"
            role_arn = "arn:aws:iam::123456789012:role/prod"
            [environments.same]
            role_arn = "arn:aws:iam::123456789012:role/same"
            [environments.bare]
            "#,
        );
        let told = |environment: Option<&str>, at: &str, image: &str| {
            let spot = Spot { registry: Some(at.to_owned()), repository: image.parse().unwrap() };
            project.roles(environment).of(&spot).map(str::to_owned)
        };
        for (environment, at, image, wanted) in [
            (None, "ci.example", "api", Some("ci")),
            (None, "ci.example", "web", None),
            (Some("prod"), "ci.example", "api", Some("ci")),
            (Some("prod"), "ci.example", "job", None),
            (Some("prod"), "far.example", "api", Some("far")),
            (Some("prod"), "far.example", "web", Some("prod")),
            (Some("prod"), "prod.example", "job", Some("prod")),
            (Some("same"), "ci.example", "api", Some("ci")),
            (Some("same"), "ci.example", "job", Some("same")),
            (Some("bare"), "ci.example", "job", None),
            (Some("none"), "ci.example", "api", Some("ci")),
        ] {
            let found = told(environment, at, image);
            assert_eq!(found, wanted.map(role), "{environment:?} {at}/{image}");
        }
    }
}
