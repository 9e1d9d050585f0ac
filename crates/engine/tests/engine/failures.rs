//! What goes wrong, and what is told of it.

use std::time::{Duration, Instant};

use portolan_engine::{Check, EngineError, Filter, Health, HealthStatus, Port, State};
use portolan_model::{Digest, Reference, Secret};

use crate::bed::{Bed, Home, on_both_engines};

const ANY: Port = Port { container: Some(8080), host: None };

on_both_engines!(
    a_container_that_exits_tells_its_code_and_its_last_words,
    a_check_sees_the_end_of_its_container,
    too_much_memory_is_the_end,
    a_container_that_never_answers_is_unhealthy,
    a_command_inside_says_whether_it_is_well,
    a_command_that_hangs_is_a_failure_in_time,
    what_cannot_be_started_leaves_nothing,
    hostile_words_never_reach_the_engine,
);

async fn a_container_that_exits_tells_its_code_and_its_last_words(home: Home) {
    let bed = Bed::new(home).await;
    let script = "echo starting; sleep 0.5; echo no database >&2; exit 1";
    let id = bed.engine.start(&bed.shell("broken", script)).await.unwrap().id;
    let ended = bed.engine.settled(&id, Duration::from_secs(20)).await.unwrap();
    // Without a check, running is well: it may have been seen before it ended.
    let ended = if ended.state == State::Exited { ended } else { bed.ended(&id).await };
    assert_eq!((ended.exit_code, ended.out_of_memory), (Some(1), false));
    assert_eq!(bed.engine.logs(&id, 5).await.unwrap(), b"starting\nno database\n");
}

async fn a_check_sees_the_end_of_its_container(home: Home) {
    let bed = Bed::new(home).await;
    let mut spec = bed.shell("broken", "sleep 1; exit 3");
    spec.ports = vec![ANY];
    spec.health = Some(Health::new(Check::Http("/".into())));
    let id = bed.engine.start(&spec).await.unwrap().id;
    let ended = bed.engine.settled(&id, Duration::from_secs(20)).await.unwrap();
    assert_eq!((ended.state, ended.exit_code), (State::Exited, Some(3)));
}

async fn too_much_memory_is_the_end(home: Home) {
    let bed = Bed::new(home).await;
    let mut spec = bed.shell("greedy", "exec dd if=/dev/zero of=/dev/null bs=300M count=1");
    spec.memory = Some(16 << 20);
    let id = bed.engine.start(&spec).await.unwrap().id;
    assert_eq!(bed.ended(&id).await.exit_code, Some(137));
}

async fn a_container_that_never_answers_is_unhealthy(home: Home) {
    let bed = Bed::new(home).await;
    let mut spec = bed.shell("mute", "sleep 600");
    spec.ports = vec![ANY];
    spec.health = Some(Health {
        interval: Duration::from_millis(100),
        start_period: Duration::from_secs(1),
        ..Health::new(Check::Http("/".into()))
    });
    let begin = Instant::now();
    let id = bed.engine.start(&spec).await.unwrap().id;
    let settled = bed.engine.settled(&id, Duration::from_secs(20)).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(1), "the start counts not");
    let health = settled.health.unwrap();
    assert_eq!((settled.state, health.status), (State::Running, HealthStatus::Unhealthy));
    assert!(health.message.contains("refused"), "{}", health.message);
}

async fn a_command_inside_says_whether_it_is_well(home: Home) {
    let bed = Bed::new(home).await;
    let script = "sleep 1; touch /tmp/up; while :; do sleep 1; done";
    let mut spec = bed.shell("worker", script);
    let words = ["sh", "-c", "echo -n looking; cat /tmp/up"].map(Into::into).into();
    spec.health = Some(Health {
        interval: Duration::from_millis(200),
        timeout: Duration::from_secs(10),
        ..Health::new(Check::Command(words))
    });
    let started = bed.engine.start(&spec).await.unwrap();
    let web = Filter::default();
    let first = bed.engine.observe(&web).await.unwrap().remove(0).health.unwrap();
    assert_eq!((first.status, first.failures), (HealthStatus::Starting, 1));
    assert!(first.message.contains("looking") && first.message.contains("/tmp/up"), "{first:?}");
    let settled = bed.engine.settled(&started.id, Duration::from_secs(20)).await.unwrap();
    assert_eq!(settled.health.unwrap().status, HealthStatus::Healthy);
}

