//! The pages that lead over all bottles, in a terminal and on a real engine: a bottle's
//! requests, one yes for several of them, builds, the audit.

use serde_json::json;

use super::requests::is_let_out;
use crate::support::agent::{asking_bottle, call};
use crate::support::engine::{Engine, engine_or_skip};
use crate::support::manifests;
use crate::support::model::claude_image;
use crate::support::operator::{Operator, PATIENCE};
use crate::support::terminal::Terminal;

const ENTER: &str = "\r";
const ESCAPE: &str = "\u{1b}";
const RIGHT: &str = "\u{1b}[C";
const LEFT: &str = "\u{1b}[D";

fn wait_for_row(console: &Terminal, bottle: &str, words: &[&str]) {
    console.wait_for(&format!("{bottle}: {words:?}"), PATIENCE, |screen| {
        let mut rows = screen.lines().filter(|line| line.contains(bottle));
        rows.any(|row| words.iter().all(|word| row.contains(word)))
    });
}

/// Two bottles whose agents ask for three routes and an image.
struct Stage {
    engine: Engine,
    operator: Operator,
    one: String,
    other: String,
}

impl Stage {
    fn new(engine: Engine) -> Self {
        let operator = Operator::new(engine, &manifests::claude(&claude_image()));
        let (one, other) = (asking_bottle(&operator), asking_bottle(&operator));
        let stage = Self {
            engine,
            operator,
            one,
            other,
        };
        stage.ask_route(&stage.one, "pypi.org");
        stage.ask_route(&stage.one, "docs.rs");
        stage.ask_route(&stage.other, "crates.io");
        let steps = "for i in 1 2 3 4 5 6; do echo made part $i; sleep 1; done";
        let text = format!(
            "FROM {}\nUSER root\nRUN : {}; {steps}\nUSER agent\n",
            claude_image(),
            stage.one
        );
        let image = json!({"dockerfile": text, "reason": "x"});
        stage.ask(&stage.one, "request_image_change", &image);
        stage
    }

    fn ask(&self, bottle: &str, tool: &str, arguments: &serde_json::Value) {
        let agent = self.engine.container(bottle, "agent");
        call(self.engine, &agent, tool, arguments);
    }

    fn ask_route(&self, bottle: &str, host: &str) {
        let arguments = json!({"host": host, "methods": ["GET"], "reason": "x"});
        self.ask(bottle, "request_route", &arguments);
    }

    /// The page of one bottle's requests leads into the inbox and back.
    fn reads_its_requests(&self, console: &Terminal) {
        console.send(&format!(":go {}\r", self.one));
        console.send("4");
        console.wait_for("its three requests", PATIENCE, |screen| {
            let rows = screen.lines().filter(|line| line.contains("waits"));
            rows.count() >= 3 && screen.contains("pypi.org") && screen.contains("image")
        });
        console.send(RIGHT);
        console.send("j");
        console.send(ENTER);
        console.wait_for_text("adds GET docs.rs, no credential", PATIENCE);
        console.send(ESCAPE);
        console.wait_for_text("4 Requests", PATIENCE);
        console.send(LEFT);
    }

    /// One yes for all marked bottles, to what one line shows.
    fn approves_what_is_marked(&self, console: &Terminal) {
        let (one, other) = (&self.one, &self.other);
        console.send("*");
        console.wait_for_text("2 MARKED", PATIENCE);
        console.send("a");
        console.wait_for_text("Approve 3 requests of 2 bottles?", PATIENCE);
        for words in [
            format!("{one}/1  adds GET pypi.org, no credential"),
            format!("{one}/2  adds GET docs.rs, no credential"),
            format!("{other}/1  adds GET crates.io, no credential"),
            format!("{one}/3  image: "),
        ] {
            console.wait_for_text(&words, PATIENCE);
        }
        let urls = [
            (one, "https://pypi.org/"),
            (one, "https://docs.rs/"),
            (other, "https://crates.io/"),
        ];
        let is_open = |(bottle, url): (&String, &str)| is_let_out(&self.operator, bottle, url);
        assert_eq!(urls.map(is_open), [false; 3], "before the yes");
        console.send("y");
        console.wait_for_text("3 approved", PATIENCE);
        assert_eq!(urls.map(is_open), [true; 3], "after the yes");
        let audit = self
            .operator
            .cellar(&["audit", "--grep", r"\(route\) approved"]);
        assert!(audit.contains(one.as_str()) && audit.contains(other.as_str()));
        assert_eq!(audit.lines().count(), 1 + 3, "{audit}");
        console.send(ESCAPE);
        console.wait_for("no marks", PATIENCE, |screen| !screen.contains("MARKED"));
    }

