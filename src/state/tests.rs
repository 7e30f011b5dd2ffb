//! Tables, walks, properties and replays over the whole state.

mod answer;
mod attach;
mod budget;
mod change;
mod egress;
mod fleet;
mod inbox;
mod life;
mod logs;
mod properties;
mod redraw;
mod replay;
mod view;

pub(crate) use properties::event;
