//! Runs a program in a terminal of our own and makes pictures of its screen: for the
//! guide, from real runs.
//!
//! `screen-svg COLUMNSxROWS PROGRAM [ARGUMENT]… < STEPS`, where each line of STEPS is
//! `wait TEXT` (until that is on the screen), `type KEYS` (`\r`, `\e` and `\xHH` as in C)
//! or `shot FILE`. It ends with 1 when a wait takes longer than a minute.

#![expect(
    clippy::print_stderr,
    reason = "it is a program for whoever makes the guide"
)]

use std::fmt::Write as _;
use std::io::{BufRead as _, Read, Write};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use cellar::pty::{Cell, Color, Screen, TerminalSize, Underline};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

type Failure = Box<dyn std::error::Error>;

/// How long a text may take to come.
const PATIENCE: Duration = Duration::from_mins(1);
/// After this much quiet a screen is taken for whole.
const QUIET: Duration = Duration::from_millis(400);
/// Pixels of a cell.
const WIDTH: f32 = 8.4;
const HEIGHT: f32 = 18.0;
const MARGIN: f32 = 12.0;
const FOREGROUND: &str = "#d4d4d4";
const BACKGROUND: &str = "#1e1e1e";
/// The sixteen, as Visual Studio Code has them.
const SIXTEEN: [&str; 16] = [
    "#000000", "#cd3131", "#0dbc79", "#e5e510", "#2472c8", "#bc3fbc", "#11a8cd", "#e5e5e5",
    "#666666", "#f14c4c", "#23d18b", "#f5f543", "#3b8eea", "#d670d6", "#29b8db", "#ffffff",
];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("screen-svg: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let size = arguments.next().ok_or("name a size such as 120x40")?;
    let (columns, rows) = size.split_once('x').ok_or("a size is written as 120x40")?;
    let size = TerminalSize {
        columns: columns.parse()?,
        rows: rows.parse()?,
    };
    let mut command = CommandBuilder::new(arguments.next().ok_or("name a program")?);
    command.args(arguments);
    command.cwd(std::env::current_dir()?);
    command.env("TERM", "xterm-256color");
    command.env("COLORTERM", "truecolor");
    let pty = native_pty_system().openpty(PtySize {
        rows: size.rows,
        cols: size.columns,
        pixel_width: 0,
        pixel_height: 0,
    })?;
    let mut child = pty.slave.spawn_command(command)?;
    drop(pty.slave);
    let mut stage = Stage {
        screen: Screen::new(size, 0),
        output: reader(pty.master.try_clone_reader()?),
        keys: pty.master.take_writer()?,
    };
    let done = std::io::stdin()
        .lock()
        .lines()
        .try_for_each(|line| stage.step(&line?));
    child.kill()?;
    child.wait()?;
    done
}

/// Reads in a thread, so that a wait can have a limit.
fn reader(mut from: Box<dyn Read + Send>) -> Receiver<Vec<u8>> {
    let (to, output) = channel();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count) = from.read(&mut buffer) {
            let piece = buffer.get(..count).unwrap_or_default().to_vec();
            if count == 0 || to.send(piece).is_err() {
                return;
            }
        }
    });
    output
}

struct Stage {
    screen: Screen,
    output: Receiver<Vec<u8>>,
    keys: Box<dyn Write + Send>,
}

impl Stage {
    fn step(&mut self, line: &str) -> Result<(), Failure> {
        match line.trim().split_once(' ') {
            None if line.trim().is_empty() => Ok(()),
            Some(("wait", text)) => self.wait(text),
            Some(("type", keys)) => {
                self.keys.write_all(&unescaped(keys))?;
                Ok(self.keys.flush()?)
            }
            Some(("shot", file)) => {
                while self.take(QUIET)? {}
                Ok(std::fs::write(file, svg(&self.screen)?)?)
            }
            _ => Err(format!("no step: {line}").into()),
        }
    }

    fn wait(&mut self, text: &str) -> Result<(), Failure> {
        let start = Instant::now();
        while !self.screen.text().contains(text) {
            let left = PATIENCE.saturating_sub(start.elapsed());
            if left.is_zero() || !self.take(left)? {
                return Err(format!("waited for {text:?}:\n{}", self.screen.text()).into());
            }
        }
        Ok(())
    }

    /// Takes what the program printed; false if it printed nothing for so long.
    fn take(&mut self, limit: Duration) -> Result<bool, Failure> {
        let Ok(bytes) = self.output.recv_timeout(limit) else {
            return Ok(false);
        };
        let replies = self.screen.feed(&bytes);
        self.keys.write_all(&replies.to_program)?;
        self.keys.flush()?;
        Ok(true)
    }
}

