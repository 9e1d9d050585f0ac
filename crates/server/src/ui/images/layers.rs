//! The layers of an image: a bar, and a table.

use portolan_model::Digest;
use portolan_store::{Image, Store};

use crate::ui::error::PageError;
use crate::ui::link::Link;
use crate::ui::show::{DigestLink, Visible, bytes, counted};

/// The width of the bar, in its own units.
const WIDTH: u64 = 1000;
/// Colours in the stylesheet: layers take turns.
const COLOURS: usize = 6;

/// One layer in the bar and in the table.
#[derive(Debug)]
pub(super) struct LayerRow {
    pub(super) number: usize,
    pub(super) colour: usize,
    pub(super) x: u64,
    pub(super) width: u64,
    pub(super) digest: Digest,
    pub(super) link: DigestLink,
    pub(super) made_by: Option<Visible>,
    pub(super) size: String,
    pub(super) raw: Option<String>,
    pub(super) entries: Option<String>,
    pub(super) shared: String,
    pub(super) sharers: Link,
}

/// The layers of an image, lowest first, and how many of them have been read.
pub(super) async fn layers(
    store: &Store,
    image: &Image,
) -> Result<(Vec<LayerRow>, usize), PageError> {
    let layers = &image.found.layers;
    let digests: Vec<_> = layers.iter().map(|layer| layer.digest).collect();
    let read = store.layers(&digests).await?;
    let sharing = store.layer_sharing(&digests).await?;
    let sizes: Vec<_> = layers.iter().map(|layer| layer.size).collect();
    let rows = layers.iter().zip(sharing).zip(spans(&sizes)).enumerate();
    let rows = rows.map(|(index, ((layer, images), (x, width)))| {
        let found = read.get(&layer.digest).map(|layer| layer.result);
        let sharers = Link::to("/ui/where").with("q", layer.digest.to_string());
        LayerRow {
            number: index + 1,
            colour: index % COLOURS + 1,
            x,
            width,
            digest: layer.digest,
            link: DigestLink::new(layer.digest, sharers.clone()),
            made_by: layer.created_by.as_deref().map(instruction),
            size: bytes(layer.size),
            raw: found.map(|found| bytes(found.raw_bytes)),
            entries: found.map(|found| counted(found.entries, "entry", "entries")),
            shared: match images {
                0 | 1 => "this image alone".to_owned(),
                more => counted(more, "image", "images"),
            },
            sharers,
        }
    });
    let done = digests.iter().filter(|digest| read.contains_key(digest)).count();
    Ok((rows.collect(), done))
}

/// Where each part of a bar begins and how wide it is: in proportion to `sizes`, wide enough to be
/// seen and clicked where there are few.
fn spans(sizes: &[u64]) -> Vec<(u64, u64)> {
    let least = (WIDTH / 100).min(WIDTH / (sizes.len() as u64 * 2).max(1));
    let free = WIDTH - least * sizes.len() as u64;
    let total: u128 = sizes.iter().map(|size| u128::from(*size)).sum::<u128>().max(1);
    let mut before = 0_u128;
    let mut spans = Vec::with_capacity(sizes.len());
    for (index, size) in (0_u64..).zip(sizes) {
        let place = |sum: u128| u64::try_from(sum * u128::from(free) / total).unwrap_or(free);
        let (from, to) = (place(before), place(before + u128::from(*size)));
        before += u128::from(*size);
        spans.push((from + index * least, to - from + least));
    }
    spans
}

/// The line of the build file that made a layer, without what the builder put around it.
fn instruction(created_by: &str) -> Visible {
    let text = created_by.trim();
    let text = text.strip_suffix("# buildkit").unwrap_or(text).trim_end();
    let text = match text.strip_prefix("/bin/sh -c #(nop)") {
        Some(done) => done.trim_start().to_owned(),
        None => match text.strip_prefix("/bin/sh -c ") {
            Some(run) => format!("RUN {run}"),
            None => text
                .strip_prefix("RUN /bin/sh -c ")
                .map_or_else(|| text.to_owned(), |run| format!("RUN {run}")),
        },
    };
    Visible::cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), 2000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_filled_and_every_part_is_seen() {
        for sizes in [vec![62, 210, 34, 3], vec![0, 0], vec![u64::MAX; 3], vec![1; 1000], vec![7]] {
            let spans = spans(&sizes);
            let mut end = 0;
            for (x, width) in &spans {
                assert!(*x >= end && *width + *x <= WIDTH, "{sizes:?}: {spans:?}");
                end = x + width;
            }
            if sizes.len() < 500 {
                assert!(spans.iter().all(|(_, width)| *width > 0), "{spans:?}");
            }
        }
        assert!(spans(&[]).is_empty());
        let halves = spans(&[10, 10]);
        assert_eq!(halves, [(0, 500), (500, 500)]);
    }

    #[test]
    fn an_instruction_is_what_was_written() {
        for (given, shown) in [
            ("/bin/sh -c #(nop) ADD file:5c in / ", "ADD file:5c in /"),
            ("/bin/sh -c apt-get  update", "RUN apt-get update"),
            ("RUN /bin/sh -c npm ci # buildkit", "RUN npm ci"),
            ("COPY . /app # buildkit", "COPY . /app"),
            ("bazel build ...", "bazel build ..."),
        ] {
            assert_eq!(instruction(given).to_string(), shown);
        }
    }
}
