//! `docker-credential-NAME get`: programs that keep credentials.

use std::process::Stdio;
use std::time::Duration;

use portolan_model::Secret;
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{CredentialError, Credentials};

/// A helper may ask a person or a cloud, so it is given this long.
const TIMEOUT: Duration = Duration::from_secs(30);
/// No credential is longer.
const MOST_BYTES: u64 = 256 * 1024;
/// What helpers say where there is nothing for a registry; it is not an error.
const NOT_FOUND: &str = "credentials not found in native keychain";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: Secret<String>,
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 100
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

/// The credentials that `docker-credential-{name}` has for `registry`.
pub(super) async fn run(name: &str, registry: &str) -> Result<Credentials, CredentialError> {
    let error =
        |reason: String, source| CredentialError { registry: registry.to_owned(), reason, source };
    if !is_name(name) {
        let shown: String = name.chars().take(60).collect();
        return Err(error(format!("`{shown}` is not the name of a credential helper"), None));
    }
    run_program(&format!("docker-credential-{name}"), registry).await
}

async fn run_program(program: &str, registry: &str) -> Result<Credentials, CredentialError> {
    let error =
        |reason: String, source| CredentialError { registry: registry.to_owned(), reason, source };
    let answer = tokio::time::timeout(TIMEOUT, ask(program, registry)).await;
    let (success, output) = match answer {
        Ok(Ok(answer)) => answer,
        Ok(Err(source)) => {
            let reason = format!("could not run `{program}`; install it, or log in without it");
            return Err(error(reason, Some(source.into())));
        }
        Err(_) => {
            let seconds = TIMEOUT.as_secs();
            return Err(error(format!("`{program}` did not answer in {seconds} s"), None));
        }
    };
    if !success {
        let said = String::from_utf8_lossy(&output);
        if said.contains(NOT_FOUND) {
            return Ok(Credentials::Anonymous);
        }
        let said: String = said.trim().chars().take(300).collect();
        return Err(error(format!("`{program}` failed: {said}"), None));
    }
    // The parser's error could quote the secret, so it is not passed on.
    let answer: Answer = serde_json::from_slice(&output)
        .map_err(|_| error(format!("`{program}` answered what is not a credential"), None))?;
    Ok(if answer.username == "<token>" {
        Credentials::IdentityToken(answer.secret)
    } else {
        Credentials::Basic { username: answer.username, password: answer.secret }
    })
}

async fn ask(program: &str, registry: &str) -> std::io::Result<(bool, Vec<u8>)> {
    let mut child = tokio::process::Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let server = if registry == "docker.io" { "https://index.docker.io/v1/" } else { registry };
    if let Some(mut input) = child.stdin.take() {
        match input.write_all(server.as_bytes()).await {
            // A helper that keeps one credential need not read for which registry it is.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
            written => written?,
        }
    }
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MOST_BYTES).read_to_end(&mut output).await?;
    }
    Ok((child.wait().await?.success(), output))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_is_a_path_is_never_run() {
        for name in ["../../bin/sh", "a b", "", "x;y"] {
            let error = run(name, "r.example").await.unwrap_err();
            assert!(error.to_string().contains("is not the name"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_missing_helper_is_named() {
        let error = run("no-such-helper-here", "r.example").await.unwrap_err();
        assert!(error.to_string().contains("docker-credential-no-such-helper-here"), "{error}");
    }

    async fn answer(script: &str) -> Result<Credentials, CredentialError> {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("helper");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        run_program(path.to_str().unwrap(), "r.example").await
    }

    #[tokio::test]
    async fn a_helper_is_asked_for_the_registry_and_its_answer_read() {
        let script = r#"read host; echo "{\"Username\": \"$host $1\", \"Secret\": \"s\"}""#;
        let Credentials::Basic { username, password } = answer(script).await.unwrap() else {
            panic!("user and password")
        };
        assert_eq!((username.as_str(), password.expose().as_str()), ("r.example get", "s"));
        let token = answer(r#"echo '{"Username": "<token>", "Secret": "t"}'"#).await.unwrap();
        assert!(matches!(token, Credentials::IdentityToken(_)));
    }

    #[tokio::test]
    async fn a_helper_without_an_entry_is_no_error_and_a_broken_one_is() {
        let none = answer(&format!("echo '{NOT_FOUND}'; exit 1")).await.unwrap();
        assert_eq!(none, Credentials::Anonymous);
        let error = answer("echo locked; exit 1").await.unwrap_err().to_string();
        assert!(error.contains("failed: locked"), "{error}");
        let error = answer("echo hunter2").await.unwrap_err();
        assert!(error.to_string().contains("what is not a credential"), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
