//! A bottle of real containers with the world around its egress sidecar.

use std::cell::RefCell;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::arms::Arms;
use super::authority::Authority;
use super::speech::{Client, Got, plain, tls};
use super::world::{Seen, World};
use crate::support::engine::{Engine, example};
use crate::support::operator::{Operator, PATIENCE};

/// Everything that one table's rows are tried on.
pub(super) struct Stage {
    pub(super) operator: Operator,
    pub(super) engine: Engine,
    pub(super) bottle: String,
    /// Inside the agent container.
    pub(super) arms: Arms,
    /// The same program where there is a network: in the namespace of egress. What it
    /// opens does arrive, or the sinks are blind.
    pub(super) neighbour: Arms,
    /// A client that trusts what the bottle trusts.
    pub(super) client: Client,
    pub(super) world: RefCell<World>,
    /// What its servers show.
    pub(super) certificates: Value,
}

impl Stage {
    /// Starts a bottle with these terms beside the image, `files` beside the manifest.
    pub(super) fn set(
        engine: Engine,
        authority: &Authority,
        terms: &Value,
        files: &[(&str, &str)],
    ) -> Self {
        let image = engine.one_file_image("threat-agent", &example("threat-agent"));
        let mut template = json!({
            "image": {"from": image}, "upstream_ca": "ca.pem",
            "limits": {"memory": "256MiB", "tmp": "16MiB"},
        });
        for (key, value) in terms.as_object().unwrap() {
            template[key] = value.clone();
        }
        let manifest = json!({
            "bottles": {"wine": template},
            "agents": {"wine": {"bottle": "wine", "provider": {"command": ["/program"]}}},
        });
        let operator = Operator::new(engine, &manifest.to_string());
        operator.write("ca.pem", &authority.pem);
        for (name, text) in files {
            operator.write(name, text);
        }
        let bottle = operator.name();
        operator.cellar(&["start", "wine", "--yes", "--name", &bottle]);
        let attach = operator.terminal(&["attach", &bottle], 100, 30);
        attach.wait_for_text("AGENT ready", PATIENCE);
        drop(attach);
        let egress = engine.container(&bottle, "egress");
        let certificates = authority.certificates();
        let world = World::around(engine, &egress, &certificates);
        let arms = arms_in(engine, &bottle);
        let pem = arms.act("read /run/cellar/ca.pem").unwrap();
        let roots = CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<_, _>>()
            .unwrap();
        let network = format!("container:{egress}");
        let neighbour = Arms::run(&[
            "run",
            "-i",
            "--rm",
            "--label",
            "cellar.test=threat-agent",
            "--network",
            &network,
            &image,
            "/program",
            "probe",
        ]);
        Self {
            operator,
            engine,
            bottle,
            arms,
            neighbour,
            client: Client {
                roots,
                sni: None,
                alpn: Vec::new(),
            },
            world: RefCell::new(world),
            certificates,
        }
    }

    /// What arrived since the last time.
    pub(super) fn seen(&self) -> Seen {
        self.world.borrow_mut().seen()
    }

    /// Speaks TLS through a tunnel.
    pub(super) fn https(&self, place: &str, request: &str) -> Got {
        tls(&self.arms, &self.client, place, &latin(request))
    }

    /// Speaks to the proxy as it is.
    pub(super) fn http(&self, request: &str) -> Got {
        plain(&self.arms, &latin(request))
    }
}

/// The arms inside the agent container of a bottle.
pub(super) fn arms_in(engine: Engine, bottle: &str) -> Arms {
    let agent = engine.container(bottle, "agent");
    Arms::run(&["exec", "-i", &agent, "/program", "probe"])
}

/// The bytes that a text stands for: a byte a character.
pub(super) fn latin(text: &str) -> Vec<u8> {
    text.chars()
        .map(|character| u8::try_from(u32::from(character)).unwrap())
        .collect()
}

/// A text with each byte written in some way.
pub(super) fn each(text: &str, write: fn(u8) -> String) -> String {
    let written: Vec<String> = text.bytes().map(write).collect();
    written.concat()
}

/// A last request.
pub(super) fn get(host: &str, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
}

/// A last request with one more header.
pub(super) fn get_with(host: &str, path: &str, header: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{header}\r\nConnection: close\r\n\r\n")
}

/// A last request with a body.
pub(super) fn post(host: &str, path: &str, body: &str) -> String {
    post_with(host, path, "X-Plain: yes", body)
}

/// The same with one more header.
pub(super) fn post_with(host: &str, path: &str, header: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\n{header}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.chars().count()
    )
}
