//! Where a request may go: the one policy for token realms, redirects and foreign layers.
//!
//! A registry that a person named may be anywhere but at a metadata address. A host that only a
//! registry's answer named must be on the public internet, unless that registry itself is inside
//! too, or the host is configured.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// How far a request may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses alone.
    Public,
    /// Private ones and loopback too, never metadata services.
    Inside,
}

/// Why a request was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// A metadata service, which gives credentials to whoever asks.
    #[error("{host} is at {address}, where cloud metadata services are; never asked")]
    Metadata {
        /// The host that was named.
        host: String,
        /// Its address.
        address: IpAddr,
    },
    /// A private address, named by a registry that is outside.
    #[error(
        "{host} is at the private address {address}, and only an answer from outside named it; \
         allow the host in the configuration if it is yours"
    )]
    Private {
        /// The host that was named.
        host: String,
        /// Its address.
        address: IpAddr,
    },
    /// Not a URL that is followed.
    #[error("`{0}` is not followed: only https is, and http where the registry itself is on http")]
    Scheme(String),
    /// The URL names no host.
    #[error("`{0}` names no host")]
    NoHost(String),
    /// The name has no address.
    #[error("{host} has no address")]
    Unknown {
        /// The host that was named.
        host: String,
    },
}

/// The IPv4 address that an IPv6 one stands for (mapped, NAT64, 6to4), else the address itself.
fn canonical(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let octets = v6.octets();
    let v4 = |at: usize| {
        IpAddr::V4(Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]))
    };
    if let Some(mapped) = v6.to_ipv4_mapped() {
        return IpAddr::V4(mapped);
    }
    match v6.segments() {
        [0x64, 0xff9b, ..] => v4(12),
        [0x2002, ..] => v4(2),
        _ => address,
    }
}

/// Whether a cloud's metadata service may be at `address`: all of link-local, and the addresses
/// that AWS, Alibaba and Azure use besides.
pub fn is_metadata(address: IpAddr) -> bool {
    match canonical(address) {
        IpAddr::V4(v4) => {
            v4.is_link_local()
                || v4 == Ipv4Addr::new(100, 100, 100, 200)
                || v4 == Ipv4Addr::new(168, 63, 129, 16)
        }
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local() || matches!(v6.segments(), [0xfd00, 0x0ec2, ..])
        }
    }
}

/// Whether `address` is not on the public internet.
pub fn is_private(address: IpAddr) -> bool {
    match canonical(address) {
        IpAddr::V4(v4) => {
            let [first, second, third, _] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_multicast()
                || v4.is_documentation()
                || first == 0
                || first >= 240
                || (first == 100 && (64..128).contains(&second))
                || (first == 192 && second == 0 && third == 0)
                || (first == 198 && (18..20).contains(&second))
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
        }
    }
}

fn check_address(host: &str, address: IpAddr, reach: Reach) -> Result<(), EgressError> {
    if is_metadata(address) {
        return Err(EgressError::Metadata { host: host.to_owned(), address });
    }
    if reach == Reach::Public && is_private(address) {
        return Err(EgressError::Private { host: host.to_owned(), address });
    }
    Ok(())
}

/// Refuses `url` where it may be told without resolving its name: its scheme, or an address
/// written out. What a name resolves to is checked by [`Guard`] when the connection is made.
pub fn check_url(url: &Url, reach: Reach, http_too: bool) -> Result<(), EgressError> {
    // Query and user are left out: they may hold secrets.
    let shown = || format!("{}://{}{}", url.scheme(), url.host_str().unwrap_or(""), url.path());
    if !(url.scheme() == "https" || (http_too && url.scheme() == "http")) {
        return Err(EgressError::Scheme(shown()));
    }
    match url.host() {
        None => Err(EgressError::NoHost(shown())),
        Some(Host::Domain(_)) => Ok(()),
        Some(Host::Ipv4(v4)) => check_address(&v4.to_string(), v4.into(), reach),
        Some(Host::Ipv6(v6)) => check_address(&v6.to_string(), v6.into(), reach),
    }
}

/// Whether the host of `url` is, or resolves to, a private address.
pub(crate) async fn is_inside(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(v4)) => is_private(v4.into()),
        Some(Host::Ipv6(v6)) => is_private(v6.into()),
        Some(Host::Domain(name)) => match tokio::net::lookup_host((name, 443)).await {
            Ok(mut addresses) => addresses.any(|address| is_private(address.ip())),
            Err(_) => false,
        },
        None => false,
    }
}

/// A resolver for a client of [`reqwest`]: resolves names, and gives no address that may not be asked: what was checked is what is
/// connected to.
#[derive(Debug, Clone, Copy)]
pub struct Guard(pub Reach);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let mut refused = EgressError::Unknown { host: host.clone() };
            let mut allowed: Vec<SocketAddr> = Vec::new();
            for address in tokio::net::lookup_host((host.as_str(), 0)).await? {
                match check_address(&host, address.ip(), reach) {
                    Ok(()) => allowed.push(address),
                    Err(error) => refused = error,
                }
            }
            if allowed.is_empty() {
                return Err(refused.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, reach: Reach) -> Result<(), EgressError> {
        check_url(&url.parse().unwrap(), reach, true)
    }

    #[test]
    fn metadata_services_are_never_asked() {
        for url in [
            "http://169.254.169.254/latest/meta-data",
            "http://169.254.170.2/v2/credentials",
            "http://[::ffff:169.254.169.254]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[fd00:ec2::254]/",
            "http://0xa9fea9fe/",
            "http://2852039166/",
            "http://100.100.100.200/",
        ] {
            let error = check(url, Reach::Inside).unwrap_err();
            assert!(matches!(error, EgressError::Metadata { .. }), "{url}: {error}");
        }
    }

    #[test]
    fn private_addresses_only_from_inside() {
        for host in
            ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.9.9", "[::1]", "[fc00::1]", "0.0.0.0"]
        {
            let url = format!("https://{host}/token");
            assert!(
                matches!(check(&url, Reach::Public), Err(EgressError::Private { .. })),
                "{url}"
            );
            assert_eq!(check(&url, Reach::Inside), Ok(()), "{url}");
        }
        assert_eq!(check("https://93.184.215.14/", Reach::Public), Ok(()));
        assert_eq!(check("https://[2606:2800:21f::1]/", Reach::Public), Ok(()));
    }

    #[test]
    fn other_schemes_are_not_followed() {
        for url in ["ftp://example.com/", "file:///etc/passwd", "data:text/plain,x"] {
            assert!(matches!(check(url, Reach::Inside), Err(EgressError::Scheme(_))), "{url}");
        }
        let plain = "http://example.com/".parse().unwrap();
        assert!(check_url(&plain, Reach::Inside, false).is_err());
    }

    #[tokio::test]
    async fn a_name_that_resolves_inside_is_refused_from_outside() {
        let name = || "localhost".parse::<Name>().unwrap();
        assert!(Guard(Reach::Public).resolve(name()).await.is_err());
        assert!(Guard(Reach::Inside).resolve(name()).await.is_ok());
    }
}
