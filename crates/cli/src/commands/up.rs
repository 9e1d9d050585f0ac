//! `portolan up`

use std::io;
use std::net::SocketAddr;

use portolan_server::{ServeError, serve};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::LevelFilter;

use crate::args::Up;
use crate::config::{Config, Flags};
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::run::Context;
use crate::{embedded, logging};

/// What is said when the server is ready.
#[derive(Debug, Serialize)]
struct Greeting {
    /// The address, with the port that was given where 0 was asked for.
    listen: String,
    /// The URL of the API.
    url: String,
    /// The URL of the pages.
    pages: String,
    /// Where it remembers.
    store: String,
    /// Where it keeps bytes.
    blobs: String,
}

/// Serves until it is interrupted or terminated.
pub(crate) async fn run(context: &Context, arguments: Up) -> Outcome {
    logging::start(&context.environment, &context.global, LevelFilter::INFO, arguments.log_format)?;
    #[cfg(debug_assertions)]
    crate::failpoint::install(&context.environment)?;
    let flags = Flags { listen: arguments.listen, data: arguments.data };
    let named = context.global.config.as_deref();
    let config = Config::load(named, &context.environment, &flags)?;
    let stop = stop_signals()?;
    let (app, listener, address) = if config.listen.ip().is_loopback() {
        // Before anything else is touched: most likely another one already serves this data.
        let (listener, address) = listen(config.listen).await?;
        (embedded::open(&config, &context.environment).await?, listener, address)
    } else {
        // Before anybody can connect: it may be that nobody could be let in. A store that is not there
        // has no token, and is not made to find that out.
        if config.store_file.as_ref().is_some_and(|file| !file.exists()) {
            return Err(not_served(&ServeError::NoToken(config.listen)));
        }
        let app = embedded::open(&config, &context.environment).await?;
        app.may_listen(config.listen).await.map_err(|error| not_served(&error))?;
        let (listener, address) = listen(config.listen).await?;
        (app, listener, address)
    };
    let store = app.store.clone();
    let tokens = app.tokens().await.map_err(|error| Failure::of(Code::Configuration, &error))?;
    greet(context, &config, address, tokens)?;
    let served = serve(app, listener, stop).await;
    store.close().await;
    served.map_err(|error| not_served(&error))
}

fn not_served(error: &ServeError) -> Failure {
    match error {
        ServeError::NoToken(_) => Failure::of(Code::Configuration, error).hint(
            "from elsewhere, this machine's own is also reached through ssh -L \
             5094:127.0.0.1:5094",
        ),
        ServeError::Store(_) => Failure::of(Code::Configuration, error)
            .hint("`portolan doctor` checks what the configuration names"),
        ServeError::Address(_) => Failure::bug(error),
    }
}

pub(super) async fn listen(address: SocketAddr) -> Outcome<(TcpListener, SocketAddr)> {
    let failed = |error: &io::Error| {
        let failure = Failure::new(Code::Configuration, format!("could not listen on {address}"));
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => Some(format!(
                "something listens there already, perhaps Portolan itself: see \
                 http://{address}/ui/, or choose another port with --listen {}:0",
                host(address)
            )),
            io::ErrorKind::AddrNotAvailable => {
                Some("this machine does not have that address; use 127.0.0.1".to_owned())
            }
            io::ErrorKind::PermissionDenied => {
                Some("ports under 1024 are the administrator's; use 5094".to_owned())
            }
            _ => None,
        };
        failure.because(error).maybe_hint(hint)
    };
    let listener = TcpListener::bind(address).await.map_err(|error| failed(&error))?;
    let address = listener.local_addr().map_err(|error| failed(&error))?;
    Ok((listener, address))
}

/// The host of `address` as it stands in a URL.
fn host(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(v4) => v4.ip().to_string(),
        SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
    }
}

/// Who is let in, where there are so many tokens.
fn who(address: SocketAddr, tokens: usize) -> &'static str {
    match (address.ip().is_loopback(), tokens) {
        (true, 0) => {
            "Without tokens it is open to everybody on this machine, and to nobody else; `portolan \
             token create` makes one."
        }
        (true, _) => "Everybody on this machine may read; changes need a token.",
        (false, _) => {
            "Everything needs a token. It travels as it is: put a proxy with TLS before the server."
        }
    }
}

fn greet(context: &Context, config: &Config, address: SocketAddr, tokens: usize) -> Outcome {
    let greeting = Greeting {
        listen: address.to_string(),
        url: format!("http://{address}"),
        pages: format!("http://{address}/ui/"),
        store: crate::config::without_password(&config.store_url),
        blobs: config.blobs.display().to_string(),
    };
    let who = who(address, tokens);
    context.printer.answer(&greeting, |greeting| {
        let Greeting { listen, url, pages, store, blobs } = greeting;
        format!(
            "Portolan listens on {url}\n  \
               pages  {pages}\n  \
               store  {store}\n  \
               blobs  {blobs}\n\
             {who}\n\
             Try, in another terminal:\n  \
               skopeo copy --dest-tls-verify=false oci:my-image:1.0.0 \
               docker://{listen}/my-image:1.0.0\n  \
               portolan --server {url} image list\n"
        )
    })
}

/// Completes when the process is asked to stop.
pub(super) fn stop_signals() -> Outcome<impl Future<Output = ()>> {
    let failed = |error: io::Error| {
        Failure::new(Code::Configuration, "could not watch for signals").because(&error)
    };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping; what is under way may end");
    })
}
