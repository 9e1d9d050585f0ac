//! `portolan image …`

mod append;
mod cat;
mod copy;
mod files;
mod list;
mod scan;
mod show;
mod summary;
mod tag;
mod unscanned;

use portolan_model::Digest;
use portolan_oci::Location;
use tracing_subscriber::filter::LevelFilter;

use crate::api::Api;
use crate::args::LogFormat;
use crate::args::image::Image;
use crate::error::Outcome;
use crate::logging;
use crate::progress::Progress;
use crate::run::Context;
use crate::scratch::{self, Scratch};
use crate::session::{Session, Whereabouts, whereabouts};

/// Runs a command about images.
pub(crate) async fn run(context: &Context, command: Image) -> Outcome {
    logging::start(&context.environment, &context.global, LevelFilter::ERROR, LogFormat::Text)?;
    let session = Session::start(context)?;
    match command {
        Image::List(arguments) => list::run(&session, arguments).await,
        Image::Show(arguments) => show::run(&session, arguments).await,
        Image::Scan(arguments) => scan::run(&session, arguments).await,
        Image::Files(arguments) => files::run(&session, arguments).await,
        Image::Cat(arguments) => cat::run(&session, arguments).await,
        Image::Copy(arguments) => {
            let (from, to) = (arguments.from.clone(), arguments.to.clone());
            let outcome = copy::run(&session, arguments).await;
            outcome.map_err(|failure| session.explain(failure, [&from, &to]))
        }
        Image::Tag(arguments) => tag::run(&session, arguments).await,
        Image::Append(arguments) => {
            let to = arguments.to.clone();
            let outcome = append::run(&session, arguments).await;
            outcome.map_err(|failure| session.explain(failure, [&to, &to]))
        }
    }
}

/// An image that was scanned: who can be asked about it, and its digest.
enum Scanned {
    /// In the catalogue of the server, or of the embedded store.
    Catalogued(Api, Digest),
    /// In a store of its own, just now.
    Now(Scratch),
}

impl Scanned {
    /// The image at `location`; one that is not in the catalogue is scanned.
    async fn of(session: &Session<'_>, location: &Location) -> Outcome<Self> {
        if let Whereabouts::BuiltIn(reference) = whereabouts(location) {
            let api = session.api().await?;
            let digest = api.resolve(&reference).await?;
            return Ok(Self::Catalogued(api, digest));
        }
        let _progress = Progress::start(&session.context.printer, &format!("scanning {location}"));
        Ok(Self::Now(scratch::scan(session, location).await?))
    }

    fn parts(&self) -> (&Api, &Digest) {
        match self {
            Self::Catalogued(api, digest) => (api, digest),
            Self::Now(scratch) => (&scratch.api, &scratch.digest),
        }
    }
}

/// A digest as a table shows it: in full, or its first 12 digits.
fn shown(digest: &Digest, full: bool) -> String {
    if full { digest.to_string() } else { digest.short() }
}
