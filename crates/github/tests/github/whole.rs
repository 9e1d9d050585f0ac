//! All of an organisation is read, or nothing.

use std::sync::atomic::Ordering;

use portolan_github::{GithubError, Settings};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::fake::{Hands, client, ok, organisation, read, server, settings, token};

#[tokio::test]
async fn every_page_of_every_list_is_read() {
    let organisation = organisation(251, 130);
    let server = server(&organisation, "t1").await;
    let inventory = read(&client(&server, &Hands::at_now())).await.unwrap();
    let names: Vec<&str> = inventory.repositories.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, organisation.repositories);
    let slugs: Vec<&str> = inventory.teams.iter().map(|team| team.slug.as_str()).collect();
    let expected: Vec<&str> = organisation.teams.iter().map(|(slug, _)| slug.as_str()).collect();
    assert_eq!(slugs, expected);
    assert_eq!(inventory.teams[0].name, "TEAM-000");
    // The first team has more repositories than come with it.
    for (slug, indices) in &organisation.teams {
        for (index, repository) in inventory.repositories.iter().enumerate() {
            let has = repository.teams.contains(slug);
            assert_eq!(has, indices.contains(&index), "{slug} {}", repository.name);
        }
    }
    assert!(inventory.repositories[249].teams.is_empty(), "a repository of no team is there too");
    let (first, second) = (&inventory.repositories[0], &inventory.repositories[8]);
    assert_eq!((&first.description, &first.primary_language), (&None, &None));
    assert_eq!(second.description.as_deref(), Some("what it is for"));
    assert_eq!(second.primary_language.as_deref(), Some("JavaScript"));
    assert!(second.is_template && !second.is_private && !second.is_archived);
    assert_eq!(second.url.as_deref(), Some("https://github.com/DEFRA/repository-0008"));
    assert_eq!(second.created_at, "2023-09-27T09:12:01Z".parse().ok());
    // 3 pages of repositories, 5 of teams, 1 more of the first team.
    assert_eq!(organisation.asked.load(Ordering::SeqCst), 9);
}

#[tokio::test]
async fn an_empty_organisation_is_whole_too() {
    let organisation = organisation(0, 0);
    let server = server(&organisation, "t1").await;
    let inventory = read(&client(&server, &Hands::at_now())).await.unwrap();
    assert!(inventory.repositories.is_empty() && inventory.teams.is_empty());
}

#[tokio::test]
async fn an_answer_in_part_is_no_answer() {
    let forbidden = json!([{
        "type": "FORBIDDEN", "path": ["organization", "teams"],
        "message": "Resource not accessible by integration",
    }]);
    let timeout = json!([{ "message": "Something went wrong while executing your query." }]);
    let list = |nodes| {
        json!({ "organization": { "repositories": {
            "pageInfo": { "hasNextPage": false, "endCursor": null }, "nodes": nodes,
        } } })
    };
    let endless = json!({ "data": { "organization": { "repositories": {
        "pageInfo": { "hasNextPage": true, "endCursor": "Y3100" }, "nodes": [],
    } } } });
    for (what, body, permanent, attempts) in [
        ("data beside errors", json!({ "data": list(json!([])), "errors": forbidden }), true, 1),
        ("no data", json!({ "data": null, "errors": timeout }), false, 4),
        ("null", json!({ "data": null }), false, 4),
        ("nothing", json!({}), false, 4),
        ("a hole", json!({ "data": list(json!([null])) }), false, 4),
        ("no nodes", json!({ "data": list(json!(null)) }), false, 4),
        ("no organisation", json!({ "data": { "organization": null } }), true, 1),
        ("a page that leads to itself", endless, false, 1),
    ] {
        let organisation = organisation(250, 3);
        let server = server(&organisation, "t1").await;
        // The second page fails, after a good first one.
        organisation.fail(move |nth, _| (nth > 0).then(|| ok(&body)));
        let error = read(&client(&server, &Hands::at_now())).await.unwrap_err();
        let kind = matches!(error, GithubError::Partial { .. } | GithubError::Shape { .. });
        assert!(kind, "{what}: {error}");
        assert_eq!(error.is_transient(), !permanent, "{what}: {error}");
        assert_eq!(error.again_at(), None);
        // What is well-formed is not asked again here, but by whoever begins anew.
        let asked = organisation.asked.load(Ordering::SeqCst) - 1;
        let expected = if what.starts_with("a hole") || what == "no nodes" { 1 } else { attempts };
        assert_eq!(asked, expected, "{what}");
    }
}

