//! Probes of the fence around the agent container, made from inside before the
//! program runs.
//!
//! They prove the fence to the operator; the fence itself does not depend on them. A
//! probe that cannot be made does not hold.

use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use jiff::Timestamp;
use rustix::fs::StatVfsMountFlags;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::wire::{SealCheck, SealReport};

/// TEST-NET-1 (RFC 5737) and the documentation prefix (RFC 3849): nobody answers
/// there, so a probe that gets out disturbs no one.
const OUTSIDE_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const OUTSIDE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
/// `IFF_UP` of netdevice(7).
const INTERFACE_UP: u32 = 1;

/// Makes every probe; without the one of the doors where there are none to be.
pub(in crate::guest) fn probe(doors: Option<&Path>) -> SealReport {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let checks = vec![
        interfaces(Path::new("/sys/class/net")),
        routes("routes", "/proc/net/route", route_device_v4),
        routes("routes v6", "/proc/net/ipv6_route", route_device_v6),
        unreachable(
            "tcp",
            SocketAddr::from((OUTSIDE_V4, 443)),
            SocketType::STREAM,
        ),
        unreachable(
            "tcp v6",
            SocketAddr::from((OUTSIDE_V6, 443)),
            SocketType::STREAM,
        ),
        unreachable("dns", SocketAddr::from((OUTSIDE_V4, 53)), SocketType::DGRAM),
        capabilities(&status),
        field(&status, "no new privileges", "NoNewPrivs", "1"),
        field(&status, "seccomp filter", "Seccomp", "2"),
        user(rustix::process::geteuid().as_raw()),
        read_only("root file system", Path::new("/")),
    ];
    let doors = doors.map(|doors| read_only("doors", doors));
    let checks = checks.into_iter().chain(doors).collect();
    SealReport {
        at: Timestamp::now(),
        checks,
    }
}

/// Says which probes found the fence open, for the operator.
pub(super) fn broken(report: &SealReport) -> String {
    let mut text = String::from("the seal does not hold, so the session was not started:");
    for check in report.checks.iter().filter(|check| !check.holds) {
        // Writing to a string cannot fail.
        write!(text, "\n  {}: {}", check.name, check.seen).ok();
    }
    text
}

fn check(name: &str, seen: impl Into<String>, holds: bool) -> SealCheck {
    SealCheck {
        name: name.to_owned(),
        seen: seen.into(),
        holds,
    }
}

/// Only loopback may be up. Tunnel devices that some kernels put into every namespace
/// are down, and without a capability they stay so.
fn interfaces(folder: &Path) -> SealCheck {
    let name = "interfaces";
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return check(name, error.to_string(), false),
    };
    let mut seen = Vec::new();
    let mut holds = true;
    for entry in entries.flatten() {
        let device = entry.file_name().to_string_lossy().into_owned();
        if device == "lo" {
            seen.push(device);
            continue;
        }
        if is_down(&entry.path().join("flags")) {
            seen.push(format!("{device} (down)"));
        } else {
            holds = false;
            seen.push(device);
        }
    }
    seen.sort();
    check(name, seen.join(", "), holds)
}

fn is_down(flags: &Path) -> bool {
    let text = std::fs::read_to_string(flags).unwrap_or_default();
    let digits = text.trim().trim_start_matches("0x");
    u32::from_str_radix(digits, 16).is_ok_and(|flags| flags & INTERFACE_UP == 0)
}

fn routes(name: &str, file: &str, device: fn(&str) -> Option<&str>) -> SealCheck {
    match std::fs::read_to_string(file) {
        Ok(text) => routes_of(name, &text, device),
        // A kernel without IPv6 has no such file, and no such route.
        Err(error) if error.kind() == io::ErrorKind::NotFound => check(name, "none", true),
        Err(error) => check(name, error.to_string(), false),
    }
}

fn routes_of(name: &str, text: &str, device: fn(&str) -> Option<&str>) -> SealCheck {
    let mut devices: Vec<&str> = text.lines().filter_map(device).collect();
    devices.retain(|device| *device != "lo");
    devices.dedup();
    if devices.is_empty() {
        check(name, "none", true)
    } else {
        check(name, format!("through {}", devices.join(", ")), false)
    }
}

/// proc(5): the first column, after a header line.
fn route_device_v4(line: &str) -> Option<&str> {
    line.split_whitespace()
        .next()
        .filter(|device| *device != "Iface")
}

/// The last column; there is no header.
fn route_device_v6(line: &str) -> Option<&str> {
    line.split_whitespace().last()
}

