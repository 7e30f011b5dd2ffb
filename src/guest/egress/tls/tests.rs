use std::sync::Arc;

use jiff::{Timestamp, ToSpan as _};
use rustls::HandshakeKind;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::client::{
    ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue,
    WebPkiServerVerifier,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::hello::HelloFault;
use super::*;
use crate::policy::{HostName, Reason};

const LIMIT: std::time::Duration = std::time::Duration::from_secs(5);

fn host(text: &str) -> HostName {
    HostName::parse(text).unwrap()
}

/// A client that trusts one authority only.
pub(in super::super) fn client_of(ca: &CertificateDer<'static>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(ca.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// The bytes of a ClientHello for a name, or for an address, which sends no name.
pub(in super::super) async fn hello_for(name: &str) -> Vec<u8> {
    let ca = BottleCa::new("test", Timestamp::now()).unwrap();
    let (mut end, client) = duplex(1 << 16);
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connect = client_of(ca.certificate()).connect(name, client);
    let read = async {
        let mut bytes = vec![0; 1 << 16];
        let count = end.read(&mut bytes).await.unwrap();
        bytes.truncate(count);
        bytes
    };
    tokio::select! {
        _ = connect => panic!("nobody answered"),
        bytes = read => bytes,
    }
}

fn leaves() -> (Leaves, CertificateDer<'static>) {
    let ca = BottleCa::new("test", Timestamp::now()).unwrap();
    let certificate = ca.certificate().clone();
    (Leaves::new(ca).unwrap(), certificate)
}

#[test]
fn a_leaf_is_valid_for_its_host_while_it_lives_and_under_its_own_authority_only() {
    let now = Timestamp::now();
    let (ca, other) = (
        BottleCa::new("one", now).unwrap(),
        BottleCa::new("two", now).unwrap(),
    );
    let key = ca::key().unwrap();
    let leaf = ca.leaf(&host("a_b.example"), &key, now).unwrap();
    let verify = |ca: &BottleCa, name: &'static str, at: Timestamp| {
        let mut roots = RootCertStore::empty();
        roots.add(ca.certificate().clone()).unwrap();
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            at.as_second().unsigned_abs(),
        ));
        let name = ServerName::try_from(name).unwrap();
        verifier
            .unwrap()
            .verify_server_cert(&leaf, &[], &name, &[], at)
            .is_ok()
    };
    assert!(verify(&ca, "a_b.example", now));
    assert!(!verify(&ca, "b.example", now));
    assert!(!verify(&other, "a_b.example", now));
    assert!(!verify(&ca, "a_b.example", now + (24 * 9).hours()));
    assert!(!verify(&ca, "a_b.example", now - (24 * 3).hours()));
}

#[test]
fn leaves_are_made_once_renewed_in_time_and_bounded() {
    let (leaves, _) = leaves();
    let now = Timestamp::now();
    let first = leaves.config_for(&host("a.example"), now).unwrap();
    let again = leaves.config_for(&host("A.example"), now).unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    let later = now + (24 * 4).hours();
    let renewed = leaves.config_for(&host("a.example"), later).unwrap();
    assert!(!Arc::ptr_eq(&first, &renewed));
    for number in 0..300 {
        leaves
            .config_for(&host(&format!("h{number}.example")), later)
            .unwrap();
        leaves.config_for(&host("a.example"), later).unwrap();
    }
    let kept = leaves.config_for(&host("a.example"), later).unwrap();
    assert!(Arc::ptr_eq(&kept, &renewed), "what is used stays");
    assert_eq!(leaves.held(), 256);
}

#[tokio::test]
async fn only_http_1_is_spoken_inside() {
    let (leaves, ca) = leaves();
    let config = leaves
        .config_for(&host("a.example"), Timestamp::now())
        .unwrap();
    for (offered, accepted) in [
        (&[b"http/1.1" as &[u8]] as &[&[u8]], true),
        (&[b"h2", b"http/1.1"], true),
        (&[b"h2"], false),
        (&[], true),
    ] {
        let (near, far) = duplex(1 << 16);
        let mut connector = (**client_of(&ca).config()).clone();
        connector.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
        let name = ServerName::try_from("a.example").unwrap();
        let (client, server) = tokio::join!(
            TlsConnector::from(Arc::new(connector)).connect(name, near),
            TlsAcceptor::from(Arc::clone(&config)).accept(far),
        );
        assert_eq!((client.is_ok(), server.is_ok()), (accepted, accepted));
        if let Some(chosen) = server
            .ok()
            .and_then(|s| s.get_ref().1.alpn_protocol().map(<[u8]>::to_vec))
        {
            assert_eq!(chosen, b"http/1.1");
        }
    }
}

