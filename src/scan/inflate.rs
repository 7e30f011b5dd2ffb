//! Compressed bytes made plain, within limits.
//!
//! All three decoders are pure Rust. zstd comes from `ruzstd`, which keeps a frame's
//! last window to itself until the frame ends; what that costs is said at
//! [`Inflater::is_drained`].

use std::io::{Read as _, Write as _};

use brotli_decompressor::DecompressorWriter;
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use super::finding::{Layer, Unread};

/// Decoders are fed this much at once, so that a bomb is noticed while it is small:
/// no format here makes more than some 500 KiB of that, but brotli and zstd, whose
/// limit is a block.
pub(super) const SLICE_BYTES: usize = 512;
/// A compressed piece inside a text is unpacked up to here.
pub(super) const MAX_PIECE_BYTES: usize = 1024 * 1024;
/// Up to here any ratio is ordinary: a page of zeros packs well.
const FREE_BYTES: u64 = 1024 * 1024;
/// Text packs 3 to 10 times, logs 50 times; deflate ends at 1,032.
const MAX_RATIO: u64 = 200;
/// What RFC 8878, section 3.1.1.1.2, advises decoders to support.
const MAX_WINDOW_BYTES: u64 = 8 * 1024 * 1024;
/// What a zstd decoder may give at once.
const ROOM_BYTES: usize = 64 * 1024;
/// The longest header of a zstd frame, RFC 8878, section 3.1.1.
const ZSTD_HEADER_BYTES: usize = 18;

/// How a body is packed as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentCoding {
    /// Not at all.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 1950, or RFC 1951 as some senders mean it.
    Deflate,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
}

impl ContentCoding {
    /// Reads the value of a `Content-Encoding` header. None for what cannot be read: an
    /// unknown coding, or several.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        match value.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "br" => Some(Self::Brotli),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// A body made plain as it passes, for a reader that holds nothing back and can do
/// without what cannot be read.
#[derive(Debug)]
pub struct Unpacker {
    inflater: Option<Inflater>,
    is_broken: bool,
}

impl Unpacker {
    /// Begins a body that is packed like this.
    #[must_use]
    pub fn new(coding: ContentCoding) -> Self {
        Self {
            inflater: Inflater::new(coding),
            is_broken: false,
        }
    }

    /// Takes a piece and gives what can be read so far to `read`; nothing more after
    /// what is corrupt, or a bomb.
    pub fn feed(&mut self, piece: &[u8], mut read: impl FnMut(&[u8])) {
        let Some(inflater) = &mut self.inflater else {
            return read(piece);
        };
        for slice in piece.chunks(SLICE_BYTES) {
            if self.is_broken {
                return;
            }
            match inflater.push(slice) {
                Ok(made) => read(&made),
                Err(_) => self.is_broken = true,
            }
        }
    }

    /// Ends the body and gives what was still inside to `read`.
    pub fn finish(&mut self, read: impl FnOnce(&[u8])) {
        let inflater = self.inflater.as_mut().filter(|_| !self.is_broken);
        if let Some(Ok(made)) = inflater.map(Inflater::finish) {
            read(&made);
        }
        self.is_broken = true;
    }
}

/// One body being unpacked.
pub(super) struct Inflater {
    codec: Codec,
    fed: u64,
    made: u64,
}

enum Codec {
    Gzip(MultiGzDecoder<Vec<u8>>),
    /// The first two bytes say which of the two it is.
    UndecidedDeflate(Vec<u8>),
    Zlib(ZlibDecoder<Vec<u8>>),
    Deflate(DeflateDecoder<Vec<u8>>),
    Brotli(Box<DecompressorWriter<Vec<u8>>>),
    Zstd(Box<Zstd>),
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inflater")
            .field("fed", &self.fed)
            .field("made", &self.made)
            .finish_non_exhaustive()
    }
}

