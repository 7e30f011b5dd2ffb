//! Telling an operator who looks elsewhere: the bell, the desktop, a program of theirs.
//!
//! What is told is a bottle's name and our own words, cut down to plain characters here
//! once more, so that nothing of an agent's can end a sequence or begin another.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, FutureExt as _};

use crate::manifest::{Desktop, Notifications};

/// The shortest time between two notifications, whichever bottles they are of.
const PACE: Duration = Duration::from_secs(1);
/// How long a program of the operator's may take.
const PROGRAM_LIMIT: Duration = Duration::from_secs(10);
/// The longest text that is told.
const MOST: usize = 120;

/// How the desktop is told from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// `OSC 9`, as iTerm2, `WezTerm` and Ghostty have it.
    Osc9,
    /// `OSC 777`, as rxvt, foot and terminals of VTE have it.
    Osc777,
    /// `OSC 99`, as kitty has it.
    Osc99,
    /// The desktop's own service.
    Dbus,
    /// None.
    Off,
}

/// Tells, at most once in a while.
#[derive(Debug)]
pub(crate) struct Notifier {
    settings: Notifications,
    way: Way,
    told: Option<Instant>,
}

impl Notifier {
    /// A notifier for this terminal.
    pub(crate) fn new(settings: Notifications) -> Self {
        let way = way(settings.desktop, |name| std::env::var_os(name));
        Self {
            settings,
            way,
            told: None,
        }
    }

    /// Whether it is time to tell again; if so, it counts as told.
    pub(crate) fn is_due(&mut self) -> bool {
        let is_due = self.told.is_none_or(|told| told.elapsed() >= PACE);
        if is_due {
            self.told = Some(Instant::now());
        }
        is_due
    }

    /// The bytes for the terminal.
    pub(crate) fn sequences(&self, bottle: &str, what: &str) -> Vec<u8> {
        let mut bytes = sequence(self.way, &plain(bottle), &plain(what)).into_bytes();
        if self.settings.bell {
            bytes.push(b'\x07');
        }
        bytes
    }

    /// What is to be told to others than the terminal, if anybody.
    pub(crate) fn outside(&self, bottle: &str, what: &str) -> Option<BoxFuture<'static, ()>> {
        let is_dbus = self.way == Way::Dbus;
        let command = self.settings.command.clone();
        if !is_dbus && command.is_empty() {
            return None;
        }
        let (bottle, what) = (plain(bottle), plain(what));
        let telling = async move {
            run(&command, &bottle, &what).await;
            if is_dbus {
                tell_desktop(bottle, what).await;
            }
        };
        Some(telling.boxed())
    }
}

/// Letters, digits, spaces and a few signs that end no sequence.
fn plain(text: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || " -_.,:/".contains(*c);
    text.chars().filter(is_plain).take(MOST).collect()
}

fn sequence(way: Way, title: &str, body: &str) -> String {
    match way {
        Way::Osc9 => format!("\x1b]9;cellar: {title} {body}\x1b\\"),
        Way::Osc777 => format!("\x1b]777;notify;cellar: {title};{body}\x1b\\"),
        Way::Osc99 => format!(
            "\x1b]99;i=cellar:d=0;cellar: {title}\x1b\\\x1b]99;i=cellar:d=1:p=body;{body}\x1b\\"
        ),
        Way::Dbus | Way::Off => String::new(),
    }
}

/// How the desktop can be told, by what the environment says of the terminal.
fn way(desktop: Desktop, variable: impl Fn(&str) -> Option<OsString>) -> Way {
    match desktop {
        Desktop::Osc9 => return Way::Osc9,
        Desktop::Osc777 => return Way::Osc777,
        Desktop::Osc99 => return Way::Osc99,
        Desktop::Dbus => return Way::Dbus,
        Desktop::Off => return Way::Off,
        Desktop::Auto => {}
    }
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    let text = |name| {
        let value = variable(name).unwrap_or_default();
        value.to_string_lossy().into_owned()
    };
    // A multiplexer would swallow a sequence; it passes the bell on.
    if is_set("TMUX") || is_set("STY") || is_set("ZELLIJ") {
        return Way::Off;
    }
    let (terminal, program) = (text("TERM"), text("TERM_PROGRAM"));
    if is_set("KITTY_WINDOW_ID") || terminal == "xterm-kitty" {
        Way::Osc99
    } else if matches!(program.as_str(), "iTerm.app" | "WezTerm" | "ghostty") {
        Way::Osc9
    } else if terminal.starts_with("foot") || terminal.starts_with("rxvt") || is_set("VTE_VERSION")
    {
        Way::Osc777
    } else if is_set("DBUS_SESSION_BUS_ADDRESS") && !is_set("SSH_CONNECTION") {
        Way::Dbus
    } else {
        Way::Off
    }
}

/// Runs the operator's program; what comes of it is nobody's concern.
async fn run(command: &[String], bottle: &str, what: &str) {
    let Some((program, arguments)) = command.split_first() else {
        return;
    };
    let child = tokio::process::Command::new(program)
        .args(arguments)
        .env("CELLAR_BOTTLE", bottle)
        .env("CELLAR_WHAT", what)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    if let Ok(mut child) = child {
        drop(tokio::time::timeout(PROGRAM_LIMIT, child.wait()).await);
    }
}

/// Tells the desktop's own service, if it is there.
async fn tell_desktop(bottle: String, what: String) {
    let telling = tokio::task::spawn_blocking(move || {
        let mut note = notify_rust::Notification::new();
        note.appname("cellar").summary(&bottle).body(&what);
        // Without a desktop there is nobody to tell.
        drop(note.show());
    });
    drop(telling.await);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way_of(variables: &[(&str, &str)]) -> Way {
        way(Desktop::Auto, |name| {
            let known = variables.iter().find(|(known, _)| *known == name);
            known.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_desktop_is_told_as_the_terminal_can() {
        let bus = ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/x");
        for (variables, expected) in [
            (vec![("TERM", "xterm-kitty")], Way::Osc99),
            (vec![("TERM_PROGRAM", "WezTerm")], Way::Osc9),
            (
                vec![("TERM", "xterm-256color"), ("VTE_VERSION", "7600")],
                Way::Osc777,
            ),
            (vec![("TERM", "foot")], Way::Osc777),
            (vec![("TERM", "xterm-256color"), bus], Way::Dbus),
            (vec![bus, ("SSH_CONNECTION", "a b")], Way::Off),
            (vec![("TMUX", "/tmp/x"), ("TERM", "xterm-kitty")], Way::Off),
            (vec![("TERM", "xterm-256color")], Way::Off),
        ] {
            assert_eq!(way_of(&variables), expected, "{variables:?}");
        }
        assert_eq!(way(Desktop::Off, |_| Some(OsString::from("x"))), Way::Off);
    }

    #[test]
    fn no_text_ends_a_sequence_or_begins_one() {
        let hostile = "a\x07b\x1b]0;x\x1b\\;\u{9c}\u{202e}c\n";
        let text = sequence(Way::Osc777, &plain(hostile), &plain(hostile));
        assert_eq!(text, "\x1b]777;notify;cellar: ab0xc;ab0xc\x1b\\");
    }

    #[test]
    fn many_at_once_ring_once() {
        let mut notifier = Notifier {
            settings: Notifications::default(),
            way: Way::Osc9,
            told: None,
        };
        assert!(notifier.is_due() && !notifier.is_due());
        let told = notifier.sequences("api-2", "asks: route");
        assert_eq!(told, b"\x1b]9;cellar: api-2 asks: route\x1b\\\x07");
    }
}
