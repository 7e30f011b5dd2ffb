//! Ways around the proxy, and places that it must not reach for anyone.

use std::io::{Read as _, Write as _};

use super::speech::{DOOR, Got};
use super::stage::{Stage, get, latin};
use super::world::Seen;
use super::{Row, Trial, nothing};

const PUBLIC: &str = "93.184.215.14";
const PUBLIC_V6: &str = "2606:4700::1111";
const PRIVATE: &str = "10.0.0.66";

/// Addresses that are not the internet, and some that only look like it.
const NOT_PUBLIC: &[&str] = &[
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.66",
    "100.64.0.9",
    "127.0.0.1",
    "127.9.9.9",
    "169.254.7.7",
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "168.63.129.16",
    "172.16.0.66",
    "172.31.255.9",
    "192.0.0.9",
    "192.0.2.9",
    "192.88.99.9",
    "192.168.1.66",
    "198.18.0.9",
    "198.51.100.9",
    "203.0.113.9",
    "224.0.0.9",
    "239.9.9.9",
    "240.0.0.9",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.66",
    "::10.0.0.66",
    "64:ff9b::a00:42",
    "64:ff9b:1::a00:42",
    "2002:a00:42::1",
    "2001:0:a00:42::1",
    "2001:db8::9",
    "fc00::66",
    "fd00:ec2::254",
    "fe80::66",
    "fec0::66",
    "ff02::66",
    "100::9",
    "4000::9",
];

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 1,
        threat: "Direct TCP to any IP",
        twins: direct_tcp,
    },
    Row {
        number: 2,
        threat: "DNS tunnel through the container's resolver",
        twins: own_resolver,
    },
    Row {
        number: 3,
        threat: "DNS tunnel through the proxy",
        twins: dns_by_proxy,
    },
    Row {
        number: 4,
        threat: "DNS tunnel under an allowed wildcard",
        twins: dns_by_wildcard,
    },
    Row {
        number: 5,
        threat: "DNS rebinding",
        twins: rebinding,
    },
    Row {
        number: 6,
        threat: "Mixed answers, one public and one private",
        twins: mixed_answers,
    },
    Row {
        number: 7,
        threat: "CONNECT to an IP literal",
        twins: literals,
    },
    Row {
        number: 8,
        threat: "Encoded IPs",
        twins: encoded_addresses,
    },
    Row {
        number: 9,
        threat: "Private, link-local and metadata addresses",
        twins: address_classes,
    },
    Row {
        number: 10,
        threat: "Host gateway, host.docker.internal",
        twins: host_gateway,
    },
    Row {
        number: 11,
        threat: "The proxy's own ports, its control socket, itself",
        twins: itself,
    },
    Row {
        number: 12,
        threat: "Docker socket",
        twins: engine_socket,
    },
    Row {
        number: 13,
        threat: "IPv6 by link-local or router advertisement",
        twins: ipv6,
    },
    Row {
        number: 14,
        threat: "UDP, QUIC, ICMP",
        twins: datagrams,
    },
    Row {
        number: 15,
        threat: "Odd ports, ssh, SMTP via CONNECT",
        twins: odd_ports,
    },
    Row {
        number: 54,
        threat: "Proxy-unaware tools, NO_PROXY tricks",
        twins: unaware,
    },
];

/// What came of an order to the arms, as if it were an answer.
fn outcome(outcome: Result<String, String>) -> Got {
    let (text, error) = match outcome {
        Ok(text) => (text, None),
        Err(error) => (String::new(), Some(error)),
    };
    Got {
        text,
        error,
        ..Got::default()
    }
}

fn opened(stage: &Stage, order: &str) -> Got {
    outcome(stage.arms.open(order).map(|_| String::new()))
}

fn beside(stage: &Stage, order: &str) -> Got {
    outcome(stage.neighbour.open(order).map(|_| String::new()))
}