    /// What was left out is approved by itself, and its build is seen with all others.
    fn sees_the_build(&self, console: &Terminal) {
        let one = &self.one;
        console.send("i");
        console.wait_for_text(&format!("{one}/3"), PATIENCE);
        console.wait_for_text("Dockerfile", PATIENCE);
        console.send("a");
        console.wait_for_text(&format!("Approve {one}/3?"), PATIENCE);
        console.send("y");
        console.send("B");
        wait_for_row(console, one, &["building", "/5"]);
        console.wait_for_text("│ made part", PATIENCE);
        let listed = self.operator.json(&["builds"]);
        assert_eq!(listed["now"][0]["bottle"], one.as_str(), "{listed}");
        wait_for_row(console, one, &["✓ built"]);
        let listed = self.operator.json(&["builds"]);
        assert_eq!(listed["ended"][0]["outcome"], "done", "{listed}");
    }

    /// The audit is filtered, read and left.
    fn reads_the_audit(console: &Terminal) {
        console.send("A");
        console.wait_for("the audit", PATIENCE, |screen| {
            screen.contains("Audit") && screen.contains("whole") && screen.contains("approved")
        });
        console.send("/seal h.lds\r");
        console.wait_for("seals alone", PATIENCE, |screen| {
            screen.contains("/seal h.lds: ") && !screen.contains("approved")
        });
        console.send(ENTER);
        console.wait_for_text("broken", PATIENCE);
        console.send(ESCAPE);
        console.wait_for("the list again", PATIENCE, |screen| {
            !screen.contains("broken")
        });
        console.send(ESCAPE);
        console.wait_for_text("(image) approved", PATIENCE);
        console.send(ESCAPE);
        console.wait_for_text("BOTTLES", PATIENCE);
    }

    /// The same from the command line, and without a screen.
    fn does_it_without_a_screen(&self) {
        let other = &self.other;
        let hosts = ["example.org", "kernel.org"];
        for host in hosts {
            self.ask_route(other, host);
        }
        self.operator
            .cellar(&["request", "approve", other, "--yes"]);
        for host in hosts {
            let url = format!("https://{host}/");
            assert!(is_let_out(&self.operator, other, &url), "{host}");
        }
        // What needs a yes of its own is left out, and the exit code says so.
        self.ask_route(other, "example.net");
        let name = format!("{other}/4");
        let asked = self
            .operator
            .run(&["request", "approve", &name, other, "--yes"]);
        let said = String::from_utf8_lossy(&asked.stdout);
        assert_eq!(asked.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("{name}  left out")), "{said}");
        let lines = "builds\naudit --grep \\(image\\)\nrequests";
        let told = self.operator.plain(lines);
        assert!(told.contains("built"), "{told}");
        assert!(told.contains("request 3 (image) approved"), "{told}");
        assert!(told.contains("adds GET example.net"), "{told}");
    }
}

#[test]
fn what_bottles_ask_for_is_approved_at_once_built_and_found_in_the_audit() {
    let Some(engine) = engine_or_skip("what_bottles_ask_for_is_approved_at_once") else {
        return;
    };
    let stage = Stage::new(engine);
    let console = stage.operator.terminal(&[], 140, 40);
    for bottle in [&stage.one, &stage.other] {
        console.wait_for_text(bottle, PATIENCE);
    }
    stage.reads_its_requests(&console);
    stage.approves_what_is_marked(&console);
    stage.sees_the_build(&console);
    Stage::reads_the_audit(&console);
    stage.does_it_without_a_screen();
    console.send("q");
    drop(console);
    for bottle in [&stage.one, &stage.other] {
        stage.operator.cellar(&["rm", "--yes", bottle]);
        stage.operator.left_nothing(bottle);
    }
}
