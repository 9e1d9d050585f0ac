//! Properties of the walk over any bytes: what the fuzz targets look for, in every run of the tests.

use portolan_catalogue::layer::whiteout_target;
use portolan_catalogue::{Entry as Found, LayerInput, Rules, ScanError, Scanner};
use portolan_model::{Digest, Limits, path};
use portolan_testkit::Layer;
use portolan_testkit::layer::gzip;
use portolan_testkit::tar::{Entry, archive};
use proptest::prelude::*;

use crate::support::scan;

/// Limits small enough for any byte to reach them.
fn small() -> Limits {
    Limits {
        layer_entries: 50,
        path_bytes: 200,
        pax_bytes: 2000,
        layer_raw_bytes: 1 << 20,
        kept_file_bytes: 1000,
        kept_layer_bytes: 2000,
        ..Limits::default()
    }
}

fn walk(bytes: &[u8]) -> Result<Vec<Found>, ScanError> {
    let mut entries = Vec::new();
    let mut sink = |batch: Vec<Found>| entries.extend(batch);
    let scanner = Scanner::new(Rules::default(), small());
    let input = LayerInput { digest: Digest::of(bytes), size: bytes.len() as u64, diff_id: None };
    scanner.scan_layer(bytes, &input, &mut sink)?;
    Ok(entries)
}

fn check(entries: &[Found]) {
    assert!(entries.len() <= 50);
    for entry in entries {
        assert_eq!(path::normalise(&entry.path), entry.path);
        assert!(!entry.path.is_empty() && !entry.path.chars().any(char::is_control));
        assert_eq!(entry.kind.is_mark(), whiteout_target(&entry.path).is_some());
    }
}

const MAGIC: &[&[u8]] = &[b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x51\x2a\x4d\x18", b""];

fn entry() -> impl Strategy<Value = Entry> {
    let path = prop_oneof![
        "[a-z./]{1,150}",
        "[a-z]{1,3}/\\.wh\\.[a-z.]{0,12}",
        "\\PC{1,30}",
        Just("package.json".to_owned()),
    ];
    let kind = prop_oneof![5 => Just(b'0'), 5 => prop::sample::select(&b"\x001234567LKSxgVZ"[..])];
    let content = prop::collection::vec(any::<u8>(), 0..1500);
    (path, kind, content, "[ -~]{0,40}")
        .prop_map(|(path, kind, content, link)| Entry::new(kind, path).content(content).link(link))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_panics_on_entries_in_any_order(
        entries in prop::collection::vec(entry(), 0..8),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        compressed: bool,
    ) {
        let mut bytes = archive(&entries);
        for (at, byte) in flips {
            // The checksum stands in the way of most changes to a header, so these are to contents,
            // to extended headers and to the archive's end.
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let bytes = if compressed { gzip(&bytes) } else { bytes };
        if let Ok(entries) = walk(&bytes) {
            check(&entries);
        }
    }

    #[test]
    fn nothing_panics_on_fields_of_any_value(
        fields in prop::collection::vec((0_usize..148, any::<u8>()), 0..6),
        tail in prop::collection::vec((156_usize..512, any::<u8>()), 0..20),
        content in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let mut bytes = archive(&[Entry::file("f", content), Entry::file("g", "x")]);
        for (at, byte) in fields.into_iter().chain(tail) {
            bytes[at] = byte;
        }
        bytes[148..156].fill(b' ');
        let sum: u32 = bytes[..512].iter().map(|byte| u32::from(*byte)).sum();
        bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        if let Ok(entries) = walk(&bytes) {
            check(&entries);
        }
    }

    #[test]
    fn nothing_panics_on_compressed_bytes_of_any_value(
        magic in prop::sample::select(MAGIC),
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = walk(&[magic, &rest].concat());
    }

    #[test]
    fn what_is_written_is_read_wherever_the_buffers_end(
        files in prop::collection::vec(("[a-z]{1,8}", 0_usize..3000), 0..10),
        member in 1_usize..5000,
    ) {
        let entries: Vec<_> = files.iter().enumerate()
            .map(|(n, (name, size))| Entry::file(format!("{n}/{name}"), vec![b'x'; *size]))
            .collect();
        let bytes = archive(&entries);
        let found = scan(&Layer::gzip_members(&bytes, member)).unwrap();
        prop_assert_eq!(found.len(), files.len());
        for (entry, (name, size)) in found.iter().zip(&files) {
            prop_assert!(entry.path.ends_with(name));
            prop_assert_eq!(entry.digest, Some(Digest::of(&vec![b'x'; *size])));
        }
    }
}
