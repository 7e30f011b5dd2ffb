//! Tunnels: what goes into them, for whom, and with which certificates.

use super::speech::{Client, Got, client_hello, connect, raw_tunnel, tls};
use super::stage::{Stage, get, latin};
use super::world::Seen;
use super::{Row, Trial, nothing};

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 16,
        threat: "Non-TLS bytes inside an allowed CONNECT",
        twins: not_tls,
    },
    Row {
        number: 17,
        threat: "SNI other than the CONNECT host, none, or several",
        twins: other_sni,
    },
    Row {
        number: 18,
        threat: "Host or :authority other than the CONNECT host",
        twins: other_host,
    },
    Row {
        number: 19,
        threat: "Domain fronting",
        twins: fronting,
    },
    Row {
        number: 20,
        threat: "Absolute URI against Host; userinfo; other schemes",
        twins: two_authorities,
    },
    Row {
        number: 21,
        threat: "Host spellings: case, dot, brackets, NUL, ports",
        twins: spellings,
    },
    Row {
        number: 22,
        threat: "IDN and punycode look-alikes",
        twins: look_alikes,
    },
    Row {
        number: 23,
        threat: "Wildcard and suffix mistakes",
        twins: suffixes,
    },
    Row {
        number: 28,
        threat: "HTTP/2 resource abuse",
        twins: http2,
    },
    Row {
        number: 44,
        threat: "Pinning, clients without the CA",
        twins: without_ca,
    },
    Row {
        number: 45,
        threat: "Encrypted ClientHello",
        twins: encrypted_hello,
    },
    Row {
        number: 46,
        threat: "Upstream TLS not verified",
        twins: bad_upstream,
    },
    Row {
        number: 47,
        threat: "CA misuse",
        twins: other_ca,
    },
];

/// Nobody was told a byte; a connection may have been made.
fn untold(seen: &Seen, _got: &Got) -> bool {
    seen.is_silent() && seen.sent.is_empty() && seen.names.is_empty()
}

fn raw(stage: &Stage, place: &str, bytes: &[u8]) -> Got {
    raw_tunnel(&stage.arms, place, bytes)
}

fn through(stage: &Stage, place: &str, request: &str, change: impl FnOnce(&mut Client)) -> Got {
    let mut client = stage.client.clone();
    change(&mut client);
    tls(&stage.arms, &client, place, &latin(request))
}

fn not_tls(trial: &mut Trial<'_>) {
    for host in ["allowed.test", "splice.test"] {
        let place = format!("{host}:443");
        for bytes in [
            &b"SSH-2.0-OpenSSH_9.9\r\n"[..],
            b"POST / HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 1\r\n\r\nx",
            b"\x16\x03\x01\x00\x05hello",
            b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\0\0\0\0",
        ] {
            let what = format!("{place} {}", bytes.escape_ascii());
            trial.deny(&what, |stage| raw(stage, &place, bytes), untold);
        }
        trial.allow_https(&place, &get(host, "/inside-tls"));
    }
}

fn other_sni(trial: &mut Trial<'_>) {
    for host in ["allowed.test", "splice.test"] {
        let place = format!("{host}:443");
        for sni in ["evil.test", "", "www.allowed.test", "other.test"] {
            trial.deny(
                &format!("{place} with the name {sni:?}"),
                |stage| {
                    through(stage, &place, &get(host, "/"), |client| {
                        client.sni = Some(sni.into());
                    })
                },
                untold,
            );
        }
        for names in [
            &[host, "evil.test"][..],
            &["evil.test", host],
            &[host, host],
            &[],
        ] {
            let hello = client_hello(names, None);
            let what = format!("{place} with the names {names:?}");
            trial.deny(&what, |stage| raw(stage, &place, &hello), untold);
        }
        trial.allow_https(&place, &get(host, "/own-name"));
    }
    let hello = client_hello(&["splice.test"], None);
    trial.allow(
        "one own name in the same handmade handshake",
        |stage| raw(stage, "splice.test:443", &hello),
        |seen, _| seen.names == ["splice.test"],
    );
}

fn other_host(trial: &mut Trial<'_>) {
    let last = "Connection: close\r\n\r\n";
    for head in [
        "GET / HTTP/1.1\r\nHost: evil.test\r\n",
        "GET / HTTP/1.1\r\nHost: allowed.test\r\nHost: evil.test\r\n",
        "GET / HTTP/1.1\r\nHost: evil.test\r\nHost: allowed.test\r\n",
        "GET / HTTP/1.1\r\nHost: allowed.test\r\nHost: allowed.test\r\n",
        "GET / HTTP/1.1\r\nHost: other.test\r\n",
        "GET / HTTP/1.1\r\nHost: allowed.test:8443\r\n",
        "GET / HTTP/1.1\r\nHost: allowed.test@evil.test\r\n",
        "GET / HTTP/1.1\r\nHost: allowed.test, evil.test\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n",
        "GET / HTTP/1.1\r\n",
        "GET https://evil.test/ HTTP/1.1\r\nHost: allowed.test\r\n",
        "GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n",
        "GET //evil.test/ HTTP/1.1\r\nHost: evil.test\r\n",
    ] {
        let request = format!("{head}{last}");
        trial.deny(
            &head.escape_debug().to_string(),
            |stage| stage.https("allowed.test:443", &request),
            nothing,
        );
    }
    for host in ["allowed.test", "allowed.test:443", "ALLOWED.test"] {
        trial.allow_https("allowed.test:443", &get(host, "/own-host"));
    }
}

