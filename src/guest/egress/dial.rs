//! The only way to the network: a [`Permit`] in, a connection out.
//!
//! A name is resolved once, every answer is judged, and exactly a judged address is
//! dialled; so a name that changes its mind between two lookups gains nothing.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::refusal::Refusal;
use super::resolve::Resolve;
use crate::policy::{AddressClass, Permit, Reason};

/// How many of a name's addresses are tried.
const MAX_TRIES: usize = 4;

/// Dials permitted hosts.
pub(super) struct Dialer<R> {
    resolver: R,
    /// For the name and for each address tried.
    limit: Duration,
}

impl<R: Resolve> Dialer<R> {
    pub(super) const fn new(resolver: R, limit: Duration) -> Self {
        Self { resolver, limit }
    }

    /// Connects to the permitted host.
    ///
    /// # Errors
    /// A [`Refusal`] with [`Reason::PrivateAddress`] if any address is one that the
    /// permit does not admit, with [`Reason::Unreachable`] if nothing answered.
    pub(super) async fn dial(&self, permit: &Permit) -> Result<TcpStream, Refusal> {
        let addresses = self.addresses(permit).await?;
        for address in &addresses {
            permit.admit(*address).map_err(|denial| {
                Refusal::new(denial.reason, AddressClass::of(*address).words())
            })?;
        }
        let mut last = Refusal::new(Reason::Unreachable, "nothing answered in time");
        for address in addresses.into_iter().take(MAX_TRIES) {
            let target = SocketAddr::new(address, permit.port());
            match timeout(self.limit, TcpStream::connect(target)).await {
                Ok(Ok(stream)) => {
                    // Without it, small writes wait for the peer's delayed ACK: 44 ms each.
                    // A socket that refuses it still works.
                    drop(stream.set_nodelay(true));
                    return Ok(stream);
                }
                Ok(Err(error)) => last = Refusal::new(Reason::Unreachable, words(&error)),
                Err(_) => last = Refusal::new(Reason::Unreachable, "nothing answered in time"),
            }
        }
        Err(last)
    }

    async fn addresses(&self, permit: &Permit) -> Result<Vec<IpAddr>, Refusal> {
        if let Some(address) = permit.connect_to() {
            return Ok(vec![address]);
        }
        match timeout(self.limit, self.resolver.resolve(permit.host())).await {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(error)) => Err(Refusal::new(Reason::Unreachable, error.to_string())),
            Err(_) => Err(Refusal::new(
                Reason::Unreachable,
                "its name was not resolved in time",
            )),
        }
    }
}

fn words(error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::ConnectionRefused {
        "the connection was refused".to_owned()
    } else {
        let text = error.to_string();
        let plain = text.split(" (os error").next().unwrap_or_default();
        plain.to_ascii_lowercase()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::net::TcpListener;

    use super::super::resolve::ResolveError;
    use super::*;
    use crate::policy::{HostName, Provenance, Route, RouteSet};

    /// Answers every name alike and counts how often it was asked.
    #[derive(Clone, Debug, Default)]
    pub(in super::super) struct CountingResolver {
        pub(in super::super) answers: Vec<IpAddr>,
        pub(in super::super) asked: Arc<AtomicUsize>,
    }

    impl CountingResolver {
        pub(in super::super) fn answering(answers: &[&str]) -> Self {
            Self {
                answers: answers.iter().map(|text| text.parse().unwrap()).collect(),
                asked: Arc::default(),
            }
        }

        pub(in super::super) fn count(&self) -> usize {
            self.asked.load(Ordering::Relaxed)
        }
    }

    impl Resolve for CountingResolver {
        async fn resolve(&self, _host: &HostName) -> Result<Vec<IpAddr>, ResolveError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            if self.answers.is_empty() {
                return Err(ResolveError::NoAddress);
            }
            Ok(self.answers.clone())
        }
    }

    fn permit(port: u16, connect_to: Option<&str>, allow_private: bool) -> Permit {
        let host = HostName::parse("a.example").unwrap();
        let mut route = Route::to(host.clone(), vec![port], Provenance::Builtin);
        route.connect_to = connect_to.map(|text| text.parse().unwrap());
        route.allow_private = allow_private;
        let routes = RouteSet::of(vec![route]);
        routes.decide(&host, port, jiff::Timestamp::now()).unwrap()
    }

    async fn dial(answers: &[&str], permit: &Permit) -> (Result<TcpStream, Refusal>, usize) {
        let resolver = CountingResolver::answering(answers);
        let dialer = Dialer::new(resolver.clone(), Duration::from_secs(5));
        (dialer.dial(permit).await, resolver.count())
    }

    async fn listener() -> (TcpListener, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    #[tokio::test]
    async fn one_answer_that_is_not_public_refuses_all() {
        for answers in [
            &["127.0.0.1"] as &[&str],
            &["93.184.215.14", "10.0.0.1"],
            &["169.254.169.254"],
            &["64:ff9b::a00:1"],
            &["::ffff:127.0.0.1"],
            &["0.0.0.0"],
        ] {
            let (refused, asked) = dial(answers, &permit(443, None, false)).await;
            assert_eq!(refused.unwrap_err().reason, Reason::PrivateAddress);
            assert_eq!(asked, 1, "{answers:?}");
        }
    }

    #[tokio::test]
    async fn a_private_address_is_dialled_where_the_route_says_so() {
        let (listener, port) = listener().await;
        let (dialled, asked) = dial(&["127.0.0.1"], &permit(port, None, true)).await;
        assert!(dialled.unwrap().nodelay().unwrap());
        assert_eq!(asked, 1);
        listener.accept().await.unwrap();
    }

    #[tokio::test]
    async fn connect_to_replaces_the_name_but_not_the_judgement() {
        let (_listener, port) = listener().await;
        let (dialled, asked) = dial(&["10.0.0.1"], &permit(port, Some("127.0.0.1"), true)).await;
        assert!(dialled.is_ok());
        assert_eq!(asked, 0, "connect_to needs no name server");
        let (refused, _) = dial(&[], &permit(port, Some("127.0.0.1"), false)).await;
        assert_eq!(refused.unwrap_err().reason, Reason::PrivateAddress);
    }

    #[tokio::test]
    async fn what_does_not_answer_is_unreachable() {
        let (listener, port) = listener().await;
        drop(listener);
        let (refused, _) = dial(&["127.0.0.1"], &permit(port, None, true)).await;
        assert_eq!(
            refused.unwrap_err(),
            Refusal::new(Reason::Unreachable, "the connection was refused")
        );
        let (refused, _) = dial(&[], &permit(443, None, false)).await;
        assert_eq!(refused.unwrap_err().reason, Reason::Unreachable);
    }

    #[tokio::test]
    async fn the_next_address_is_tried() {
        let (_listener, port) = listener().await;
        let (dialled, _) = dial(&["127.0.0.2", "127.0.0.1"], &permit(port, None, true)).await;
        assert!(dialled.is_ok());
    }
}
