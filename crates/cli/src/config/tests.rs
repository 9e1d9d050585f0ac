//! The configuration as a whole: what wins, what is shown, what is refused.

use std::path::Path;

use super::*;
use crate::error::Failure;

fn load(dir: &Path, variables: &[(&str, &str)], flags: &Flags) -> Result<Config, ConfigError> {
    Config::load(None, &Environment::of(dir, variables), flags)
}

fn origin(config: &Config, key: &str) -> String {
    config.layers.setting(key).unwrap().origin.to_string()
}

fn refused(dir: &Path, variables: &[(&str, &str)]) -> String {
    Failure::from(load(dir, variables, &Flags::default()).unwrap_err()).text(str::to_owned)
}

#[test]
fn the_default_file_says_what_the_defaults_are() {
    let dir = tempfile::tempdir().unwrap();
    let config = load(dir.path(), &[], &Flags::default()).unwrap();
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.scan, ScanOptions::default());
    assert_eq!(config.listen.to_string(), "127.0.0.1:5094");
    assert_eq!(config.store_url, "sqlite:.portolan/portolan.db");
    assert_eq!(config.blobs, Path::new(".portolan/blobs"));
    assert!(config.registry.external.is_none() && config.registry.region.is_none());
    // The section of limits has a key for every limit that there is.
    let named: toml::Table = DEFAULT_FILE.parse().unwrap();
    let all = toml::Value::try_from(Limits::default()).unwrap();
    assert_eq!(named["limits"], all);
}

#[test]
fn the_default_file_is_itself_a_configuration() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("portolan.toml"), DEFAULT_FILE).unwrap();
    let config = load(dir.path(), &[], &Flags::default()).unwrap();
    for setting in &config.layers.settings {
        assert_eq!(setting.value, setting.key.default);
        assert!(setting.origin.to_string().contains("portolan.toml:"), "{}", setting.key.path());
    }
}

#[test]
fn a_flag_wins_over_a_variable_over_the_file_over_the_default() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("portolan.toml");
    std::fs::write(&file, "[server]\nlisten = \"127.0.0.1:1\"\n[store]\nconnections = 3\n")
        .unwrap();
    let variables = [("PORTOLAN_SERVER_LISTEN", "127.0.0.1:2")];
    let flags = Flags { listen: Some("127.0.0.1:3".into()), data: None };
    let config = load(dir.path(), &variables, &flags).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(origin(&config, "server.listen"), "the flag --listen");
    let config = load(dir.path(), &variables, &Flags::default()).unwrap();
    assert_eq!(config.listen.port(), 2);
    assert_eq!(origin(&config, "server.listen"), "the variable PORTOLAN_SERVER_LISTEN");
    let config = load(dir.path(), &[], &Flags::default()).unwrap();
    assert_eq!(config.listen.port(), 1);
    assert_eq!(origin(&config, "server.listen"), format!("{}:2", file.display()));
    assert_eq!(config.store_connections, 3);
    assert_eq!(origin(&config, "blobs.url"), "default");
}

#[test]
fn data_moves_what_is_embedded_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let flags = Flags { listen: None, data: Some("d".into()) };
    let config = load(dir.path(), &[], &flags).unwrap();
    assert_eq!(config.store_url, "sqlite:d/portolan.db");
    assert_eq!(config.blobs, Path::new("d/blobs"));
    let variables = [("PORTOLAN_STORE_URL", "postgres://u:p@h/d")];
    let config = load(dir.path(), &variables, &flags).unwrap();
    assert_eq!((config.store_url.as_str(), config.store_file), ("postgres://u:p@h/d", None));
    assert_eq!(config.blobs, Path::new("d/blobs"));
}

