//! What is in which wrapper.

use super::*;

const PUSH: &str = r#"{"detail":{"result":"SUCCESS","action-type":"PUSH"}}"#;

fn kinds(body: &str) -> Vec<Kind> {
    open(body).unwrap().iter().map(|inner| inner.kind).collect()
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn sns(message: &str) -> String {
    format!(r#"{{"Type":"Notification","MessageId":"m-1","Message":{}}}"#, quoted(message))
}

fn sqs(body: &str) -> String {
    format!(r#"{{"Records":[{{"messageId":"q-1","body":{}}}]}}"#, quoted(body))
}

#[test]
fn the_type_of_a_detail_is_written_in_two_ways() {
    for name in ["detail-type", "detailType"] {
        let body = format!(r#"{{"id":"i","{name}":"ECS Task State Change","detail":{{}}}}"#);
        assert_eq!(kinds(&body), [Kind::EcsTask]);
    }
    let both = r#"{"detail-type":"ECR Image Action","detailType":"x","detail":{}}"#;
    assert_eq!(kinds(both), [Kind::EcrImage]);
}

#[test]
fn each_kind_is_told_from_its_outermost_fields() {
    for (body, kind) in [
        (r#"{"detail-type":"ECS Deployment State Change","detail":{}}"#, Kind::EcsDeployment),
        (r#"{"detail-type":"ECS Service Observed","detail":{}}"#, Kind::EcsService),
        (r#"{"detail-type":"ECS Lambda Deployment Created","detail":{}}"#, Kind::DeploymentLink),
        (r#"{"detail-type":"Object Created","source":"aws.s3","detail":{}}"#, Kind::S3),
        (r#"{"detail-type":"ECS Service Action","source":"aws.ecs","detail":{}}"#, Kind::Other),
        (r#"{"detail":{"repository-name":"a","action-type":"PUSH"}}"#, Kind::EcrImage),
        (r#"{"detail":{"lastStatus":"RUNNING","containers":[]}}"#, Kind::EcsTask),
        (r#"{"detail":{"eventName":"SERVICE_DEPLOYMENT_FAILED"}}"#, Kind::EcsDeployment),
        (r#"{"detail":[1,2]}"#, Kind::Other),
        (r#"{"specversion":"1.0","type":"a.b","id":"1"}"#, Kind::CloudEvent),
        (r#"{"type":"PUSH_ARTIFACT","event_data":{}}"#, Kind::Harbor),
        (r#"{"action":"push","target":{}}"#, Kind::RegistryNotification),
        (r#"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#, Kind::S3),
        (
            r#"{"deploymentId":"d","service":"s","version":"1","environment":"e"}"#,
            Kind::DeploymentRequest,
        ),
        (r#"{"Type":"SubscriptionConfirmation","Message":"m"}"#, Kind::Other),
        ("{}", Kind::Other),
    ] {
        assert_eq!(kinds(body), [kind], "{body}");
    }
}

#[test]
fn a_cdevent_is_taken_out_of_its_cloudevent() {
    let cdevent =
        r#"{"context":{"id":"c", "type":"dev.cdevents.service.deployed.0.2.0"}, "subject":{}}"#;
    let wrapped = format!(
        r#"{{"specversion":"1.0","id":"o","type":"dev.cdevents.service.deployed.0.2.0","data":{cdevent}}}"#
    );
    assert_eq!(open(cdevent), open(&wrapped));
    assert_eq!(open(cdevent).unwrap()[0].id.as_deref(), Some("c"));
    let elsewhere = r#"{"context":{"type":"x"},"subject":{}}"#;
    assert_eq!(kinds(elsewhere), [Kind::Other]);
}

#[test]
fn the_innermost_identity_counts() {
    let id = |body: &str| open(body).unwrap()[0].id.clone();
    assert_eq!(id(PUSH), None);
    assert_eq!(id(&sns(PUSH)).as_deref(), Some("sns:m-1"));
    assert_eq!(id(&sqs(PUSH)).as_deref(), Some("sqs:q-1"));
    assert_eq!(id(&sqs(&sns(PUSH))).as_deref(), Some("sns:m-1"));
    let own = r#"{"id":"own","detail":{}}"#;
    assert_eq!(id(&sqs(&sns(own))).as_deref(), Some("own"));
    assert_eq!(id(r#"{"id":"","detail":{}}"#), None);
    assert_eq!(id(r#"{"id":"a\u0000b","detail":{}}"#), None);
    assert_eq!(id(&format!(r#"{{"id":"{}","detail":{{}}}}"#, "x".repeat(201))), None);
}

#[test]
fn one_event_that_cannot_be_read_does_not_cost_the_others() {
    let garbage = sns("not json");
    assert!(matches!(open(&garbage), Err(Unreadable::NotJson { .. })));
    let body = format!("[{PUSH},{garbage},5,{PUSH}]");
    let inner = open(&body).unwrap();
    let bodies: Vec<&str> = inner.iter().map(|inner| inner.body.as_str()).collect();
    assert_eq!(bodies, [PUSH, garbage.as_str(), "5", PUSH]);
    assert_eq!((inner[1].kind, inner[2].kind), (Kind::Other, Kind::Other));
}

#[test]
fn no_event_is_none() {
    for body in ["[]", r#"{"Records":[]}"#, r#"{"events":[]}"#, "\u{feff} [ ] \n"] {
        assert_eq!(open(body), Ok(Vec::new()), "{body}");
    }
}

#[test]
fn what_is_not_an_event_says_so() {
    for (body, expected) in [
        ("", "not JSON"),
        ("not json", "not JSON"),
        (r#"{"a":"#, "not JSON"),
        ("5", "begins with `5`"),
        (r#""text""#, "expected an event as a JSON object"),
        ("null", "begins with `null`"),
        (r#"{"id":1,"id":2}"#, "duplicate field `id`"),
        (r#"{"Records":{"a":1}}"#, "expected a sequence"),
    ] {
        let problem = open(body).unwrap_err().to_string();
        assert!(problem.contains(expected), "{body}: {problem}");
    }
}

#[test]
fn limits_of_length_nesting_and_number() {
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_BYTES));
    assert!(matches!(open(&long), Err(Unreadable::Size { .. })));
    let mut wrapped = PUSH.to_owned();
    for _ in 0..MAX_NESTING {
        wrapped = format!("[{wrapped}]");
        assert_eq!(kinds(&wrapped), [Kind::Other]);
    }
    let limit = Unreadable::Nested { limit: MAX_NESTING };
    assert_eq!(open(&format!("[{wrapped}]")), Err(limit.clone()));
    assert!(open(&"[".repeat(100_000)).unwrap_err().to_string().contains("not JSON"));
    assert_eq!(open(&format!("{}1{}", "[".repeat(100), "]".repeat(100))), Err(limit));
    let many = |count| format!("[{}]", vec!["{}"; count].join(","));
    assert_eq!(open(&many(MAX_EVENTS)).unwrap().len(), MAX_EVENTS);
    let limit = Unreadable::Count { limit: MAX_EVENTS };
    assert_eq!(open(&many(MAX_EVENTS + 1)), Err(limit.clone()));
    assert_eq!(open(&format!("[{0},{0}]", many(MAX_EVENTS / 2 + 1))), Err(limit));
}
