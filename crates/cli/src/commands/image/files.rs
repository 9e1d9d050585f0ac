//! `portolan image files`: what a container of the image would see.

use std::fmt::Write as _;

use portolan_model::{Digest, FileKind};
use serde::Serialize;

use super::Scanned;
use crate::api::answers::File;
use crate::api::{Api, FileQuery};
use crate::args::image::Files;
use crate::error::Outcome;
use crate::human::size;
use crate::printer::Printer;
use crate::session::Session;
use crate::table::printable;

/// An image and its files.
#[derive(Debug, Serialize)]
struct Answer {
    /// The image that they are in: of an index, one that it lists.
    image: Option<Digest>,
    files: Vec<File>,
}

pub(super) async fn run(session: &Session<'_>, arguments: Files) -> Outcome {
    let scanned = Scanned::of(session, &arguments.image).await?;
    let wanted = FileQuery {
        contains: arguments.contains,
        kept: arguments.kept,
        platform: arguments.platform.map(|platform| platform.to_string()),
    };
    let (api, digest) = scanned.parts();
    print(&session.context.printer, api, digest, &wanted, arguments.digests).await
}

/// Prints the files part by part as they come, or all as one JSON document.
pub(super) async fn print(
    printer: &Printer,
    api: &Api,
    digest: &Digest,
    wanted: &FileQuery,
    digests: bool,
) -> Outcome {
    let mut answer = Answer { image: None, files: Vec::new() };
    let mut after = None;
    loop {
        let part = api.files(digest, wanted, after.as_deref()).await?;
        if printer.is_json() {
            answer.image = Some(part.image);
            answer.files.extend(part.files);
        } else {
            let text: String = part.files.iter().map(|file| line(file, digests)).collect();
            printer.text(&text)?;
        }
        after = part.next;
        if after.is_none() {
            break;
        }
    }
    if printer.is_json() { printer.json(&answer) } else { Ok(()) }
}

/// One line: kind and mode, size, digest where it was wished, whether it is kept, the path.
fn line(file: &File, digests: bool) -> String {
    let kind = match file.kind {
        FileKind::File => '-',
        FileKind::Directory => 'd',
        FileKind::Symlink => 'l',
        FileKind::Hardlink => 'h',
        FileKind::CharacterDevice => 'c',
        FileKind::BlockDevice => 'b',
        FileKind::Fifo => 'p',
        FileKind::Whiteout | FileKind::Opaque => 'w',
    };
    let mut line = format!("{kind}{} {:>8}", printable(&file.mode), size(file.size));
    if digests {
        let digest = file.digest.map(|digest| digest.to_string()).unwrap_or_default();
        let _ = write!(line, " {digest:<71}");
    }
    let kept = if file.kept { "kept" } else { "" };
    let _ = write!(line, " {kept:<4} {}", printable(&file.path));
    if let Some(link) = &file.link {
        let _ = write!(line, " -> {}", printable(link));
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_all_and_steers_no_terminal() {
        let mut file = File {
            path: "app/\x1b[2Jx".into(),
            kind: FileKind::Symlink,
            mode: "0777".into(),
            size: 0,
            digest: None,
            link: Some("y".into()),
            kept: false,
            note: None,
            layer: Digest::of(b""),
        };
        assert_eq!(line(&file, false), "l0777      0 B      app/\u{fffd}[2Jx -> y\n");
        (file.link, file.kind, file.kept) = (None, FileKind::File, true);
        file.path = "a".into();
        assert_eq!(line(&file, false), "-0777      0 B kept a\n");
    }
}