#[test]
fn relative_paths_start_where_they_were_written() {
    let dir = tempfile::tempdir().unwrap();
    let below = dir.path().join("below");
    std::fs::create_dir(&below).unwrap();
    std::fs::write(dir.path().join("portolan.toml"), "[blobs]\nurl = \"file:b\"\n").unwrap();
    let config = load(&below, &[], &Flags::default()).unwrap();
    assert_eq!(config.blobs, dir.path().join("b"));
    assert_eq!(config.store_file, Some(dir.path().join(".portolan/portolan.db")));
    let config = load(&below, &[("PORTOLAN_BLOBS_URL", "file:c")], &Flags::default()).unwrap();
    assert_eq!(config.blobs, Path::new("c"));
}

#[test]
fn what_cannot_be_used_is_refused_with_key_and_place() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    insta::assert_snapshot!(refused(at, &[("PORTOLAN_STORE_CONECTIONS", "3")]), @r"
    error: the variable PORTOLAN_STORE_CONECTIONS: there is no configuration key `PORTOLAN_STORE_CONECTIONS`
    hint: did you mean `PORTOLAN_STORE_CONNECTIONS`?
    ");
    insta::assert_snapshot!(refused(at, &[("PORTOLAN_STORE_CONNECTIONS", "many")]), @r"
    error: the variable PORTOLAN_STORE_CONNECTIONS: `store.connections` must be a whole number that is not negative, not this text
    hint: `portolan config default` shows every section and key
    ");
    insta::assert_snapshot!(refused(at, &[("PORTOLAN_STORE_CONNECTIONS", "5000000000")]), @"error: the variable PORTOLAN_STORE_CONNECTIONS: `store.connections` cannot be used: invalid value: integer `5000000000`, expected u32");
    insta::assert_snapshot!(refused(at, &[("PORTOLAN_LIMITS_PAGE_ITEMS", "5000000000")]), @"error: the variable PORTOLAN_LIMITS_PAGE_ITEMS: `limits.page_items` cannot be used: invalid value: integer `5000000000`, expected u32");
    insta::assert_snapshot!(refused(at, &[("PORTOLAN_BLOBS_URL", "s3://bucket")]), @"error: the variable PORTOLAN_BLOBS_URL: `blobs.url` cannot be used: this version keeps the built-in registry's bytes in a directory alone; write it as in file:.portolan/blobs");
    insta::assert_snapshot!(refused(at, &[("PORTOLAN_SERVER_LISTEN", "5094")]), @"error: the variable PORTOLAN_SERVER_LISTEN: `server.listen` cannot be used: `5094` is not an address and a port; write it as in 127.0.0.1:5094");
    insta::assert_snapshot!(refused(at, &[("PORTOLAN_REGISTRY_URL", "http://")]), @"error: the variable PORTOLAN_REGISTRY_URL: `registry.url` cannot be used: `http://` is neither \"builtin\" nor the host of a registry");
    let bad_rule = r#"[{pattern = "("}]"#;
    assert!(
        refused(at, &[("PORTOLAN_SCAN_RULES", bad_rule)]).contains("`scan.rules` cannot be used")
    );
}

#[test]
fn variables_of_others_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let variables = [
        ("PORTOLAN_SERVICE_HOST", "10.0.0.1"),
        ("PORTOLAN_SERVER_PORT", "tcp://10.0.0.1:5094"),
        ("PORTOLAN_TEST_POSTGRES", "x"),
        ("PORTOLAN_LOG_FORMAT", "json"),
    ];
    assert!(load(dir.path(), &variables, &Flags::default()).is_ok());
}

#[test]
fn a_registry_on_plain_http_is_insecure() {
    let dir = tempfile::tempdir().unwrap();
    let variables = [("PORTOLAN_REGISTRY_URL", "http://r.example:5000/")];
    let registry = load(dir.path(), &variables, &Flags::default()).unwrap().registry;
    assert_eq!(registry.external.as_deref(), Some("r.example:5000"));
    assert_eq!(registry.insecure, ["r.example:5000"]);
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let dir = tempfile::tempdir().unwrap();
    let environment = Environment::of(dir.path(), &[]);
    let missing = Config::load(Some(Path::new("x.toml")), &environment, &Flags::default());
    assert!(matches!(missing.unwrap_err(), ConfigError::Read { .. }));
}

