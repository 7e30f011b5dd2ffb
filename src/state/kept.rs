//! What of the view is kept from one run of the console to the next.

use serde::{Deserialize, Serialize};

use super::console::State;
use super::order::ListOrder;
use super::palette::HISTORY;
use super::view::Tab;

/// What is kept. Whatever a file lacks or does not know is as at the first start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// How the list is ordered.
    pub order: ListOrder,
    /// The page of the detail.
    pub tab: Tab,
    /// Command lines that were given, the last one last.
    pub history: Vec<String>,
    /// Columns of the list, if they were set.
    pub list_columns: Option<u16>,
    /// Rows of what needs the operator, if they were set.
    pub needs_rows: Option<u16>,
}

impl Kept {
    /// Reads what was kept, each part for itself.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let value: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
        let part = |name: &str| value.get(name).cloned().unwrap_or_default();
        Self {
            order: serde_json::from_value(part("order")).unwrap_or_default(),
            tab: serde_json::from_value(part("tab")).unwrap_or_default(),
            history: serde_json::from_value(part("history")).unwrap_or_default(),
            list_columns: serde_json::from_value(part("list_columns")).unwrap_or_default(),
            needs_rows: serde_json::from_value(part("needs_rows")).unwrap_or_default(),
        }
    }
}

impl State {
    /// What of the view is to be kept.
    #[must_use]
    pub fn kept(&self) -> Kept {
        Kept {
            order: self.view.order.clone(),
            tab: self.view.tab,
            history: self.view.history.clone(),
            list_columns: self.view.list_columns,
            needs_rows: self.view.needs_rows,
        }
    }

    /// Whether that is what was kept last.
    #[must_use]
    pub fn is_kept(&self, kept: &Kept) -> bool {
        self.view.order == kept.order
            && self.view.tab == kept.tab
            && self.view.history == kept.history
            && self.view.list_columns == kept.list_columns
            && self.view.needs_rows == kept.needs_rows
    }

    pub(super) fn take_kept(&mut self, kept: Kept) {
        let Kept {
            order,
            tab,
            mut history,
            list_columns,
            needs_rows,
        } = kept;
        let excess = history.len().saturating_sub(HISTORY);
        history.drain(..excess);
        self.view.order = order;
        self.view.tab = tab;
        self.view.history = history;
        self.view.list_columns = list_columns;
        self.view.needs_rows = needs_rows;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::fixture::{Console, running};
    use crate::state::{Event, SortKey};

    #[test]
    fn what_is_kept_is_there_again() {
        let mut before = Console::with(120, 40, vec![running("a-1", 1)]);
        before.press(&["o", "n", "3", "K", ":"]);
        before.apply(Event::Paste {
            text: String::from("sort cpu"),
        });
        before.press(&["enter"]);
        let kept = before.state.kept();
        assert!(before.state.is_kept(&kept));
        let text = serde_json::to_string(&kept).unwrap();
        let mut after = Console::with(120, 40, vec![running("a-1", 1)]);
        assert!(!after.state.is_kept(&kept));
        after.state.take_kept(Kept::read(text.as_bytes()));
        assert_eq!(after.state.view.order.sort, SortKey::Cpu);
        assert_eq!(after.state.view.tab, Tab::Egress);
        assert_eq!(after.state.view.history, ["sort cpu"]);
        assert_eq!(after.state.view.needs_rows, Some(4));
    }

    #[test]
    fn a_file_of_another_version_is_taken_as_far_as_it_goes() {
        let kept = Kept::read(br#"{"history": ["a"], "tab": "dreams", "new": 1}"#);
        assert_eq!(kept.history, ["a"]);
        assert_eq!(kept.tab, Tab::Session);
        assert_eq!(Kept::read(b"no"), Kept::default());
    }
}