fn unescaped(keys: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = keys.chars();
    while let Some(character) = rest.next() {
        let mut push = |character: char| {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        };
        if character != '\\' {
            push(character);
            continue;
        }
        match rest.next() {
            Some('r') => push('\r'),
            Some('e') => push('\u{1b}'),
            Some('x') => {
                let digits: String = rest.by_ref().take(2).collect();
                out.extend(u8::from_str_radix(&digits, 16));
            }
            Some(other) => push(other),
            None => {}
        }
    }
    out
}

/// A run of cells that look the same.
#[derive(Default)]
struct Run {
    text: String,
    cells: u16,
    style: String,
    ground: Option<String>,
}

fn svg(screen: &Screen) -> Result<String, std::fmt::Error> {
    let TerminalSize { columns, rows } = screen.size();
    let (width, height) = (
        f32::from(columns) * WIDTH + 2.0 * MARGIN,
        f32::from(rows) * HEIGHT + 2.0 * MARGIN,
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"ui-monospace, \
         'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for (row, cells) in (0_u16..).zip(screen.rows(0)) {
        let top = MARGIN + f32::from(row) * HEIGHT;
        let mut column = 0;
        for run in runs(cells) {
            let left = MARGIN + f32::from(column) * WIDTH;
            let long = f32::from(run.cells) * WIDTH;
            column += run.cells;
            if let Some(ground) = &run.ground {
                writeln!(
                    out,
                    "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{long:.1}\" height=\"{HEIGHT}\" fill=\"{ground}\"/>"
                )?;
            }
            let text = run.text.trim_end();
            if !text.is_empty() {
                let shown = f32::from(run.cells) - blanks(&run.text);
                writeln!(
                    out,
                    "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{:.1}\" xml:space=\"preserve\"{}>{}</text>",
                    top + 13.5,
                    shown * WIDTH,
                    run.style,
                    escaped(text)
                )?;
            }
        }
    }
    out.push_str("</svg>\n");
    Ok(out)
}

/// How many columns at the end of a text are blank.
fn blanks(text: &str) -> f32 {
    let count = text.len() - text.trim_end().len();
    u16::try_from(count).map_or(0.0, f32::from)
}

fn runs<'a>(cells: impl Iterator<Item = Cell<'a>>) -> Vec<Run> {
    let mut all: Vec<Run> = Vec::new();
    for cell in cells {
        let (style, ground) = look(&cell);
        let mut text = String::new();
        cell.push_text(&mut text);
        match all.last_mut() {
            // A wide character's second half belongs to its first.
            Some(last) if (last.style == style && last.ground == ground) || cell.width == 0 => {
                last.text.push_str(&text);
                last.cells += 1;
            }
            _ => all.push(Run {
                text,
                cells: 1,
                style,
                ground,
            }),
        }
    }
    all
}

fn look(cell: &Cell<'_>) -> (String, Option<String>) {
    let style = cell.style;
    let (mut front, mut back) = (color(style.foreground), color(style.background));
    if style.inverse {
        front = front.or_else(|| Some(String::from(FOREGROUND)));
        back = back.or_else(|| Some(String::from(BACKGROUND)));
        std::mem::swap(&mut front, &mut back);
    }
    let mut words = format!(" fill=\"{}\"", front.as_deref().unwrap_or(FOREGROUND));
    for (is_set, word) in [
        (style.bold, " font-weight=\"bold\""),
        (style.dim, " opacity=\"0.6\""),
        (style.italic, " font-style=\"italic\""),
        (
            style.underline != Underline::None,
            " text-decoration=\"underline\"",
        ),
    ] {
        if is_set {
            words.push_str(word);
        }
    }
    (words, back)
}

fn color(color: Color) -> Option<String> {
    match color {
        Color::Default => None,
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
        Color::Indexed(index) => {
            let step = |at: u8| if at == 0 { 0 } else { 55 + 40 * at };
            let [red, green, blue] = match index {
                16..=231 => {
                    let at = index - 16;
                    [step(at / 36), step(at / 6 % 6), step(at % 6)]
                }
                232.. => [8 + 10 * (index - 232); 3],
                0..16 => return SIXTEEN.get(usize::from(index)).map(ToString::to_string),
            };
            Some(format!("#{red:02x}{green:02x}{blue:02x}"))
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