/// The kernel must know no way to an address outside, at once.
fn unreachable(name: &str, address: SocketAddr, kind: SocketType) -> SealCheck {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let outcome = rustix::net::socket_with(family, kind, flags, None)
        .and_then(|socket| rustix::net::connect(&socket, &address));
    match outcome {
        Ok(()) => check(name, format!("{address} is reachable"), false),
        Err(Errno::INPROGRESS) => check(name, format!("{address} may be reachable"), false),
        Err(error) => {
            let holds = matches!(
                error,
                Errno::NETUNREACH | Errno::HOSTUNREACH | Errno::ADDRNOTAVAIL | Errno::AFNOSUPPORT
            );
            check(name, io::Error::from(error).to_string(), holds)
        }
    }
}

fn value<'status>(status: &'status str, key: &str) -> Option<&'status str> {
    status.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name == key).then(|| value.trim())
    })
}

fn capabilities(status: &str) -> SealCheck {
    let mut seen = Vec::new();
    let mut holds = true;
    for key in ["CapEff", "CapPrm", "CapAmb"] {
        let value = value(status, key);
        holds &= value.is_some_and(|bits| u64::from_str_radix(bits, 16) == Ok(0));
        seen.push(format!("{key} {}", value.unwrap_or("unknown")));
    }
    check("capabilities", seen.join(", "), holds)
}

fn field(status: &str, name: &str, key: &str, wanted: &str) -> SealCheck {
    let seen = value(status, key);
    check(
        name,
        format!("{key} {}", seen.unwrap_or("unknown")),
        seen == Some(wanted),
    )
}

fn user(uid: u32) -> SealCheck {
    check("user", format!("uid {uid}"), uid != 0)
}

fn read_only(name: &str, path: &Path) -> SealCheck {
    match rustix::fs::statvfs(path) {
        Ok(found) if found.f_flag.contains(StatVfsMountFlags::RDONLY) => {
            check(name, "read-only", true)
        }
        Ok(_) => check(name, "writable", false),
        Err(error) => check(name, io::Error::from(error).to_string(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tinit\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n\
        CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n";

    #[test]
    fn a_sealed_process_holds() {
        assert!(capabilities(STATUS).holds);
        assert!(field(STATUS, "n", "NoNewPrivs", "1").holds);
        assert!(field(STATUS, "s", "Seccomp", "2").holds);
        assert!(user(1000).holds);
    }

    #[test]
    fn one_capability_is_enough_to_fail() {
        let status = STATUS.replacen("CapPrm:\t0000000000000000", "CapPrm:\t0000000000000400", 1);
        assert!(!capabilities(&status).holds);
        assert!(!user(0).holds);
    }

    #[test]
    fn what_cannot_be_read_does_not_hold() {
        assert!(!capabilities("").holds);
        assert!(!field("", "s", "Seccomp", "2").holds);
        assert!(!interfaces(Path::new("/no/such/folder")).holds);
        assert!(!read_only("doors", Path::new("/no/such/folder")).holds);
    }

    #[test]
    fn a_route_that_leaves_does_not_hold() {
        let v4 = "Iface\tDestination\tGateway\neth0\t00000000\t010011AC\n";
        assert_eq!(
            routes_of("routes", v4, route_device_v4),
            check("routes", "through eth0", false)
        );
        assert!(routes_of("routes", "Iface\tDestination\n", route_device_v4).holds);
        let v6 = "00000000000000000000000000000001 80 0 00 0 00000000 2 0 80200001 lo\n";
        assert!(routes_of("routes v6", v6, route_device_v6).holds);
        assert!(!routes_of("routes v6", &v6.replace("lo", "eth0"), route_device_v6).holds);
    }

    #[test]
    fn an_interface_that_is_up_does_not_hold() {
        let folder = tempfile::tempdir().unwrap();
        for (device, flags) in [("lo", "0x9"), ("tunl0", "0x80")] {
            std::fs::create_dir(folder.path().join(device)).unwrap();
            std::fs::write(folder.path().join(device).join("flags"), flags).unwrap();
        }
        let sealed = interfaces(folder.path());
        assert_eq!(sealed, check("interfaces", "lo, tunl0 (down)", true));
        std::fs::create_dir(folder.path().join("eth0")).unwrap();
        std::fs::write(folder.path().join("eth0/flags"), "0x1003\n").unwrap();
        assert!(!interfaces(folder.path()).holds);
    }

    #[test]
    fn the_loopback_address_is_reachable() {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        assert!(!unreachable("tcp", address, SocketType::STREAM).holds);
    }
}
