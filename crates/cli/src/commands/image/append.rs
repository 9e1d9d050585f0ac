//! `portolan image append`: an image from files and a base, without a daemon.

use portolan_model::{Digest, Target};
use portolan_oci::append::{AppendError, Source, Spec};
use portolan_oci::{Location, Place, append};
use serde::Serialize;

use super::copy;
use crate::args::append::Append;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::human::size;
use crate::progress::Progress;
use crate::registries;
use crate::session::Session;

/// What was made.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    /// Where it is.
    image: String,
    digest: Digest,
    media_type: String,
    /// The new layer; none where no files were given.
    layer: Option<Digest>,
    /// Its size in bytes.
    layer_size: Option<u64>,
}

pub(super) async fn run(session: &Session<'_>, arguments: Append) -> Outcome {
    let failed = |error| registries::failure(&error);
    let to = session.with_host(&arguments.to)?;
    let tag = match to.target() {
        Some(Target::Tag(tag)) => Some(tag),
        None if matches!(to, Location::Registry(_)) => Some(latest(&to)?),
        None => None,
        Some(Target::Digest(_)) => {
            let message = format!("`{to}`: the digest of a new image cannot be chosen");
            return Err(Failure::new(Code::Usage, message).hint("name a tag, or nothing"));
        }
    };
    let base = base(session, &arguments.base).await?;
    let destination = Place::create(&to, &session.client()?).await.map_err(failed)?;
    let directory = tempfile::tempdir().map_err(|error| {
        Failure::new(Code::Configuration, "could not make a directory for the layer")
            .because(&error)
            .hint("is the disk full? TMPDIR names another place")
    })?;
    let spec = spec(arguments, directory.path().to_owned());
    let _progress = Progress::start(&session.context.printer, &format!("making {to}"));
    let base = base.as_ref().map(|(place, target)| (place, target));
    let made = append(base, &spec, &destination, tag.as_ref()).await;
    let made = made.map_err(|error| failure(&error))?;
    let image = match (to.target(), &tag) {
        (None, Some(tag)) => format!("{to}:{tag}"),
        _ => to.to_string(),
    };
    let answer = Answer {
        image,
        digest: made.digest,
        media_type: made.media_type,
        layer: made.layer.as_ref().map(|layer| layer.digest),
        layer_size: made.layer.as_ref().map(|layer| layer.size),
    };
    session.context.printer.answer(&answer, text)
}

fn latest(to: &Location) -> Outcome<portolan_model::Tag> {
    "latest"
        .parse()
        .map_err(|error| Failure::new(Code::Bug, format!("the tag for {to}")).because(&error))
}

/// The place of the base and what in it; none for `scratch`.
async fn base(session: &Session<'_>, text: &str) -> Outcome<Option<(Place, Target)>> {
    if text == "scratch" {
        return Ok(None);
    }
    let location = crate::args::image::location(text)
        .map_err(|reason| Failure::new(Code::Usage, format!("--base: {reason}")))?;
    let place = session.open(&session.with_host(&location)?).await?;
    let target = match location.target() {
        Some(target) => target,
        None => place.default_target().await.map_err(|error| registries::failure(&error))?,
    };
    Ok(Some((place, target)))
}

fn spec(arguments: Append, work_dir: std::path::PathBuf) -> Spec {
    let told = |words: Vec<String>| Some(words).filter(|words| !words.is_empty());
    let files = arguments.files.into_iter().map(|(from, to)| Source { from, to });
    Spec {
        files: files.collect(),
        platform: arguments.platform,
        entrypoint: told(arguments.entrypoint),
        cmd: told(arguments.cmd),
        env: arguments.env,
        labels: arguments.label.into_iter().collect(),
        working_dir: arguments.workdir,
        user: arguments.user,
        exposed_ports: arguments.expose,
        created: arguments.created,
        work_dir,
    }
}

fn text(answer: &Answer) -> String {
    let layer = answer.layer_size.map(|bytes| format!(", with a new layer of {}", size(bytes)));
    format!("{} is {}{}\n", answer.image, answer.digest, layer.unwrap_or_default())
}

fn failure(error: &AppendError) -> Failure {
    match error {
        AppendError::Place(error) => registries::failure(error),
        AppendError::Copy(error) => copy::failure(error),
        AppendError::WhichPlatform { .. } => {
            Failure::of(Code::Usage, error).hint("name it with --platform")
        }
        AppendError::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Failure::of(Code::NotFound, error)
        }
        AppendError::NotRunnable { .. } | AppendError::BaseConfig(_) => {
            Failure::of(Code::OtherSide, error)
        }
        AppendError::Read { .. } | AppendError::Work { .. } | AppendError::Changed { .. } => {
            Failure::of(Code::Configuration, error)
        }
        _ => Failure::of(Code::Usage, error),
    }
}
