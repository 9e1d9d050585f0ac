//! `portolan image append …`

use std::path::PathBuf;

use clap::Args;
use portolan_model::{Platform, Timestamp};
use portolan_oci::Location;

/// Make an image from files and a base.
#[derive(Debug, Clone, Args)]
pub(crate) struct Append {
    /// The image to start from; `scratch` is one with nothing in it.
    #[arg(long, value_name = "IMAGE", default_value = "scratch")]
    pub(crate) base: String,
    /// A file or directory, and its path in the image.
    #[arg(long = "file", value_name = "SOURCE:PATH", value_parser = pair)]
    pub(crate) files: Vec<(PathBuf, String)>,
    /// What is run; once for each word.
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    pub(crate) entrypoint: Vec<String>,
    /// Its arguments; once for each word.
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    pub(crate) cmd: Vec<String>,
    /// A variable of its environment.
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    pub(crate) env: Vec<(String, String)>,
    /// A label.
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    pub(crate) label: Vec<(String, String)>,
    /// As whom it is run.
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// Where it is run.
    #[arg(long, value_name = "PATH")]
    pub(crate) workdir: Option<String>,
    /// A port that it listens on, as in 8080 or 53/udp.
    #[arg(long, value_name = "PORT")]
    pub(crate) expose: Vec<String>,
    /// The platform [default: the base's, or linux/amd64].
    #[arg(long)]
    pub(crate) platform: Option<Platform>,
    /// When the image was made, for it and its files [default: 1970-01-01T00:00:00Z, so that equal
    /// inputs make equal bytes].
    #[arg(long, value_name = "MOMENT")]
    pub(crate) created: Option<Timestamp>,
    /// Where the image is put.
    #[arg(value_name = "TO", value_parser = super::image::location)]
    pub(crate) to: Location,
}

fn pair(text: &str) -> Result<(PathBuf, String), String> {
    // The path in the image is absolute and may hold no colon; the source's may.
    match text.rsplit_once(':') {
        Some((source, path)) if !source.is_empty() && !path.is_empty() => {
            Ok((PathBuf::from(source), path.to_owned()))
        }
        _ => Err("write it as in target/app:/usr/local/bin/app".to_owned()),
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as in NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_may_hold_a_colon() {
        assert_eq!(pair("a:b:/c").unwrap(), ("a:b".into(), "/c".into()));
        assert!(pair("a").is_err() && pair(":/a").is_err() && pair("a:").is_err());
    }

    #[test]
    fn a_value_may_hold_an_equals_sign() {
        assert_eq!(assignment("A=b=c").unwrap(), ("A".into(), "b=c".into()));
        assert_eq!(assignment("A=").unwrap(), ("A".into(), String::new()));
        assert!(assignment("=b").is_err() && assignment("A").is_err());
    }
}