async fn a_command_that_hangs_is_a_failure_in_time(home: Home) {
    let bed = Bed::new(home).await;
    let mut spec = bed.shell("slow", "while :; do sleep 1; done");
    spec.health = Some(Health {
        interval: Duration::from_millis(100),
        timeout: Duration::from_millis(300),
        start_period: Duration::ZERO,
        ..Health::new(Check::Command(["sleep", "600"].map(Into::into).into()))
    });
    let id = bed.engine.start(&spec).await.unwrap().id;
    let settled = bed.engine.settled(&id, Duration::from_secs(20)).await.unwrap();
    let health = settled.health.unwrap();
    assert_eq!(health.status, HealthStatus::Unhealthy);
    assert!(health.message.contains("did not end within 300ms"), "{}", health.message);
}

async fn what_cannot_be_started_leaves_nothing(home: Home) {
    let bed = Bed::new(home).await;
    let mut spec = bed.shell("nothing", "");
    spec.command = vec!["/no/such/program".into()];
    let error = bed.engine.start(&spec).await.unwrap_err();
    let EngineError::Failed { message, .. } = &error else { panic!("{error}") };
    assert!(message.contains("/no/such/program"), "{message}");
    assert!(bed.engine.list(&Filter::default()).await.unwrap().is_empty());

    let spec = bed.shell("twice", "sleep 600");
    bed.engine.start(&spec).await.unwrap();
    let error = bed.engine.start(&spec).await.unwrap_err();
    assert!(matches!(&error, EngineError::NameTaken { name } if name == "twice"), "{error}");
    let other = Reference { digest: Some(Digest::of(b"other")), ..bed.image.clone() };
    let error =
        bed.engine.start(&portolan_engine::Spec { image: other, ..spec }).await.unwrap_err();
    assert!(matches!(error, EngineError::NoImage { .. }), "{error}");
    assert_eq!(bed.engine.list(&Filter::default()).await.unwrap().len(), 1);

    let id: portolan_engine::ContainerId = "0a".repeat(32).parse().unwrap();
    let seconds = Duration::from_secs(1);
    let gone = |error: EngineError| matches!(error, EngineError::NoContainer { .. });
    assert!(gone(bed.engine.get(&id).await.unwrap_err()));
    assert!(gone(bed.engine.stop(&id, seconds).await.unwrap_err()));
    assert!(gone(bed.engine.logs(&id, 1).await.unwrap_err()));
}

async fn hostile_words_never_reach_the_engine(home: Home) {
    let bed = Bed::new(home).await;
    let good = bed.shell("good", "sleep 600");
    let mut bad = Vec::new();
    for name in ["--privileged", "a b", "a\n", "../a", "", "a;touch /tmp/x"] {
        bad.push(portolan_engine::Spec { name: name.into(), ..good.clone() });
    }
    let with = |change: fn(&mut portolan_engine::Spec)| {
        let mut spec = good.clone();
        change(&mut spec);
        spec
    };
    bad.push(with(|it| it.image.digest = None));
    bad.push(with(|it| it.image.registry = None));
    bad.push(with(|it| it.image.registry = Some("-v.example".into())));
    bad.push(with(|it| it.network = portolan_engine::Network::Named("container:x".into())));
    bad.push(with(|it| it.network = portolan_engine::Network::Named("host".into())));
    bad.push(with(|it| it.place.environment = "*".into()));
    bad.push(with(|it| it.memory = Some(1)));
    bad.push(with(|it| it.command = vec!["a\0".into()]));
    bad.push(with(|it| drop(it.variables.insert("A=B".into(), Secret::new(String::new())))));
    bad.push(with(|it| drop(it.labels.insert("portolan.instance".into(), "x".into()))));
    bad.push(with(|it| it.ports = vec![Port { container: Some(0), host: None }]));
    bad.push(with(|it| it.health = Some(Health::new(Check::Http("/".into())))));
    for spec in bad {
        let error = bed.engine.start(&spec).await.unwrap_err();
        assert!(matches!(error, EngineError::Invalid { .. }), "{error}");
    }
    assert!(bed.engine.list(&Filter::default()).await.unwrap().is_empty());
}
