//! Every way in which a layer may be compressed, and the ways in which that may be abused.

use std::io::Write as _;
use std::process::{Command, Stdio};

use portolan_catalogue::layer::Compression;
use portolan_catalogue::{LayerSummary, ScanError};
use portolan_model::{Digest, Limits};
use portolan_testkit::Layer;
use portolan_testkit::layer::gzip;
use portolan_testkit::tar::{Entry, archive};

use crate::support::{scan, scan_with};

fn entries() -> Vec<Entry> {
    (0..300).map(|n| Entry::file(format!("f/{n}"), format!("{n}").repeat(n * 3))).collect()
}

fn summary(layer: &Layer) -> Result<LayerSummary, ScanError> {
    scan_with(layer, Limits::default()).map(|(_, summary)| summary)
}

/// What `command` makes of `input`.
fn pipe(command: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(command[0])
        .args(&command[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error} (apt-get install it)", command[0]));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feed = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    feed.join().unwrap().unwrap();
    assert!(output.status.success());
    output.stdout
}

/// `raw` as a layer stored as `bytes`.
fn stored(raw: &[u8], bytes: Vec<u8>) -> Layer {
    Layer { media_type: "whatever".into(), bytes, diff_id: Digest::of(raw) }
}

#[test]
fn every_form_of_one_archive_is_read_alike() {
    let raw = archive(&entries());
    let half = raw.len() / 2;
    let forms = [
        ("plain", Compression::Plain, raw.clone()),
        ("gzip", Compression::Gzip, pipe(&["gzip", "-9", "-n"], &raw)),
        ("one member for each part", Compression::Gzip, Layer::gzip_members(&raw, 1000).bytes),
        ("zeros after the last member", Compression::Gzip, [gzip(&raw), vec![0; 700]].concat()),
        ("an empty member", Compression::Gzip, [gzip(&raw), gzip(b"")].concat()),
        ("zstd", Compression::Zstd, pipe(&["zstd", "-19", "-c"], &raw)),
        ("zstd with a checksum", Compression::Zstd, pipe(&["zstd", "--check", "-c"], &raw)),
        ("zstd with a long window", Compression::Zstd, pipe(&["zstd", "--long=26", "-c"], &raw)),
        (
            "two frames, one to skip",
            Compression::Zstd,
            [
                pipe(&["zstd", "-c"], &raw[..half]),
                b"\x50\x2a\x4d\x18\x04\0\0\0skip".to_vec(),
                pipe(&["zstd", "-c"], &raw[half..]),
            ]
            .concat(),
        ),
        (
            "a frame to skip first",
            Compression::Zstd,
            [b"\x5f\x2a\x4d\x18\0\0\0\0".to_vec(), pipe(&["zstd", "-c"], &raw)].concat(),
        ),
    ];
    for (form, compression, bytes) in forms {
        let summary = summary(&stored(&raw, bytes)).unwrap_or_else(|e| panic!("{form}: {e}"));
        assert_eq!((summary.entries, summary.compression), (300, compression), "{form}");
        assert_eq!(summary.raw_bytes, raw.len() as u64, "{form}");
        assert_eq!(summary.diff_id, Digest::of(&raw), "{form}");
    }
}

#[test]
fn a_gzip_header_with_every_field_is_read() {
    let raw = archive(&entries());
    let plain = gzip(&raw);
    let with = |flags: u8, fields: &[u8]| {
        let mut header = plain[..10].to_vec();
        header[3] = flags;
        header.extend_from_slice(fields);
        (header, plain[10..].to_vec())
    };
    let (header, body) = with(0x1f, b"\x03\0xyzname\0comment\0");
    let mut sum = flate2::Crc::new();
    sum.update(&header);
    let sum = u16::try_from(sum.sum() & 0xffff).unwrap();
    let stored_with = |sum: u16| stored(&raw, [&header[..], &sum.to_le_bytes(), &body].concat());
    assert_eq!(summary(&stored_with(sum)).unwrap().entries, 300);
    let told = summary(&stored_with(sum ^ 1)).unwrap_err();
    assert!(matches!(told, ScanError::Damaged { .. }), "{told}");
    for (flags, method) in [(0x20, 8), (0, 7)] {
        let (mut header, body) = with(flags, b"");
        header[2] = method;
        let told = summary(&stored(&raw, [header, body].concat())).unwrap_err();
        assert!(matches!(told, ScanError::Damaged { .. }), "{told}");
    }
}

#[test]
fn what_follows_the_archive_s_end_is_part_of_both_digests() {
    let mut raw = archive(&entries());
    raw.resize(raw.len() + 300_000, 7);
    for layer in [Layer::plain(raw.clone()), Layer::gzip(&raw), Layer::zstd(&raw).unwrap()] {
        let summary = summary(&layer).unwrap();
        assert_eq!((summary.entries, summary.raw_bytes), (300, raw.len() as u64));
    }
}

#[test]
fn damage_is_told_as_what_it_is() {
    let raw = archive(&entries());
    let damaged =
        |bytes: Vec<u8>| matches!(summary(&stored(&raw, bytes)), Err(ScanError::Damaged { .. }));
    for whole in [gzip(&raw), Layer::zstd(&raw).unwrap().bytes] {
        let cut = whole.len() - 3;
        assert!(damaged(whole[..cut].to_vec()), "cut short");
        assert!(damaged([&whole[..], b"garbage"].concat()), "garbage behind");
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 0xff;
        let flipped = summary(&stored(&raw, flipped));
        assert!(
            matches!(
                flipped,
                Err(ScanError::Damaged { .. } | ScanError::Tar { .. } | ScanError::DiffId { .. })
            ),
            "{flipped:?}"
        );
    }
    for from_end in [8, 4] {
        let mut wrong = gzip(&raw);
        let at = wrong.len() - from_end;
        wrong[at] ^= 1;
        assert!(damaged(wrong), "wrong sum, or wrong size");
    }
    assert!(damaged([gzip(&raw), b"\x1f".to_vec()].concat()), "half of a magic number");
    for (bytes, name) in [(&b"BZh91AY"[..], "bzip2"), (b"\xfd7zXZ\0\0", "xz")] {
        let told = summary(&stored(&raw, bytes.to_vec())).unwrap_err();
        assert!(matches!(told, ScanError::Unsupported(is) if is == name));
    }
}

#[test]
fn a_blob_that_is_not_the_pushed_one_is_told_before_what_is_wrong_inside() {
    let layer = Layer::gzip(&archive(&entries()));
    let scanner =
        portolan_catalogue::Scanner::new(portolan_catalogue::Rules::default(), Limits::default());
    let scan = |bytes: &[u8]| {
        let mut sink = |_: Vec<portolan_catalogue::Entry>| {};
        scanner.scan_layer(bytes, &crate::support::input(&layer), &mut sink)
    };
    let cut = layer.bytes.len() - 100;
    assert!(matches!(scan(&layer.bytes[..cut]), Err(ScanError::Size { .. })));
    let longer = [&layer.bytes[..], b"0"].concat();
    assert!(matches!(scan(&longer), Err(ScanError::Size { .. })));
    let mut flipped = layer.bytes.clone();
    flipped[cut / 2] ^= 0xff;
    assert!(matches!(scan(&flipped), Err(ScanError::Digest { .. })));
    let mut lying = layer.clone();
    lying.diff_id = Digest::of(b"else");
    let told = crate::support::scan(&lying).unwrap_err();
    assert!(matches!(told, ScanError::DiffId { .. }));
}

#[test]
fn bombs_end_at_the_limits() {
    let zeros = vec![0; 64 << 20];
    let bomb = Layer::zstd(&zeros).unwrap();
    assert!(matches!(summary(&bomb), Err(ScanError::Ratio { limit: 1000, .. })));
    // gzip reaches at most 1032 to one.
    assert!(matches!(summary(&Layer::gzip(&zeros)), Err(ScanError::Ratio { .. })));
    let limits = Limits { layer_raw_bytes: 1 << 20, ..Limits::default() };
    let edge = Layer::plain(archive(&[Entry::file("f", vec![1; (1 << 20) - 1536])]));
    assert_eq!(edge.bytes.len(), 1 << 20);
    assert!(scan_with(&edge, limits.clone()).is_ok());
    let over = Layer::plain([&edge.bytes[..], &[0]].concat());
    assert!(matches!(scan_with(&over, limits), Err(ScanError::RawSize { .. })));
}

#[test]
fn a_window_over_the_limit_is_refused_before_it_is_asked_for() {
    let raw = archive(&entries());
    let huge = stored(&raw, pipe(&["zstd", "--long=27", "-c"], &raw.repeat(400)));
    assert!(matches!(scan(&huge), Err(ScanError::Window { limit: 67_108_864, .. })));
    // A header alone, which asks for 3.75 TiB.
    let header = stored(&raw, b"\x28\xb5\x2f\xfd\x00\xff\x01\0\0".to_vec());
    assert!(matches!(scan(&header), Err(ScanError::Window { window: 4_123_168_604_160, .. })));
}
