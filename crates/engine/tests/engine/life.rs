//! Containers from their start to their end.

use std::time::{Duration, Instant};

use portolan_engine::{Check, Filter, Health, HealthStatus, Network, Port, Published, State};
use portolan_model::Secret;
use portolan_testkit::http::Client;

use crate::bed::{Bed, Home, on_both_engines};

const ANY: Port = Port { container: Some(8080), host: None };

fn quick(check: Check) -> Health {
    Health {
        interval: Duration::from_millis(200),
        start_period: Duration::from_secs(20),
        ..Health::new(check)
    }
}

fn page(port: Published) -> String {
    Client::new().get(&format!("http://127.0.0.1:{}/version", port.host)).unwrap().text()
}

on_both_engines!(
    two_containers_of_one_service_run_side_by_side_and_are_found_after_a_restart,
    variables_reach_the_container_as_they_are,
    stopping_asks_first_and_kills_in_time,
    a_log_is_answered_from_its_end_and_within_its_limit,
);

async fn two_containers_of_one_service_run_side_by_side_and_are_found_after_a_restart(home: Home) {
    let bed = Bed::new(home).await;
    let spec = |name: &str| {
        let mut spec = bed.shell(name, "exec httpd -f -p $PORT -h /www");
        spec.ports = vec![ANY];
        spec.health = Some(quick(Check::Http("/version".into())));
        spec.labels.insert("team".into(), "shop, \"and\" more".into());
        spec
    };
    let one = bed.engine.start(&spec("web-1")).await.unwrap();
    let two = bed.engine.start(&spec("web-2")).await.unwrap();
    assert_ne!(one.ports[0].host, two.ports[0].host);
    // The test's podman gives every container the host's network.
    assert_eq!(one.ports[0].host, one.ports[0].container);
    for started in [&one, &two] {
        let patience = Duration::from_secs(20);
        let settled = bed.engine.settled(&started.id, patience).await.unwrap();
        assert_eq!(settled.health.unwrap().status, HealthStatus::Healthy);
        assert_eq!(page(started.ports[0]), "1");
    }

    let restarted = bed.restarted().await;
    let mut other = bed.shell("other-1", "sleep 600");
    other.place.service = "other".into();
    restarted.start(&other).await.unwrap();
    let web = Filter { service: Some("web".into()), ..Filter::default() };
    let found = restarted.list(&web).await.unwrap();
    assert_eq!(found.iter().map(|it| &*it.name).collect::<Vec<_>>(), ["web-1", "web-2"]);
    assert_eq!(restarted.list(&Filter::default()).await.unwrap().len(), 3);
    let first = &found[0];
    assert_eq!((&first.id, first.state, &first.ports), (&one.id, State::Running, &one.ports));
    assert_eq!(first.place, spec("web-1").place);
    assert_eq!(first.digest(), bed.image.digest);
    assert_eq!(first.definition, Some(spec("any").definition()));
    assert_eq!(first.labels["team"], "shop, \"and\" more");
    assert!(first.started_at.is_some() && first.finished_at.is_none());
    assert_eq!(first.health.as_ref().unwrap().status, HealthStatus::Starting, "not asked yet");
    let observed = restarted.observe(&web).await.unwrap();
    assert!(observed.iter().all(|it| it.health.as_ref().unwrap().status == HealthStatus::Healthy));

    // Somebody else's installation on the same machine sees none of them.
    let mut settings = bed.home.settings(&bed.scratch);
    settings.instance = "other".into();
    let stranger = portolan_engine::Engine::detect(settings).await.unwrap();
    assert!(stranger.list(&Filter::default()).await.unwrap().is_empty());

    bed.engine.remove(&one.id).await.unwrap();
    bed.engine.remove(&one.id).await.unwrap();
    assert_eq!(restarted.list(&web).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_network_of_its_own_publishes_on_loopback_only() {
    let bed = Bed::new(Home::podman()).await;
    let mut spec = bed.shell("web-1", "exec httpd -f -p $PORT -h /www");
    spec.network = Network::Named("bridge".into());
    spec.ports = vec![ANY];
    spec.health = Some(quick(Check::Http("/version".into())));
    let started = bed.engine.start(&spec).await.unwrap();
    assert_eq!(started.ports[0].container, 8080);
    let settled = bed.engine.settled(&started.id, Duration::from_secs(20)).await.unwrap();
    assert_eq!(settled.health.unwrap().status, HealthStatus::Healthy);
    assert_eq!(page(started.ports[0]), "1");
}

async fn variables_reach_the_container_as_they_are(home: Home) {
    let bed = Bed::new(home).await;
    let mut spec = bed.shell("env-1", "exec env");
    let values = [
        ("PLAIN", "a b"),
        ("QUOTED", "\"it's\" $HOME `x` \\n"),
        ("PATH", "/bin"),
        ("HOME", "/nowhere"),
        ("CONTAINERS_CONF", "/nowhere/else"),
        ("EMPTY", ""),
    ];
    for (name, value) in values {
        spec.variables.insert(name.into(), Secret::new(value.into()));
    }
    let lines = "one\ntwo=2";
    spec.variables.insert("LINES_OF_TEXT".into(), Secret::new(lines.into()));
    let finished = bed.engine.run_once(&spec, Duration::from_secs(30), 100).await.unwrap();
    let log = String::from_utf8(finished.log).unwrap();
    for (name, value) in values.into_iter().chain([("LINES_OF_TEXT", lines)]) {
        assert!(log.contains(&format!("{name}={value}\n")), "{name}\n{log}");
    }
    assert!(!log.contains("PORT="), "{log}");
}

async fn stopping_asks_first_and_kills_in_time(home: Home) {
    let bed = Bed::new(home).await;
    let polite = "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.05; done";
    let polite = bed.engine.start(&bed.shell("polite", polite)).await.unwrap().id;
    let deaf = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
    let deaf = bed.engine.start(&bed.shell("deaf", deaf)).await.unwrap().id;
    for id in [&polite, &deaf] {
        let deadline = Instant::now() + Duration::from_secs(10);
        while bed.engine.logs(id, 10).await.unwrap() != b"ready\n" {
            assert!(Instant::now() < deadline, "it does not start");
        }
    }
    let begin = Instant::now();
    bed.engine.stop(&polite, Duration::from_secs(30)).await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert_eq!(bed.ended(&polite).await.exit_code, Some(5));
    assert_eq!(bed.engine.logs(&polite, 1).await.unwrap(), b"bye\n");

    let begin = Instant::now();
    bed.engine.stop(&deaf, Duration::from_secs(2)).await.unwrap();
    let took = begin.elapsed();
    assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(20), "{took:?}");
    let ended = bed.ended(&deaf).await;
    assert_eq!((ended.state, ended.exit_code), (State::Exited, Some(137)));
    assert!(ended.finished_at >= ended.started_at && ended.finished_at.is_some());
    // Twice is as good as once.
    bed.engine.stop(&deaf, Duration::from_secs(2)).await.unwrap();
}

async fn a_log_is_answered_from_its_end_and_within_its_limit(home: Home) {
    let bed = Bed::new(home).await;
    let script = "i=0; while [ $i -lt 40000 ]; do echo line $i of a log that is long enough; \
                  i=$((i+1)); done; sleep 1; echo last >&2";
    let id = bed.engine.start(&bed.shell("chatty", script)).await.unwrap().id;
    bed.ended(&id).await;
    let tail = String::from_utf8(bed.engine.logs(&id, 2).await.unwrap()).unwrap();
    assert_eq!(tail, "line 39999 of a log that is long enough\nlast\n");
    let all = bed.engine.logs(&id, 100_000).await.unwrap();
    assert_eq!(all.len(), 1 << 20);
    assert!(all.ends_with(b"last\n"));
}