fn environments(dir: &Path, file: &str, variables: &[(&str, &str)]) -> Vec<EnvironmentConfig> {
    std::fs::write(dir.join("portolan.toml"), file).unwrap();
    load(dir, variables, &Flags::default()).unwrap().environments
}

fn told(environments: &[EnvironmentConfig]) -> Vec<(&str, u32, Option<&str>)> {
    environments.iter().map(|it| (it.name.as_str(), it.order, it.account.as_deref())).collect()
}

#[test]
fn without_a_word_there_are_two_environments_and_nothing_is_polled() {
    let dir = tempfile::tempdir().unwrap();
    let config = load(dir.path(), &[], &Flags::default()).unwrap();
    let expected = [("staging", 1, None), ("production", 2, None)];
    assert_eq!(told(&config.environments), expected);
    assert!(config.events.queues.is_empty() && config.registry.sweep.is_none());
    assert_eq!(config.events.sweep, Some(std::time::Duration::from_mins(10)));
    assert_eq!(config.events.ignored_containers.len(), 4);
}

#[test]
fn a_file_s_environments_stand_in_place_of_the_default_ones() {
    let dir = tempfile::tempdir().unwrap();
    let file = r#"
        [environments.dev]
        account = "333333333"
        clusters = ["dev-*"]
        [environments.perf-test]
        account = "222222222"
        [environments.prod]
        account = "111111111"
        protected = true
        [events.ecs]
        queue = "ecs-deployments"
    "#;
    let found = environments(dir.path(), file, &[]);
    let expected = [
        ("dev", 1, Some("333333333")),
        ("perf-test", 2, Some("222222222")),
        ("prod", 3, Some("111111111")),
    ];
    assert_eq!(told(&found), expected);
    assert_eq!(found[0].clusters, ["dev-*"]);
    assert!(found[2].protected && !found[0].protected);

    // A variable wins over the file; one that orders them anew does so.
    let variables = [
        ("PORTOLAN_ENVIRONMENTS_PERF_TEST_ACCOUNT", "999999999"),
        ("PORTOLAN_ENVIRONMENTS_PROD_ORDER", "1"),
        ("PORTOLAN_ENVIRONMENTS_DEV_ORDER", "7"),
        ("PORTOLAN_EVENTS_ECR_QUEUE", "ecr-push-events"),
    ];
    let found = environments(dir.path(), file, &variables);
    let expected = [
        ("prod", 1, Some("111111111")),
        ("perf-test", 2, Some("999999999")),
        ("dev", 7, Some("333333333")),
    ];
    assert_eq!(told(&found), expected);
    let config = load(dir.path(), &variables, &Flags::default()).unwrap();
    assert_eq!(config.events.queues, ["ecr-push-events", "ecs-deployments"]);
}

#[test]
fn variables_alone_can_say_which_environments_there_are() {
    let dir = tempfile::tempdir().unwrap();
    let variables = [
        ("PORTOLAN_ENVIRONMENTS", "test, prod"),
        ("PORTOLAN_ENVIRONMENTS_TEST_ACCOUNT", "1"),
        ("PORTOLAN_ENVIRONMENTS_TEST_CLUSTERS", "a,b*"),
    ];
    let config = load(dir.path(), &variables, &Flags::default()).unwrap();
    assert_eq!(told(&config.environments), [("test", 1, Some("1")), ("prod", 2, None)]);
    assert_eq!(config.environments[0].clusters, ["a", "b*"]);
}

