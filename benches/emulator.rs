//! How fast output of a program goes into the screen model, and what a history of it
//! holds: ours, the emulator that it stands on by itself, and vt100.
//!
//! `cargo bench --bench emulator`
//!
//! Each reading is of a process of its own, so that memory is of one model alone. Inputs
//! are made here: words, colours, frames as Ink draws them, and scripts beyond ASCII.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first thing that is not as it should be"
)]

mod common;

use std::fmt::Write as _;
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use alacritty_terminal::event::VoidListener;
use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::term::{Config, Term};
use alacritty_terminal::vte::ansi::Processor;
use cellar::pty::{Screen, TerminalSize};
use common::{memory_kib, print};

const COLUMNS: u16 = 120;
const ROWS: u16 = 40;
const HISTORY: usize = 10_000;
const BYTES: usize = 67_000_000;
const CHUNK: usize = 16 * 1024;
const ROUNDS: usize = 5;

const MODELS: [&str; 3] = ["cellar", "alacritty", "vt100"];
/// Makes a piece of an input.
type Make = fn(&mut Words) -> String;

const INPUTS: [(&str, Make); 4] = [
    ("words", Words::plain),
    ("colours", Words::colours),
    ("frames", Words::frames),
    ("scripts", Words::scripts),
];

/// Numbers that are the same in each run (Knuth's MMIX generator), and words of them.
struct Words(u64);

impl Words {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound
    }

    fn word(&mut self) -> &'static str {
        const WORDS: [&str; 8] = [
            "test",
            "module",
            "the",
            "compiling",
            "in",
            "warning",
            "result",
            "of",
        ];
        WORDS[self.below(WORDS.len())]
    }

    fn line(&mut self, width: usize) -> String {
        let mut line = String::new();
        while line.len() < width {
            line.push_str(self.word());
            line.push(' ');
        }
        line.truncate(width);
        line
    }

    fn plain(&mut self) -> String {
        let width = 20 + self.below(100);
        format!("{}\r\n", self.line(width))
    }

    fn colours(&mut self) -> String {
        let mut line = String::new();
        for _ in 0..10 {
            let (red, green, index) = (self.below(256), self.below(256), self.below(256));
            let word = self.word();
            if index % 2 == 0 {
                write!(line, "\x1b[38;2;{red};{green};{index}m{word} ").unwrap();
            } else {
                write!(line, "\x1b[48;5;{index}m{word} \x1b[0m").unwrap();
            }
        }
        line.push_str("\r\n");
        line
    }

    fn frames(&mut self) -> String {
        let mut frame = String::from("\x1b[?2026h");
        frame.push_str(&"\x1b[2K\x1b[1A".repeat(23));
        for _ in 0..24 {
            write!(
                frame,
                "\x1b[2m│\x1b[22m {} \x1b[2m│\x1b[22m\r\n",
                self.line(100)
            )
            .unwrap();
        }
        frame.push_str("\x1b[?2026l");
        for _ in 0..30 {
            let (row, column) = (1 + self.below(40), 1 + self.below(100));
            write!(frame, "\x1b[{row};{column}H{}", self.word()).unwrap();
        }
        frame
    }

    fn scripts(&mut self) -> String {
        const PIECES: [&str; 8] = [
            "漢字かな交じり",
            "한국어",
            "👩‍💻",
            "👍🏽",
            "🇩🇪",
            "e\u{301}a\u{308}",
            "العربية",
            "हिन्दी",
        ];
        let mut line = String::new();
        for _ in 0..12 {
            line.push_str(PIECES[self.below(PIECES.len())]);
            line.push(' ');
        }
        line.push_str("\r\n");
        line
    }
}

struct Size;

impl Dimensions for Size {
    fn total_lines(&self) -> usize {
        usize::from(ROWS)
    }

    fn screen_lines(&self) -> usize {
        usize::from(ROWS)
    }

    fn columns(&self) -> usize {
        usize::from(COLUMNS)
    }
}

/// A model that takes bytes.
type Model = Box<dyn FnMut(&[u8])>;

fn model(name: &str) -> Model {
    match name {
        "cellar" => {
            let size = TerminalSize {
                columns: COLUMNS,
                rows: ROWS,
            };
            let mut screen = Screen::new(size, u32::try_from(HISTORY).unwrap());
            Box::new(move |bytes| drop(black_box(screen.feed(bytes))))
        }
        "alacritty" => {
            let config = Config {
                scrolling_history: HISTORY,
                ..Config::default()
            };
            let mut term = Term::new(config, &Size, VoidListener);
            let mut processor: Processor = Processor::new();
            Box::new(move |bytes| processor.advance(&mut term, bytes))
        }
        _ => {
            let whole = |number| std::num::NonZeroU16::new(number).unwrap();
            let mut parser = vt100::Parser::new(whole(ROWS), whole(COLUMNS), HISTORY);
            Box::new(move |bytes| parser.process(bytes))
        }
    }
}

/// The best rate of some rounds in MB/s, and KiB of memory with all of the history there.
#[expect(clippy::cast_precision_loss, reason = "a rate in a table")]
fn reading(name: &str, input: &str) -> (f64, u64) {
    let (_, make) = INPUTS.iter().find(|(known, _)| *known == input).unwrap();
    let mut words = Words(7);
    let mut text = String::with_capacity(BYTES + 64 * 1024);
    while text.len() < BYTES {
        text.push_str(&make(&mut words));
    }
    let before = memory_kib(std::process::id(), "VmRSS");
    let mut feed = model(name);
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        for chunk in text.as_bytes().chunks(CHUNK) {
            feed(chunk);
        }
        best = best.min(begin.elapsed());
    }
    let memory = memory_kib(std::process::id(), "VmRSS").saturating_sub(before);
    drop(feed);
    (text.len() as f64 / 1e6 / best.as_secs_f64(), memory)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [one, name, input, ..] = arguments.as_slice()
        && one == "--one"
    {
        let (rate, memory) = reading(name, input);
        print(&format!("{rate} {memory}"));
        return;
    }
    print(&format!(
        "{:<12} {}  (MB/s; memory of {HISTORY} lines)",
        "", "words           colours         frames          scripts"
    ));
    for name in MODELS {
        let mut row = format!("{name:<12}");
        for (input, _) in INPUTS {
            let output = Command::new(std::env::current_exe().unwrap())
                .args(["--one", name, input])
                .output()
                .unwrap();
            let printed = String::from_utf8(output.stdout).unwrap();
            let (rate, memory) = printed.trim().split_once(' ').unwrap();
            let (rate, memory): (f64, u64) = (rate.parse().unwrap(), memory.parse().unwrap());
            write!(row, " {rate:>4.0} {:>4} MiB  ", memory / 1024).unwrap();
        }
        print(&row);
    }
}
