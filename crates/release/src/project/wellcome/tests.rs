//! Files as they are found, and the original's table of errors.

use proptest::prelude::*;

use super::*;

const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

fn file(rest: &str) -> String {
    format!("shop:\n  name: Shop\n  role_arn: {ROLE}\n{rest}")
}

fn one(text: &str) -> (Project, Vec<String>) {
    let (mut projects, warnings) = read(text).unwrap();
    assert_eq!(projects.len(), 1);
    (projects.remove(0), warnings.iter().map(ToString::to_string).collect())
}

fn error(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn every_shape_that_is_found_is_read() {
    let text = file(
        "  account_id: '756629837203'
  region_name: eu-west-2
  environments:
    - id: 2021-09-27
      name: 2021-09-27
    - id: \"no\"
      name: No
  image_repositories:
    - id: sierra_merger
      services:
        - id: bibs-merger
        - items-merger
        - id: holdings-merger
          account_id: 1
    - id: inference_manager
      services: [image-inferrer]
    - id: feature_inferrer
      namespace: other
      services: [id: image-inferrer]
    - id: requests
    - id: 12
      services:
        - 34
",
    );
    let (project, warnings) = one(&text);
    assert_eq!(project.environments.keys().collect::<Vec<_>>(), ["2021-09-27", "no"]);
    let merger = &project.images["sierra_merger"];
    assert_eq!(merger.source.repository.as_str(), "uk.ac.wellcome/sierra_merger");
    assert_eq!(merger.services.len(), 3);
    assert_eq!(
        project.images_of("image-inferrer"),
        ["feature_inferrer", "inference_manager"].into()
    );
    assert!(project.images["requests"].services.is_empty());
    assert!(project.images["12"].services.contains("34"));
    let place = &project.environments["no"];
    assert_eq!(place.registry.as_deref(), Some("123456789012.dkr.ecr.eu-west-1.amazonaws.com"));
    assert_eq!(place.tags[0].as_str(), "env.no");
    for key in [
        "shop.account_id:",
        "shop.region_name:",
        "shop.image_repositories[0].services[2].account_id:",
        "shop.image_repositories[2].namespace:",
    ] {
        assert!(warnings.iter().any(|it| it.starts_with(key)), "{key} in {warnings:?}");
    }
    assert_eq!(warnings.len(), 4, "{warnings:?}");
}

#[test]
fn several_projects_stand_in_one_file() {
    let two = format!("{}{}", file(""), file("").replace("shop:", "'2':"));
    let (projects, warnings) = read(&two).unwrap();
    assert_eq!(projects.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["shop", "2"]);
    assert!(warnings[0].to_string().contains("no environments"));
}

#[test]
fn what_was_a_traceback_is_an_error() {
    for (text, said) in [
        ("", "names no project"),
        ("- a\n- b\n", "mapping"),
        ("shop: [", "line"),
        ("shop:\n  name: x\n", "`role_arn`"),
        (&file("").replace("name: Shop", "other: x"), "`name`"),
        (&file("").replace(ROLE, "deploy"), "is no role"),
        (&file("").replace("123456789012", "12"), "is no role"),
        (&file("  environments: [{id: stage}]"), "`name`"),
        (&file("  environments: [{name: stage}]"), "`id`"),
        (&file("  environments: [{id: a, name: A}, {id: a, name: B}]"), "`a` twice"),
        (&file("  image_repositories: [{id: a}, {id: a}]"), "`a` twice"),
        (&file("  image_repositories: [{id: a, services: [b, {id: b}]}]"), "`b` twice"),
        (&file("  image_repositories: [{id: A}]"), "image_repositories[0].id"),
        (&file("  image_repositories: [{id: '../x'}]"), "is no name"),
        (&file("  image_repositories: {id: a}"), "line"),
        (&format!("{}{}", file(""), file("")), "shop"),
    ] {
        assert!(error(text).contains(said), "{text}: {}", error(text));
    }
    assert!(error(&" ".repeat(2 << 20)).contains("more than a MiB"));
}

#[test]
fn anchors_do_not_multiply_without_end() {
    let mut text = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (new, old) in
        ["b", "c", "d", "e", "f", "g", "h", "i", "j"].into_iter().zip("abcdefghi".chars())
    {
        let list = vec![format!("*{old}"); 9].join(",");
        text += &["", new, ": &", new, " [", &list, "]\n"].concat();
    }
    assert!(read(&text).is_err());
}

proptest! {
    #[test]
    fn nothing_panics(text in "\\PC{0,200}") {
        let _ = read(&text);
    }

    #[test]
    fn no_value_panics(key in "(environments|image_repositories|name|role_arn)", value in "[\\[\\]{}a-z0-9:,'&*!|> \n-]{0,60}") {
        let _ = read(&file(&format!("  {key}: {value}\n")));
    }
}
