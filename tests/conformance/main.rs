//! The screen model beside the reference recordings of the emulator that it is made of:
//! what real programs wrote, and the grid that a terminal shows after it.
//!
//! The recordings stand in the sources of `alacritty_terminal` as they are published, in
//! `tests/ref`. What is compared is ours all the same: the scanner that cuts the stream,
//! the recorder before the emulator, the cells that come out, and the snapshot by which a
//! client joins.

#[cfg(test)]
mod grid;
#[cfg(test)]
mod recording;
#[cfg(test)]
mod screens;
