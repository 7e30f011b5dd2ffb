use super::super::frames::tests::frame;
use super::*;
use crate::scan::Known;
use crate::secret::Secret;

const VALUE: &str = "hunter2-correct-horse";
const TEXT: u8 = 0x81;
const FIRST: u8 = 0x01;
const MORE: u8 = 0x00;
const LAST: u8 = 0x80;
const PING: u8 = 0x89;

fn sieve(sender: Sender, mode: ScanMode) -> FrameSieve {
    let known = Known::secret("value", Secret::new(VALUE.as_bytes().to_vec()));
    FrameSieve::new(&Scanner::new(vec![known]).unwrap(), sender, mode)
}

fn frames(sender: Sender, frames: &[(u8, &str)]) -> Vec<u8> {
    let frames = frames
        .iter()
        .map(|(first, text)| frame(sender, *first, text.as_bytes()));
    frames.collect::<Vec<_>>().concat()
}

/// What passes of bytes that come cut to a size, how they end, and what is found.
fn pass(
    sender: Sender,
    mode: ScanMode,
    bytes: &[u8],
    size: usize,
) -> (Vec<u8>, Result<(), Stop>, Vec<String>) {
    let (mut sieve, mut out, findings) = (sieve(sender, mode), Vec::new(), Findings::default());
    let mut pieces = bytes.chunks(size);
    let passed = pieces.try_for_each(|piece| sieve.sift(piece, &mut out, &findings));
    (out, passed, findings.names())
}

/// The parts of a secret, at every place where it can be cut, as each kind of frames.
#[test]
fn a_secret_is_found_however_it_is_cut() {
    for sender in [Sender::Agent, Sender::Server] {
        for at in 0..=VALUE.len() {
            let (one, other) = VALUE.split_at(at);
            for cut in [
                &[(FIRST, one), (LAST, other)] as &[_],
                &[(FIRST, "so: "), (MORE, one), (MORE, ""), (LAST, other)],
                &[(FIRST, one), (PING, "are you there"), (LAST, other)],
                &[(TEXT, one), (TEXT, other)],
                &[(PING, one), (TEXT, "between"), (PING, other)],
            ] {
                let bytes = frames(sender, cut);
                for size in [1, 7, usize::MAX] {
                    let (out, passed, names) = pass(sender, ScanMode::Block, &bytes, size);
                    assert_eq!(passed, Err(Stop::Caught), "{cut:?}");
                    assert_eq!(names, ["value"]);
                    assert!(bytes.starts_with(&out) && out.len() < bytes.len());
                }
            }
        }
    }
}

/// Of one message nothing leaves that belongs to a secret in it.
#[test]
fn of_a_message_with_a_secret_nothing_of_it_leaves() {
    let (one, other) = VALUE.split_at(9);
    let parts = [(TEXT, "before"), (FIRST, one), (LAST, other)];
    for sender in [Sender::Agent, Sender::Server] {
        for size in [1, 5, usize::MAX] {
            let (out, ..) = pass(sender, ScanMode::Redact, &frames(sender, &parts), size);
            assert_eq!(out, frames(sender, &parts[..1]));
        }
    }
}

#[test]
fn a_pattern_is_looked_for_on_the_way_out_only() {
    let token = ["ghp_", "0123456789abcdefghijABCDEFGHIJ012345"].concat();
    let text = format!("{{\"note\": \"{token}\"}}");
    let message = [(TEXT, text.as_str())];
    let out = frames(Sender::Agent, &message);
    let (_, passed, names) = pass(Sender::Agent, ScanMode::Block, &out, 9);
    assert_eq!((passed, names.len()), (Err(Stop::Caught), 1), "{names:?}");
    let back = frames(Sender::Server, &message);
    let (passed, ..) = pass(Sender::Server, ScanMode::Block, &back, 9);
    assert_eq!(passed, back);
}

#[test]
fn what_is_warned_of_passes_and_is_told_and_what_is_off_is_not_looked_at() {
    let (one, other) = VALUE.split_at(3);
    let bytes = frames(Sender::Agent, &[(FIRST, one), (LAST, other)]);
    for (mode, names) in [
        (ScanMode::Warn, &["value"] as &[&str]),
        (ScanMode::Off, &[]),
    ] {
        for size in [1, usize::MAX] {
            let (out, passed, found) = pass(Sender::Agent, mode, &bytes, size);
            assert_eq!((passed, out.as_slice()), (Ok(()), bytes.as_slice()));
            assert_eq!(found, names);
        }
    }
}

/// A conversation must not stall because a message ends like a secret begins.
#[test]
fn a_whole_message_and_a_control_frame_never_wait() {
    for sender in [Sender::Agent, Sender::Server] {
        for part in [
            &[(TEXT, "h")] as &[_],
            &[(TEXT, "")],
            &[(TEXT, "hunter2-")],
            &[(FIRST, "hunter2-"), (LAST, "c")],
            &[(FIRST, "hunter2-"), (PING, "p")],
            &[(PING, "hunter2-")],
        ] {
            let bytes = frames(sender, part);
            let (out, passed, _) = pass(sender, ScanMode::Block, &bytes, 3);
            assert_eq!((passed, out), (Ok(()), bytes), "{part:?}");
        }
    }
}

#[test]
fn a_message_that_does_not_end_passes_at_the_end_of_all_and_memory_stays_bounded() {
    let bytes = frames(Sender::Agent, &[(FIRST, "hunter2-")]);
    let (mut sieve, mut out, findings) = (
        sieve(Sender::Agent, ScanMode::Block),
        Vec::new(),
        Findings::default(),
    );
    sieve.sift(&bytes, &mut out, &findings).unwrap();
    assert!(
        out.is_empty() && sieve.is_between(),
        "its head waits with it"
    );
    sieve.finish(&mut out, &findings).unwrap();
    assert_eq!(out, bytes);

    let long = frame(Sender::Agent, 0x82, &vec![b'.'; 1 << 20]);
    let mut sieve = self::sieve(Sender::Agent, ScanMode::Block);
    let mut passed = Vec::new();
    for piece in long.chunks(4096) {
        sieve.sift(piece, &mut passed, &findings).unwrap();
        assert!(sieve.held.len() < 1 << 16, "{}", sieve.held.len());
    }
    assert!(passed == long && sieve.is_between());
}

#[test]
fn a_violation_ends_it_after_what_was_good() {
    let good = frames(Sender::Agent, &[(TEXT, "good")]);
    let bytes = [good.as_slice(), b"\xc1\x80\0\0\0\0"].concat();
    for mode in [ScanMode::Off, ScanMode::Block] {
        let (out, passed, _) = pass(Sender::Agent, mode, &bytes, 4);
        assert_eq!(passed, Err(Violation::Reserved.into()));
        assert_eq!(out, good);
    }
}
