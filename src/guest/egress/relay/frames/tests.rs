use proptest::prelude::*;

use super::*;

/// A frame as an endpoint writes it; its bits as given, its length the shortest way.
pub(in super::super) fn frame(sender: Sender, first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    let mask = if sender == Sender::Agent { 0x80 } else { 0 };
    match payload.len() {
        length @ 0..=125 => frame.push(mask | u8::try_from(length).unwrap()),
        length @ 126..=0xffff => {
            frame.push(mask | 0x7e);
            frame.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            frame.push(mask | 0x7f);
            frame.extend(u64::try_from(length).unwrap().to_be_bytes());
        }
    }
    let mut payload = payload.to_vec();
    if sender == Sender::Agent {
        let mask = [0x37, 0xfa, 0x21, 0x3d];
        frame.extend(mask);
        unmask(&mut payload, mask);
    }
    frame.extend(payload);
    frame
}

/// The heads and the payloads that are read from pieces.
fn read(sender: Sender, pieces: &[&[u8]]) -> Result<Vec<(Kind, bool, Vec<u8>)>, Violation> {
    let (mut frames, mut got) = (Frames::of(sender), Vec::<(Kind, bool, Vec<u8>)>::new());
    for mut piece in pieces.iter().copied() {
        while !piece.is_empty() {
            let (count, step) = frames.step(piece)?;
            assert!(count > 0);
            let mut bytes = piece[..count].to_vec();
            piece = &piece[count..];
            match step {
                Step::More => assert!(piece.is_empty()),
                Step::Head(head) => got.push((head.kind, head.is_last, Vec::new())),
                Step::Payload { mask, kind } => {
                    if let Some(mask) = mask {
                        unmask(&mut bytes, mask);
                    }
                    let last = got.last_mut().unwrap();
                    assert_eq!(last.0, kind);
                    last.2.extend(bytes);
                }
            }
        }
    }
    assert!(frames.is_between());
    Ok(got)
}

#[test]
fn the_examples_of_the_rfc_are_read() {
    let masked = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    let hello = (Kind::Data, true, b"Hello".to_vec());
    assert_eq!(read(Sender::Agent, &[masked]), Ok(vec![hello.clone()]));
    assert_eq!(read(Sender::Server, &[b"\x81\x05Hello"]), Ok(vec![hello]));
    let parts = [
        (Kind::Data, false, b"Hel".to_vec()),
        (Kind::Control, true, b"Hello".to_vec()),
        (Kind::Data, true, b"lo".to_vec()),
    ];
    let bytes = b"\x01\x03Hel\x89\x05Hello\x80\x02lo";
    assert_eq!(read(Sender::Server, &[bytes]), Ok(parts.to_vec()));
}

#[test]
fn what_no_endpoint_may_take_is_refused() {
    let long = vec![0; 126];
    let ping = frame(Sender::Server, 0x89, &long);
    for (bytes, violation) in [
        (b"\xc1\x00" as &[u8], Violation::Reserved),
        (b"\xa1\x00", Violation::Reserved),
        (b"\x91\x00", Violation::Reserved),
        (b"\x83\x00", Violation::Opcode),
        (b"\x8b\x00", Violation::Opcode),
        (b"\x8f\x00", Violation::Opcode),
        (b"\x81\x80\0\0\0\0", Violation::Mask),
        (b"\x09\x00", Violation::Control),
        (&ping, Violation::Control),
        (b"\x89\x7f", Violation::Control),
        (b"\x81\x7e\x00\x7d", Violation::Length),
        (b"\x81\x7f\0\0\0\0\0\0\xff\xff", Violation::Length),
        (b"\x81\x7f\xff\0\0\0\0\0\0\0", Violation::Length),
        (b"\x80\x00", Violation::Order),
        (b"\x01\x00\x81\x00", Violation::Order),
        (b"\x81\x00\x80\x00", Violation::Order),
        (b"\x88\x01", Violation::Close),
    ] {
        assert_eq!(read(Sender::Server, &[bytes]), Err(violation), "{bytes:x?}");
    }
    assert_eq!(read(Sender::Agent, &[b"\x81\x00"]), Err(Violation::Mask));
}

#[test]
fn a_close_that_is_written_is_read() {
    for sender in [Sender::Agent, Sender::Server] {
        let bytes = close(sender, 1008, &"é".repeat(100));
        let got = read(sender, &[&bytes]).unwrap();
        let (kind, is_last, payload) = &got[0];
        assert_eq!((got.len(), *kind, *is_last), (1, Kind::Control, true));
        assert_eq!(payload[..2], 1008_u16.to_be_bytes());
        assert_eq!(std::str::from_utf8(&payload[2..]).unwrap().len(), 122);
    }
}

proptest! {
    /// Whatever is sent, and however it is cut.
    #[test]
    fn cuts_change_nothing(
        is_agent in any::<bool>(),
        messages in proptest::collection::vec((0..5_usize, 0..700_usize), 1..6),
        long in prop_oneof![9 => Just(0_usize), 1 => Just(70_000)],
        size in 1..40_usize,
    ) {
        let sender = if is_agent { Sender::Agent } else { Sender::Server };
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        for (parts, length) in messages.into_iter().chain([(0, long)]) {
            for part in 0..=parts {
                let payload: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
                let is_last = part == parts;
                let first = u8::from(part == 0) | if is_last { 0x80 } else { 0 };
                bytes.extend(frame(sender, first, &payload));
                bytes.extend(frame(sender, 0x8a, b"pong"));
                expected.push((Kind::Data, is_last, payload));
                expected.push((Kind::Control, true, b"pong".to_vec()));
            }
        }
        let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
        prop_assert_eq!(read(sender, &pieces), Ok(expected));
    }
}
