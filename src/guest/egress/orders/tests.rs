use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::guest::egress::dial::Dialer;
use crate::guest::egress::proxy::Room;
use crate::guest::egress::rig::{Rig, credentialed, read_head, route};
use crate::policy::{Auth, AuthScheme, NextHop, Unlisted};
use tokio::io::AsyncWriteExt as _;

fn config(routes: RouteSet, generation: u64) -> SidecarConfig {
    SidecarConfig {
        bottle: crate::spec::BottleId::parse("api-k3x9q").unwrap(),
        routes,
        generation,
        prices: None,
        supervise: false,
        upstream_ca: None,
        upstream_proxy: None,
    }
}

fn kept(routes: RouteSet, generation: u64) -> Kept {
    Kept {
        generation,
        routes,
        prices: None,
    }
}

fn orders(rig: &Rig, folder: &Path) -> Orders<impl Resolve> {
    Orders {
        proxy: Arc::clone(&rig.proxy),
        file: TableFile::new(folder.join("routes.json")),
        reporter: Reporter::default(),
        well: RoleState::Ready,
    }
}

fn set(name: &str) -> RouteSet {
    RouteSet::of(vec![route(name, 443)])
}

/// A sidecar that restarts must not bring back what was taken away.
#[tokio::test]
async fn a_told_table_outlives_a_restart_and_an_older_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(vec![route("old.example", 443)]);
    let orders = orders(&rig, folder.path());
    assert_eq!(orders.swap(3, RouteSet::NONE, None), Ok(()));
    assert_eq!(rig.proxy.table.current().routes, RouteSet::NONE);
    assert_eq!(orders.swap(3, RouteSet::NONE, None), Ok(()), "told again");
    assert!(orders.swap(3, set("new.example"), None).is_err());
    assert!(orders.swap(2, set("new.example"), None).is_err());
    let mut bad = set("new.example");
    bad.routes[0].ports.clear();
    assert!(orders.swap(9, bad, None).is_err());
    assert_eq!(rig.proxy.table.current().generation, 3);
    let made = config(set("old.example"), 1);
    assert_eq!(orders.file.newest(&made).unwrap(), kept(RouteSet::NONE, 3));
    // A bottle that was taken up again was made with newer ones.
    let made = config(set("newer.example"), 4);
    assert_eq!(
        orders.file.newest(&made).unwrap(),
        kept(set("newer.example"), 4)
    );
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_and_not_the_old_routes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("routes.json");
    let file = TableFile::new(path.clone());
    let made = config(set("old.example"), 1);
    assert_eq!(file.newest(&made).unwrap(), kept(set("old.example"), 1));
    std::fs::write(&path, "{\"generation\":").unwrap();
    assert!(file.newest(&made).is_err());
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_put_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(vec![route("old.example", 443)]);
    let orders = orders(&rig, &folder.path().join("missing"));
    assert!(orders.swap(2, set("new.example"), None).is_err());
    assert_eq!(rig.proxy.table.current().generation, 1);
}

#[tokio::test]
async fn what_routes_and_the_proxy_on_the_way_name_is_missing_until_it_is_here() {
    let folder = tempfile::tempdir().unwrap();
    let mut rig = Rig::new(vec![credentialed("a.example", 443)]);
    let auth = Auth {
        scheme: AuthScheme::Bearer,
        secret: SecretName::parse("hop").unwrap(),
    };
    let hop = NextHop::parse("http://127.0.0.1:1").unwrap();
    let via = Some(hop.wanting(auth).unwrap());
    Arc::get_mut(&mut rig.proxy).unwrap().dialer =
        Dialer::new(rig.resolver.clone(), Duration::from_secs(1), via);
    let orders = orders(&rig, folder.path());
    for (given, missing) in [
        ("none", &["hop", "key"] as &[&str]),
        ("key", &["hop"]),
        ("hop", &[]),
    ] {
        let values = BTreeMap::from([(given.to_owned(), "hunter2".to_owned())]);
        orders.carry_out(ToEgress::Secrets { values });
        assert_eq!(orders.missing(), missing);
    }
}

#[tokio::test]
async fn secrets_fill_the_box_and_are_in_no_text() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(vec![credentialed("a.example", 443)]);
    let orders = orders(&rig, folder.path());
    let values = BTreeMap::from([("key".to_owned(), "hunter2".to_owned())]);
    orders.carry_out(ToEgress::Secrets { values });
    let held = rig.proxy.secrets.open();
    let name = SecretName::parse("key").unwrap();
    assert_eq!(
        held.secrets
            .get(&name)
            .map(|secret| secret.expose().as_str()),
        Some("hunter2")
    );
    assert!(!format!("{held:?}").contains("hunter2"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// The whole of asking: a tunnel waits, the operator adds a route, the tunnel stands.
#[tokio::test]
async fn a_held_tunnel_stands_as_soon_as_a_route_allows_it() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(Vec::new());
    let orders = orders(&rig, folder.path());
    let mut asking = RouteSet::NONE;
    asking.unlisted = Unlisted::Ask { seconds: 60 };
    orders.swap(2, asking.clone(), None).unwrap();
    let (mut client, served) = rig.connect();
    let request = b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n";
    client.write_all(request).await.unwrap();
    let allow = async {
        // The sender of its refusal is there once it waits.
        while rig.proxy.holds.is_empty() {
            tokio::task::yield_now().await;
        }
        asking.routes.push(route("a.example", 443));
        orders.swap(3, asking, None).unwrap();
    };
    let (head, ()) = tokio::join!(read_head(&mut client), allow);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    drop(client);
    served.await.unwrap();
    assert!(rig.proxy.holds.is_empty());
}

#[tokio::test]
async fn a_held_tunnel_that_is_refused_is_told_so_and_others_are_not_held() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(Vec::new());
    let orders = orders(&rig, folder.path());
    let mut asking = RouteSet::NONE;
    asking.unlisted = Unlisted::Ask { seconds: 60 };
    orders.swap(2, asking, None).unwrap();
    let refuse = async {
        while rig.proxy.holds.is_empty() {
            tokio::task::yield_now().await;
        }
        orders.carry_out(ToEgress::Refuse { hold: 1 });
    };
    let ((_, head), ()) = tokio::join!(rig.tunnel("a.example:443"), refuse);
    assert!(head.contains("x-cellar-reason: operator_denied"), "{head}");
    let full = "CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n";
    let reply = rig.reply(full, Room::None).await;
    assert!(reply.contains("host_not_allowed"), "{reply}");
    assert_eq!(rig.resolver.count(), 0);
}
