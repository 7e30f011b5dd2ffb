//! The whole internet as the egress sidecar sees it, for the threat table: every address
//! is here, every name resolves here, and what arrives is written down.
//!
//! It runs in the sidecar's network namespace, where it first turns every address into a
//! local one: nothing that the sidecar sends can leave the namespace. It knows nothing of
//! Cellar. Its log is the verdict of the tests, so it counts below its own servers too: a
//! packet that no server took is seen.
//!
//! It is told on its standard input what to answer, a JSON value a line, and answers each
//! line with one; `THREAT_CERTS` holds the certificates by server name.

mod dns;
mod origin;
mod route;
mod seen;
mod sniff;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;

use data_encoding::BASE64;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use self::seen::Seen;

/// Ports that expect TLS, and those that expect text.
const TLS_PORTS: [u16; 2] = [443, 8443];
const PLAIN_PORTS: [u16; 5] = [22, 25, 53, 80, 8080];
/// So long must nothing new arrive, in turns of the loop that each ask the kernel what is
/// ready, before all that was sent counts as seen.
const QUIET_TURNS: usize = 64;

/// What the servers answer and what they saw.
#[derive(Default)]
struct World {
    /// Addresses by name, one list a question, over and over.
    zone: BTreeMap<String, Vec<Vec<IpAddr>>>,
    /// Answers by path, in the pieces that they are sent in.
    replies: BTreeMap<String, Reply>,
    seen: Seen,
}

#[derive(Clone)]
struct Reply {
    pieces: Vec<Vec<u8>>,
    closes: bool,
}

type Shared = Rc<RefCell<World>>;

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    tokio::task::LocalSet::new().block_on(&runtime, run())
}

async fn run() -> std::io::Result<()> {
    route::catch_everything()?;
    let world = Shared::default();
    sniff::begin(&world)?;
    dns::begin(&world).await?;
    origin::begin(&world, &TLS_PORTS, &PLAIN_PORTS).await?;
    say(&json!({"ready": true}));
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    while let Some(order) = orders.next_line().await? {
        let order: Value = serde_json::from_str(&order)?;
        if order.get("drain").is_some() {
            quiet(&world).await;
            say(&world.borrow_mut().seen.take());
        } else {
            world.borrow_mut().obey(&order);
            say(&json!({"ok": true}));
        }
    }
    Ok(())
}

/// Waits until all that lies in the kernel was read.
async fn quiet(world: &Shared) {
    let mut turns = 0;
    let mut before = world.borrow().seen.changes;
    while turns < QUIET_TURNS {
        tokio::task::yield_now().await;
        let now = world.borrow().seen.changes;
        turns = if now == before { turns + 1 } else { 0 };
        before = now;
    }
}

#[expect(clippy::print_stdout, reason = "its answers")]
fn say(value: &Value) {
    println!("{value}");
}

impl World {
    fn obey(&mut self, order: &Value) {
        let texts = |value: &Value| -> Vec<String> {
            let list = value.as_array().into_iter().flatten();
            list.filter_map(|text| text.as_str().map(str::to_owned))
                .collect()
        };
        if let Some(zone) = order.get("zone").and_then(Value::as_object) {
            for (name, lists) in zone {
                let lists = lists.as_array().into_iter().flatten();
                let lists = lists.map(|list| texts(list).iter().flat_map(|a| a.parse()).collect());
                self.zone.insert(name.clone(), lists.collect());
            }
        }
        if let (Some(path), Some(pieces)) = (order["path"].as_str(), order.get("pieces")) {
            let mut pieces = decoded(&texts(pieces));
            let times = order["times"].as_u64().unwrap_or(1);
            let last = pieces.last().cloned();
            pieces.extend((1..times).filter_map(|_| last.clone()));
            let reply = Reply {
                pieces,
                closes: order["closes"] == true,
            };
            self.replies.insert(path.to_owned(), reply);
        }
    }
}

fn decoded(texts: &[String]) -> Vec<Vec<u8>> {
    let bytes = texts.iter().map(|text| BASE64.decode(text.as_bytes()));
    bytes.filter_map(Result::ok).collect()
}
