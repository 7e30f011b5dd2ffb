//! The only way to the network: a [`Permit`] in, a connection out.
//!
//! A name is resolved once, every answer is judged, and exactly a judged address is
//! dialled; so a name that changes its mind between two lookups gains nothing.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::refusal::Refusal;
use super::relay::Credential;
use super::resolve::Resolve;
use super::secrets::Secrets;
use crate::policy::{AddressClass, HopHost, HostName, NextHop, Permit, Reason, SecretName};

/// How long an upstream proxy's answer may be, in bytes.
pub(super) const MAX_ANSWER: usize = 16 * 1024;
/// How many of a name's addresses are tried.
pub(super) const MAX_TRIES: usize = 4;

/// Dials permitted hosts.
pub(super) struct Dialer<R> {
    resolver: R,
    /// For the name and for each address tried.
    limit: Duration,
    /// What must be passed to reach anything that no `connect_to` names.
    via: Option<NextHop>,
}

impl<R: Resolve> Dialer<R> {
    pub(super) const fn new(resolver: R, limit: Duration, via: Option<NextHop>) -> Self {
        Self {
            resolver,
            limit,
            via,
        }
    }

    /// The secret that the proxy on the way wants.
    pub(super) fn secret(&self) -> Option<&SecretName> {
        let auth = self.via.as_ref().and_then(NextHop::auth);
        auth.map(|auth| &auth.secret)
    }

    /// Connects to the permitted host. Of the secrets the proxy on the way gets its own,
    /// and nobody any other.
    ///
    /// # Errors
    /// A [`Refusal`] with [`Reason::PrivateAddress`] if any address is one that the
    /// permit does not admit, with [`Reason::Unreachable`] if nothing answered, with
    /// [`Reason::Locked`] if the proxy's credential is not here.
    pub(super) async fn dial(
        &self,
        permit: &Permit<'_>,
        secrets: &Secrets,
    ) -> Result<TcpStream, Refusal> {
        if let Some(hop) = self.via.as_ref().filter(|_| permit.connect_to().is_none()) {
            return Box::pin(self.pass(hop, permit, secrets)).await;
        }
        let addresses = self.addresses(permit).await?;
        for address in &addresses {
            permit.admit(*address).map_err(|denial| {
                Refusal::new(denial.reason, AddressClass::of(*address).words())
            })?;
        }
        self.first(addresses, permit.port()).await
    }

