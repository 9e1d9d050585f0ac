//! How fast a layer is read: verify both digests, inflate, walk, digest and index each file.
//!
//! The layer is made here, alike in every run: text as sources and package files are, and bytes
//! that do not compress as programs hardly do, in files from 100 bytes to 4 MiB.

#![allow(missing_docs, reason = "what criterion makes is not for readers")]

use std::io::Write;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::write::GzEncoder;
use portolan_catalogue::{Entry, LayerInput, Rules, Scanner};
use portolan_model::{Digest, Limits};

/// A generator that gives the same numbers on every machine (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

fn content(numbers: &mut Numbers, size: usize) -> Vec<u8> {
    const WORDS: [&str; 16] = [
        "return ",
        "const ",
        "function",
        "(value)",
        " => ",
        "{\n    ",
        "}\n",
        "import ",
        "export ",
        "\"version\"",
        ": ",
        "self.",
        "0x7f",
        "error",
        "; ",
        "\u{e9}t\u{e9} ",
    ];
    let text = !numbers.next().is_multiple_of(3);
    let mut content = Vec::with_capacity(size + 16);
    while content.len() < size {
        let number = numbers.next();
        if text {
            for nibble in 0..8 {
                let word = WORDS[usize::try_from(number >> (nibble * 4) & 15).unwrap_or(0)];
                content.extend_from_slice(word.as_bytes());
            }
            write!(content, "{:x}", number >> 52).ok();
        } else {
            // Half of it repeats in the way machine code does.
            content.extend_from_slice(&number.to_be_bytes()[..5]);
            content.extend_from_slice(b"\x48\x8b\x05\0\0\0\0");
        }
    }
    content.truncate(size);
    content
}

fn header(path: &str, size: usize) -> [u8; 512] {
    let mut block = [0; 512];
    block[..path.len()].copy_from_slice(path.as_bytes());
    block[100..108].copy_from_slice(b"0000644\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    block[136..148].copy_from_slice(b"00000000000\0");
    block[148..156].copy_from_slice(b"        ");
    block[156] = b'0';
    block[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// A tar archive of about `bytes` bytes.
fn archive(bytes: usize) -> Vec<u8> {
    let mut numbers = Numbers(42);
    let mut archive = Vec::with_capacity(bytes + (8 << 20));
    let mut count = 0;
    while archive.len() < bytes {
        let log = 7 + u32::try_from(numbers.next() % 12).unwrap_or(0);
        let size = (1 << log) + usize::try_from(numbers.next() % (1 << log)).unwrap_or(0);
        let size = if numbers.next().is_multiple_of(200) { size * 8 } else { size };
        count += 1;
        let path = format!("usr/lib/some-package-{}/lib/module-{count}.js", count / 40);
        archive.extend_from_slice(&header(&path, size));
        archive.extend_from_slice(&content(&mut numbers, size));
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

fn scan(scanner: &Scanner, blob: &[u8], input: &LayerInput) -> u64 {
    let mut entries = 0;
    let mut sink = |batch: Vec<Entry>| entries += batch.len();
    match scanner.scan_layer(blob, input, &mut sink) {
        Ok(summary) => summary.entries,
        Err(error) => panic!("the layer cannot be read: {error}"),
    }
}

fn layers(criterion: &mut Criterion) {
    let raw = archive(256 << 20);
    let diff_id = Digest::of(&raw);
    let scanner = Scanner::new(Rules::default(), Limits::default());
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    let gzip = gzip.write_all(&raw).and_then(|()| gzip.finish()).unwrap_or_default();
    let zstd = zstd::stream::encode_all(&raw[..], 3).unwrap_or_default();
    let mut group = criterion.benchmark_group("scan");
    group.sample_size(10).throughput(Throughput::Bytes(raw.len() as u64));
    for (name, blob) in [("gzip", &gzip), ("zstd", &zstd), ("plain", &raw)] {
        let (digest, size) = (Digest::of(blob), blob.len() as u64);
        let input = LayerInput { digest, size, diff_id: Some(diff_id) };
        group.bench_function(name, |bencher| bencher.iter(|| scan(&scanner, blob, &input)));
    }
    group.finish();
}

criterion_group!(benches, layers);
criterion_main!(benches);