/// Gives back the last ticket, whatever name it was for: a client that means no good.
#[derive(Debug, Default)]
struct OneTicket(std::sync::Mutex<Option<Tls13ClientSessionValue>>);

impl ClientSessionStore for OneTicket {
    fn set_kx_hint(&self, _: ServerName<'static>, _: rustls::NamedGroup) {}
    fn kx_hint(&self, _: &ServerName<'_>) -> Option<rustls::NamedGroup> {
        None
    }
    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}
    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }
    fn remove_tls12_session(&self, _: &ServerName<'static>) {}
    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        *self.0.lock().unwrap() = Some(value);
    }
    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.0.lock().unwrap().take()
    }
}

#[tokio::test]
async fn a_client_that_comes_again_needs_no_certificate_and_a_ticket_opens_no_other_name() {
    let (leaves, ca) = leaves();
    let mut config = (**client_of(&ca).config()).clone();
    config.resumption = Resumption::store(Arc::new(OneTicket::default()));
    let connector = TlsConnector::from(Arc::new(config));
    for (name, kind) in [
        ("a.example", HandshakeKind::Full),
        ("a.example", HandshakeKind::Resumed),
        ("b.example", HandshakeKind::Full),
        ("b.example", HandshakeKind::Resumed),
    ] {
        let config = leaves.config_for(&host(name), Timestamp::now()).unwrap();
        let (near, far) = duplex(1 << 16);
        let client = connector.connect(ServerName::try_from(name).unwrap(), near);
        let (client, server) = tokio::join!(client, TlsAcceptor::from(config).accept(far));
        let (mut client, mut server) = (client.unwrap(), server.unwrap());
        server.write_all(b"x").await.unwrap();
        server.flush().await.unwrap();
        assert_eq!(client.read_u8().await.unwrap(), b'x');
        assert_eq!(client.get_ref().1.handshake_kind(), Some(kind), "{name}");
    }
}

async fn read(first: &[u8], name: &str) -> (Result<(), HelloFault>, Vec<u8>) {
    let (mut client, mut end) = duplex(1 << 17);
    client.write_all(first).await.unwrap();
    drop(client);
    let mut early = Vec::new();
    let read = read_hello(&mut end, &mut early, &host(name), LIMIT).await;
    (read, early)
}

#[tokio::test]
async fn the_name_in_the_hello_must_be_the_one_decided_on() {
    let hello = hello_for("a.example").await;
    assert_eq!(read(&hello, "a.example").await, (Ok(()), hello.clone()));
    for (bytes, name) in [
        (&hello, "b.example"),
        (&hello, "x.a.example"),
        (&hello_for("192.0.2.1").await, "a.example"),
    ] {
        let (read, _) = read(bytes, name).await;
        let reason = read.unwrap_err().told().unwrap().0;
        assert_eq!(reason, Reason::SniMismatch, "{name}");
    }
}

#[tokio::test]
async fn a_hello_is_read_at_any_cut_and_keeps_its_bytes() {
    let hello = hello_for("a.example").await;
    for cut in 1..hello.len() {
        let mut early = hello[..cut].to_vec();
        let (mut client, mut end) = duplex(1 << 16);
        client.write_all(&hello[cut..]).await.unwrap();
        let read = read_hello(&mut end, &mut early, &host("a.example"), LIMIT).await;
        assert_eq!((read, &early), (Ok(()), &hello), "{cut}");
    }
}

