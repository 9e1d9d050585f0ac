//! The help of every command, and what is generated from the same description.

use crate::run::Place;

const COMMANDS: &[&[&str]] = &[
    &[],
    &["up"],
    &["demo"],
    &["running"],
    &["where"],
    &["diff"],
    &["history"],
    &["release"],
    &["release", "prepare"],
    &["release", "list"],
    &["release", "show"],
    &["release", "changes"],
    &["release", "quarantine"],
    &["deploy"],
    &["release-deploy"],
    &["rollback"],
    &["confirm"],
    &["image"],
    &["image", "list"],
    &["image", "show"],
    &["image", "scan"],
    &["image", "files"],
    &["image", "cat"],
    &["image", "copy"],
    &["image", "tag"],
    &["image", "append"],
    &["registry"],
    &["registry", "gc"],
    &["events"],
    &["events", "ingest"],
    &["events", "list"],
    &["events", "show"],
    &["events", "replay"],
    &["events", "rebuild"],
    &["token"],
    &["token", "create"],
    &["token", "list"],
    &["token", "revoke"],
    &["notifications"],
    &["notifications", "list"],
    &["notifications", "test"],
    &["assets"],
    &["assets", "check"],
    &["assets", "upload"],
    &["assets", "fetch"],
    &["assets", "verify"],
    &["assets", "explain"],
    &["assets", "list"],
    &["assets", "prune"],
    &["assets", "keygen"],
    &["compat"],
    &["compat", "weco-deploy"],
    &["compat", "check"],
    &["compat", "upload"],
    &["doctor"],
    &["config"],
    &["config", "default"],
    &["completions"],
    &["man"],
];

#[test]
fn every_command_explains_itself() {
    let place = Place::new();
    for command in COMMANDS {
        let arguments = [*command, &["--help"]].concat();
        let help = place.done(&arguments);
        let name = format!("help-{}", arguments[..command.len()].join("-"));
        insta::assert_snapshot!(name.trim_end_matches('-'), help);
    }
}

#[test]
fn every_command_is_in_this_list_and_has_an_example() {
    let place = Place::new();
    let manual = place.done(&["man"]);
    let pages = manual.matches(".SH NAME").count();
    assert_eq!(pages, COMMANDS.len(), "a page of the manual for each command");
    for command in COMMANDS.iter().filter(|command| !command.is_empty()) {
        let help = place.done(&[*command, &["--help"]].concat());
        let is_group = help.contains("<COMMAND>");
        // Some are told by variables, which stand before.
        let example = help.split("Example: `").nth(1).unwrap_or_default();
        assert!(is_group || example.contains("portolan "), "{command:?} has no example");
    }
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let place = Place::new();
    let manual = place.done(&["man"]);
    assert!(manual.contains(".TH portolan 1"));
    assert!(manual.contains("portolan image append"));
    place.done(&["man", "--dir", "man1"]);
    let mut pages: Vec<_> = std::fs::read_dir(place.path().join("man1"))
        .unwrap()
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    assert_eq!(pages.len(), COMMANDS.len());
    assert!(pages.contains(&"portolan-image-append.1".to_owned()), "{pages:?}");
}

#[test]
fn completions_know_the_commands() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = place.done(&["completions", shell]);
        assert!(text.contains("append") && text.contains("untagged"), "{shell}");
    }
    assert_eq!(place.run(&["completions", "tcsh"]).code, 2);
}

#[test]
fn help_goes_to_standard_output_and_mistakes_to_standard_error() {
    let place = Place::new();
    let nothing = place.run(&[]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (2, ""));
    assert!(nothing.stderr.contains("Usage: portolan"));
    let version = place.run(&["--version"]);
    assert_eq!(version.code, 0);
    assert_eq!(version.stdout, concat!("portolan ", env!("CARGO_PKG_VERSION"), "\n"));
    insta::assert_snapshot!(place.fails(2, &["imaeg"]));
}