impl Inflater {
    /// A decoder, or none for the coding that needs none.
    pub(super) fn new(coding: ContentCoding) -> Option<Self> {
        let codec = match coding {
            ContentCoding::Identity => return None,
            ContentCoding::Gzip => Codec::Gzip(MultiGzDecoder::new(Vec::new())),
            ContentCoding::Deflate => Codec::UndecidedDeflate(Vec::new()),
            ContentCoding::Brotli => {
                Codec::Brotli(Box::new(DecompressorWriter::new(Vec::new(), 4096)))
            }
            ContentCoding::Zstd => Codec::Zstd(Box::default()),
        };
        Some(Self {
            codec,
            fed: 0,
            made: 0,
        })
    }

    /// Takes at most [`SLICE_BYTES`] and gives what can be read so far.
    pub(super) fn push(&mut self, slice: &[u8]) -> Result<Vec<u8>, Unread> {
        self.fed += slice.len() as u64;
        let made = match &mut self.codec {
            Codec::Gzip(inner) => take(inner.write_all(slice).and_then(|()| inner.flush()))
                .map(|()| std::mem::take(inner.get_mut())),
            Codec::Zlib(inner) => take(inner.write_all(slice).and_then(|()| inner.flush()))
                .map(|()| std::mem::take(inner.get_mut())),
            Codec::Deflate(inner) => take(inner.write_all(slice).and_then(|()| inner.flush()))
                .map(|()| std::mem::take(inner.get_mut())),
            Codec::Brotli(inner) => {
                take(inner.write_all(slice)).map(|()| std::mem::take(inner.get_mut()))
            }
            Codec::Zstd(inner) => inner.push(slice, false),
            Codec::UndecidedDeflate(_) => return self.decide(slice),
        }?;
        self.within_limits(made)
    }

    fn decide(&mut self, slice: &[u8]) -> Result<Vec<u8>, Unread> {
        let Codec::UndecidedDeflate(begun) = &mut self.codec else {
            return Ok(Vec::new());
        };
        begun.extend_from_slice(slice);
        let [first, second, ..] = begun.as_slice() else {
            return Ok(Vec::new());
        };
        // RFC 1950, section 2.2: method 8, and a check over both bytes.
        let is_zlib =
            first & 0x0F == 8 && (u16::from(*first) << 8 | u16::from(*second)).is_multiple_of(31);
        let begun = std::mem::take(begun);
        self.codec = if is_zlib {
            Codec::Zlib(ZlibDecoder::new(Vec::new()))
        } else {
            Codec::Deflate(DeflateDecoder::new(Vec::new()))
        };
        self.fed -= slice.len() as u64;
        self.push(&begun)
    }

    /// Ends the body and gives what was still inside.
    pub(super) fn finish(&mut self) -> Result<Vec<u8>, Unread> {
        let made = match &mut self.codec {
            Codec::Gzip(inner) if self.fed > 0 => {
                take(inner.try_finish()).map(|()| std::mem::take(inner.get_mut()))
            }
            Codec::Zlib(inner) => {
                take(inner.try_finish()).map(|()| std::mem::take(inner.get_mut()))
            }
            Codec::Deflate(inner) => {
                take(inner.try_finish()).map(|()| std::mem::take(inner.get_mut()))
            }
            Codec::Brotli(inner) if self.fed > 0 => {
                take(inner.close()).map(|()| std::mem::take(inner.get_mut()))
            }
            Codec::Zstd(inner) => inner.push(&[], true),
            Codec::UndecidedDeflate(begun) if !begun.is_empty() => Err(Unread::Corrupt),
            Codec::Gzip(_) | Codec::Brotli(_) | Codec::UndecidedDeflate(_) => Ok(Vec::new()),
        }?;
        self.within_limits(made)
    }

