//! `portolan image cat`: the contents of a file that was kept.

use portolan_model::path::normalise;

use super::Scanned;
use crate::args::image::Cat;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::session::Session;

pub(super) async fn run(session: &Session<'_>, arguments: Cat) -> Outcome {
    let Cat { image, path, platform } = arguments;
    let path = normalise(&path);
    let platform = platform.map(|platform| platform.to_string());
    let scanned = Scanned::of(session, &image).await?;
    let (api, digest) = scanned.parts();
    let file = api.file_at(digest, &path, platform).await?.ok_or_else(|| {
        let hint = format!("`portolan image files {image}` lists what there is");
        Failure::new(Code::NotFound, format!("there is no file {path} in {image}")).hint(hint)
    })?;
    if !file.kept {
        let why = file.note.unwrap_or_else(|| "no rule of [scan] asks for them".to_owned());
        let message = format!("the contents of {path} in {image} are not kept: {why}");
        let hint = format!("`portolan image files {image} --kept` lists those that are");
        return Err(Failure::new(Code::NotFound, message).hint(hint));
    }
    session.context.printer.bytes(&api.contents(&file.layer, &path).await?)
}
