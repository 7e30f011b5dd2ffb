//! The name server: it knows every name and keeps every question.

use std::net::IpAddr;

use tokio::net::UdpSocket;

use super::Shared;

/// Where a name leads that nobody was told of: a public address, so that a name which
/// should never have been asked for does reach a server.
const ANYWHERE: [u8; 4] = [93, 184, 215, 14];
const A: u16 = 1;
const AAAA: u16 = 28;

/// Answers at port 53 of every address.
///
/// # Errors
/// The port is taken.
pub(crate) async fn begin(world: &Shared) -> std::io::Result<()> {
    let socket = UdpSocket::bind("[::]:53").await?;
    let world = Shared::clone(world);
    tokio::task::spawn_local(async move {
        let mut question = [0; 4096];
        while let Ok((count, from)) = socket.recv_from(&mut question).await {
            let answer = question
                .get(..count)
                .and_then(|asked| answer(asked, &world));
            if let Some(answer) = answer {
                // A client that is gone needs no answer.
                drop(socket.send_to(&answer, from).await);
            }
        }
    });
    Ok(())
}

/// One question, its addresses with no time to live (RFC 1035, 4.1).
fn answer(asked: &[u8], world: &Shared) -> Option<Vec<u8>> {
    let mut name = Vec::new();
    let mut at = 12;
    loop {
        let length = usize::from(*asked.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        let label = asked.get(at..at + length)?;
        name.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes(asked.get(at..at + 2)?.try_into().ok()?);
    let question = asked.get(12..at + 4)?;
    let name = name.join(".");
    let addresses = addresses(world, kind, &name);
    let count = u16::try_from(addresses.len()).ok()?;
    let mut answer = asked.get(..2)?.to_vec();
    answer.extend([0x84, 0x00, 0, 1]);
    answer.extend(count.to_be_bytes());
    answer.extend([0; 4]);
    answer.extend(question);
    for address in addresses {
        let bytes = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        answer.extend([0xc0, 12]);
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 0]);
        answer.extend(u16::try_from(bytes.len()).ok()?.to_be_bytes());
        answer.extend(bytes);
    }
    Some(answer)
}

fn addresses(world: &Shared, kind: u16, name: &str) -> Vec<IpAddr> {
    let world = &mut *world.borrow_mut();
    world.seen.question(kind, name);
    let fits = |address: &IpAddr| match kind {
        A => address.is_ipv4(),
        AAAA => address.is_ipv6(),
        _ => false,
    };
    let now = match world.zone.get_mut(name) {
        Some(lists) => {
            let now = lists.first().cloned().unwrap_or_default();
            // A new turn with each question for IPv4, which everyone asks once a time.
            if kind == A && !lists.is_empty() {
                lists.rotate_left(1);
            }
            now
        }
        None => vec![IpAddr::from(ANYWHERE)],
    };
    now.into_iter().filter(fits).collect()
}
