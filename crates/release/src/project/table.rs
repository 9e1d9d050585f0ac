//! The table in which weco-deploy keeps the releases of a project.

use serde::Deserialize;

/// What the names of all such tables begin with, where nothing else is told.
const PREFIX: &str = "wellcome-releases-";

/// The `DynamoDB` table in which weco-deploy keeps the releases of a project. What others put there
/// is taken in, and what is done here is added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReleaseTable {
    /// Its name.
    pub name: String,
    /// What the project is called in it.
    pub project: String,
    /// Its AWS region; that of the project's first environment where there is none.
    pub region: Option<String>,
    /// The AWS role that is assumed for it; that of the project's first environment where there is
    /// none.
    pub role_arn: Option<String>,
}

impl ReleaseTable {
    /// The table of `project`, as weco-deploy names it.
    pub(crate) fn of(project: &str) -> Self {
        Self { name: format!("{PREFIX}{project}"), project: project.to_owned(), ..Self::default() }
    }
}

/// `table` in `[projects.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "`table` is true, the name of a DynamoDB table, or a section with any of `name`, \
                 `region` and `role_arn`"
)]
pub enum TableSection {
    /// Whether there is one, named as weco-deploy names it.
    Is(bool),
    /// Its name.
    Named(String),
    /// All that there is to say.
    Told(TableKeys),
}

/// `[projects.NAME.table]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TableKeys {
    /// Its name.
    pub name: Option<String>,
    /// Its AWS region.
    pub region: Option<String>,
    /// The AWS role that is assumed for it.
    pub role_arn: Option<String>,
}

impl TableSection {
    /// The table, where there is one; what is not told is as `otherwise`.
    pub(super) fn table(&self, otherwise: ReleaseTable) -> Option<ReleaseTable> {
        let keys = match self {
            Self::Is(false) => return None,
            Self::Is(true) => TableKeys::default(),
            Self::Named(name) => TableKeys { name: Some(name.clone()), ..TableKeys::default() },
            Self::Told(keys) => keys.clone(),
        };
        Some(ReleaseTable {
            name: keys.name.unwrap_or(otherwise.name),
            project: otherwise.project,
            region: keys.region.or(otherwise.region),
            role_arn: keys.role_arn.or(otherwise.role_arn),
        })
    }
}

/// Whether `name` can be that of a table:
/// [three to 255 letters, digits, `_`, `-` and `.`](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html).
pub(super) fn is_table_name(name: &str) -> bool {
    (3..=255).contains(&name.len())
        && name.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-.".contains(&it))
}
