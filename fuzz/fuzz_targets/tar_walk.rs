//! A layer of any bytes, compressed or not: no panic, no entry outside of the root, no limit passed.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portolan_catalogue::layer::{Content, whiteout_target};
use portolan_catalogue::{Entry, LayerInput, Rules, Scanner};
use portolan_model::{Digest, Limits, path};

const ENTRIES: u64 = 100;
const KEPT: u64 = 2000;

static SCANNER: LazyLock<Scanner> = LazyLock::new(|| {
    let limits = Limits {
        layer_entries: ENTRIES,
        path_bytes: 300,
        pax_bytes: 4096,
        layer_raw_bytes: 4 << 20,
        zstd_window_bytes: 1 << 20,
        kept_file_bytes: KEPT,
        kept_layer_bytes: KEPT,
        ..Limits::default()
    };
    Scanner::new(Rules::default(), limits)
});

/// `bytes` with the right checksum in whatever may be a header, which random changes would never
/// hit.
fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (number, block) in bytes.chunks_exact_mut(512).enumerate() {
        if number == 0 || &block[257..262] == b"ustar" {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
    bytes
}

fn scan(bytes: &[u8]) {
    let input = LayerInput { digest: Digest::of(bytes), size: bytes.len() as u64, diff_id: None };
    let (mut entries, mut kept) = (0, 0);
    let mut sink = |batch: Vec<Entry>| {
        for entry in batch {
            entries += 1;
            assert_eq!(path::normalise(&entry.path), entry.path);
            assert!(!entry.path.is_empty() && !entry.path.chars().any(char::is_control));
            assert_eq!(entry.kind.is_mark(), whiteout_target(&entry.path).is_some());
            if let Content::Kept(content) = entry.content {
                assert_eq!(entry.digest, Some(Digest::of(&content)));
                assert_eq!(entry.size, content.len() as u64);
                kept += entry.size;
            }
        }
    };
    let scanned = SCANNER.scan_layer(bytes, &input, &mut sink);
    assert!(entries <= ENTRIES && kept <= KEPT);
    if let Ok(summary) = scanned {
        assert!(summary.entries >= entries);
    }
}

fuzz_target!(|bytes: &[u8]| {
    scan(bytes);
    scan(&with_checksums(bytes));
});
