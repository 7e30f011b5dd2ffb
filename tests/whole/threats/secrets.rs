//! Credentials: where they go, whose they are, and what comes back.

use data_encoding::{BASE64, HEXLOWER};

use super::KEY;
use super::speech::Got;
use super::stage::{Stage, each, get, get_with, post_with};
use super::{Row, Trial, nothing};

pub(super) const ROWS: &[Row] = &[
    Row {
        number: 31,
        threat: "Exfiltration through an allowed host with another account",
        twins: other_account,
    },
    Row {
        number: 33,
        threat: "Credential sent to the wrong place",
        twins: wrong_place,
    },
    Row {
        number: 34,
        threat: "Agent's own or duplicate credentials",
        twins: own_credentials,
    },
    Row {
        number: 35,
        threat: "Connection nominating the injected header",
        twins: nominated,
    },
    Row {
        number: 36,
        threat: "Reflection of the injected secret",
        twins: reflection,
    },
];

/// A credential that is not the operator's.
const MINE: &str = "the-attackers-own-account";

fn other_account(trial: &mut Trial<'_>) {
    let ask = |header: &str| get_with("apikey.test", "/v1/files", header);
    for header in [
        format!("x-api-key: {MINE}"),
        format!("X-API-Key: {MINE}"),
        format!("Authorization: Bearer {MINE}"),
        format!("Cookie: session={MINE}"),
        format!("api-key: {MINE}"),
        format!("x-api-key: {MINE}\r\nx-api-key: {MINE}\r\nAuthorization: {MINE}"),
    ] {
        trial.deny(
            &header,
            |stage| stage.https("apikey.test:443", &ask(&header)),
            |seen, _| !seen.has_heard(MINE) && seen.times(KEY) == 1,
        );
    }
    for query in ["api_key", "access_token", "key", "a=b&api%5Fkey", "a;token"] {
        let request = get("apikey.test", &format!("/v1/files?{query}={MINE}"));
        trial.deny(
            query,
            |stage| stage.https("apikey.test:443", &request),
            |seen, _| !seen.has_heard(MINE) && seen.times(KEY) == 1,
        );
    }
    trial.allow(
        "the operator's account, and a header that is no credential",
        |stage| stage.https("apikey.test:443", &ask(&format!("X-Plain: {MINE}"))),
        |seen, _| seen.has_heard(MINE) && seen.has_heard(&format!("x-api-key: {KEY}")),
    );
}

fn wrong_place(trial: &mut Trial<'_>) {
    for host in ["cred.test", "plaincred.test", "cred.test:8080"] {
        trial.deny_http(&format!(
            "GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n"
        ));
    }
    trial.deny_https("cred.test:8443", &get("cred.test:8443", "/"));
    trial.deny_https("www.cred.test:443", &get("www.cred.test", "/"));
    trial.deny(
        "a server with another's certificate",
        |stage| stage.https("wrongcred.test:443", &get("wrongcred.test", "/")),
        |seen, _| seen.is_silent() && seen.names == ["wrongcred.test"],
    );
    trial.deny(
        "a host beside it",
        |stage| stage.https("other.test:443", &get("other.test", "/beside")),
        |seen, _| seen.has_heard("GET /beside") && !seen.has_heard(KEY),
    );
    trial.deny(
        "a host that its host redirects to",
        |stage| {
            let away = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: https://other.test/moved\r\nContent-Length: 0\r\n\r\n";
            stage.world.borrow_mut().reply("/moves", &[away]);
            stage.https("cred.test:443", &get("cred.test", "/moves"));
            stage.https("other.test:443", &get("other.test", "/moved"))
        },
        |seen, _| {
            let mut others = seen.heard.iter().filter(|heard| heard.on == "tls other.test");
            seen.has_heard("GET /moved") && others.all(|heard| !heard.text.contains(KEY))
        },
    );
    trial.allow(
        "its own host, verified",
        |stage| stage.https("cred.test:443", &get("cred.test", "/")),
        |seen, _| seen.has_heard(&format!("authorization: Bearer {KEY}\r\n")),
    );
}