#[tokio::test]
async fn what_is_not_tls_is_known_at_its_first_byte() {
    let hello = hello_for("a.example").await;
    let mut broken = hello.clone();
    broken[5] = 2;
    let mut endless = vec![0x16, 3, 1, 0x3f, 0xff, 1, 0, 0xff, 0xff];
    endless.resize(5 + 0x3fff, 0);
    let record = endless.clone();
    endless.extend(&record);
    endless.extend(&record);
    for bytes in [
        b"SSH-2.0-x\r\n" as &[u8],
        b"POST / HTTP/1.1\r\n\r\n",
        b"\x15\x03\x01",
        b"\x80\x2e\x01\x00\x02",
        &broken,
        &endless,
    ] {
        let (read, _) = read(bytes, "a.example").await;
        let reason = read.unwrap_err().told().unwrap().0;
        assert_eq!(reason, Reason::NotTls, "{:?}", &bytes[..3]);
    }
    for bytes in [b"" as &[u8], &hello[..20]] {
        assert_eq!(read(bytes, "a.example").await.0, Err(HelloFault::Left));
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_hello_is_not_waited_for() {
    let (client, mut end) = duplex(64);
    let read = read_hello(&mut end, &mut Vec::new(), &host("a.example"), LIMIT).await;
    assert_eq!(read.unwrap_err().told().unwrap().0, Reason::NotTls);
    drop(client);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_hello_reader_fall(
        mut bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        tls: bool,
    ) {
        if let (true, Some(first)) = (tls, bytes.first_mut()) {
            *first = 0x16;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        drop(runtime.block_on(read(&bytes, "a.example")));
    }
}

/// An origin with a certificate that `ca` signed for `name` as of `then`.
async fn origin(
    ca: BottleCa,
    name: &str,
    then: Timestamp,
) -> (TcpStream, tokio::task::JoinHandle<bool>) {
    let config = Leaves::new(ca)
        .unwrap()
        .config_for(&host(name), then)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (far, _) = listener.accept().await.unwrap();
    let served = tokio::spawn(async move { TlsAcceptor::from(config).accept(far).await.is_ok() });
    (stream, served)
}

#[tokio::test]
async fn upstream_is_held_to_its_name_its_dates_and_a_trusted_root() {
    let now = Timestamp::now();
    let ca = |bottle| BottleCa::new(bottle, now - (24 * 60).hours()).unwrap();
    let old = now - (24 * 30).hours();
    for (signed, trusted, name, then, words) in [
        (true, true, "a.example", now, None),
        (true, true, "b.example", now, Some("another name")),
        (true, true, "a.example", old, Some("expired")),
        (true, false, "a.example", now, Some("nobody who is trusted")),
        (false, true, "a.example", now, Some("not TLS")),
    ] {
        let ca = ca("origin");
        let extra = if trusted {
            vec![ca.certificate().clone()]
        } else {
            Vec::new()
        };
        let upstream = Upstream::new(&extra).unwrap();
        let stream = if signed {
            origin(ca, name, then).await.0
        } else {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let stream = TcpStream::connect(listener.local_addr().unwrap())
                .await
                .unwrap();
            let (mut far, _) = listener.accept().await.unwrap();
            far.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await
                .unwrap();
            stream
        };
        let connected = upstream.connect(&host("a.example"), stream, LIMIT).await;
        match (connected, words) {
            (Ok(_), None) => {}
            (Err(refusal), Some(words)) => {
                assert_eq!(refusal.reason, Reason::UpstreamTls);
                assert!(format!("{refusal:?}").contains(words), "{refusal:?}");
            }
            (other, words) => panic!("{words:?}: {other:?}"),
        }
    }
}

#[test]
fn the_trust_files_hold_the_authority_alone_and_with_the_public_roots() {
    let folder = tempfile::tempdir().unwrap();
    let files = TrustFiles {
        ca: folder.path().join("ca.pem"),
        bundle: folder.path().join("ca-bundle.pem"),
    };
    let now = Timestamp::now();
    let operator = BottleCa::new("operator", now).unwrap();
    let mut pem = String::new();
    trust::push_pem(&mut pem, operator.certificate());
    let trusted = Trusted::read(Some(&pem)).unwrap();
    let mut held = Vec::new();
    for bottle in ["one", "one again"] {
        let ca = BottleCa::new(bottle, now).unwrap();
        trusted.publish(&ca, &files).unwrap();
        let read = |path| upstream::read_bundle(&std::fs::read_to_string(path).unwrap());
        let own = vec![operator.certificate().clone(), ca.certificate().clone()];
        assert_eq!(read(&files.ca).unwrap(), own);
        let bundle = read(&files.bundle).unwrap();
        assert_eq!(bundle[..2], own);
        assert!(bundle.len() > 100, "{}", bundle.len());
        held.push(bundle);
    }
    assert_ne!(held[0], held[1], "a new start is a new authority");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    let text = std::fs::read_to_string(&files.ca).unwrap();
    assert!(!text.contains("PRIVATE"));
    for bad in [
        "",
        "nonsense",
        "-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n",
    ] {
        let extra = Trusted::read(Some(bad)).and_then(|trusted| Upstream::new(&trusted.extra));
        assert!(extra.is_err(), "{bad}");
    }
}
