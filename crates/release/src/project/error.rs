//! Why a project's file cannot be used.

use portolan_model::ReferenceError;

/// What is wrong with a project's file or section.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// Not YAML, or not of the shape of a project file.
    #[error("the project file is not as it must be, at {at}: {what}")]
    Yaml {
        /// Line and column, where they are known.
        at: String,
        /// What the reader says.
        what: String,
    },
    /// Nothing in it.
    #[error("the project file names no project: it maps each project's id to the project")]
    Empty,
    /// Longer than any such file is.
    #[error("the project file has {0} bytes, more than a MiB")]
    TooLong(usize),
    /// A file that a section names cannot be read.
    #[error("could not read {path}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file does not hold the project that the section wants.
    #[error("{path} has no project `{project}`; it has {}", .has.join(", "))]
    NotInFile {
        /// The file.
        path: String,
        /// The project.
        project: String,
        /// What it has.
        has: Vec<String>,
    },
    /// Something that must be there is not.
    #[error("{at} has no `{key}`: add it")]
    Missing {
        /// Where.
        at: String,
        /// What.
        key: &'static str,
    },
    /// Two things of one name.
    #[error("{at} has `{id}` twice: each id stands once")]
    Twice {
        /// Where.
        at: String,
        /// The name.
        id: String,
    },
    /// What names something cannot be a name.
    #[error("{at}: `{name}` is no name: use letters, digits, `.`, `_` and `-`, at most 100")]
    Name {
        /// Where.
        at: String,
        /// What was told.
        name: String,
    },
    /// Not the ARN of a role.
    #[error("{at}: `{arn}` is no role: write it as in arn:aws:iam::123456789012:role/deploy")]
    Role {
        /// Where.
        at: String,
        /// What was told.
        arn: String,
    },
    /// Not an image's repository, tag or platform.
    #[error("{at}")]
    Reference {
        /// Where.
        at: String,
        /// What is wrong with it.
        source: ReferenceError,
    },
    /// A value that cannot be.
    #[error("{at}: {what}")]
    Value {
        /// Where.
        at: String,
        /// What is wrong with it.
        what: String,
    },
}
