//! Content of made-up files, as hard to compress as the real thing.

use crate::random::Random;

/// Words of which texts are made; how often each comes falls with its place, as in real ones.
const WORDS: [&str; 48] = [
    "the",
    "return",
    "value",
    "const",
    "if",
    "function",
    "of",
    "this",
    "to",
    "import",
    "self",
    "length",
    "null",
    "export",
    "and",
    "in",
    "index",
    "data",
    "error",
    "string",
    "options",
    "for",
    "async",
    "await",
    "result",
    "module",
    "require",
    "number",
    "default",
    "package",
    "version",
    "license",
    "callback",
    "promise",
    "element",
    "document",
    "prototype",
    "undefined",
    "interface",
    "implements",
    "configuration",
    "repository",
    "container",
    "environment",
    "response",
    "request",
    "transaction",
    "manifest",
];

const PUNCTUATION: [&str; 16] = [
    " ", " ", " ", " ", ", ", "(", ") ", ".", ".", " = ", ";\n", ";\n  ", " {\n    ", "\n}\n",
    "\"", "/",
];

/// `size` bytes that cannot be compressed.
pub(crate) fn noise(random: &mut Random, size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        bytes.extend_from_slice(&random.next().to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// `size` bytes that look like source text: gzip leaves about a third.
pub(crate) fn text(random: &mut Random, size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 32);
    while bytes.len() < size {
        let word = random.skewed(WORDS.len());
        bytes.extend_from_slice(WORDS[word].as_bytes());
        if random.below(6) == 0 {
            bytes.extend_from_slice(format!("{:x}", random.below(0xffff)).as_bytes());
        }
        bytes.extend_from_slice(PUNCTUATION[random.index(PUNCTUATION.len())].as_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// `size` bytes that look like machine code: gzip leaves about a half.
pub(crate) fn code(random: &mut Random, size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 32);
    bytes.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0");
    while bytes.len() < size {
        // One of 256 instructions of 2 to 5 bytes, the same in every file; then an operand.
        let mut instruction = Random::new(random.skewed(256) as u64).next().to_le_bytes();
        let length = 2 + usize::from(instruction[7] % 4);
        instruction[0] |= 0x40;
        bytes.extend_from_slice(&instruction[..length]);
        match random.below(8) {
            0 => bytes.extend_from_slice(&random.next().to_le_bytes()[..4]),
            1..=2 => bytes.extend_from_slice(&random.next().to_le_bytes()[..1]),
            // Compilers repeat themselves.
            3 if bytes.len() > 4096 => {
                let start = bytes.len() - 24 - random.index(4000);
                bytes.extend_from_within(start..start + 24);
            }
            _ => {}
        }
    }
    bytes.truncate(size);
    bytes
}

/// What dpkg remembers of `packages` installed packages.
pub(crate) fn dpkg_status(random: &mut Random, packages: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0..packages {
        let (major, minor) = (random.below(9), random.below(20));
        let description = text(random, 300);
        let description = String::from_utf8_lossy(&description).replace('\n', " ");
        let package = format!(
            "Package: made-up-{number}\nStatus: install ok installed\nPriority: optional\n\
             Section: libs\nMaintainer: Nobody <nobody@example.org>\nArchitecture: amd64\n\
             Source: made-up\nVersion: {major}.{minor}-1\nDescription: {description}\n\n",
        );
        bytes.extend_from_slice(package.as_bytes());
    }
    bytes
}

/// The `package.json` of the made-up package `number`.
pub(crate) fn package_json(random: &mut Random, number: usize) -> Vec<u8> {
    serde_json::json!({
        "name": format!("made-up-{number}"),
        "version": format!("{}.{}.{}", random.below(20), random.below(30), random.below(10)),
        "license": "MIT",
        "main": "index.js",
    })
    .to_string()
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::gzip;

    #[test]
    fn content_compresses_as_said() {
        let size = 200_000;
        let left = |bytes: &[u8]| gzip(bytes).len() * 100 / bytes.len();
        let random = || Random::new(1);
        assert!(left(&noise(&mut random(), size)) >= 100);
        let text = left(&text(&mut random(), size));
        assert!((25..45).contains(&text), "{text} %");
        let code = left(&code(&mut random(), size));
        assert!((40..65).contains(&code), "{code} %");
    }
}
