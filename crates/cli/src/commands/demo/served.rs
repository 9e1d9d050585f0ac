//! A service of the example, inside its container: a page that says which version it is.
//!
//! It is the first process of its container, so it must take `SIGTERM` by itself, and has nothing but
//! this program.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::args::demo::ExampleService;
use crate::commands::up::stop_signals;
use crate::env::Environment;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::run::Context;

/// Where it listens, as whoever runs the container says it.
const PORT: &str = "PORT";
/// The longest description of a service, in bytes.
const MOST_BYTES: u64 = 64 << 10;
/// The longest beginning of a request that is read, in bytes.
const REQUEST: usize = 4 << 10;
/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a service of the example is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    /// What it is called.
    pub(super) name: String,
    /// Its version.
    pub(super) version: String,
    /// Variables without which it does not start.
    pub(super) needs: Vec<String>,
}

impl Service {
    /// Reads `service.toml`.
    pub(super) fn read(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    fn open(path: &Path) -> Outcome<Self> {
        let failed = |error: &(dyn std::error::Error + 'static)| {
            let message = format!("could not read {}", path.display());
            Failure::new(Code::Configuration, message).because(error)
        };
        let length = std::fs::metadata(path).map_err(|error| failed(&error))?.len();
        if length > MOST_BYTES {
            return Err(failed(&std::io::Error::from(std::io::ErrorKind::FileTooLarge)));
        }
        let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
        Self::read(&text).map_err(|error| failed(&error))
    }

    /// Says what is missing.
    fn check(&self, environment: &Environment) -> Outcome {
        let missing: Vec<&String> =
            self.needs.iter().filter(|name| environment.get(name).is_none()).collect();
        let Some(first) = missing.first() else { return Ok(()) };
        let what = format!("{} {} cannot start: {first} is not set", self.name, self.version);
        Err(Failure::new(Code::Configuration, what))
    }

    fn answer(&self, path: &str) -> (&'static str, &'static str, String) {
        match path {
            "/health" => ("200 OK", "text/plain", "well\n".to_owned()),
            "/" => (
                "200 OK",
                "text/html; charset=utf-8",
                format!(
                    "<!doctype html><title>{0}</title><h1>{0} {1}</h1>\
                     <p>A service of the example of <code>portolan demo</code>.</p>\n",
                    self.name, self.version
                ),
            ),
            _ => ("404 Not Found", "text/plain", "there is / and /health\n".to_owned()),
        }
    }
}

/// Serves until it is told to end.
pub(crate) async fn run(context: &Context, arguments: ExampleService) -> Outcome {
    let stop = stop_signals()?;
    let service = Service::open(&arguments.file)?;
    context.printer.text(&format!("{} {} starts", service.name, service.version))?;
    service.check(&context.environment)?;
    let told = context.environment.get(PORT).map(str::parse);
    let port: u16 = match told {
        Some(Ok(port)) => port,
        Some(Err(_)) => return Err(Failure::new(Code::Configuration, "PORT is no port")),
        None => arguments.own_port,
    };
    // In the host's network it is told another port than its own, and is for this machine alone.
    let own_network = port == arguments.own_port;
    let address = if own_network { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
    let listener = TcpListener::bind((IpAddr::V4(address), port)).await.map_err(|error| {
        Failure::new(Code::Configuration, format!("could not listen on port {port}"))
            .because(&error)
    })?;
    context.printer.text(&format!("{} {} is ready", service.name, service.version))?;
    let serve = async {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let service = service.clone();
            tokio::spawn(async move {
                // Whoever asked may have gone.
                let _ = tokio::time::timeout(PATIENCE, answer(stream, &service)).await;
            });
        }
    };
    tokio::select! {
        () = stop => {}
        () = serve => {}
    }
    context.printer.text(&format!("{} {} ends", service.name, service.version))
}

async fn answer(mut stream: TcpStream, service: &Service) -> std::io::Result<()> {
    let mut request = Vec::with_capacity(REQUEST);
    let mut part = [0; 1024];
    while request.len() < REQUEST && !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut part).await? {
            0 => break,
            read => request.extend_from_slice(&part[..read]),
        }
    }
    let line = String::from_utf8_lossy(&request);
    let path = line.split_whitespace().nth(1).unwrap_or_default();
    let (status, kind, body) = service.answer(path);
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(needs: &[&str]) -> Service {
        let needs = needs.iter().map(|name| (*name).to_owned()).collect();
        Service { name: "pilot".to_owned(), version: "2.0.0".to_owned(), needs }
    }

    #[test]
    fn what_is_missing_is_said() {
        let environment = Environment::of(Path::new("/"), &[("HERE", "x"), ("EMPTY", "")]);
        assert!(service(&["HERE"]).check(&environment).is_ok());
        for name in ["EMPTY", "GONE"] {
            let failure = service(&["HERE", name]).check(&environment).unwrap_err();
            assert_eq!(failure.code, Code::Configuration);
            assert!(failure.text(str::to_owned).contains(&format!("{name} is not set")));
        }
    }

    #[tokio::test]
    async fn it_answers_for_its_version_and_its_health() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        for (path, parts) in [
            ("/", ["200 OK", "pilot 2.0.0"]),
            ("/health", ["200 OK", "well"]),
            ("/x", ["404 Not Found", "/health"]),
        ] {
            let asking = async {
                let mut stream = TcpStream::connect(address).await.unwrap();
                let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
                stream.write_all(request.as_bytes()).await.unwrap();
                let mut text = String::new();
                stream.read_to_string(&mut text).await.unwrap();
                text
            };
            let answering = async {
                let (stream, _) = listener.accept().await.unwrap();
                answer(stream, &service(&[])).await.unwrap();
            };
            let (text, ()) = tokio::join!(asking, answering);
            assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        }
    }
}