fn fronting(trial: &mut Trial<'_>) {
    // Inside an inspected tunnel; a spliced one says in its route that nobody looks.
    for host in ["evil.test", "other.test"] {
        trial.deny_https("allowed.test:443", &get(host, "/vhost"));
    }
    trial.allow_https("allowed.test:443", &get("allowed.test", "/vhost"));
    trial.allow_https("other.test:443", &get("other.test", "/vhost"));
}

fn two_authorities(trial: &mut Trial<'_>) {
    let host = "Host: plain.test\r\n\r\n";
    for line in [
        "GET http://plain.test@evil.test/ HTTP/1.1",
        "GET http://evil.test@plain.test/ HTTP/1.1",
        "GET http://ok:ok@plain.test/ HTTP/1.1",
        "GET ftp://plain.test/ HTTP/1.1",
        "GET https://plain.test/ HTTP/1.1",
        "GET https://allowed.test/ HTTP/1.1",
        "GET ws://plain.test/ HTTP/1.1",
        "GET http:plain.test/ HTTP/1.1",
        "GET http:///plain.test/ HTTP/1.1",
        "GET http://plain.test\\@evil.test/ HTTP/1.1",
        "GET http://plain.test#@evil.test/ HTTP/1.1",
        "GET http://evil.test/ HTTP/1.1",
        "GET / HTTP/1.1",
        "OPTIONS * HTTP/1.1",
    ] {
        trial.deny_http(&format!("{line}\r\n{host}"));
    }
    for other in [
        "evil.test",
        "allowed.test",
        "plain.test:8080",
        "plain.test\r\nHost: evil.test",
    ] {
        trial.deny_http(&format!(
            "GET http://plain.test/ HTTP/1.1\r\nHost: {other}\r\n\r\n"
        ));
    }
    let request = format!("GET http://plain.test/one-authority HTTP/1.1\r\n{host}");
    trial.allow_http(&request, "GET /one-authority");
}

/// Asks for a tunnel to a spelling of a host, then goes on as for that host.
fn spelt(trial: &mut Trial<'_>, place: &str, host: &'static str) {
    let place = place.to_owned();
    trial.deny(
        &place.escape_debug().to_string(),
        |stage| {
            through(stage, &place, &get(host, "/"), |client| {
                client.sni = Some(host.into());
            })
        },
        nothing,
    );
}

fn spellings(trial: &mut Trial<'_>) {
    for place in [
        "[allowed.test]:443",
        "allowed.test\0.evil.test:443",
        "allowed.test%00.evil.test:443",
        "allowed.test:99999",
        "allowed.test:65979",
        "allowed.test",
        "allowed.test:",
        "allowed.test:+443",
        "allowed.test:443/",
        "http://allowed.test:443",
        "https://allowed.test",
        "ok@allowed.test:443",
        "allowed.test :443",
        "allowed.test\t:443",
        ".allowed.test:443",
        "allowed..test:443",
        "allowed_.test:443",
        "allowed.test..:443",
        "allowed.test:443:443",
        "allowed.test,evil.test:443",
        "%61llowed.test:443",
    ] {
        spelt(trial, place, "allowed.test");
    }
    for place in [
        "EVIL.test:443",
        "evil.test.:443",
        "allowed.test.evil.test:443",
    ] {
        spelt(trial, place, "evil.test");
    }
    for place in ["ALLOWED.test:443", "allowed.test:443"] {
        trial.allow(
            place,
            |stage| {
                let host = "allowed.test";
                through(stage, place, &get(host, "/"), |client| {
                    client.sni = Some(host.into());
                })
            },
            |seen, _| seen.has_heard("host: allowed.test\r\n"),
        );
    }
}

fn look_alikes(trial: &mut Trial<'_>) {
    spelt(trial, "xn--llowed-4nf.test:443", "xn--llowed-4nf.test");
    // The Cyrillic a, and a fullwidth one, as UTF-8.
    spelt(trial, "\u{d0}\u{b0}llowed.test:443", "allowed.test");
    spelt(trial, "\u{ef}\u{bd}\u{81}llowed.test:443", "allowed.test");
    // The name of the route in UTF-8 is not the name of the route.
    spelt(trial, "b\u{c3}\u{bc}cher.test:443", "xn--bcher-kva.test");
    trial.allow_https("xn--bcher-kva.test:443", &get("xn--bcher-kva.test", "/"));
}

