//! How the console looks on a terminal that says what it is, and where copies go.

use std::os::unix::fs::PermissionsExt as _;

use portable_pty::CommandBuilder;
use vt100::Color;

use crate::support::engine::engine_or_skip;
use crate::support::fake_engine::FakeEngine;
use crate::support::fake_engine::fleet::Fleet;
use crate::support::manifests;
use crate::support::operator::{Operator, PATIENCE};
use crate::support::terminal::Terminal;

/// The faint ink of our themes, with 256 colours.
const ON_DARK: Color = Color::Idx(145);
const ON_LIGHT: Color = Color::Idx(240);

fn command(engine: &FakeEngine, variables: &[(&str, &str)]) -> CommandBuilder {
    let plain = engine.console(&[]);
    let mut command = CommandBuilder::new(plain.get_program());
    for (key, value) in plain.get_envs() {
        if let Some(value) = value {
            command.env(key, value);
        }
    }
    // What the terminal of whoever runs the tests can do is no matter.
    for name in [
        "COLORTERM",
        "COLORFGBG",
        "NO_COLOR",
        "SSH_CONNECTION",
        "SSH_TTY",
        "SSH_CLIENT",
    ] {
        command.env_remove(name);
    }
    for (key, value) in variables {
        command.env(key, value);
    }
    command
}

#[test]
fn the_terminal_says_what_it_stands_on_and_no_key_is_lost() {
    let engine = FakeEngine::start(Fleet::quiet(30));
    let light = Some("ffff/ffff/ffff");
    let mut console = Terminal::open_on(command(&engine, &[]), 120, 40, light);
    // Typed before the answer, before anything is drawn.
    console.send("?");
    console.wait_for_text("─ Keys", PATIENCE);
    console.wait_for_color("▸ ", ON_LIGHT, PATIENCE);
    console.send("\u{1b}");
    console.wait_for("the list again", PATIENCE, |screen| {
        !screen.contains("─ Keys")
    });
    console.send(":theme dark\r");
    console.wait_for_text("theme dark: until you leave", PATIENCE);
    console.wait_for_color("▸ ", ON_DARK, PATIENCE);
    console.kill();

    let dark = Some("1e1e/1e1e/1e1e");
    let said = command(&engine, &[("COLORFGBG", "0;15")]);
    let mut console = Terminal::open_on(said, 120, 40, dark);
    console.wait_for_color("▸ ", ON_DARK, PATIENCE);
    console.kill();
}

#[test]
fn a_terminal_that_says_nothing_is_dark_or_what_its_variable_says() {
    let engine = FakeEngine::start(Fleet::quiet(30));
    for (variables, expected) in [
        (&[][..], ON_DARK),
        (&[("COLORFGBG", "0;15")], ON_LIGHT),
        (&[("NO_COLOR", "1")], Color::Default),
    ] {
        let mut console = Terminal::open(command(&engine, variables), 120, 40);
        console.wait_for_text("10 bottles", PATIENCE);
        assert_eq!(console.color_of("▸ "), Some(expected), "{variables:?}");
        console.kill();
    }
}

/// The desktop's program is one of ours in the search path. It takes the text and fails,
/// so that the end of it can be seen.
#[test]
fn what_is_copied_goes_to_the_desktops_clipboard_and_a_failure_is_told() {
    let engine = FakeEngine::start(Fleet::quiet(3));
    let folder = tempfile::tempdir().unwrap();
    let (program, copied) = (folder.path().join("xclip"), folder.path().join("copied"));
    let text = format!("#!/bin/sh\ncat > {}\nexit 3\n", copied.display());
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", folder.path().display());
    let variables = [("DISPLAY", ":77"), ("PATH", path.as_str())];
    let mut plain = command(&engine, &variables);
    plain.env_remove("WAYLAND_DISPLAY");
    let mut console = Terminal::open(plain, 120, 40);
    console.wait_for_text("1 bottle", PATIENCE);
    console.send("l");
    console.wait_for_text("of a log that is made", PATIENCE);
    console.send("y");
    console.wait_for_text("copy with `xclip`: it ended with", PATIENCE);
    let text = std::fs::read_to_string(&copied).unwrap();
    assert!(text.contains("of a log that is made"), "{text}");
    console.kill();
}

/// It was typed into the session, which had asked for nothing.
#[test]
fn an_answer_that_comes_late_is_not_typed_into_a_session() {
    let Some(engine) = engine_or_skip("an_answer_that_comes_late") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    let bottle = operator.name();
    operator.cellar(&["start", "plain", "--yes", "--name", &bottle]);
    let mut console = operator.terminal(&[], 120, 40);
    console.wait_for_text(&bottle, PATIENCE);
    let dark = console.color_of("BOTTLES");
    // The terminal is asked anew, and says nothing yet.
    console.send(":theme auto\r");
    console.wait_for_text("theme auto", PATIENCE);
    console.send("f");
    console.wait_for("the whole terminal", PATIENCE, |screen| {
        screen.contains("AGENT ready") && !screen.contains("BOTTLES")
    });
    console.send("be");
    console.send("\x1b]11;rgb:ffff/ffff/ffff\x1b\\");
    console.send("fore\r");
    console.wait_for_text("AGENT heard before", PATIENCE);
    console.send("\x11");
    console.wait_for_text("BOTTLES", PATIENCE);
    assert_ne!(console.color_of("BOTTLES"), dark);
    console.kill();
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}

#[test]
fn the_key_that_detaches_is_the_operators_and_the_frame_names_it() {
    let Some(engine) = engine_or_skip("the_key_that_detaches_is_the_operators") else {
        return;
    };
    let operator = Operator::new(engine, &manifests::plain(engine, &[]));
    operator.write("config.json", r#"{ "keys": { "detach": "ctrl-g" } }"#);
    let bottle = operator.name();
    operator.cellar(&["start", "plain", "--yes", "--name", &bottle]);
    let mut console = operator.terminal(&[], 120, 40);
    console.wait_for_text(&bottle, PATIENCE);
    // In a pane, on the whole terminal, and in the form of kitty's protocol there: what
    // was the key before goes to the session.
    for (attach, detach, word) in [
        ("\r", "\u{7}", "first"),
        ("f", "\u{7}", "second"),
        ("f", "\u{1b}[103;5u", "third"),
    ] {
        console.send(attach);
        console.wait_for_text("ctrl-g detaches", PATIENCE);
        console.send(&format!("\u{11}{word}\r"));
        console.wait_for("the session's answer", PATIENCE, |screen| {
            screen.contains(word) && screen.contains("ctrl-g detaches")
        });
        console.send(detach);
        console.wait_for("the list again", PATIENCE, |screen| {
            screen.contains("help") && !screen.contains("ctrl-g detaches")
        });
    }
    console.kill();
    operator.cellar(&["rm", "--yes", &bottle]);
    operator.left_nothing(&bottle);
}
