//! A `.wellcome_project` file, with the role and the two regions that weco-deploy takes from it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::project::yaml::{self, Entries, Text};
use crate::project::{Project, ProjectError, Warning, read_wellcome};

/// Where AWS has a project whose file does not say it.
const REGION: &str = "eu-west-1";

/// A project, and how AWS has it.
#[derive(Debug, Clone, PartialEq)]
pub struct WecoProject {
    /// The project.
    pub project: Project,
    /// Its images in the order of the file.
    pub images: Vec<String>,
    /// The role to take on.
    pub role_arn: String,
    /// Where its images and services are.
    pub region: String,
    /// Where its releases are.
    pub table_region: String,
}

/// A file of projects.
#[derive(Debug, Clone, PartialEq)]
pub struct WecoFile {
    /// Its projects, in its order.
    pub projects: Vec<WecoProject>,
    /// What in it has no effect.
    pub warnings: Vec<Warning>,
}

/// What [`Project`] does not keep.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Raw {
    role_arn: Option<Text>,
    aws_region_name: Option<Text>,
    image_repositories: Option<Vec<RawImage>>,
}

#[derive(Debug, Deserialize)]
struct RawImage {
    id: Text,
}

/// The projects of the file `text`.
pub fn read(text: &str) -> Result<WecoFile, ProjectError> {
    let (projects, mut warnings) = read_wellcome(text)?;
    // It is the region of the table, and here it has that effect.
    warnings.retain(|warning| !warning.at.ends_with(".region_name") || warning.at.contains('['));
    let entries: Entries<Raw> = yaml::read(text)?;
    let mut raws: BTreeMap<String, Raw> = entries.0.into_iter().collect();
    let with = |project: Project| {
        let raw = raws.remove(&project.id).unwrap_or_default();
        let or_usual = |text: Option<Text>| text.map_or_else(|| REGION.to_owned(), |Text(it)| it);
        let images = raw.image_repositories.unwrap_or_default();
        WecoProject {
            images: images.into_iter().map(|image| image.id.0).collect(),
            role_arn: raw.role_arn.map(|Text(arn)| arn).unwrap_or_default(),
            region: or_usual(raw.aws_region_name),
            table_region: project
                .table
                .as_ref()
                .and_then(|it| it.region.clone())
                .unwrap_or_default(),
            project,
        }
    };
    Ok(WecoFile { projects: projects.into_iter().map(with).collect(), warnings })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/ci";

    #[test]
    fn both_regions_and_the_order_of_images_are_kept() {
        let file = format!(
            "b:\n  name: B\n  role_arn: {ROLE}\n  region_name: us-east-1\n  account_id: '1'\n  \
             image_repositories:\n  - id: z\n    services: [- one]\n  - id: a\n\
             a:\n  name: A\n  role_arn: {ROLE}\n  aws_region_name: eu-west-2\n"
        );
        let file = read(&file.replace("[- one]", "[one]")).unwrap();
        let ids: Vec<_> = file.projects.iter().map(|it| it.project.id.as_str()).collect();
        assert_eq!(ids, ["b", "a"]);
        let of = |at: usize| {
            (file.projects[at].region.as_str(), file.projects[at].table_region.as_str())
        };
        assert_eq!((of(0), of(1)), (("eu-west-1", "us-east-1"), ("eu-west-2", "eu-west-1")));
        assert_eq!(file.projects[0].images, ["z", "a"]);
        assert_eq!(file.projects[1].role_arn, ROLE);
        let told: Vec<_> = file.warnings.iter().map(|warning| warning.at.as_str()).collect();
        assert!(told.contains(&"b.account_id") && !told.contains(&"b.region_name"), "{told:?}");
    }

    proptest! {
        #[test]
        fn any_project_is_read_as_it_was_written(
            images in prop::collection::btree_map("[a-z]{1,8}", prop::collection::btree_set("[a-z]{1,6}", 0..4), 0..6),
            environments in prop::collection::btree_set("[a-z]{1,8}|20[0-9]{2}-0[1-9]-1[0-9]", 0..4),
            bare in any::<bool>(),
        ) {
            let mut text = format!("p:\n  name: P\n  role_arn: {ROLE}\n  environments:\n");
            for id in &environments {
                writeln!(text, "  - id: {id:?}\n    name: The {id}").unwrap();
            }
            text.push_str("  image_repositories:\n");
            for (id, services) in &images {
                writeln!(text, "  - id: {id:?}\n    services:").unwrap();
                for service in services {
                    let line = if bare { format!("{service:?}") } else { format!("id: {service:?}") };
                    writeln!(text, "    - {line}").unwrap();
                }
            }
            let file = read(&text).unwrap();
            let project = &file.projects[0].project;
            prop_assert_eq!(project.environments.keys().cloned().collect::<std::collections::BTreeSet<_>>(), environments);
            let read: BTreeMap<_, _> =
                project.images.iter().map(|(id, image)| (id.clone(), image.services.clone())).collect();
            prop_assert_eq!(read, images);
        }

        #[test]
        fn nothing_makes_it_panic(text in "[a-z:\\-\\[\\]{}# \n\"'&*]{0,200}") {
            drop(read(&text));
        }
    }
}