    /// Connects to the first of these addresses that answers.
    async fn first(&self, addresses: Vec<IpAddr>, port: u16) -> Result<TcpStream, Refusal> {
        let mut last = Refusal::new(Reason::Unreachable, "nothing answered in time");
        for address in addresses.into_iter().take(MAX_TRIES) {
            let target = SocketAddr::new(address, port);
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

    async fn addresses(&self, permit: &Permit<'_>) -> Result<Vec<IpAddr>, Refusal> {
        if let Some(address) = permit.connect_to() {
            return Ok(vec![address]);
        }
        self.resolve(permit.host()).await
    }

    async fn resolve(&self, host: &HostName) -> Result<Vec<IpAddr>, Refusal> {
        match timeout(self.limit, self.resolver.resolve(host)).await {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(error)) => Err(Refusal::new(Reason::Unreachable, error.to_string())),
            Err(_) => Err(Refusal::new(
                Reason::Unreachable,
                "its name was not resolved in time",
            )),
        }
    }
}

impl<R: Resolve> Dialer<R> {
    /// Connects through the operator's own proxy, whose address is theirs to choose.
    async fn pass(
        &self,
        hop: &NextHop,
        permit: &Permit<'_>,
        secrets: &Secrets,
    ) -> Result<TcpStream, Refusal> {
        let credential = hop
            .auth()
            .map(|auth| Credential::new(auth, None, secrets))
            .transpose()?;
        let ask = tunnel_ask(permit, credential.as_ref());
        let failed = |why: String| {
            Refusal::new(Reason::Unreachable, format!("at the upstream proxy: {why}"))
        };
        let addresses = match &hop.host {
            HopHost::Address(address) => vec![*address],
            HopHost::Name(name) => self
                .resolve(name)
                .await
                .map_err(|refusal| failed(refusal.detail))?,
        };
        let mut stream = self
            .first(addresses, hop.port)
            .await
            .map_err(|refusal| failed(refusal.detail))?;
        match timeout(self.limit, ask_tunnel(&mut stream, &ask)).await {
            Ok(Ok(())) => Ok(stream),
            Ok(Err(why)) => Err(failed(why)),
            Err(_) => Err(failed("it did not answer in time".to_owned())),
        }
    }
}

/// What a proxy is asked for a tunnel (RFC 9110, 9.3.6).
fn tunnel_ask(permit: &Permit<'_>, credential: Option<&Credential>) -> Zeroizing<Vec<u8>> {
    let place = format!("{}:{}", permit.host(), permit.port());
    let head = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n");
    let value = credential.map(Credential::value).unwrap_or_default();
    // Grown once: what is grown again leaves its bytes behind.
    let mut ask = Zeroizing::new(Vec::with_capacity(head.len() + value.len() + 32));
    ask.extend_from_slice(head.as_bytes());
    if credential.is_some() {
        ask.extend_from_slice(b"Proxy-Authorization: ");
        ask.extend_from_slice(value);
        ask.extend_from_slice(b"\r\n");
    }
    ask.extend_from_slice(b"\r\n");
    ask
}

/// Asks a proxy for a tunnel and reads its answer to the last byte.
async fn ask_tunnel(stream: &mut TcpStream, ask: &[u8]) -> Result<(), String> {
    let io = |error: std::io::Error| words(&error);
    stream.write_all(ask).await.map_err(io)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_ANSWER {
            return Err("its answer is too long".to_owned());
        }
        // Byte by byte: what follows the head is the tunnel's.
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(error) => return Err(words(&error)),
        }
    }
    let status = head
        .strip_prefix(b"HTTP/1.")
        .and_then(|rest| rest.get(2..5));
    match status {
        Some([b'2', _, _]) => Ok(()),
        Some(b"407") => Err("it answered 407: it wants another credential".to_owned()),
        Some(status) => Err(format!("it answered {}", status.escape_ascii())),
        None => Err("it speaks no HTTP/1".to_owned()),
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
    use crate::policy::{Auth, AuthScheme, Provenance, Route, RouteSet};
    use crate::secret::Secret;

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

    fn permit(port: u16, connect_to: Option<&str>, allow_private: bool) -> Permit<'static> {
        let host = HostName::parse("a.example").unwrap();
        let mut route = Route::to(host.clone(), vec![port], Provenance::Builtin);
        route.connect_to = connect_to.map(|text| text.parse().unwrap());
        route.allow_private = allow_private;
        let routes = Box::leak(Box::new(RouteSet::of(vec![route])));
        routes.decide(&host, port, jiff::Timestamp::now()).unwrap()
    }

    async fn dial(answers: &[&str], permit: &Permit<'_>) -> (Result<TcpStream, Refusal>, usize) {
        let resolver = CountingResolver::answering(answers);
        let dialer = Dialer::new(resolver.clone(), Duration::from_secs(5), None);
        (dialer.dial(permit, &Secrets::new()).await, resolver.count())
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

    /// Dials through a proxy that answers so; gives what it was asked.
    async fn pass(
        answer: &'static str,
        permit: &Permit<'_>,
    ) -> (Result<TcpStream, Refusal>, String) {
        pass_with(answer, permit, None, &Secrets::new()).await
    }

    /// The same where the proxy wants a credential.
    async fn pass_with(
        answer: &'static str,
        permit: &Permit<'_>,
        auth: Option<Auth>,
        secrets: &Secrets,
    ) -> (Result<TcpStream, Refusal>, String) {
        let (listener, port) = listener().await;
        let hop = NextHop::parse(&format!("http://127.0.0.1:{port}")).unwrap();
        let hop = match auth {
            Some(auth) => hop.wanting(auth).unwrap(),
            None => hop,
        };
        let dialer = Dialer::new(
            CountingResolver::default(),
            Duration::from_secs(5),
            Some(hop),
        );
        let proxy = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 1024];
            let count = stream.read(&mut asked).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            asked.truncate(count);
            String::from_utf8(asked).unwrap()
        };
        tokio::join!(dialer.dial(permit, secrets), proxy)
    }

    #[tokio::test]
    async fn an_upstream_proxy_is_asked_for_a_tunnel_and_resolves_the_name() {
        let permit = permit(443, None, false);
        let (dialled, asked) = pass("HTTP/1.1 200 fine\r\nVia: x\r\n\r\nhello", &permit).await;
        assert_eq!(
            asked,
            "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"
        );
        // What follows the answer is the tunnel's.
        let mut rest = String::new();
        dialled.unwrap().read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "hello");
    }

    #[tokio::test]
    async fn an_upstream_proxy_gets_its_credential_and_nothing_shows_it() {
        let name = SecretName::parse("proxy").unwrap();
        let secrets: Secrets =
            std::iter::once((name.clone(), Secret::new("hunter2".to_owned()))).collect();
        let user = "me".to_owned();
        for (scheme, sent) in [
            (AuthScheme::Basic { user }, "Basic bWU6aHVudGVyMg=="),
            (AuthScheme::Bearer, "Bearer hunter2"),
        ] {
            let secret = name.clone();
            let auth = Some(Auth { scheme, secret });
            let permit = permit(443, None, false);
            let answer = "HTTP/1.1 200 fine\r\n\r\n";
            let (dialled, asked) = pass_with(answer, &permit, auth.clone(), &secrets).await;
            assert_eq!(
                asked,
                format!(
                    "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\
                     Proxy-Authorization: {sent}\r\n\r\n"
                )
            );
            assert!(dialled.is_ok());
            let answer = "HTTP/1.1 407 hunter2\r\n\r\n";
            let (dialled, _) = pass_with(answer, &permit, auth, &secrets).await;
            let told = format!("{:?}", dialled.unwrap_err());
            assert!(told.contains("407") && !told.contains("hunter2"), "{told}");
        }
    }

    #[tokio::test]
    async fn without_its_credential_an_upstream_proxy_is_not_even_dialled() {
        let (listener, port) = listener().await;
        let auth = Auth {
            scheme: AuthScheme::Bearer,
            secret: SecretName::parse("proxy").unwrap(),
        };
        let hop = NextHop::parse(&format!("http://127.0.0.1:{port}")).unwrap();
        let via = Some(hop.wanting(auth).unwrap());
        let dialer = Dialer::new(CountingResolver::default(), Duration::from_secs(5), via);
        assert_eq!(dialer.secret().unwrap().as_str(), "proxy");
        let dialled = dialer
            .dial(&permit(443, None, false), &Secrets::new())
            .await;
        assert_eq!(dialled.unwrap_err().reason, Reason::Locked);
        let is_dialled = std::future::poll_fn(|context| {
            std::task::Poll::Ready(listener.poll_accept(context).is_ready())
        });
        assert!(!is_dialled.await);
    }

    #[tokio::test]
    async fn an_upstream_proxy_that_says_no_is_told() {
        for (answer, words) in [
            ("HTTP/1.1 407 who are you\r\n\r\n", "it answered 407"),
            ("SSH-2.0-x\r\n\r\n", "it speaks no HTTP/1"),
            ("HTTP/1.1 200", "end of file"),
        ] {
            let (dialled, _) = pass(answer, &permit(443, None, false)).await;
            let refusal = dialled.unwrap_err();
            assert_eq!(refusal.reason, Reason::Unreachable);
            assert!(refusal.detail.contains(words), "{}", refusal.detail);
        }
    }

    #[tokio::test]
    async fn a_route_with_an_address_of_its_own_goes_there_without_the_proxy() {
        let (listener, port) = listener().await;
        let hop = NextHop::parse("http://127.0.0.1:1").unwrap();
        let dialer = Dialer::new(
            CountingResolver::default(),
            Duration::from_secs(5),
            Some(hop),
        );
        dialer
            .dial(&permit(port, Some("127.0.0.1"), true), &Secrets::new())
            .await
            .unwrap();
        listener.accept().await.unwrap();
    }
}
