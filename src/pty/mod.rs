//! The terminal, as data: bytes in, cells out, keys back as bytes.
//!
//! [`Screen`] models what a program drew, for the session host inside a bottle and
//! for the console that shows it. Everything here is synchronous and does no I/O, and
//! no input, however hostile, panics or grows memory without bound. It must not know
//! of PTYs, sockets, bottles or how a console draws.

mod chord;
mod key;
mod log_line;
mod mouse;
mod paste;
mod sanitize;
mod scan;
mod screen;

pub use chord::{Chord, ChordOutcome, Chords};
pub use key::{Key, KeyPress, Modifiers};
pub use log_line::{last_written, log_line};
pub use mouse::{MouseAction, MouseButton, MouseEvent};
pub use paste::{Focus, encode_focus, encode_paste};
pub use sanitize::{hidden, one_line, visible};
pub use screen::{
    Cell, CellStyle, Color, Cursor, CursorShape, Damage, FoundText, Hit, Hyperlink, Modes,
    MouseMode, Replies, Screen, Underline,
};

pub use crate::wire::TerminalSize;
