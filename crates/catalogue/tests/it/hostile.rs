//! Archives that no honest tool makes: each is a clear error or a safe entry.

use std::io::Read;

use portolan_catalogue::layer::{Content, TarProblem};
use portolan_catalogue::{LayerInput, Rules, ScanError, Scanner};
use portolan_model::{Digest, FileKind, Limits};
use portolan_testkit::Layer;
use portolan_testkit::tar::{BLOCK, Entry, archive};

use crate::support::{scan, scan_with};

fn plain(entries: &[Entry]) -> Layer {
    Layer::plain(archive(entries))
}

fn problem(layer: &Layer) -> TarProblem {
    match scan(layer) {
        Err(ScanError::Tar { problem, .. }) => problem,
        other => panic!("not a wrong archive: {other:?}"),
    }
}

#[test]
fn no_path_leaves_the_root() {
    let layer = plain(&[
        Entry::file("../../etc/passwd", "a"),
        Entry::file("/abs", "b"),
        Entry::file("./a/./b//../c", "c"),
        Entry::hard_link("link", "../../../etc/shadow"),
        Entry::symlink("sym", "../../../etc/shadow"),
        Entry::dir("/"),
        Entry::dir("./"),
        Entry::dir(".."),
    ]);
    let entries = scan(&layer).unwrap();
    let seen: Vec<_> = entries.iter().map(|e| (e.path.as_str(), e.link.as_deref())).collect();
    assert_eq!(
        seen,
        [
            ("etc/passwd", None),
            ("abs", None),
            ("a/c", None),
            ("link", Some("etc/shadow")),
            ("sym", Some("../../../etc/shadow")),
        ]
    );
    assert_eq!(entries[0].raw_path.as_deref(), Some(&b"../../etc/passwd"[..]));
    assert_eq!(problem(&plain(&[Entry::file("..", "x")])), TarProblem::Root);
}

#[test]
fn names_are_shown_as_text_and_kept_as_bytes() {
    let layer = plain(&[
        Entry::file(b"bad-\xff\xfe", ""),
        Entry::file("tab\tnew\nline\x1b[31m", ""),
        Entry::file("x", "").pax("path", b"nul\0inside"),
        Entry::symlink("s", "x").pax("linkpath", b"\xc3\x28"),
    ]);
    let entries = scan(&layer).unwrap();
    let seen: Vec<_> = entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(seen, ["bad-\\xff\\xfe", "tab\\x09new\\x0aline\\x1b[31m", "nul\\x00inside", "s"]);
    assert_eq!(entries[2].raw_path.as_deref(), Some(&b"nul\0inside"[..]));
    assert_eq!(entries[3].link.as_deref(), Some("\\xc3("));
}

#[test]
fn names_may_have_4096_bytes_and_no_more() {
    let named = |bytes: usize| plain(&[Entry::file("n".repeat(bytes), "x")]);
    assert_eq!(scan(&named(4096)).unwrap()[0].path.len(), 4096);
    let over = TarProblem::Name { bytes: 4097, limit: 4096 };
    assert_eq!(problem(&named(4097)), over);
    let link = plain(&[Entry::symlink("s", "t".repeat(4097))]);
    assert_eq!(problem(&link), over);
    for kind in [b'L', b'K'] {
        let long = Entry::new(kind, "././@LongLink").content("n".repeat(4097));
        assert_eq!(problem(&plain(&[long, Entry::file("x", "")])), over);
    }
}

