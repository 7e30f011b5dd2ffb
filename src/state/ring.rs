//! A bounded list that forgets its oldest entries and names each by a number that
//! never moves, so that a paused view stays where it is while more comes.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// A bounded list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring<T> {
    limit: usize,
    /// The number of the oldest entry kept.
    first: u64,
    entries: VecDeque<T>,
}

impl<T> Ring<T> {
    /// An empty list that keeps the newest `limit` entries.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            first: 0,
            entries: VecDeque::new(),
        }
    }

    /// Appends an entry; the oldest goes if there are too many.
    pub fn push(&mut self, entry: T) {
        self.entries.push_back(entry);
        if self.entries.len() > self.limit {
            self.entries.pop_front();
            self.first += 1;
        }
    }

    /// Forgets the entries for which `keep` is false. Numbers after them change.
    pub fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        let end = self.end();
        self.entries.retain(keep);
        self.first = end - self.entries.len() as u64;
    }

    /// The entries with their numbers, oldest first.
    #[must_use]
    pub fn numbered(&self) -> impl DoubleEndedIterator<Item = (u64, &T)> {
        let first = self.first;
        self.entries
            .iter()
            .enumerate()
            .map(move |(at, entry)| (first + at as u64, entry))
    }

    /// The entries, oldest first.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        self.entries.iter()
    }

    /// The newest entry.
    #[must_use]
    pub fn newest(&self) -> Option<&T> {
        self.entries.back()
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The number that the next entry will have.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_and_numbers_stay() {
        let mut ring = Ring::new(3);
        for entry in 'a'..='e' {
            ring.push(entry);
        }
        let kept: Vec<_> = ring
            .numbered()
            .map(|(number, entry)| (number, *entry))
            .collect();
        assert_eq!(kept, [(2, 'c'), (3, 'd'), (4, 'e')]);
        assert_eq!(ring.end(), 5);
    }

    #[test]
    fn forgetting_keeps_the_end_where_it_is() {
        let mut ring = Ring::new(9);
        (0..6).for_each(|entry| ring.push(entry));
        ring.retain(|entry| entry % 2 == 0);
        assert_eq!(ring.end(), 6);
        assert_eq!(ring.len(), 3);
        assert_eq!(ring.newest(), Some(&4));
    }
}