fn direct_tcp(trial: &mut Trial<'_>) {
    for place in [
        format!("{PUBLIC}:443"),
        "1.1.1.1:80".into(),
        "8.8.8.8:53".into(),
        format!("{PRIVATE}:443"),
        "169.254.169.254:80".into(),
        format!("[{PUBLIC_V6}]:443"),
    ] {
        let order = format!("tcp {place}");
        let met = format!("syn {place}");
        trial.deny(&order, |stage| opened(stage, &order), nothing);
        trial.allow(
            &format!("beside the sidecar: {order}"),
            |stage| beside(stage, &order),
            |seen, _| seen.packets.contains(&met),
        );
    }
    trial.allow_https("allowed.test:443", &get("allowed.test", "/by-the-proxy"));
}

/// A question as a datagram, in hex.
fn question(name: &str, kind: u16) -> String {
    let mut bytes = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0, 1]);
    data_encoding::HEXLOWER.encode(&bytes)
}

fn own_resolver(trial: &mut Trial<'_>) {
    // A, TXT and HTTPS.
    for kind in [1, 16, 65] {
        for server in ["127.0.0.11:53", "8.8.8.8:53", "[2606:4700::1111]:53"] {
            let order = format!("udp {server} {}", question("secret.evil.test", kind));
            let what = format!("type {kind} to {server}");
            trial.deny(&what, |stage| outcome(stage.arms.act(&order)), nothing);
        }
        let order = format!("udp 8.8.8.8:53 {}", question("secret.evil.test", kind));
        trial.allow(
            &format!("beside the sidecar: type {kind}"),
            |stage| outcome(stage.neighbour.act(&order)),
            |seen, _| seen.has_asked(&format!("{kind} secret.evil.test")),
        );
    }
    let order = "lookup secret.evil.test";
    trial.deny(order, |stage| outcome(stage.arms.act(order)), nothing);
    trial.allow(
        "beside the sidecar: the engine's own resolver",
        |stage| outcome(stage.neighbour.act(order)),
        |seen, _| seen.has_asked("secret.evil.test"),
    );
}

fn dns_by_proxy(trial: &mut Trial<'_>) {
    trial.deny_https("secret.evil.test:443", &get("secret.evil.test", "/"));
    trial.deny_http("GET http://secret.evil.test/ HTTP/1.1\r\nHost: secret.evil.test\r\n\r\n");
    trial.allow(
        "an allowed name is asked for",
        |stage| {
            stage
                .world
                .borrow_mut()
                .reply("/asked", &[b"HTTP/1.1 204 No Content\r\n\r\n"]);
            stage.https("other.test:443", &get("other.test", "/asked"))
        },
        |seen, _| seen.has_asked("other.test"),
    );
}

fn dns_by_wildcard(trial: &mut Trial<'_>) {
    let key = super::KEY.as_bytes();
    let base32 = data_encoding::BASE32_NOPAD.encode(key).to_lowercase();
    for label in [
        base32.clone(),
        data_encoding::HEXLOWER.encode(key),
        super::KEY.to_lowercase(),
        {
            let (one, two) = base32.split_at(20);
            format!("{one}.{two}")
        },
    ] {
        let host = format!("{label}.wild.test");
        trial.deny_https(&format!("{host}:443"), &get(&host, "/"));
    }
    trial.allow(
        "docs.wild.test",
        |stage| stage.https("docs.wild.test:443", &get("docs.wild.test", "/")),
        |seen, _| seen.has_asked("docs.wild.test") && seen.has_heard("host: docs.wild.test"),
    );
}

