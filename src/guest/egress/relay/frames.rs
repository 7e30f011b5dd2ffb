//! WebSocket frames (RFC 6455, 5), read as they pass.
//!
//! Only heads are read here; whoever asks gets payloads as they came, with the mask to
//! take off. What an endpoint would have to refuse is refused, and so is what extensions
//! would make of a frame, since none is ever agreed on. No crate: those at hand read a
//! head but not strictly, and bring whole endpoints along.

/// A head with an eight-byte length and a mask.
const MAX_HEAD_BYTES: usize = 14;
/// The longest payload of a control frame (RFC 6455, 5.5).
const MAX_CONTROL_BYTES: u64 = 125;

/// Who sends the frames of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Sender {
    /// The agent, who must mask them (RFC 6455, 5.1).
    Agent,
    /// The server, who must not.
    Server,
}

/// What a frame is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Kind {
    /// A message: text, bytes or the continuation of either.
    Data,
    /// Close, ping or pong.
    Control,
}

/// Why frames cannot be passed on, as a clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in super::super) enum Violation {
    /// RSV1 to RSV3, of which extensions make use.
    #[error("a frame uses an extension that nobody agreed on")]
    Reserved,
    /// An opcode from 3 to 7 or from 11 to 15.
    #[error("a frame has a reserved opcode")]
    Opcode,
    /// The mask is missing, or there where it must not be.
    #[error("a frame is masked where it must not be, or the other way round")]
    Mask,
    /// A control frame that is too long or in parts.
    #[error("a control frame is too long or in parts")]
    Control,
    /// A length with another spelling, or beyond 63 bits.
    #[error("a frame's length is not written the shortest way")]
    Length,
    /// A continuation of nothing, or a message within a message.
    #[error("a message is continued that did not begin, or begins within another")]
    Order,
    /// A close without a whole status code.
    #[error("a close frame has half a status code")]
    Close,
}

/// One frame's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Head {
    /// What it is part of.
    pub(in super::super) kind: Kind,
    /// Whether it is its message's last.
    pub(in super::super) is_last: bool,
    /// How long its payload is.
    pub(in super::super) length: u64,
    mask: Option<[u8; 4]>,
}

/// What the next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Step {
    /// Part of a head that is not whole yet.
    More,
    /// The end of a head; its bytes are [`Frames::head_bytes`].
    Head(Head),
    /// Payload, under a mask that begins with its first byte.
    Payload {
        /// What it is part of.
        kind: Kind,
        /// The mask.
        mask: Option<[u8; 4]>,
    },
}

/// A reader of one direction's frames.
#[derive(Debug)]
pub(in super::super) struct Frames {
    sender: Sender,
    head: [u8; MAX_HEAD_BYTES],
    have: usize,
    /// The frame whose payload is under way, and how much of it is missing.
    now: Option<(Head, u64)>,
    is_in_message: bool,
}

impl Frames {
    /// Begins after the opening handshake.
    pub(in super::super) const fn of(sender: Sender) -> Self {
        Self {
            sender,
            head: [0; MAX_HEAD_BYTES],
            have: 0,
            now: None,
            is_in_message: false,
        }
    }

    /// Reads the next bytes and gives how many they are and what. After the last payload
    /// byte [`Frames::is_between`] is true.
    ///
    /// # Errors
    /// [`Violation`]; nothing can be read after it.
    pub(in super::super) fn step(&mut self, input: &[u8]) -> Result<(usize, Step), Violation> {
        if let Some((head, left)) = &mut self.now {
            let (kind, length) = (head.kind, head.length);
            let mask = head.mask.map(|mut mask| {
                mask.rotate_left(usize::try_from((length - *left) % 4).unwrap_or(0));
                mask
            });
            let count = input
                .len()
                .min(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= u64::try_from(count).unwrap_or(*left);
            if *left == 0 {
                self.now = None;
            }
            return Ok((count, Step::Payload { kind, mask }));
        }
        if self.have == self.head_length() {
            self.have = 0;
        }
        let mut count = 0;
        for byte in input {
            count += 1;
            if let Some(place) = self.head.get_mut(self.have) {
                *place = *byte;
            }
            self.have += 1;
            self.judge()?;
            if self.have == self.head_length() {
                let head = self.read();
                self.now = (head.length > 0).then_some((head, head.length));
                return Ok((count, Step::Head(head)));
            }
        }
        Ok((count, Step::More))
    }

    /// The bytes of the head that was read last, as they came.
    pub(in super::super) fn head_bytes(&self) -> &[u8] {
        self.head.get(..self.have).unwrap_or_default()
    }

    /// Whether what was read ends with a frame.
    pub(in super::super) fn is_between(&self) -> bool {
        self.now.is_none() && (self.have == 0 || self.have == self.head_length())
    }

    fn byte(&self, at: usize) -> u8 {
        self.head.get(at).copied().unwrap_or_default()
    }

    fn kind(&self) -> Kind {
        if self.byte(0) & 0x08 == 0 {
            Kind::Data
        } else {
            Kind::Control
        }
    }

    fn length_bytes(&self) -> usize {
        match self.byte(1) & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        }
    }

