//! A plain agent for tests and benchmarks of the whole: it says what it heard.
//!
//! Line mode (the default) answers each line; `link URI` prints a link that goes there
//! and says something else; `flood BYTES` prints that many bytes of text, `storm BYTES` that many of escape sequences, `ask HOST:PORT` asks the
//! proxy for a tunnel and prints its answer's first line, `exit` ends. With the argument `raw` it
//! copies its input to its output, byte by byte, on a raw terminal; with `print
//! BYTES` it prints as `flood` does and waits for the end of its input. With `log LINES`
//! it prints numbered lines of 110 bytes and stays; with `log LINES RATE` it then goes on
//! with so many a second, each saying when it was printed.

#![expect(
    clippy::indexing_slicing,
    reason = "a test's program: each bound is the count just read or the smaller of two"
)]

use std::io::{BufRead, Read, Write};

use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["raw"] => raw(),
        ["print", bytes] => {
            flood(bytes.parse().unwrap_or(0), PLAIN)?;
            std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).map(drop)
        }
        ["log", lines] => log(lines.parse().unwrap_or(0), 0),
        ["log", lines, rate] => log(lines.parse().unwrap_or(0), rate.parse().unwrap_or(0)),
        _ => converse(),
    }
}

/// Lines of 110 bytes, the line end included, that one can tell apart.
fn log(lines: u64, rate: u32) -> std::io::Result<()> {
    const WORDS: &str =
        "the quick brown fox jumps over the lazy dog and over the fence again and home";
    let mut out = std::io::BufWriter::new(std::io::stdout());
    for line in 0..lines {
        writeln!(out, "line {line:>9} of the log {WORDS:.<83.83}")?;
    }
    out.flush()?;
    // Nobody speaks to it: it stays until it is killed.
    let pause = std::time::Duration::from_secs(1) / rate.max(1);
    for line in lines.. {
        std::thread::sleep(pause);
        if rate > 0 {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            let now = now.unwrap_or_default().as_micros();
            writeln!(out, "line {line:>9} of the log at {now} {WORDS:.<63.63}")?;
            out.flush()?;
        }
    }
    Ok(())
}

fn raw() -> std::io::Result<()> {
    let mut stdin = std::io::stdin();
    let mut mode = tcgetattr(&stdin)?;
    mode.make_raw();
    tcsetattr(&stdin, OptionalActions::Now, &mode)?;
    let mut stdout = std::io::stdout();
    stdout.write_all(b"AGENT raw\r\n")?;
    stdout.flush()?;
    let mut buffer = [0_u8; 4096];
    loop {
        let count = stdin.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        stdout.write_all(&buffer[..count])?;
        stdout.flush()?;
    }
}

fn converse() -> std::io::Result<()> {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "AGENT ready")?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        match line.trim().split_once(' ') {
            Some(("flood", bytes)) => flood(bytes.parse().unwrap_or(0), PLAIN)?,
            Some(("storm", bytes)) => flood(bytes.parse().unwrap_or(0), STORM)?,
            Some(("ask", address)) => writeln!(stdout, "AGENT asked {address}: {}", ask(address))?,
            Some(("link", uri)) => writeln!(
                stdout,
                "AGENT links \x1b]8;;{uri}\x1b\\https://good.example\x1b]8;;\x1b\\"
            )?,
            Some(("clip", base64)) => write!(stdout, "\x1b]52;c;{base64}\x07AGENT wished\r\n")?,
            _ if line.trim() == "exit" => return Ok(()),
            _ => writeln!(stdout, "AGENT heard {}", line.trim())?,
        }
    }
    Ok(())
}

const PLAIN: &[u8] = b"the quick brown fox jumps over the lazy dog and over the fence again\r\n";
const STORM: &[u8] =
    b"\x1b[1;31mred\x1b[0m\x1b[5;10Hmoved\x1b[K\x1b]0;title\x07\x1b[2J\x1b[?1049h\x1b[?1049l";

fn flood(bytes: usize, piece: &[u8]) -> std::io::Result<()> {
    let block = piece.repeat(64 * 1024 / piece.len());
    let mut stdout = std::io::stdout();
    let mut left = bytes;
    while left > 0 {
        let count = left.min(block.len());
        stdout.write_all(&block[..count])?;
        left -= count;
    }
    // Ends whatever the cut left half-written.
    write!(stdout, "\x1b\\\x1b[0m\r\nAGENT flooded {bytes}\r\n")?;
    stdout.flush()
}

/// The first line of the proxy's answer to a tunnel request.
fn ask(address: &str) -> String {
    let proxy = std::env::var("HTTPS_PROXY").unwrap_or_default();
    let proxy = proxy.trim_start_matches("http://").trim_end_matches('/');
    let answer = || -> std::io::Result<String> {
        let mut stream = std::net::TcpStream::connect(proxy)?;
        write!(
            stream,
            "CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\n"
        )?;
        let mut line = String::new();
        std::io::BufReader::new(stream).read_line(&mut line)?;
        Ok(line.trim().to_owned())
    };
    answer().unwrap_or_else(|error| format!("no answer: {error}"))
}
