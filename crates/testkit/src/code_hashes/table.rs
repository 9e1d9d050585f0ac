//! The trees, their filters and their hashes.

use super::Entry::{Fifo, Link, Many, Program, Text};
use super::{NOTHING, Tree, Vector};

/// Three files in one folder.
const LETTERS: Tree = &[(b"a.txt", Text("a")), (b"b.txt", Text("b")), (b"c.md", Text("c"))];

/// What the original's README has as its example.
const LAMBDAS: Tree = &[
    (b"README.md", Text("R\n")),
    (b"lambdas/a/main.py", Text("A\n")),
    (b"lambdas/b/main.py", Text("B\n")),
    (b"lambdas/b/util.py", Text("U\n")),
    (b"lambdas/top.py", Text("T\n")),
];

/// Names that begin with a dot, at every depth.
const HIDDEN: Tree = &[
    (b".github/w.yml", Text("W\n")),
    (b"lambdas/.cache/x.py", Text("X\n")),
    (b"lambdas/.env", Text("E\n")),
    (b"lambdas/v.py", Text("V\n")),
    (b"z.txt", Text("Z\n")),
];

/// A link to the folder that it is in.
const LOOP: Tree = &[(b"d/f", Text("F")), (b"d/loop", Link("."))];

/// All of them.
pub const VECTORS: &[Vector] = &[
    Vector {
        name: "h01-single",
        tree: &[(b"a.txt", Text("hello\n"))],
        filter: "a.txt",
        hash: "b1946ac92492d2347c6235b4d2611184",
    },
    Vector {
        name: "h02-star",
        tree: LETTERS,
        filter: "*.txt",
        hash: "187ef4436122d1cc2f40dc2b92f0eba0",
    },
    Vector { name: "h03-no-match", tree: LETTERS, filter: "nope/**", hash: NOTHING },
    Vector { name: "h04-empty-filter", tree: LETTERS, filter: "", hash: NOTHING },
    Vector {
        name: "h05-readme-example",
        tree: LAMBDAS,
        filter: "lambdas/**",
        hash: "7d098879572d7b35884020767c6055c7",
    },
    Vector {
        name: "h05b-doublestar-slash-star",
        tree: LAMBDAS,
        filter: "lambdas/**/*",
        hash: "7d098879572d7b35884020767c6055c7",
    },
    Vector {
        name: "h05e-doublestar-name",
        tree: LAMBDAS,
        filter: "lambdas/**/*.py",
        hash: "7d098879572d7b35884020767c6055c7",
    },
    Vector {
        name: "h05f-doublestar-trailing-slash",
        tree: LAMBDAS,
        filter: "lambdas/**/",
        hash: NOTHING,
    },
    Vector {
        name: "h05g-all",
        tree: LAMBDAS,
        filter: "**",
        hash: "d9d3a929749b73b7124aededfaeb37be",
    },
    Vector {
        name: "h05h-star-star",
        tree: LAMBDAS,
        filter: "lambdas/*/*",
        hash: "30ded01f214d6ca95a41adb99c5132c8",
    },
    Vector { name: "h05i-dir-only", tree: LAMBDAS, filter: "lambdas", hash: NOTHING },
    Vector { name: "h05j-dir-slash", tree: LAMBDAS, filter: "lambdas/", hash: NOTHING },
    Vector {
        name: "h05k-two-doublestars",
        tree: &[(b"x/f", Text("2")), (b"x/y/x/f", Text("1"))],
        filter: "**/x/**",
        hash: "eb163727917cbba1eea208541a643e74",
    },
    Vector {
        name: "h06-hidden-default",
        tree: HIDDEN,
        filter: "**",
        hash: "737d645f4c54d496f8f371a1748da852",
    },
    Vector {
        name: "h06b-hidden-under",
        tree: HIDDEN,
        filter: "lambdas/**",
        hash: "425a3e9d228952d6bf6ae19e67d8ade4",
    },
    Vector {
        name: "h06c-hidden-explicit",
        tree: HIDDEN,
        filter: "lambdas/.env",
        hash: "787c9a8e2148e711f6e9f44696cf341f",
    },
    Vector {
        name: "h06e-doublestar-dotname",
        tree: HIDDEN,
        filter: "**/.env",
        hash: "787c9a8e2148e711f6e9f44696cf341f",
    },
    Vector {
        name: "h09-case-sort",
        tree: &[
            (b"0", Text("5")),
            (b"B", Text("1")),
            (b"Z", Text("4")),
            (b"_", Text("3")),
            (b"a", Text("2")),
        ],
        filter: "*",
        hash: "b1411553dadaf7fbf04dadc2fbe162a5",
    },
    Vector {
        name: "h10-unicode-sort",
        tree: &[
            (b"e\xcc\x81", Text("2")),
            (b"f", Text("3")),
            (b"\xc3\xa9", Text("1")),
            (b"\xed\x9f\xbf", Text("6")),
            (b"\xef\xbd\x9e", Text("5")),
            (b"\xf0\x9f\x98\x80", Text("4")),
        ],
        filter: "*",
        hash: "67da4f2a1f0abe17f6544b8179ce5c78",
    },
    Vector {
        name: "h11-overlap-hashed-twice",
        tree: LETTERS,
        filter: "a.txt *.txt",
        hash: "e62595ee98b585153dac87ce1ab69c3c",
    },
    Vector {
        name: "h12-order-ab",
        tree: LETTERS,
        filter: "a.txt b.txt",
        hash: "187ef4436122d1cc2f40dc2b92f0eba0",
    },
    Vector {
        name: "h12b-order-ba",
        tree: LETTERS,
        filter: "b.txt a.txt",
        hash: "07159c47ee1b19ae4fb9c40d480856c4",
    },
    Vector {
        name: "h16-question",
        tree: LETTERS,
        filter: "?.txt",
        hash: "187ef4436122d1cc2f40dc2b92f0eba0",
    },
    Vector {
        name: "h16b-class",
        tree: LETTERS,
        filter: "[ab].txt",
        hash: "187ef4436122d1cc2f40dc2b92f0eba0",
    },
    Vector {
        name: "h16c-negclass-bang",
        tree: LETTERS,
        filter: "[!a].*",
        hash: "5360af35bde9ebd8f01f492dc059593c",
    },
    Vector {
        name: "h16e-brace",
        tree: &[
            (b"a.txt", Text("a")),
            (b"b.txt", Text("b")),
            (b"c.md", Text("c")),
            (b"{a,b}.txt", Text("brace")),
        ],
        filter: "{a,b}.txt",
        hash: "9dbe5c1067a3050a90ea91f191045757",
    },
    Vector {
        name: "h16h-escaped-star",
        tree: &[(b"a*.txt", Text("star")), (b"ab.txt", Text("ab"))],
        filter: "a[*].txt",
        hash: "8ff953dd97c4405234a04291dee39e0b",
    },
    Vector {
        name: "h17-symlink-file",
        tree: &[(b"d/link", Link("real")), (b"d/real", Text("R"))],
        filter: "d/*",
        hash: "cb95449a94688af33f6e9bb090cf2936",
    },
    Vector {
        name: "h17c-broken-link",
        tree: &[(b"d/broken", Link("nowhere")), (b"d/f", Text("F"))],
        filter: "d/**",
        hash: "800618943025315f869e4e1f09471012",
    },
    Vector {
        name: "h17d-link-outside",
        tree: &[(b"d/out", Link("../../outside.txt"))],
        filter: "d/*",
        hash: "d4c6d1957aab60656d244d958290f5d8",
    },
    Vector {
        name: "h17f-symlink-loop-onelevel",
        tree: LOOP,
        filter: "d/*/*",
        hash: "800618943025315f869e4e1f09471012",
    },
    Vector {
        name: "h18-mode",
        tree: &[(b"a.sh", Program("x\n"))],
        filter: "a.sh",
        hash: "401b30e3b8b5d629635a5c613cdb7919",
    },
    Vector {
        name: "h18b-mode",
        tree: &[(b"a.sh", Text("x\n"))],
        filter: "a.sh",
        hash: "401b30e3b8b5d629635a5c613cdb7919",
    },
    Vector {
        name: "h19-rename-same-order",
        tree: &[(b"a.txt", Text("a")), (b"bb.txt", Text("b"))],
        filter: "*.txt",
        hash: "187ef4436122d1cc2f40dc2b92f0eba0",
    },
    Vector {
        name: "h20-boundary-1",
        tree: &[(b"f1", Text("ab")), (b"f2", Text("c"))],
        filter: "*",
        hash: "900150983cd24fb0d6963f7d28e17f72",
    },
    Vector {
        name: "h20c-merged",
        tree: &[(b"f1", Text("abc"))],
        filter: "*",
        hash: "900150983cd24fb0d6963f7d28e17f72",
    },
    Vector {
        name: "h21-empty-file",
        tree: &[(b"f1", Text("ab")), (b"f2", Text("c")), (b"f3", Text(""))],
        filter: "*",
        hash: "900150983cd24fb0d6963f7d28e17f72",
    },
    Vector {
        name: "h24-double-space",
        tree: LETTERS,
        filter: "a.txt  b.txt",
        hash: "187ef4436122d1cc2f40dc2b92f0eba0",
    },
    Vector { name: "h24c-tab", tree: LETTERS, filter: "a.txt\tb.txt", hash: NOTHING },
    Vector { name: "h24d-newline", tree: LETTERS, filter: "a.txt\nb.txt", hash: NOTHING },
    Vector {
        name: "h25-space-name",
        tree: &[(b"file.txt", Text("2")), (b"my", Text("1")), (b"my file.txt", Text("sp"))],
        filter: "my file.txt",
        hash: "c20ad4d76fe97759aa27a0c99bff6710",
    },
    Vector {
        name: "h25c-quoted",
        tree: &[(b"'my", Text("q")), (b"my file.txt", Text("sp"))],
        filter: "'my file.txt'",
        hash: "7694f4a66316e53c8cdd9d9954bd611d",
    },
    Vector {
        name: "h27-dotdot",
        tree: &[(b"a", Text("a"))],
        filter: "../outside.txt",
        hash: "d4c6d1957aab60656d244d958290f5d8",
    },
    Vector {
        name: "h27b-absolute",
        tree: &[(b"a", Text("a"))],
        filter: "/a",
        hash: "0cc175b9c0f1b6a831c399e269772661",
    },
    Vector {
        name: "h30-chunk",
        tree: &[
            (b"big", Many(b'x', 1023)),
            (b"big2", Many(b'y', 1024)),
            (b"big3", Many(b'z', 1025)),
            (b"big4", Many(b'w', 3_000_000)),
        ],
        filter: "*",
        hash: "5aaf14f3fe5a11e302bc9e71100e5fbb",
    },
    Vector {
        name: "h32b-lf",
        tree: &[(b"a", Text("x\n"))],
        filter: "a",
        hash: "401b30e3b8b5d629635a5c613cdb7919",
    },
    Vector {
        name: "h37-fifo",
        tree: &[(b"p", Fifo), (b"q", Text("q"))],
        filter: "*",
        hash: "7694f4a66316e53c8cdd9d9954bd611d",
    },
    Vector {
        name: "h41-doublestar-zero",
        tree: &[(b"a.txt", Text("0")), (b"x/a.txt", Text("1")), (b"x/y/a.txt", Text("2"))],
        filter: "**/a.txt",
        hash: "d2490f048dc3b77a457e3e450ab4eb38",
    },
    Vector {
        name: "h42-negation",
        tree: LETTERS,
        filter: "*.txt !b.txt",
        hash: "187ef4436122d1cc2f40dc2b92f0eba0",
    },
    Vector {
        name: "two-doublestars-in-a-row",
        tree: LAMBDAS,
        filter: "lambdas/**/**",
        hash: "120e855eec049559486d6cc6f7f6af2f",
    },
    Vector {
        name: "doublestar-glued",
        tree: LAMBDAS,
        filter: "lambdas/**.py",
        hash: "8f898b22d33b4ae6b360ec4725a2d646",
    },
    Vector {
        name: "doublestar-in-the-middle",
        tree: LAMBDAS,
        filter: "**/b/**/*.py",
        hash: "fcf9d46a910cf40f01d9f7fc04e1e925",
    },
    Vector { name: "hidden-star", tree: HIDDEN, filter: ".*", hash: NOTHING },
    Vector { name: "hidden-class", tree: HIDDEN, filter: "lambdas/[.]env", hash: NOTHING },
    Vector {
        name: "hidden-literal-folder",
        tree: HIDDEN,
        filter: "lambdas/.cache/*",
        hash: "253bcac7dd806bb7cf57dc19f71f2fa0",
    },
    Vector {
        name: "hidden-folder-doublestar",
        tree: HIDDEN,
        filter: ".github/**",
        hash: "f14e837db317a2bba9826144e7831b51",
    },
    Vector {
        name: "loop-doublestar",
        tree: LOOP,
        filter: "d/**",
        hash: "af019825a32c69877505b87dc91b9d4e",
    },
    Vector {
        name: "loop-doublestar-name",
        tree: LOOP,
        filter: "**/f",
        hash: "af019825a32c69877505b87dc91b9d4e",
    },
    Vector {
        name: "folder-link",
        tree: &[(b"d/f", Text("F")), (b"e", Link("d"))],
        filter: "**",
        hash: "1fd406685cbdee605d0a7bebed56fdb0",
    },
    Vector {
        name: "negated-caret",
        tree: LETTERS,
        filter: "[^a].*",
        hash: "0cc175b9c0f1b6a831c399e269772661",
    },
    Vector {
        name: "unclosed",
        tree: &[(b"[ab", Text("1")), (b"a", Text("2"))],
        filter: "[ab",
        hash: "c4ca4238a0b923820dcc509a6f75849b",
    },
    Vector {
        name: "backslash",
        tree: &[(b"a\\b", Text("1")), (b"ab", Text("2"))],
        filter: "a\\*",
        hash: "c4ca4238a0b923820dcc509a6f75849b",
    },
    Vector {
        name: "question-for-blank",
        tree: &[(b"my file.txt", Text("sp")), (b"my", Text("1"))],
        filter: "my?file.txt",
        hash: "1952a01898073d1e561b9b4f2e42cbd7",
    },
    Vector {
        name: "blanks-around",
        tree: LETTERS,
        filter: "  a.txt ",
        hash: "0cc175b9c0f1b6a831c399e269772661",
    },
    Vector {
        name: "bytes-that-are-no-text",
        tree: &[
            (b"\xff", Text("1")),
            (b"\xee\x80\x80", Text("2")),
            (b"\xed\x9f\xbf", Text("3")),
            (b"\xf0\x9f\x98\x80", Text("4")),
            (b"a", Text("5")),
        ],
        filter: "*",
        hash: "bb252068269d7b3595f466714ba50d9b",
    },
    Vector {
        name: "bytes-below",
        tree: &[
            (b"x/\xff", Text("1")),
            (b"x/\xee\x80\x80", Text("2")),
            (b"x/\xed\x9f\xbf", Text("3")),
            (b"x/\xf0\x9f\x98\x80", Text("4")),
            (b"x/a", Text("5")),
        ],
        filter: "**",
        hash: "bb252068269d7b3595f466714ba50d9b",
    },
    Vector {
        name: "range",
        tree: LETTERS,
        filter: "[a-b].txt",
        hash: "187ef4436122d1cc2f40dc2b92f0eba0",
    },
    Vector { name: "backward-range", tree: LETTERS, filter: "[b-a].txt", hash: NOTHING },
    Vector { name: "upper-case", tree: LETTERS, filter: "A.TXT", hash: NOTHING },
    Vector { name: "home", tree: LETTERS, filter: "~/a.txt", hash: NOTHING },
    Vector { name: "variable", tree: LETTERS, filter: "$HOME/a.txt", hash: NOTHING },
    Vector {
        name: "twice-slash",
        tree: LETTERS,
        filter: ".//a.txt",
        hash: "0cc175b9c0f1b6a831c399e269772661",
    },
    Vector {
        name: "dot",
        tree: LETTERS,
        filter: "./*.txt",
        hash: "187ef4436122d1cc2f40dc2b92f0eba0",
    },
    Vector {
        name: "up-and-down",
        tree: LETTERS,
        filter: "../repo/*.txt",
        hash: "187ef4436122d1cc2f40dc2b92f0eba0",
    },
];
