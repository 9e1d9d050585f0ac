//! Serving connections: who may connect, how slow they may be, and how it ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use portolan_store::StoreError;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::Layer as _;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::{App, Reach, router_for};

/// Why the server cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Others than this machine could connect, and nobody of them could be let in.
    #[error(
        "{0} is not a loopback address, and there is no token that lets anybody in from there: make \
         one with `portolan token create NAME --scope admin`, or listen on 127.0.0.1"
    )]
    NoToken(SocketAddr),
    /// It cannot be told whether there are tokens.
    #[error("could not read which tokens there are")]
    Store(#[source] StoreError),
    /// The listener has no address.
    #[error("could not tell the address that the server listens on")]
    Address(#[source] std::io::Error),
}

/// Serves `app` on `listener`, with its workers, until `shutdown` completes; then lets requests and
/// jobs under way end, for as long as the settings say.
pub async fn serve(
    app: App,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Address)?;
    let reach = reach(&app, address).await?;
    let settings = Arc::clone(&app.settings);
    let workers = app.start_workers();
    let stopping = app.stopping.clone();
    let places = Arc::new(Semaphore::new(settings.connections));
    let service = RequestBodyTimeoutLayer::new(settings.patience).layer(router_for(app, reach));
    let service = TowerToHyperService::new(service);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(settings.patience).half_close(false);
    let graceful = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut shutdown => break,
        };
        let Some((stream, place)) = accepted else { continue };
        prepare(&stream, settings.patience);
        let connection = http.serve_connection(TokioIo::new(stream), service.clone());
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    // Streams of events would go on for ever, so they are told.
    stopping.cancel();
    let ended = async { tokio::join!(graceful.shutdown(), workers.stop()) };
    if tokio::time::timeout(settings.farewell, ended).await.is_err() {
        tracing::warn!("requests or jobs under way were cut off");
    }
    Ok(())
}

impl App {
    /// Whether the server may listen on `address`: on loopback always, elsewhere where there is a
    /// token that lets somebody in.
    pub async fn may_listen(&self, address: SocketAddr) -> Result<(), ServeError> {
        reach(self, address).await.map(|_| ())
    }

    /// How many tokens there are that are not revoked: without any, all of this machine is let in.
    pub async fn tokens(&self) -> Result<usize, StoreError> {
        Ok(self.door.standing(&self.store).await?.tokens)
    }
}

/// Whose requests come in at `address`.
async fn reach(app: &App, address: SocketAddr) -> Result<Reach, ServeError> {
    if address.ip().is_loopback() {
        return Ok(Reach::Machine);
    }
    let standing = app.door.standing(&app.store).await.map_err(ServeError::Store)?;
    if standing.has_live { Ok(Reach::Network) } else { Err(ServeError::NoToken(address)) }
}

/// The next connection, when there is a place for it. None where accepting failed.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, place)),
        Err(error) => {
            // Out of file descriptors, most likely: connections that end will free some.
            tracing::warn!(%error, "could not accept a connection");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

/// Small answers leave at once, and a client that takes nothing for `patience` is cut off.
fn prepare(stream: &TcpStream, patience: Duration) {
    let millis = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
    let prepared = stream
        .set_nodelay(true)
        .and_then(|()| Ok(rustix::net::sockopt::set_tcp_user_timeout(stream, millis)?));
    if let Err(error) = prepared {
        tracing::debug!(%error, "a connection could not be set up as wanted");
    }
}