#[test]
fn what_is_wrong_with_an_environment_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let wrong = |file: &str| {
        std::fs::write(at.join("portolan.toml"), file).unwrap();
        let text = refused(at, &[]);
        text.replace(&format!("{}/", at.display()), "")
    };
    insta::assert_snapshot!(wrong("[environments.dev]\nacount = \"1\""), @r"
    error: portolan.toml:2: there is no configuration key `environments.dev.acount`
    hint: did you mean `environments.dev.account`?
    ");
    insta::assert_snapshot!(wrong("[environments]\ndev = \"1\""), @r"
    error: portolan.toml:2: `environments.dev` must be a section, not a value
    hint: `portolan config default` shows every section and key
    ");
    insta::assert_snapshot!(wrong("[environments.\"a/b\"]\norder = 1"), @"error: portolan.toml:1: `environments` cannot be used: `a/b` is no name of an environment: 63 letters, digits, `-` and `_` at most, the first a letter or digit");
    insta::assert_snapshot!(wrong("[environments.dev]\naccount = \"prod\""), @"error: portolan.toml:2: `environments.dev.account` cannot be used: an AWS account is a number of 12 digits");
    insta::assert_snapshot!(wrong("[environments.dev]\nclusters = [\"a*b\"]"), @"error: portolan.toml:2: `environments.dev.clusters` cannot be used: a cluster is told by its name, which may end with one *");
    insta::assert_snapshot!(
        wrong("[environments.a]\naccount = \"1\"\n[environments.b]\naccount = \"1\""), @"error: portolan.toml:4: `environments.b.account` cannot be used: `a` and `b` are in the same account, and neither region nor clusters tell them apart"
    );
    insta::assert_snapshot!(wrong("[environments.a-b]\n[environments.a_b]"), @"error: portolan.toml:2: `environments` cannot be used: `a-b` and `a_b` cannot be told apart");
    insta::assert_snapshot!(wrong("[events.esc]\nqueue = \"q\""), @r"
    error: portolan.toml:1: there is no configuration section `events.esc`
    hint: did you mean `events.ecs`?
    ");
    insta::assert_snapshot!(wrong("[events]\nqueue = \"q\""), @r"
    error: portolan.toml:2: there is no configuration key `events.queue`
    hint: did you mean `events.ecr.queue`?
    ");
    insta::assert_snapshot!(wrong("[events.ecs]\nqueue = \"two words\""), @"error: portolan.toml:2: `events.ecs.queue` cannot be used: it is neither a URL nor the name of a queue");
    std::fs::remove_file(at.join("portolan.toml")).unwrap();
    insta::assert_snapshot!(refused(at, &[("PORTOLAN_ENVIRONMENTS_DEV_ACCOUNT", "1")]), @r"
    error: the variable PORTOLAN_ENVIRONMENTS_DEV_ACCOUNT: there is no configuration key `PORTOLAN_ENVIRONMENTS_DEV_ACCOUNT`
    hint: did you mean `PORTOLAN_ENVIRONMENTS`?
    ");
}

#[test]
fn the_token_for_the_server_is_in_one_place_and_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let load = |variables: &[(&str, &str)]| load(dir.path(), variables, &Flags::default()).unwrap();
    assert_eq!(load(&[]).server.token, TokenConfig::None);
    let config = load(&[("PORTOLAN_SERVER_TOKEN", "hunter2")]);
    assert!(matches!(&config.server.token, TokenConfig::Text(it) if it.expose() == "hunter2"));
    assert!(!format!("{:?} {:?}", config.server, shown(&config.layers)).contains("hunter2"));
    std::fs::write(dir.path().join("portolan.toml"), "[server]\ntoken_file = \"t\"\n").unwrap();
    assert_eq!(load(&[]).server.token, TokenConfig::File(dir.path().join("t")));
    let both = refused(dir.path(), &[("PORTOLAN_SERVER_TOKEN", "hunter2")]);
    assert!(both.contains("there is a `token` too") && !both.contains("hunter2"), "{both}");
    // PORTOLAN_TOKEN is no key, and nearly none.
    load(&[("PORTOLAN_TOKEN", "hunter2")]);
}