    fn head_length(&self) -> usize {
        let is_masked = self.byte(1) & 0x80 != 0;
        2 + self.length_bytes() + if is_masked { 4 } else { 0 }
    }

    /// The payload's length, once its bytes are there.
    fn length(&self) -> u64 {
        let written = self
            .head
            .get(2..2 + self.length_bytes())
            .unwrap_or_default();
        if written.is_empty() {
            return u64::from(self.byte(1) & 0x7f);
        }
        written
            .iter()
            .fold(0, |length, byte| length << 8 | u64::from(*byte))
    }

    /// Refuses a head as soon as it cannot become a good one.
    fn judge(&self) -> Result<(), Violation> {
        match self.have {
            1 => self.judge_first(),
            2 => {
                let is_masked = self.byte(1) & 0x80 != 0;
                let is_long = self.length_bytes() > 0;
                if is_masked != (self.sender == Sender::Agent) {
                    Err(Violation::Mask)
                } else if self.kind() == Kind::Control && is_long {
                    Err(Violation::Control)
                } else if self.byte(0) & 0x0f == 8 && self.length() == 1 {
                    Err(Violation::Close)
                } else {
                    Ok(())
                }
            }
            have if have == 2 + self.length_bytes() => {
                let length = self.length();
                let shortest = match self.length_bytes() {
                    2 => MAX_CONTROL_BYTES + 1..=0xffff,
                    _ => 0x1_0000..=i64::MAX.unsigned_abs(),
                };
                if shortest.contains(&length) {
                    Ok(())
                } else {
                    Err(Violation::Length)
                }
            }
            _ => Ok(()),
        }
    }

    fn judge_first(&self) -> Result<(), Violation> {
        let first = self.byte(0);
        if first & 0x70 != 0 {
            return Err(Violation::Reserved);
        }
        match first & 0x0f {
            0 if !self.is_in_message => Err(Violation::Order),
            1 | 2 if self.is_in_message => Err(Violation::Order),
            8..=10 if first & 0x80 == 0 => Err(Violation::Control),
            0..=2 | 8..=10 => Ok(()),
            _ => Err(Violation::Opcode),
        }
    }

    fn read(&mut self) -> Head {
        let kind = self.kind();
        let is_last = self.byte(0) & 0x80 != 0;
        if kind == Kind::Data {
            self.is_in_message = !is_last;
        }
        let mask = match (self.sender, self.head_bytes()) {
            (Sender::Agent, [.., a, b, c, d]) => Some([*a, *b, *c, *d]),
            (Sender::Agent | Sender::Server, _) => None,
        };
        Head {
            kind,
            is_last,
            length: self.length(),
            mask,
        }
    }
}

/// Takes a mask off, or puts it on (RFC 6455, 5.3).
pub(in super::super) fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    for (byte, mask) in payload.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
}

/// A close frame with a status code and a reason, which is cut to its room.
pub(in super::super) fn close(sender: Sender, code: u16, reason: &str) -> Vec<u8> {
    let room = usize::try_from(MAX_CONTROL_BYTES).unwrap_or(0) - 2;
    let reason = reason.get(..reason.floor_char_boundary(room));
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend_from_slice(reason.unwrap_or_default().as_bytes());
    let length = u8::try_from(payload.len()).unwrap_or(2);
    match sender {
        Sender::Server => [&[0x88, length], payload.as_slice()].concat(),
        Sender::Agent => {
            let mut mask = [0; 4];
            // A mask keeps an agent's bytes from being read as HTTP on the way; these are
            // not the agent's, so the frame is as good without randomness.
            if getrandom::fill(&mut mask).is_err() {
                mask = [0; 4];
            }
            unmask(&mut payload, mask);
            [&[0x88, 0x80 | length], mask.as_slice(), &payload].concat()
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
