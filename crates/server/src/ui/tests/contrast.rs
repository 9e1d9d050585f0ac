//! Every pair of text and ground in the stylesheet can be read, in both modes.

use std::collections::BTreeMap;

const CSS: &str = include_str!("../../../static/portolan.css");

/// Texts, each with the grounds that it stands on.
const PAIRS: &[(&str, &[&str])] = &[
    ("ink", &["paper", "sheet", "rule-2", "accent-soft"]),
    ("ink-2", &["paper", "sheet", "rule-2"]),
    ("ok", &["ok-soft", "sheet", "paper"]),
    ("run", &["run-soft", "sheet", "paper"]),
    ("warn", &["warn-soft", "sheet", "paper"]),
    ("bad", &["bad-soft", "sheet", "paper"]),
    ("off", &["off-soft"]),
    ("paper", &["accent"]),
];

/// What is no text, and must be told from its ground all the same: WCAG 2.2, 1.4.11.
const PARTS: &[(&str, &[&str])] = &[
    ("edge", &["paper", "sheet"]),
    ("focus", &["paper", "sheet"]),
    ("run", &["run-soft"]),
    ("v1", &["paper"]),
    ("v2", &["paper"]),
    ("v3", &["paper"]),
    ("v4", &["paper"]),
    ("v5", &["paper"]),
    ("v6", &["paper"]),
];

/// The colours that a block of the stylesheet sets.
fn tokens(block: &str) -> BTreeMap<&str, [f64; 3]> {
    let declared = block.split([';', '{', '}']).filter_map(|part| part.trim().split_once(':'));
    declared
        .filter_map(|(name, value)| {
            let hex = value.trim().strip_prefix('#')?;
            let channel = |at: usize| {
                Some(f64::from(u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()?) / 255.0)
            };
            Some((name.trim().strip_prefix("--")?, [channel(0)?, channel(2)?, channel(4)?]))
        })
        .collect()
}

/// [Relative luminance](https://www.w3.org/TR/WCAG22/#dfn-relative-luminance).
fn luminance(colour: [f64; 3]) -> f64 {
    let [r, g, b] =
        colour.map(|c| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn black_on_white_is_21_to_1() {
    assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 1e-9);
}

#[test]
fn every_pair_can_be_read_in_both_modes() {
    let (light, rest) = CSS.split_once("@media (prefers-color-scheme: dark)").unwrap();
    let dark = rest.split_once("} }").unwrap().0;
    for (mode, block) in [("light", light), ("dark", dark)] {
        let tokens = tokens(block);
        for (pairs, least) in [(PAIRS, 4.5), (PARTS, 3.0)] {
            for (text, grounds) in pairs {
                for ground in *grounds {
                    let ratio = contrast(tokens[text], tokens[ground]);
                    assert!(ratio >= least, "{mode}: {text} on {ground} is {ratio:.2}:1");
                }
            }
        }
    }
}