fn own_credentials(trial: &mut Trial<'_>) {
    for header in [
        format!("Authorization: Bearer {MINE}"),
        format!("aUtHoRiZaTiOn: {MINE}\r\nAuthorization: Basic {MINE}"),
        format!("Cookie: a={MINE}"),
        format!("X-Auth-Token: {MINE}\r\nPrivate-Token: {MINE}\r\nProxy-Authorization: {MINE}"),
    ] {
        trial.deny(
            &header,
            |stage| stage.https("cred.test:443", &get_with("cred.test", "/", &header)),
            |seen, _| {
                !seen.has_heard(MINE)
                    && seen.times("authorization:") == 1
                    && seen.has_heard(&format!("authorization: Bearer {KEY}\r\n"))
            },
        );
    }
    trial.allow(
        "where the route has none",
        |stage| {
            let header = format!("Authorization: Bearer {MINE}");
            stage.https("other.test:443", &get_with("other.test", "/", &header))
        },
        |seen, _| seen.has_heard(MINE),
    );
}

fn nominated(trial: &mut Trial<'_>) {
    for (host, name) in [("cred.test", "authorization"), ("apikey.test", "x-api-key")] {
        let header = format!("X-Mine: gone\r\nConnection: {name}, x-mine, host");
        trial.deny(
            &format!("{host}: {name}"),
            |stage| stage.https(&format!("{host}:443"), &get_with(host, "/", &header)),
            |seen, _| {
                seen.times(KEY) == 1
                    && !seen.has_heard("x-mine")
                    && seen.has_heard(&format!("host: {host}"))
            },
        );
    }
    trial.allow(
        "not nominated",
        |stage| stage.https("cred.test:443", &get_with("cred.test", "/", "X-Mine: kept")),
        |seen, _| seen.times(KEY) == 1 && seen.has_heard("x-mine: kept"),
    );
}

/// Ways in which a server gives back what it was sent: a name and how.
type Form = (&'static str, fn(&str) -> String);

const FORMS: &[Form] = &[
    ("plain", str::to_owned),
    ("base64", |text| BASE64.encode(text.as_bytes())),
    ("base64 of a line", |text| {
        BASE64.encode(format!("Bearer {text}").as_bytes())
    }),
    ("hex", |text| HEXLOWER.encode(text.as_bytes())),
    ("JSON escapes", |text| {
        each(text, |byte| format!("\\u{byte:04x}"))
    }),
    ("percent", |text| each(text, |byte| format!("%{byte:02X}"))),
];

fn reflected(stage: &Stage, head: &str, pieces: &[String]) -> Got {
    let mut all = vec![format!("HTTP/1.1 200 OK\r\n{head}\r\n").into_bytes()];
    all.extend(pieces.iter().map(|piece| piece.clone().into_bytes()));
    let all: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    stage.world.borrow_mut().reply("/echo", &all);
    stage.https("cred.test:443", &get("cred.test", "/echo"))
}

fn reflection(trial: &mut Trial<'_>) {
    // As long as the secret and no secret.
    let harmless: String = KEY.chars().rev().collect();
    for (name, form) in FORMS {
        let event = "Content-Type: text/event-stream\r\n";
        let (secret, other) = (form(KEY), form(&harmless));
        for (way, head) in [("body", ""), ("event", event)] {
            let whole = |text: &str| vec![format!("data: {{\"got\": \"{text}\"}}\n\n")];
            let split = |text: &str| {
                let (one, two) = text.split_at(text.len() / 2);
                vec![format!("data: {one}"), format!("{two}\n\n")]
            };
            let what = format!("{name}, {way}");
            let (one, two) = (whole(&secret), split(&secret));
            trial.deny(
                &what,
                |stage| reflected(stage, head, &one),
                |_, got| !got.text.contains(&secret),
            );
            trial.deny(
                &format!("{what}, in two pieces"),
                |stage| reflected(stage, head, &two),
                |_, got| !got.text.contains(&secret),
            );
            let fine = whole(&other);
            trial.allow(
                &what,
                |stage| reflected(stage, head, &fine),
                |_, got| got.text.contains(&other),
            );
        }
    }
    let header = format!("X-Got: {KEY}\r\nContent-Length: 0\r\n");
    trial.deny(
        "a header",
        |stage| reflected(stage, &header, &[]),
        |_, got| !got.text.contains(KEY),
    );
    trial.deny(
        "TRACE",
        |stage| {
            stage.https(
                "cred.test:443",
                &get("cred.test", "/").replacen("GET", "TRACE", 1),
            )
        },
        nothing,
    );
    trial.deny(
        "what egress hands to errors",
        |stage| stage.https("cred.test:443", &post_with("cred.test", "/%", "X: y", "x")),
        |_, got| !got.text.contains(KEY),
    );
}
