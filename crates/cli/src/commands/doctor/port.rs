//! Whether the server could listen, or listens already.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::Check;

const NAME: &str = "address";

/// Whether `address` is free, or a server of ours answers there. It may be another than loopback
/// where there is a token that lets somebody in.
pub(super) async fn check(address: SocketAddr, has_token: bool) -> Check {
    if !address.ip().is_loopback() && !has_token {
        let finding = format!("{address} is not loopback, and there is no token to let anybody in");
        let advice = "make one with `portolan token create NAME --scope admin`, or set \
                      server.listen to 127.0.0.1:5094";
        return Check::wrong(NAME, finding, Some(advice.into()));
    }
    match TcpListener::bind(address).await {
        Ok(_) => Check::ok(NAME, format!("{address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => taken(address).await,
        Err(error) => Check::wrong(
            NAME,
            format!("nothing can listen on {address}: {error}"),
            Some("set server.listen to 127.0.0.1:5094".into()),
        ),
    }
}

async fn taken(address: SocketAddr) -> Check {
    let asked = tokio::time::timeout(Duration::from_secs(3), ask(address)).await;
    if matches!(asked, Ok(Ok(true))) {
        return Check::ok(NAME, format!("Portolan runs on {address}"));
    }
    let finding = format!("something else listens on {address}");
    Check::wrong(NAME, finding, Some("stop it, or set server.listen to another port".into()))
}

/// Whether what listens on `address` says that it is ready, in our words.
async fn ask(address: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /ready HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(4096).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.starts_with("HTTP/1.1 200") && answer.ends_with("Ready"))
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[tokio::test]
    async fn a_port_of_somebody_else_is_wrong() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await;
            }
        });
        assert_eq!(check(address, false).await.state, State::Wrong);
    }

    #[tokio::test]
    async fn a_free_port_is_fine_and_all_addresses_are_with_a_token() {
        let port = portolan_testkit::port::free().unwrap();
        assert_eq!(check(([127, 0, 0, 1], port).into(), false).await.state, State::Ok);
        assert_eq!(check(([0, 0, 0, 0], port).into(), false).await.state, State::Wrong);
        assert_eq!(check(([0, 0, 0, 0], port).into(), true).await.state, State::Ok);
    }
}
