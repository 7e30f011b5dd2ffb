//! Sorting, grouping and folding the list.

use crate::state::command::OrderCommand;
use crate::state::console::State;
use crate::state::listing::ListRow;
use crate::state::order::{Grouping, SortKey};
use crate::state::sighting::BottleRef;
use crate::state::view::Modal;

impl State {
    pub(super) fn on_order_command(&mut self, command: OrderCommand) {
        match command {
            OrderCommand::Choose => self.open(Modal::Order),
            OrderCommand::By(key) => self.sort_by(key),
            OrderCommand::Reverse => self.reverse_order(),
            OrderCommand::Group => self.group_by_next(),
            OrderCommand::Fold => self.fold(),
            OrderCommand::FoldAll => self.fold_all(),
        }
    }

    fn sort_by(&mut self, key: SortKey) {
        self.view.order.sort = key;
        self.view.modal = None;
        self.order_changed();
        let order = &self.view.order;
        let words = format!("sorted by {}, {}", key.word(), key.first(order.is_reversed));
        self.tell(words);
    }

    fn reverse_order(&mut self) {
        let order = &mut self.view.order;
        order.is_reversed = !order.is_reversed;
        self.order_changed();
    }

    fn group_by_next(&mut self) {
        let order = &mut self.view.order;
        order.grouping = order.grouping.next();
        order.folded.clear();
        self.view.group = None;
        self.order_changed();
    }

    fn order_changed(&mut self) {
        self.rank_all();
        self.touch();
    }

    /// Folds or unfolds the group that is selected, or that the selected row is in.
    pub(super) fn fold(&mut self) {
        let grouping = self.view.order.grouping;
        let of_bottle = self.selected_bottle().map(|bottle| grouping.of(bottle));
        let group = self.view.group.as_deref().or(of_bottle);
        let Some(group) = group.filter(|_| grouping != Grouping::Nothing) else {
            self.tell(String::from("nothing is grouped: o then g groups the list"));
            return;
        };
        let group = group.to_owned();
        self.fold_group(group);
    }

    /// Folds or unfolds a group, and selects it.
    pub(super) fn fold_group(&mut self, group: String) {
        let folded = &mut self.view.order.folded;
        if !folded.remove(&group) {
            folded.insert(group.clone());
        }
        self.select_group(group);
    }

    /// Folds all groups, or unfolds them if all are folded.
    fn fold_all(&mut self) {
        let groups = self.listed().iter().filter_map(ListRow::group);
        let groups: Vec<String> = groups.map(str::to_owned).collect();
        let folded = &mut self.view.order.folded;
        if groups.iter().all(|group| folded.contains(group)) {
            folded.clear();
        } else {
            folded.extend(groups);
        }
        self.touch();
    }

    pub(super) fn select_group(&mut self, group: String) {
        self.relist();
        let mut rows = self.listed().iter();
        let at = rows.position(|row| row.group() == Some(group.as_str()));
        self.view.selected_at = at.unwrap_or(0);
        self.view.selected = None;
        self.view.group = Some(group);
        self.rewind();
        self.touch();
    }

    /// Makes sure that a bottle has a row: drops a filter and a fold that hide it.
    pub(super) fn reveal(&mut self, bottle: &BottleRef) {
        let has_row = |state: &Self| {
            let mut rows = state.listed().iter().filter_map(ListRow::bottle);
            rows.any(|row| row.bottle == *bottle)
        };
        if has_row(self) {
            return;
        }
        let Some(known) = self.fleet.get(bottle) else {
            return;
        };
        let group = self.view.order.grouping.of(known).to_owned();
        self.view.order.folded.remove(&group);
        self.relist();
        if !has_row(self) {
            self.view.filter.clear();
            self.relist();
        }
    }
}