fn suffixes(trial: &mut Trial<'_>) {
    for host in [
        "evilallowed.test",
        "allowed.test.evil",
        "www.allowed.test",
        "wild.test",
        "evilwild.test",
        "test",
    ] {
        trial.deny_https(&format!("{host}:443"), &get(host, "/"));
    }
    for host in ["allowed.test", "a.wild.test"] {
        trial.allow_https(&format!("{host}:443"), &get(host, "/"));
    }
}

fn http2(trial: &mut Trial<'_>) {
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0";
    let resets: Vec<String> = (0..200_u8)
        .map(|id| {
            format!(
                "\0\0\0\u{1}\u{5}\0\0\0{0}\0\0\u{4}\u{3}\0\0\0{0}\0\0\0\u{8}",
                char::from(id | 1)
            )
        })
        .collect();
    for bytes in [preface.to_owned(), format!("{preface}{}", resets.concat())] {
        trial.deny(
            "prior knowledge at the door",
            |stage| stage.http(&bytes),
            nothing,
        );
        for alpn in [&["h2"][..], &["h2", "http/1.1"]] {
            trial.deny(
                &format!("inside TLS, offering {alpn:?}"),
                |stage| {
                    through(stage, "allowed.test:443", &bytes, |client| {
                        offer(client, alpn);
                    })
                },
                nothing,
            );
        }
    }
    trial.allow(
        "HTTP/1.1 where both were offered",
        |stage| {
            through(
                stage,
                "allowed.test:443",
                &get("allowed.test", "/one"),
                |client| {
                    offer(client, &["h2", "http/1.1"]);
                },
            )
        },
        |seen, _| seen.has_heard("GET /one HTTP/1.1"),
    );
}

fn offer(client: &mut Client, protocols: &[&str]) {
    client.alpn = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
}

fn without_ca(trial: &mut Trial<'_>) {
    let request = get("allowed.test", "/trusting");
    trial.deny(
        "a client that trusts nobody",
        |stage| {
            through(stage, "allowed.test:443", &request, |client| {
                client.roots.clear();
            })
        },
        nothing,
    );
    trial.allow_https("allowed.test:443", &request);
}

fn encrypted_hello(trial: &mut Trial<'_>) {
    const ECH: u16 = 0xfe0d;
    for host in ["allowed.test", "splice.test"] {
        let place = format!("{host}:443");
        let hello = client_hello(&["evil.test"], Some(ECH));
        trial.deny(
            &format!("{place} with another outer name"),
            |stage| raw(stage, &place, &hello),
            untold,
        );
    }
    trial.deny(
        "no inner name is of use where the proxy ends the TLS",
        |stage| {
            raw(
                stage,
                "allowed.test:443",
                &client_hello(&["allowed.test"], Some(ECH)),
            )
        },
        untold,
    );
    trial.allow(
        "the own outer name, on a route that nobody looks into",
        |stage| {
            raw(
                stage,
                "splice.test:443",
                &client_hello(&["splice.test"], Some(ECH)),
            )
        },
        |seen, _| seen.names == ["splice.test"],
    );
}

fn bad_upstream(trial: &mut Trial<'_>) {
    for host in ["expired.test", "wrongname.test", "selfsigned.test"] {
        trial.deny(
            host,
            |stage| stage.https(&format!("{host}:443"), &get(host, "/")),
            // It was met: the handshake is what failed.
            |seen, _| seen.is_silent() && seen.names == [host],
        );
    }
    trial.allow_https("other.test:443", &get("other.test", "/verified"));
}

fn other_ca(trial: &mut Trial<'_>) {
    let others = trial.asking.client.roots.clone();
    let request = get("allowed.test", "/own-authority");
    trial.deny(
        "a client that trusts another bottle's authority",
        |stage| {
            through(stage, "allowed.test:443", &request, |client| {
                client.roots = others;
            })
        },
        nothing,
    );
    for path in [
        "/data/authority.json",
        "/run/cellar/authority.json",
        "/run/control/authority.json",
    ] {
        trial.deny(
            path,
            |stage| match stage.arms.act(&format!("read {path}")) {
                Ok(text) => Got {
                    text,
                    ..Got::default()
                },
                Err(error) => Got {
                    error: Some(error),
                    ..Got::default()
                },
            },
            |_, got| got.error.is_some(),
        );
    }
    trial.deny(
        "a key beside the certificates",
        |stage| Got {
            text: ["ca.pem", "ca-bundle.pem"]
                .map(|name| stage.arms.act(&format!("read /run/cellar/{name}")).unwrap())
                .concat(),
            ..Got::default()
        },
        |_, got| got.text.contains("BEGIN CERTIFICATE") && !got.text.contains("PRIVATE"),
    );
    trial.allow_https("allowed.test:443", &request);
    trial.allow(
        "a tunnel to try it in",
        |stage| Got {
            tunnel: connect(&stage.arms, "allowed.test:443").1,
            ..Got::default()
        },
        |_, got| got.tunnel.starts_with("HTTP/1.1 200"),
    );
}
