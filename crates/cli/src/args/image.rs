//! `portolan image …`

use clap::{Args, Subcommand};
use portolan_model::{Platform, Tag};
use portolan_oci::Location;
use portolan_oci::location::LocationError;

use super::append::Append;

/// How images are named, for the long help of what takes one.
const NAMES: &str = "\
An image is named
  shop/orders-api:1.0.0                 in the built-in registry of the server
  127.0.0.1:5000/shop/orders-api:1.0.0  in another registry
  oci:DIRECTORY:1.0.0                   in an OCI layout directory
Instead of a tag, @sha256:… names exactly one image.";

/// Look into images, copy them, make them.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Image {
    /// List repositories, or the tags of one
    ///
    /// Example: `portolan image list shop/orders-api`
    #[command(after_long_help = NAMES)]
    List(List),
    /// Show an image: labels, configuration, layers
    ///
    /// Example: `portolan image show shop/orders-api:1.0.0`
    #[command(after_long_help = NAMES)]
    Show(Show),
    /// Read what is in an image, and show what was found
    ///
    /// An image of the built-in registry is scanned there. One in another registry, or in a layout
    /// directory, is read directly, into a store that is gone afterwards; no server is needed.
    ///
    /// Example: `portolan image scan oci:my-image:1.0.0`
    #[command(after_long_help = NAMES)]
    Scan(Scan),
    /// List the files of an image
    ///
    /// Example: `portolan image files shop/orders-api:1.0.0 --contains lock`
    #[command(after_long_help = NAMES)]
    Files(Files),
    /// Print the contents of a file that was kept
    ///
    /// Example: `portolan image cat shop/orders-api:1.0.0 etc/os-release`
    #[command(after_long_help = NAMES)]
    Cat(Cat),
    /// Copy an image; its digest stays the same
    ///
    /// Example: `portolan image copy 127.0.0.1:5000/shop/orders-api:1.0.0 oci:backup:1.0.0`
    #[command(after_long_help = NAMES)]
    Copy(Copy),
    /// Point a tag to an image
    ///
    /// Example: `portolan image tag shop/orders-api:1.0.0 stable`
    #[command(after_long_help = NAMES)]
    Tag(TagArgs),
    /// Make an image from files and a base, without a daemon
    ///
    /// Equal inputs make equal bytes, and so the same digest.
    ///
    /// Example: `portolan image append --base scratch --file app:/app --entrypoint /app shop/app:1.0.0`
    #[command(after_long_help = NAMES)]
    Append(Append),
}

/// List repositories, or the tags of one.
#[derive(Debug, Clone, Args)]
pub(crate) struct List {
    /// A repository, or a layout directory as oci:DIRECTORY; without it, every repository that the
    /// catalogue knows.
    #[arg(value_name = "REPOSITORY", value_parser = location)]
    pub(crate) place: Option<Location>,
    /// Show digests in full.
    #[arg(long)]
    pub(crate) digests: bool,
}

/// Show an image.
#[derive(Debug, Clone, Args)]
pub(crate) struct Show {
    /// The image.
    #[arg(value_name = "IMAGE", value_parser = location)]
    pub(crate) image: Location,
    /// Show digests in full.
    #[arg(long)]
    pub(crate) digests: bool,
}

/// Read what is in an image.
#[derive(Debug, Clone, Args)]
pub(crate) struct Scan {
    /// The image.
    #[arg(value_name = "IMAGE", value_parser = location)]
    pub(crate) image: Location,
    /// List the files that were found too.
    #[arg(long)]
    pub(crate) files: bool,
    /// Give up after so many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub(crate) timeout: u64,
}

/// List the files of an image.
#[derive(Debug, Clone, Args)]
pub(crate) struct Files {
    /// The image.
    #[arg(value_name = "IMAGE", value_parser = location)]
    pub(crate) image: Location,
    /// Only paths that contain this text.
    #[arg(long, value_name = "TEXT")]
    pub(crate) contains: Option<String>,
    /// Only files whose contents were kept.
    #[arg(long)]
    pub(crate) kept: bool,
    /// Of an image for several platforms, this one.
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<Platform>,
    /// Show digests in full.
    #[arg(long)]
    pub(crate) digests: bool,
}

/// Print the contents of a file.
#[derive(Debug, Clone, Args)]
pub(crate) struct Cat {
    /// The image.
    #[arg(value_name = "IMAGE", value_parser = location)]
    pub(crate) image: Location,
    /// The path in the image, with or without a leading slash.
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// Of an image for several platforms, this one.
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<Platform>,
}

/// Copy an image.
#[derive(Debug, Clone, Args)]
pub(crate) struct Copy {
    /// The image.
    #[arg(value_name = "FROM", value_parser = location)]
    pub(crate) from: Location,
    /// Where to; without a tag, the source's.
    #[arg(value_name = "TO", value_parser = location)]
    pub(crate) to: Location,
    /// Of an image for several platforms, this one alone; the copy has that one's digest.
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<Platform>,
    /// What is about the image (signatures, SBOMs) too.
    #[arg(long)]
    pub(crate) with_referrers: bool,
}

/// Point a tag to an image.
#[derive(Debug, Clone, Args)]
pub(crate) struct TagArgs {
    /// The image.
    #[arg(value_name = "IMAGE", value_parser = location)]
    pub(crate) image: Location,
    /// The tag, which is moved where it exists.
    #[arg(value_name = "TAG")]
    pub(crate) tag: Tag,
}

/// Reads the name of an image, and says why it is none.
pub(crate) fn location(text: &str) -> Result<Location, String> {
    text.parse().map_err(|error: LocationError| match std::error::Error::source(&error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    })
}
