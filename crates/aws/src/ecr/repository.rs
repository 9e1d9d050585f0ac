//! [Repositories](https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeRepositories.html),
//! and which of their tags can be moved.

use serde::Deserialize;
use serde_json::json;

use super::Ecr;
use crate::AwsError;

/// Repositories that are asked for at a time: ECR takes no more.
const REPOSITORIES: usize = 100;

/// A repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its registry and name, as in a reference.
    pub uri: String,
    /// Which of its tags can be moved.
    pub mutability: Mutability,
}

/// Which tags of a repository can be moved.
///
/// Source: [tag mutability](https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutability {
    /// Whether those can that no filter matches.
    pub movable: bool,
    /// Filters of those with which it is the other way: texts in which `*` stands for any.
    pub except: Vec<String>,
}

impl Mutability {
    /// Whether `tag` can be moved.
    pub fn can_move(&self, tag: &str) -> bool {
        self.movable != self.except.iter().any(|filter| matches(filter, tag))
    }
}

fn matches(filter: &str, text: &str) -> bool {
    let mut parts = filter.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(part) = last.replace(part) {
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Described {
    repositories: Vec<Told>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Told {
    repository_name: String,
    repository_arn: String,
    repository_uri: String,
    image_tag_mutability: String,
    image_tag_mutability_exclusion_filters: Vec<Filter>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Filter {
    filter: String,
}

impl Ecr {
    /// The repositories `names`, in no order, a hundred with one call. That one of them does not
    /// exist is an error (`RepositoryNotFoundException`) that names it.
    pub async fn repositories(&self, names: &[String]) -> Result<Vec<Repository>, AwsError> {
        let mut repositories = Vec::with_capacity(names.len());
        for some in names.chunks(REPOSITORIES) {
            let doing = || format!("describe the repositories {}", some.join(", "));
            let mut asked = json!({ "repositoryNames": some });
            self.add_registry(&mut asked);
            let told: Described = self.ecr.read("DescribeRepositories", &asked, doing).await?;
            repositories.extend(told.repositories.into_iter().map(Told::read));
        }
        Ok(repositories)
    }
}

impl Told {
    fn read(self) -> Repository {
        let except = self.image_tag_mutability_exclusion_filters;
        Repository {
            name: self.repository_name,
            arn: self.repository_arn,
            uri: self.repository_uri,
            mutability: Mutability {
                movable: !self.image_tag_mutability.starts_with("IMMUTABLE"),
                except: except.into_iter().map(|it| it.filter).collect(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_turn_the_rule_round() {
        let rule = |movable, filter: &str| Mutability { movable, except: vec![filter.to_owned()] };
        assert!(rule(false, "env.*").can_move("env.stage"));
        assert!(!rule(false, "env.*").can_move("ref.1"));
        assert!(!rule(true, "*.1*").can_move("v.1.0"));
        assert!(rule(true, "").can_move("latest"));
        for (filter, text, is) in [
            ("a*b*c", "abc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "ac", false),
            ("a", "ab", false),
            ("*", "", true),
            ("a*a", "a", false),
            ("é*", "éa", true),
        ] {
            assert_eq!(matches(filter, text), is, "{filter} {text}");
        }
    }
}