    /// Whether everything that the bytes so far can be read as was given. If not, they
    /// must not leave yet: a reader could know more than was scanned. A zstd frame is
    /// drained only at its end, so a body that is held back is held back whole; whoever
    /// cannot bear that asks the server for another coding.
    pub(super) fn is_drained(&self) -> bool {
        match &self.codec {
            Codec::Zstd(inner) => inner.frame.is_none() && inner.pending.is_empty(),
            Codec::UndecidedDeflate(begun) => begun.is_empty(),
            Codec::Gzip(_) | Codec::Zlib(_) | Codec::Deflate(_) | Codec::Brotli(_) => true,
        }
    }

    fn within_limits(&mut self, made: Vec<u8>) -> Result<Vec<u8>, Unread> {
        self.made += made.len() as u64;
        if self.made > FREE_BYTES && self.made / MAX_RATIO > self.fed {
            return Err(Unread::Bomb);
        }
        Ok(made)
    }
}

fn take(result: std::io::Result<()>) -> Result<(), Unread> {
    result.map_err(|_| Unread::Corrupt)
}

/// zstd frames one after the other.
#[derive(Default)]
struct Zstd {
    frame: Option<FrameDecoder>,
    pending: Vec<u8>,
    /// Where the decoder writes; made once, because bodies come in many slices.
    room: Vec<u8>,
}

impl Zstd {
    fn push(&mut self, slice: &[u8], is_end: bool) -> Result<Vec<u8>, Unread> {
        self.pending.extend_from_slice(slice);
        let mut made = Vec::new();
        self.room.resize(ROOM_BYTES, 0);
        loop {
            let needed = match self.frame {
                None if is_end => 1,
                None => ZSTD_HEADER_BYTES,
                // With fewer bytes `decode_from_to` takes a checksum it does not have.
                Some(_) => 4,
            };
            let is_done = self.frame.as_ref().is_some_and(FrameDecoder::is_finished);
            if self.pending.len() < needed && !is_done {
                break;
            }
            let frame = self.frame.get_or_insert_with(|| {
                let mut frame = FrameDecoder::new();
                frame.set_max_window_size(MAX_WINDOW_BYTES);
                frame
            });
            let (read, written) = frame
                .decode_from_to(&self.pending, &mut self.room)
                .map_err(|_| Unread::Corrupt)?;
            self.pending.drain(..read.min(self.pending.len()));
            made.extend_from_slice(self.room.get(..written).unwrap_or_default());
            if frame.is_finished() && frame.can_collect() == 0 {
                self.frame = None;
            } else if read == 0 && written == 0 {
                break;
            }
            if made.len() as u64 > FREE_BYTES * MAX_RATIO {
                return Err(Unread::Bomb);
            }
        }
        if is_end && (self.frame.is_some() || !self.pending.is_empty()) {
            return Err(Unread::Corrupt);
        }
        Ok(made)
    }
}

/// Unpacks a piece found inside a text, whose end is not known: what can be read of it,
/// and whether that was cut at the limit.
pub(super) fn piece(bytes: &[u8], layer: Layer) -> Option<(Vec<u8>, bool)> {
    let limit = MAX_PIECE_BYTES.min(bytes.len().saturating_mul(1032));
    let mut made = Vec::new();
    // What follows the piece, or its being cut off, is an error at the end: what was
    // read before it counts.
    let _end = match layer {
        Layer::Gzip => flate2::bufread::GzDecoder::new(bytes)
            .take(limit as u64 + 1)
            .read_to_end(&mut made),
        Layer::Zstd => {
            let mut frame = FrameDecoder::new();
            frame.set_max_window_size(MAX_WINDOW_BYTES);
            StreamingDecoder::new_with_decoder(bytes, frame)
                .ok()?
                .take(limit as u64 + 1)
                .read_to_end(&mut made)
        }
        Layer::Base64 | Layer::Base32 | Layer::Hex | Layer::Percent | Layer::Json => return None,
    };
    let is_cut = made.len() > limit;
    made.truncate(limit);
    (!made.is_empty()).then_some((made, is_cut))
}