fn plainly(host: &str) -> String {
    format!("GET http://{host}/closing HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
}

/// Asks for a host that changes its mind, so often; every answer ends its connection, so
/// that none is kept.
fn ask_often(stage: &Stage, host: &str, times: usize) -> Got {
    let mut world = stage.world.borrow_mut();
    world.zone(host, &[&[PUBLIC], &[PRIVATE]]);
    world.reply(
        "/closing",
        &[b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"],
    );
    drop(world);
    let mut last = Got::default();
    for _ in 0..times {
        last = stage.http(&plainly(host));
    }
    last
}

fn rebinding(trial: &mut Trial<'_>) {
    trial.deny(
        "200 requests to a name that changes its mind",
        |stage| ask_often(stage, "rebind.test", 200),
        |seen, _| {
            let public = seen.packets.iter().filter(|at| at.contains(PUBLIC)).count();
            !seen.has_met(PRIVATE) && public == 100
        },
    );
    trial.allow(
        "the same where the route allows private addresses",
        |stage| ask_often(stage, "private.test", 4),
        |seen, _| seen.has_met(PRIVATE) && seen.has_met(PUBLIC),
    );
}

/// Asks for a host that leads to these addresses.
fn lead(stage: &Stage, host: &str, addresses: &[&str]) -> Got {
    let mut world = stage.world.borrow_mut();
    world.zone(host, &[addresses]);
    world.reply(
        "/closing",
        &[b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"],
    );
    drop(world);
    stage.http(&plainly(host))
}

/// A name was asked for, and nobody was met.
fn only_asked(host: &str) -> impl FnOnce(&Seen, &Got) -> bool {
    move |seen, _| seen.has_asked(host) && seen.packets.is_empty() && seen.is_silent()
}

fn mixed_answers(trial: &mut Trial<'_>) {
    for addresses in [[PUBLIC, PRIVATE], [PRIVATE, PUBLIC], [PUBLIC, "fd00::66"]] {
        trial.deny(
            &format!("{addresses:?}"),
            |stage| lead(stage, "judged.test", &addresses),
            only_asked("judged.test"),
        );
    }
    let both = [PUBLIC, "93.184.216.66"];
    trial.allow(
        "two public ones",
        |stage| lead(stage, "judged.test", &both),
        |seen, _| seen.has_met(PUBLIC) || seen.has_met("93.184.216.66"),
    );
}

fn deny_place(trial: &mut Trial<'_>, place: &str) {
    let host = place.to_owned();
    trial.deny(
        &format!("CONNECT {place}"),
        |stage| {
            let mut client = stage.client.clone();
            client.sni = Some(String::new());
            super::speech::tls(&stage.arms, &client, &host, &latin(&get(&host, "/")))
        },
        nothing,
    );
    trial.deny_http(&format!(
        "GET http://{place}/ HTTP/1.1\r\nHost: {place}\r\n\r\n"
    ));
}

fn literals(trial: &mut Trial<'_>) {
    for place in [
        "93.184.215.14:443",
        "[2606:4700::1111]:443",
        "2606:4700::1111:443",
        "[::ffff:93.184.215.14]:443",
        "[fe80::1%25lo]:443",
    ] {
        deny_place(trial, place);
    }
    trial.allow(
        "by its name",
        |stage| lead(stage, "judged.test", &[PUBLIC]),
        |seen, _| seen.has_met(PUBLIC),
    );
}

fn encoded_addresses(trial: &mut Trial<'_>) {
    for host in [
        "0x7f.1",
        "2130706433",
        "127.1",
        "0177.0.0.1",
        "0",
        "0x5db8d70e",
        "1572395790",
        "93.184.55054",
        "0135.0270.0327.016",
        "93.184.215.14.",
        "%39%33.184.215.14",
        "\u{c2}\u{b9}27.0.0.1",
    ] {
        deny_place(trial, &format!("{host}:443"));
    }
    trial.allow_https("allowed.test:443", &get("allowed.test", "/by-its-name"));
}

fn address_classes(trial: &mut Trial<'_>) {
    for address in NOT_PUBLIC {
        trial.deny(
            &format!("by name: {address}"),
            |stage| lead(stage, "judged.test", &[address]),
            only_asked("judged.test"),
        );
        let literal = if address.contains(':') {
            format!("[{address}]:80")
        } else {
            format!("{address}:80")
        };
        trial.deny_http(&format!(
            "GET http://{literal}/ HTTP/1.1\r\nHost: {literal}\r\n\r\n"
        ));
    }
    for address in [PUBLIC, PUBLIC_V6] {
        trial.allow(
            &format!("a public address: {address}"),
            |stage| lead(stage, "judged.test", &[address]),
            |seen, _| seen.has_met(address),
        );
    }
    for address in [
        PRIVATE,
        "100.64.0.9",
        "127.0.0.1",
        "169.254.7.7",
        "fc00::66",
    ] {
        trial.allow(
            &format!("where the route says so: {address}"),
            |stage| lead(stage, "private.test", &[address]),
            |seen, _| seen.has_met(address),
        );
    }
}

fn of_egress(stage: &Stage, format: &str) -> String {
    let egress = stage.engine.container(&stage.bottle, "egress");
    stage
        .engine
        .docker(&["inspect", "--format", format, &egress])
}

fn host_gateway(trial: &mut Trial<'_>) {
    let gateway = of_egress(
        trial.stage,
        "{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}",
    );
    let order = format!("tcp {gateway}:80");
    trial.deny(&order, |stage| opened(stage, &order), nothing);
    trial.deny(
        "host.docker.internal, which a route names",
        |stage| {
            let mut world = stage.world.borrow_mut();
            world.zone("host.docker.internal", &[&[&gateway]]);
            drop(world);
            stage.https(
                "host.docker.internal:443",
                &get("host.docker.internal", "/"),
            )
        },
        only_asked("host.docker.internal"),
    );
    trial.deny_https(
        "gateway.docker.internal:443",
        &get("gateway.docker.internal", "/"),
    );
    trial.allow(
        "beside the sidecar",
        |stage| beside(stage, &order),
        |seen, _| seen.has_met(&gateway),
    );
    trial.allow(
        "where the route says so",
        |stage| lead(stage, "private.test", &[&gateway]),
        |seen, _| seen.has_met(&gateway),
    );
}

fn itself(trial: &mut Trial<'_>) {
    let own = of_egress(
        trial.stage,
        "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
    );
    for place in [
        "localhost:3128",
        "localhost:443",
        "127.0.0.1:3128",
        "[::1]:443",
    ] {
        deny_place(trial, place);
    }
    deny_place(trial, &format!("{own}:443"));
    for address in ["127.0.0.1", "::1", &own] {
        trial.deny(
            &format!("a name that leads to {address}"),
            |stage| lead(stage, "judged.test", &[address]),
            only_asked("judged.test"),
        );
    }
    for socket in ["/run/control/hub.sock", "/run/cellar/hub.sock"] {
        let order = format!("unix {socket}");
        trial.deny(
            &order,
            |stage| opened(stage, &order),
            |_, got| got.error.is_some(),
        );
    }
    trial.allow(
        "its door, asked for an allowed place",
        |stage| {
            let mut line = stage.arms.open(DOOR).unwrap();
            line.write_all(plainly("plain.test").as_bytes()).unwrap();
            let mut text = String::new();
            outcome(
                line.read_to_string(&mut text)
                    .map(|_| text)
                    .map_err(|e| e.to_string()),
            )
        },
        |seen, _| seen.has_heard("host: plain.test"),
    );
}

fn engine_socket(trial: &mut Trial<'_>) {
    for role in ["agent", "egress", "supervise"] {
        trial.deny(
            &format!("mounts of {role}"),
            |stage| {
                let container = stage.engine.container(&stage.bottle, role);
                let format =
                    "{{json .Mounts}}{{json .HostConfig.Binds}}{{json .HostConfig.Mounts}}";
                outcome(Ok(stage
                    .engine
                    .docker(&["inspect", "--format", format, &container])))
            },
            |_, got| got.text.contains("/run/cellar") && !got.text.contains("docker.sock"),
        );
    }
    for socket in [
        "/var/run/docker.sock",
        "/run/docker.sock",
        "/run/podman/podman.sock",
    ] {
        let order = format!("unix {socket}");
        trial.deny(
            &order,
            |stage| opened(stage, &order),
            |_, got| got.error.is_some(),
        );
    }
    trial.allow(
        "the door",
        |stage| opened(stage, DOOR),
        |_, got| got.error.is_none(),
    );
}

fn ipv6(trial: &mut Trial<'_>) {
    trial.deny(
        "interfaces with an IPv6 address",
        |stage| outcome(stage.arms.act("read /proc/net/if_inet6")),
        |_, got| got.text.lines().all(|line| line.ends_with(" lo")),
    );
    for order in [
        "tcp [fe80::1%1]:443",
        "tcp [fe80::1%2]:443",
        "tcp [2606:4700::1111]:443",
    ] {
        trial.deny(order, |stage| opened(stage, order), nothing);
    }
    for order in [
        "udp [ff02::1%1]:443 00",
        "udp [ff02::2%2]:443 00",
        "ping ff02::1",
    ] {
        trial.deny(order, |stage| outcome(stage.arms.act(order)), nothing);
    }
    trial.allow(
        "beside the sidecar",
        |stage| beside(stage, "tcp [2606:4700::1111]:443"),
        |seen, _| seen.has_met(PUBLIC_V6),
    );
}

fn datagrams(trial: &mut Trial<'_>) {
    for (order, packet) in [
        ("udp 93.184.215.14:443 00", "udp 93.184.215.14:443"),
        ("udp 8.8.4.4:853 00", "udp 8.8.4.4:853"),
        ("ping 93.184.215.14", "ping 93.184.215.14"),
    ] {
        trial.deny(order, |stage| outcome(stage.arms.act(order)), nothing);
        trial.allow(
            &format!("beside the sidecar: {order}"),
            |stage| outcome(stage.neighbour.act(order)),
            |seen, _| seen.packets.iter().any(|seen| seen == packet),
        );
    }
    let offer = |stage: &Stage| {
        let answer =
            "HTTP/1.1 200 OK\r\nAlt-Svc: h3=\":443\"\r\nX-Kept: yes\r\nContent-Length: 2\r\n\r\nok";
        stage
            .world
            .borrow_mut()
            .reply("/quic", &[answer.as_bytes()]);
        stage.https("allowed.test:443", &get("allowed.test", "/quic"))
    };
    let has = |got: &Got, name: &str| got.text.to_lowercase().contains(name);
    trial.deny("Alt-Svc in an answer", offer, |_, got| !has(got, "alt-svc"));
    trial.allow("another header of it", offer, |_, got| has(got, "x-kept"));
}

fn odd_ports(trial: &mut Trial<'_>) {
    for port in [22, 25, 80, 8443, 65535, 0] {
        trial.deny_https(&format!("allowed.test:{port}"), &get("allowed.test", "/"));
        let host = format!("allowed.test:{port}");
        trial.deny_http(&format!(
            "GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n"
        ));
    }
    trial.allow_https("odd.test:8443", &get("odd.test:8443", "/"));
    trial.allow_https("allowed.test:443", &get("allowed.test", "/"));
}

fn unaware(trial: &mut Trial<'_>) {
    let order = "lookup allowed.test";
    trial.deny(order, |stage| outcome(stage.arms.act(order)), nothing);
    for order in ["tcp 93.184.215.14:443", "tcp 93.184.215.14:80"] {
        trial.deny(order, |stage| opened(stage, order), nothing);
        trial.allow(
            &format!("beside the sidecar: {order}"),
            |stage| beside(stage, order),
            |seen, _| seen.has_met(PUBLIC),
        );
    }
    trial.allow_https("allowed.test:443", &get("allowed.test", "/with-the-proxy"));
}
