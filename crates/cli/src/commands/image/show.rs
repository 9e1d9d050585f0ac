//! `portolan image show`: labels, configuration, layers.

use super::{summary, unscanned};
use crate::args::image::Show;
use crate::error::Outcome;
use crate::progress::Progress;
use crate::session::{Session, Whereabouts, whereabouts};

pub(super) async fn run(session: &Session<'_>, arguments: Show) -> Outcome {
    let location = arguments.image;
    let image = match whereabouts(&location) {
        Whereabouts::BuiltIn(reference) => {
            let api = session.api().await?;
            api.image(&api.resolve(&reference).await?).await?
        }
        // What manifest and configuration say is enough here; no layer is read.
        Whereabouts::Elsewhere => {
            let _progress =
                Progress::start(&session.context.printer, &format!("reading {location}"));
            unscanned::read(session, &location).await?
        }
    };
    let title = location.to_string();
    session.context.printer.answer(&image, |image| summary::text(&title, image, arguments.digests))
}
