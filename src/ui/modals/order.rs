//! How the list is ordered: the keys to choose by, with what is chosen.

use super::super::look::{Look, Role};
use super::super::text::{Words, pad};
use super::{Content, Sight};
use crate::state::{Command, Context, Keys, OrderCommand, SortKey, State, bindings};

/// Columns of the box.
const WIDTH: u16 = 46;
/// Columns of a key, and of what it is.
const KEY: usize = 4;
const WHAT: usize = 10;

pub(super) fn content(state: &State, look: Look) -> Content {
    let order = &state.view.order;
    let mut lines = Vec::new();
    for key in SortKey::ALL {
        let is_chosen = order.sort == key;
        let mark = if is_chosen {
            look.glyph("●", "*")
        } else {
            " "
        };
        let role = if is_chosen { Role::Strong } else { Role::Plain };
        let first = key.first(is_chosen && order.is_reversed);
        lines.push(
            line(&state.keys, look, OrderCommand::By(key), mark)
                .put(role, pad(look, key.word(), WHAT))
                .put(Role::Faint, first)
                .line(),
        );
    }
    lines.push(
        line(&state.keys, look, OrderCommand::Reverse, " ")
            .put(Role::Plain, pad(look, "reverse", WHAT))
            .put(Role::Faint, order.sort.first(!order.is_reversed))
            .line(),
    );
    lines.push(
        line(&state.keys, look, OrderCommand::Group, " ")
            .put(Role::Plain, pad(look, "group by", WHAT))
            .put(Role::Strong, order.grouping.word())
            .line(),
    );
    Content {
        title: String::from("Order"),
        head: Vec::new(),
        lines,
        sight: Sight::From(0),
        width: WIDTH,
    }
}

/// The mark, and the key as the table of keys has it.
fn line(keys: &Keys, look: Look, command: OrderCommand, mark: &str) -> Words {
    let key = bindings(Context::Order).find(|binding| binding.command == Command::Order(command));
    let key = key.and_then(|binding| keys.of(binding).first());
    let name = key.map(|key| key.name()).unwrap_or_default();
    Words::new(look)
        .put(Role::Key, format!("{mark} "))
        .put(Role::Key, pad(look, &name, KEY))
}