#[test]
fn sizes_below_zero_are_refused() {
    let negative = [0xff; 12];
    for kind in [b'0', b'x', b'L', b'V', b'S'] {
        let layer = plain(&[Entry::new(kind, "f").size_field(negative)]);
        assert_eq!(problem(&layer), TarProblem::NegativeSize, "{}", char::from(kind));
    }
    let pax = plain(&[Entry::file("f", "x").pax("size", "-1")]);
    assert_eq!(problem(&pax), TarProblem::NegativeSize);
    let octal = plain(&[Entry::file("f", "x").size_field("-0000000001")]);
    assert_eq!(problem(&octal), TarProblem::Number("size"));
    // Not taken as a number of bytes that would have to be skipped for years.
    let huge =
        plain(&[Entry::file("f", "x").size_field(*b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff")]);
    assert_eq!(problem(&huge), TarProblem::Truncated);
}

#[test]
fn the_size_of_pax_wins_and_the_next_header_is_found() {
    // Whoever believes the header's 0 takes the content for the next header.
    let inner = archive(&[Entry::file("smuggled", "evil")]);
    let outer = Entry::file("outer", &inner[..])
        .size_field("00000000000\0")
        .pax("size", inner.len().to_string());
    let entries = scan(&plain(&[outer, Entry::file("next", "x")])).unwrap();
    let seen: Vec<_> = entries.iter().map(|e| (e.path.as_str(), e.digest)).collect();
    assert_eq!(seen, [("outer", Some(Digest::of(&inner))), ("next", Some(Digest::of(b"x")))]);
    // An empty value takes the record back.
    let back = Entry::file("f", "four").pax("size", "1").pax("size", "");
    assert_eq!(scan(&plain(&[back])).unwrap()[0].size, 4);
}

#[test]
fn what_has_no_content_has_none_whatever_its_size_says() {
    for kind in [b'1', b'2', b'3', b'4', b'5', b'6'] {
        let entry = Entry::new(kind, "thing").link("x").size_field("00000001000\0");
        let entries = scan(&plain(&[entry, Entry::file("next", "x")])).unwrap();
        assert_eq!((entries.len(), entries[0].size), (2, 0), "{}", char::from(kind));
    }
}

#[test]
fn global_headers_hold_until_an_entry_says_otherwise() {
    let global = |records: &str| Entry::new(b'g', "pax_global_header").content(records);
    let entries = scan(&plain(&[
        global("16 linkpath=all\n52 comment=2f1b1c1d1e1f101112131415161718191a1b1c1d\n"),
        Entry::symlink("a", "x"),
        Entry::symlink("b", "x").pax("linkpath", "own"),
        global("13 linkpath=\n"),
        Entry::symlink("c", "x"),
    ]));
    let links: Vec<_> = entries.unwrap().into_iter().map(|entry| entry.link.unwrap()).collect();
    assert_eq!(links, ["all", "own", "x"]);
}

#[test]
fn long_names_of_gnu_win_over_those_of_pax() {
    let entries = scan(&plain(&[
        Entry::new(b'x', "PaxHeader").content("12 path=pax\n"),
        Entry::new(b'L', "././@LongLink").content("gnu\0ignored"),
        Entry::file("short", "x"),
    ]));
    assert_eq!(entries.unwrap()[0].path, "gnu");
}

#[test]
fn extended_headers_have_a_limit() {
    let limits = || Limits { pax_bytes: 1024, ..Limits::default() };
    let record = |bytes: usize| Entry::file("f", "").pax("comment", "c".repeat(bytes));
    // 1024 bytes with the length, the key and the end of the line.
    assert!(scan_with(&plain(&[record(1024 - 14)]), limits()).is_ok());
    for over in
        [plain(&[record(1024 - 13)]), plain(&[Entry::new(b'g', "g").size_field("77777777777\0")])]
    {
        let told = scan_with(&over, limits()).unwrap_err();
        let ScanError::Tar { problem: TarProblem::ExtendedSize { limit, .. }, .. } = told else {
            panic!("{told}");
        };
        assert_eq!(limit, 1024);
    }
    let malformed = plain(&[Entry::new(b'x', "x").content("99 path=a\n"), Entry::file("f", "")]);
    assert!(matches!(problem(&malformed), TarProblem::Extended(_)));
}

#[test]
fn archives_cut_short_are_told() {
    let whole = archive(&[Entry::file("a", [7; 700]), Entry::file("b", "x")]);
    let cut = |bytes: usize| scan(&Layer::plain(whole[..bytes].to_vec()));
    // Without the end's mark, or in the middle of it, nothing is missing.
    for end in [whole.len() - 2 * BLOCK, whole.len() - BLOCK, whole.len()] {
        assert_eq!(cut(end).unwrap().len(), 2, "{end}");
    }
    for end in [100, 512, 1000, 1535, 1537, 2048, 2049] {
        assert!(
            matches!(cut(end), Err(ScanError::Tar { problem: TarProblem::Truncated, .. })),
            "{end}"
        );
    }
    assert_eq!(cut(0).unwrap().len(), 0);
    assert_eq!(problem(&plain(&[Entry::file("f", "").wrong_checksum()])), TarProblem::Checksum);
    assert_eq!(problem(&Layer::plain(b"not a tar archive".repeat(100))), TarProblem::Checksum);
}

#[test]
fn kinds_and_marks() {
    let entries = scan(&plain(&[
        Entry::new(b'3', "dev/null").mode(0o666),
        Entry::new(b'4', "dev/sda"),
        Entry::new(b'6', "pipe"),
        Entry::new(b'7', "contiguous").content("x"),
        Entry::new(0, "old/"),
        Entry::new(b'Z', "unheard-of").content("y"),
        Entry::whiteout("a/gone"),
        Entry::opaque("a"),
        Entry::file("a/.wh...", ""),
        Entry::new(b'V', "volume").content("z"),
    ]));
    let seen: Vec<_> = entries.unwrap().into_iter().map(|entry| (entry.path, entry.kind)).collect();
    let seen: Vec<_> = seen.iter().map(|(path, kind)| (path.as_str(), *kind)).collect();
    assert_eq!(
        seen,
        [
            ("dev/null", FileKind::CharacterDevice),
            ("dev/sda", FileKind::BlockDevice),
            ("pipe", FileKind::Fifo),
            ("contiguous", FileKind::File),
            ("old", FileKind::Directory),
            ("unheard-of", FileKind::File),
            ("a/.wh.gone", FileKind::Whiteout),
            ("a/.wh..wh..opq", FileKind::Opaque),
            ("a/.wh...", FileKind::File),
        ]
    );
}

#[test]
fn holes_that_never_end_are_not_read() {
    // Four bytes stored, of a file of 2^60: its map is right, its content is not worth a century.
    let sparse = Entry::file("f", "data")
        .pax("GNU.sparse.map", "0,4")
        .pax("GNU.sparse.size", (1_u64 << 60).to_string());
    let entries = scan(&plain(&[sparse, Entry::file("next", "x")])).unwrap();
    assert_eq!((entries[0].size, entries[0].digest), (1 << 60, None));
    assert_eq!(entries[1].digest, Some(Digest::of(b"x")));
    for (map, size) in [("0,5", "100"), ("0,4", "3"), ("2,2,0,2", "100"), ("0,4,4", "100")] {
        let wrong =
            Entry::file("f", "data").pax("GNU.sparse.map", map).pax("GNU.sparse.size", size);
        assert!(matches!(problem(&plain(&[wrong])), TarProblem::Sparse(_)), "{map}");
    }
    let in_data = |data: &str| {
        Entry::file("f", data)
            .pax("GNU.sparse.major", "1")
            .pax("GNU.sparse.minor", "0")
            .pax("GNU.sparse.realsize", "10")
    };
    for data in ["", "1\n", "99999999999999999999\n", "-1\n", "x\n", "1\n0\n"] {
        let layer = plain(&[in_data(data), Entry::file("next", "")]);
        assert!(matches!(problem(&layer), TarProblem::Sparse(_)), "{data:?}");
    }
}

#[test]
fn what_is_kept_has_limits_and_says_so() {
    let limits = Limits { kept_file_bytes: 100, kept_layer_bytes: 150, ..Limits::default() };
    let file = |path: &str, bytes: usize| Entry::file(path, vec![b'x'; bytes]);
    let layer = plain(&[
        file("a/package.json", 100),
        file("b/package.json", 101),
        file("c/package.json", 51),
        file("d/package.json", 50),
        file("e/other", 5),
    ]);
    let (entries, summary) = scan_with(&layer, limits).unwrap();
    let contents: Vec<_> = entries.into_iter().map(|entry| entry.content).collect();
    assert_eq!(
        contents,
        [
            Content::Kept(vec![b'x'; 100]),
            Content::FileTooLarge,
            Content::LayerTooLarge,
            Content::Kept(vec![b'x'; 50]),
            Content::NotAsked,
        ]
    );
    assert_eq!(summary.kept_files, 2);
}

#[test]
fn a_file_is_found_again_in_its_layer() {
    let scanner = Scanner::new(Rules::default(), Limits::default());
    let layer = Layer::gzip(&archive(&[Entry::file("a", "one"), Entry::file("a", "two")]));
    let find = |text: &str, size: u64| {
        let input = crate::support::input(&layer);
        scanner.read_file(&layer.bytes[..], &input, &Digest::of(text.as_bytes()), size)
    };
    assert_eq!(find("two", 3).unwrap().unwrap(), b"two");
    assert_eq!(find("six", 3).unwrap(), None);
    assert!(matches!(find("x", u64::MAX), Err(ScanError::TooLarge { .. })));
}

/// A thousand empty files with names of their own, again and again, and no end.
struct ManyFiles {
    thousand: Vec<u8>,
    at: usize,
}

impl ManyFiles {
    fn new() -> Self {
        let mut thousand = Vec::new();
        for number in 0..1000 {
            let path = format!("var/cache/some/folder/with/files/{number:09}.txt");
            Entry::file(path, "").write(&mut thousand).unwrap();
        }
        Self { thousand, at: 0 }
    }
}

impl Read for ManyFiles {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let bytes = buffer.len().min(self.thousand.len() - self.at);
        buffer[..bytes].copy_from_slice(&self.thousand[self.at..self.at + bytes]);
        self.at = (self.at + bytes) % self.thousand.len();
        Ok(bytes)
    }
}

/// The most memory that this process has had, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

#[test]
fn millions_of_entries_in_little_memory() {
    let input = LayerInput { digest: Digest::of(b"never reached"), size: u64::MAX, diff_id: None };
    let before = peak_memory();
    let mut entries = 0;
    let mut sink = |batch: Vec<portolan_catalogue::Entry>| entries += batch.len() as u64;
    let scanner = Scanner::new(Rules::default(), Limits::default());
    let told = scanner.scan_layer(ManyFiles::new(), &input, &mut sink).unwrap_err();
    assert!(matches!(told, ScanError::Entries { limit: 5_000_000 }), "{told}");
    assert!(entries >= 4_999_000, "{entries}");
    let grown = peak_memory() - before;
    assert!(grown < 16 << 20, "{grown} bytes more");
}
