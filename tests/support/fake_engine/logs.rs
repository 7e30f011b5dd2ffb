//! Logs: lines of 110 bytes that are made when they are asked for.

use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::fleet::{Container, Fleet};

/// Bytes of a line without its time, line end included.
const LINE: usize = 110;
/// Bytes that are sent at once.
const PIECE: usize = 64 * 1024;
/// How often a follower is told.
const STEP: Duration = Duration::from_millis(20);

/// What of a log is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) tail: Option<usize>,
    pub(super) follows: bool,
    pub(super) has_times: bool,
}

/// Writes a log until it ends or nobody reads.
pub(super) async fn write(
    fleet: Fleet,
    container: Container,
    wanted: Wanted,
    to: mpsc::Sender<Bytes>,
) {
    let begin = Timestamp::now();
    let first = wanted
        .tail
        .map_or(0, |tail| fleet.log_lines.saturating_sub(tail));
    let mut piece = BytesMut::new();
    for number in first..fleet.log_lines {
        let before = i64::try_from(fleet.log_lines - number).unwrap_or(0);
        let at = begin - SignedDuration::from_millis(before * 10);
        put(&mut piece, number, at, wanted.has_times);
        if piece.len() >= PIECE && to.send(piece.split().freeze()).await.is_err() {
            return;
        }
    }
    if !piece.is_empty() && to.send(piece.split().freeze()).await.is_err() {
        return;
    }
    if !wanted.follows {
        return;
    }
    if !container.writes || fleet.lines_per_second == 0 {
        to.closed().await;
        return;
    }
    let mut number = fleet.log_lines;
    let mut step = tokio::time::interval(STEP);
    let begun = tokio::time::Instant::now();
    loop {
        tokio::select! {
            _ = step.tick() => {}
            () = to.closed() => return,
        }
        let due = begun.elapsed().as_secs_f64() * f64::from(fleet.lines_per_second);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count of lines of the last minutes"
        )]
        let due = fleet.log_lines + due as usize;
        while number < due {
            put(&mut piece, number, Timestamp::now(), wanted.has_times);
            number += 1;
        }
        if !piece.is_empty() && to.send(piece.split().freeze()).await.is_err() {
            return;
        }
    }
}

/// One line in the frame of a stream without a terminal: its source, its length.
fn put(piece: &mut BytesMut, number: usize, at: Timestamp, has_time: bool) {
    let time = if has_time {
        format!("{at:.9} ")
    } else {
        String::new()
    };
    let text = format!("line {number} of a log that is made when it is read ");
    let length = time.len() + LINE;
    piece.put_slice(&[1, 0, 0, 0]);
    piece.put_u32(u32::try_from(length).unwrap_or(0));
    piece.put_slice(time.as_bytes());
    piece.put_slice(text.as_bytes());
    piece.put_bytes(b'.', LINE - 1 - text.len());
    piece.put_u8(b'\n');
}
