//! Tables, walks, properties and replays over the whole state.

mod answer;
mod approvals;
mod attach;
mod audit;
mod budget;
mod builds;
mod change;
mod copying;
mod egress;
mod fleet;
mod inbox;
mod life;
mod logs;
mod mass;
mod order;
mod palette;
mod properties;
mod redraw;
mod replay;
mod requests;
mod soak;
mod split;
mod stats;
mod view;

pub(crate) use properties::event;
