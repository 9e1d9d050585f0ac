//! `portolan image scan`: read what is in an image, and show what was found.

use std::time::Duration;

use portolan_model::{Reference, Target};
use portolan_oci::Location;

use super::{Scanned, files, summary};
use crate::api::{Api, FileQuery};
use crate::args::image::Scan;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::progress::Progress;
use crate::session::{Session, Whereabouts, whereabouts};

pub(super) async fn run(session: &Session<'_>, arguments: Scan) -> Outcome {
    let location = arguments.image;
    let limit = Duration::from_secs(arguments.timeout);
    let scanned = tokio::time::timeout(limit, scan(session, &location)).await;
    let scanned = scanned.map_err(|_| {
        let message = format!("{location} was not scanned in {} s", arguments.timeout);
        Failure::new(Code::TimedOut, message).hint("give it longer with --timeout")
    })??;
    let (api, digest) = scanned.parts();
    let image = api.image(digest).await?;
    let printer = &session.context.printer;
    let title = location.to_string();
    if arguments.files && printer.is_json() {
        return files::print(printer, api, digest, &FileQuery::default(), true).await;
    }
    printer.answer(&image, |image| summary::text(&title, image, false))?;
    if arguments.files {
        printer.text("\n")?;
        files::print(printer, api, digest, &FileQuery::default(), false).await?;
    }
    Ok(())
}

async fn scan(session: &Session<'_>, location: &Location) -> Outcome<Scanned> {
    if let Whereabouts::BuiltIn(reference) = whereabouts(location) {
        let api = session.api().await?;
        let _progress = Progress::start(&session.context.printer, &format!("scanning {location}"));
        ask(&api, &reference).await?;
        let digest = api.resolve(&reference).await?;
        return Ok(Scanned::Catalogued(api, digest));
    }
    Scanned::of(session, location).await
}

/// Has the server scan it. What is named by a digest was scanned when it was pushed.
async fn ask(api: &Api, reference: &Reference) -> Outcome {
    match reference.target() {
        Target::Tag(tag) => api.scan(&reference.repository, tag.as_str()).await,
        Target::Digest(_) => api.settle().await,
    }
}
