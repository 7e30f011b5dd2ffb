//! Every place in a text where one of many words stands, in any ASCII case.

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, BuildError};

/// One step of the automaton waits for the one before; steps in other parts of the text
/// do not. Four hide most of that waiting.
const LANES: usize = 4;
/// Below this the lanes' overlap costs more than they save. Measured.
const MIN_LANE_BYTES: usize = 256;

/// A word at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) word: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Spot {
    /// The same place, counted from a later one. None if it begins before that.
    pub(super) fn moved_back(self, by: usize) -> Option<Self> {
        Some(Self {
            start: self.start.checked_sub(by)?,
            end: self.end.checked_sub(by)?,
            ..self
        })
    }

    /// The same place, counted from an earlier one.
    pub(super) fn moved_on(self, by: usize) -> Self {
        Self {
            start: self.start + by,
            end: self.end + by,
            ..self
        }
    }
}

/// One automaton over all words.
#[derive(Debug)]
pub(super) struct Words {
    automaton: DFA,
    start: StateID,
    longest: usize,
    letters: [bool; 256],
}

impl Words {
    pub(super) fn new(words: &[Vec<u8>]) -> Result<Self, BuildError> {
        let automaton = DFA::builder()
            .ascii_case_insensitive(true)
            .prefilter(false)
            .build(words)?;
        let mut letters = [false; 256];
        for byte in words.iter().flatten() {
            for case in [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()] {
                if let Some(letter) = letters.get_mut(usize::from(case)) {
                    *letter = true;
                }
            }
        }
        Ok(Self {
            // An unanchored automaton always has this state.
            start: automaton.start_state(Anchored::No).unwrap_or_default(),
            automaton,
            longest: words.iter().map(Vec::len).max().unwrap_or_default(),
            letters,
        })
    }

    /// Whether the byte is part of any word.
    pub(super) fn has_letter(&self, byte: u8) -> bool {
        self.letters.get(usize::from(byte)).copied() == Some(true)
    }

    /// How far before a place a word that ends behind it can begin, at most.
    pub(super) fn overlap(&self) -> usize {
        self.longest.saturating_sub(1)
    }

    /// All places, also overlapping ones, in the order of their ends.
    pub(super) fn find(&self, text: &[u8]) -> Vec<Spot> {
        let mut spots = Vec::new();
        let part = text.len() / LANES;
        if part < MIN_LANE_BYTES.max(self.longest) {
            self.walk(text, 0..text.len(), self.start, &mut spots);
            return spots;
        }
        let mut rest = text;
        let lanes: [&[u8]; LANES] = std::array::from_fn(|_| {
            let (lane, others) = rest.split_at(part.min(rest.len()));
            rest = others;
            lane
        });
        // What a word can begin with before its lane, the lane before has walked too.
        let states: [StateID; LANES] = std::array::from_fn(|lane| {
            let from = (lane * part).saturating_sub(self.longest);
            let before = text.get(from..lane * part).unwrap_or_default();
            before
                .iter()
                .fold(self.start, |state, byte| self.step(state, *byte))
        });
        let mut found: [Vec<Spot>; LANES] = Default::default();
        let [one, two, three, four] = lanes;
        let [mut a, mut b, mut c, mut d] = states;
        let bytes = one.iter().zip(two).zip(three).zip(four).enumerate();
        for (at, (((one, two), three), four)) in bytes {
            a = self.step(a, *one);
            b = self.step(b, *two);
            c = self.step(c, *three);
            d = self.step(d, *four);
            // The states that say something are numbered first.
            if self.automaton.is_special(a.min(b).min(c.min(d))) {
                for (lane, (state, found)) in [a, b, c, d].into_iter().zip(&mut found).enumerate() {
                    self.note(state, lane * part + at + 1, found);
                }
            }
        }
        for mut lane in found {
            spots.append(&mut lane);
        }
        self.walk(text, LANES * part..text.len(), d, &mut spots);
        spots
    }

    fn step(&self, state: StateID, byte: u8) -> StateID {
        self.automaton.next_state(Anchored::No, state, byte)
    }

    fn walk(
        &self,
        text: &[u8],
        range: std::ops::Range<usize>,
        mut state: StateID,
        spots: &mut Vec<Spot>,
    ) {
        let from = range.start;
        for (at, byte) in text.get(range).unwrap_or_default().iter().enumerate() {
            state = self.step(state, *byte);
            self.note(state, from + at + 1, spots);
        }
    }

    fn note(&self, state: StateID, end: usize, spots: &mut Vec<Spot>) {
        if !self.automaton.is_match(state) {
            return;
        }
        for index in 0..self.automaton.match_len(state) {
            let word = self.automaton.match_pattern(state, index);
            spots.push(Spot {
                word: word.as_usize(),
                start: end - self.automaton.pattern_len(word),
                end,
            });
        }
    }
}