#[tokio::test]
async fn a_page_that_fails_midway_is_asked_again_and_then_fails_all() {
    for (good_again_after, fine) in [(2, true), (100, false)] {
        let organisation = organisation(250, 101);
        let server = server(&organisation, "t1").await;
        organisation.fail(move |nth, _| {
            (nth >= 4 && nth < 4 + good_again_after)
                .then(|| ResponseTemplate::new(502).set_body_string("<html>Bad gateway</html>"))
        });
        let outcome = read(&client(&server, &Hands::at_now())).await;
        assert_eq!(outcome.is_ok(), fine, "{outcome:?}");
        if let Err(error) = outcome {
            let told = "GitHub answered 502 when asked to list the organisation's teams";
            assert!(error.to_string().starts_with(told) && error.is_transient(), "{error}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_or_too_long_is_none() {
    let organisation = organisation(250, 1);
    let server = server(&organisation, "t1").await;
    organisation.fail(|nth, _| {
        (nth == 1).then(|| ResponseTemplate::new(200).set_body_string("{\"data\": {\"organiz"))
    });
    read(&client(&server, &Hands::at_now())).await.unwrap();
    let small = Settings { answer_bytes: 20_000, ..settings(&server, token("t1")) };
    let client = portolan_github::Client::new(small, Hands::at_now()).unwrap();
    let error = read(&client).await.unwrap_err();
    assert!(matches!(error, GithubError::TooLarge { limit: 20_000, .. }), "{error}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let organisation = organisation(1, 1);
    let server = server(&organisation, "t1").await;
    organisation
        .fail(|_, _| Some(ResponseTemplate::new(200).set_delay(std::time::Duration::from_mins(1))));
    let settings = Settings {
        timeout: std::time::Duration::from_millis(200),
        attempts: 2,
        ..settings(&server, token("t1"))
    };
    let client = portolan_github::Client::new(settings, Hands::at_now()).unwrap();
    let error = read(&client).await.unwrap_err();
    assert!(matches!(error, GithubError::Transport { .. }) && error.is_transient(), "{error}");
}

#[tokio::test]
async fn who_is_refused_is_told_and_the_token_is_not() {
    let organisation = organisation(1, 1);
    let server = server(&organisation, "another").await;
    let error = read(&client(&server, &Hands::at_now())).await.unwrap_err();
    assert!(error.to_string().contains("Bad credentials"), "{error}");
    assert!(!error.is_transient() && !format!("{error:?}").contains("t1"));
    assert_eq!(server.received_requests().await.unwrap().len(), 1, "once is enough");
    assert!(!format!("{:?}", client(&server, &Hands::at_now())).contains("t1"));
}

#[tokio::test]
async fn credentials_follow_no_redirect() {
    let (organisation, elsewhere) = (organisation(1, 1), organisation(1, 1));
    let server = server(&organisation, "t1").await;
    let other = crate::fake::server(&elsewhere, "t1").await;
    let target = format!("{}/graphql", other.uri());
    organisation
        .fail(move |_, _| Some(ResponseTemplate::new(307).insert_header("location", &*target)));
    let error = read(&client(&server, &Hands::at_now())).await.unwrap_err();
    assert!(matches!(error, GithubError::Status { status: 307, .. }), "{error}");
    assert!(other.received_requests().await.unwrap().is_empty());
}
