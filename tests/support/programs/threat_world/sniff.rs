//! Sees each packet that arrives, whether or not a server takes it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rustix::net::{AddressFamily, SocketFlags, SocketType, eth, socket_with};
use tokio::net::UdpSocket;

use super::{PLAIN_PORTS, Shared, TLS_PORTS};

const TCP: u8 = 6;
const UDP: u8 = 17;
const PING: [(u8, u8); 2] = [(1, 8), (58, 128)];
const DNS: u16 = 53;

/// Begins to look at both families.
///
/// # Errors
/// The container lacks the right.
pub(crate) fn begin(world: &Shared) -> std::io::Result<()> {
    for protocol in [eth::IP, eth::IPV6] {
        let socket = socket_with(
            AddressFamily::PACKET,
            SocketType::DGRAM,
            SocketFlags::NONBLOCK | SocketFlags::CLOEXEC,
            Some(protocol),
        )?;
        rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, 16 * 1024 * 1024)?;
        // Only received from, which is the same call for every kind of datagram.
        let socket = UdpSocket::from_std(std::net::UdpSocket::from(socket))?;
        tokio::task::spawn_local(look(socket, Shared::clone(world)));
    }
    Ok(())
}

async fn look(socket: UdpSocket, world: Shared) {
    let mut packet = vec![0; 128 * 1024];
    loop {
        if let Ok(count) = socket.recv(&mut packet).await {
            // What does not parse is no packet of a protocol that is counted.
            let _counted = packet.get(..count).and_then(|bytes| note(bytes, &world));
        }
    }
}

fn note(packet: &[u8], world: &Shared) -> Option<()> {
    let (protocol, source, to, inner) = open(packet)?;
    let (from_port, port) = (number(inner, 0)?, number(inner, 2)?);
    let place = SocketAddr::new(to, port).to_string();
    let seen = &mut world.borrow_mut().seen;
    if PING.contains(&(protocol, *inner.first()?)) {
        seen.packet("ping", &to.to_string());
    } else if protocol == TCP {
        let flags = *inner.get(13)?;
        if flags & 0x12 == 0x02 {
            seen.packet("syn", &place);
        }
        let carried = inner
            .len()
            .checked_sub(usize::from(inner.get(12)? >> 4) * 4)?;
        if carried > 0 && (TLS_PORTS.contains(&port) || PLAIN_PORTS.contains(&port)) {
            seen.sent(&place, u64::try_from(carried).ok()?);
        }
    } else if protocol == UDP && port != DNS && from_port != DNS && !source.is_loopback() {
        seen.packet("udp", &place);
    }
    Some(())
}

/// Protocol, where from, where to, and what is inside.
fn open(packet: &[u8]) -> Option<(u8, IpAddr, IpAddr, &[u8])> {
    if packet.first()? >> 4 == 4 {
        let address = |at: usize| {
            let bytes: [u8; 4] = packet.get(at..at + 4)?.try_into().ok()?;
            Some(IpAddr::V4(Ipv4Addr::from(bytes)))
        };
        let head = usize::from(packet.first()? & 0x0f) * 4;
        let inner = packet.get(head..usize::from(number(packet, 2)?).max(head))?;
        return Some((*packet.get(9)?, address(12)?, address(16)?, inner));
    }
    let address = |at: usize| {
        let bytes: [u8; 16] = packet.get(at..at + 16)?.try_into().ok()?;
        Some(IpAddr::V6(Ipv6Addr::from(bytes)))
    };
    Some((
        *packet.get(6)?,
        address(8)?,
        address(24)?,
        packet.get(40..)?,
    ))
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    let pair: [u8; 2] = bytes.get(at..at + 2)?.try_into().ok()?;
    Some(u16::from_be_bytes(pair))
}
