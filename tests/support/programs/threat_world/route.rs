//! Makes every address an address of this namespace (Linux's «any IP»).

use std::io::Error;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, recv, sendto, socket};

/// `RTM_NEWLINK` and `RTM_NEWROUTE`, with `NLM_F_REQUEST`, `_ACK`, `_CREATE` and
/// `_REPLACE` (rtnetlink(7), netlink(7)).
const NEW_LINK: u16 = 16;
const NEW_ROUTE: u16 = 24;
const CHANGE: u16 = 0x1 | 0x4;
const CREATE: u16 = CHANGE | 0x400 | 0x100;
/// `IFF_UP`.
const UP: u32 = 1;
const TABLE_LOCAL: u8 = 255;
const PROTOCOL_STATIC: u8 = 4;
const SCOPE_HOST: u8 = 254;
const TYPE_LOCAL: u8 = 2;
const ATTRIBUTE_OUT: u16 = 4;
/// The loopback interface is the first of every namespace.
const LOOPBACK: u32 = 1;

/// Takes every other interface down, turns IPv6 on where the engine turned it off, and
/// catches both families: a probe at any address must be able to arrive, here alone.
///
/// # Errors
/// The kernel refuses; the container lacks the right.
pub(crate) fn catch_everything() -> std::io::Result<()> {
    for interface in std::fs::read_dir("/sys/class/net")? {
        let index = std::fs::read_to_string(interface?.path().join("ifindex"))?;
        let index: u32 = index.trim().parse().map_err(Error::other)?;
        if index != LOOPBACK {
            take_down(index)?;
        }
    }
    for interface in ["all", "default", "lo"] {
        let path = format!("/proc/sys/net/ipv6/conf/{interface}/disable_ipv6");
        std::fs::write(path, "0")?;
    }
    for family in [AddressFamily::INET, AddressFamily::INET6] {
        catch(u8::try_from(family.as_raw()).unwrap_or_default())?;
    }
    Ok(())
}

fn take_down(interface: u32) -> std::io::Result<()> {
    let mut message = vec![0; 4];
    message.extend(interface.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    message.extend(UP.to_ne_bytes());
    ask(NEW_LINK, CHANGE, &message)
}

fn catch(family: u8) -> std::io::Result<()> {
    let mut message = vec![family, 0, 0, 0];
    message.extend([TABLE_LOCAL, PROTOCOL_STATIC, SCOPE_HOST, TYPE_LOCAL]);
    message.extend([0; 4]);
    message.extend(8_u16.to_ne_bytes());
    message.extend(ATTRIBUTE_OUT.to_ne_bytes());
    message.extend(LOOPBACK.to_ne_bytes());
    ask(NEW_ROUTE, CREATE, &message)
}

fn ask(kind: u16, flags: u16, body: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(16 + body.len()).map_err(Error::other)?;
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    let line = socket(AddressFamily::NETLINK, SocketType::RAW, None)?;
    let kernel = SocketAddrNetlink::new(0, 0);
    sendto(&line, &message, SendFlags::empty(), &kernel)?;
    let mut answer = [0_u8; 1024];
    recv(&line, &mut answer, RecvFlags::empty())?;
    // An answer is a header of 16 bytes and the negated error.
    let code = answer.get(16..20).and_then(|code| code.try_into().ok());
    match code.map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(code) => Err(Error::from_raw_os_error(-code)),
        None => Err(Error::other("netlink answered nothing")),
    }
}
