//! The command line and the palette.

use super::super::fixture::*;
use super::super::*;

fn three() -> Console {
    Console::with(
        120,
        40,
        vec![
            running("api-1", 1),
            running("api-2", 2),
            running("docs-3", 3),
        ],
    )
}

fn typed(console: &mut Console, text: &str) {
    console.apply(Event::Paste {
        text: text.to_owned(),
    });
}

fn text(console: &Console) -> &str {
    match &console.state.view.modal {
        Some(Modal::Palette { text, .. }) => text,
        other => panic!("{other:?} lies there"),
    }
}

fn lines(console: &Console) -> Vec<String> {
    let Some(Modal::Palette { text, is_line, .. }) = &console.state.view.modal else {
        panic!("nothing is typed");
    };
    let offers = console.state.offers(text, *is_line);
    offers.into_iter().map(|offer| offer.line).collect()
}

#[test]
fn a_line_does_what_a_key_does_to_what_it_names() {
    let mut console = three();
    console.press(&[":"]);
    typed(&mut console, "stop api-*");
    assert_eq!(console.press(&["enter"]), [], "it asks first");
    let Some(Modal::ConfirmAll { bottles, .. }) = &console.state.view.modal else {
        panic!("it did not ask");
    };
    assert_eq!(*bottles, [bottle("api-1"), bottle("api-2")]);
    console.press(&["n", "esc", ":"]);
    typed(&mut console, "freeze docs-3");
    assert_eq!(
        console.press(&["enter"]),
        [Effect::Freeze {
            bottle: bottle("docs-3")
        }]
    );
}

#[test]
fn a_line_that_means_nothing_says_so_and_does_nothing() {
    for (line, said) in [
        ("frezee", "did you mean `freeze`?"),
        ("stop nobody", "no bottle is `nobody`"),
        ("sort weight", "not sorted by `weight`"),
        ("go", "wants the id"),
    ] {
        let mut console = three();
        console.effects.clear();
        console.press(&[":"]);
        typed(&mut console, line);
        console.press(&["enter"]);
        let notice = console.state.view.notice.clone().unwrap();
        assert!(
            notice.is_error && notice.text.contains(said),
            "{line}: {}",
            notice.text
        );
        assert_eq!(console.effects, [], "{line}");
    }
}

#[test]
fn tab_completes_names_and_then_what_they_are_about() {
    let mut console = three();
    console.press(&[":"]);
    typed(&mut console, "fre");
    console.press(&["tab"]);
    assert_eq!(text(&console), "freeze ");
    typed(&mut console, "a");
    assert_eq!(
        lines(&console),
        ["freeze all", "freeze api-1", "freeze api-2"]
    );
    typed(&mut console, "p");
    console.press(&["tab"]);
    assert_eq!(text(&console), "freeze api-", "as far as they agree");
    console.press(&["down", "down", "tab"]);
    assert_eq!(text(&console), "freeze api-2 ");
    typed(&mut console, "d");
    console.press(&["tab"]);
    assert_eq!(text(&console), "freeze api-2 docs-3 ");
}

#[test]
fn lines_come_back_the_last_one_first() {
    let mut console = three();
    for line in ["filter api", "sort name", "filter api"] {
        console.press(&[":"]);
        typed(&mut console, line);
        console.press(&["enter"]);
    }
    assert_eq!(console.state.view.history, ["sort name", "filter api"]);
    assert_eq!(console.state.view.filter, "api");
    assert_eq!(console.state.view.order.sort, SortKey::Name);
    console.press(&[":", "up"]);
    assert_eq!(text(&console), "filter api");
    console.press(&["up", "up"]);
    assert_eq!(text(&console), "sort name");
    console.press(&["down", "down"]);
    assert_eq!(text(&console), "");
}

#[test]
fn the_palette_finds_commands_and_bottles_by_parts() {
    let mut console = three();
    console.press(&["ctrl-k"]);
    typed(&mut console, "docs");
    assert_eq!(
        lines(&console).first().map(String::as_str),
        Some("go docs-3")
    );
    console.press(&["enter"]);
    assert_eq!(console.selected(), Some("docs-3"));
    console.press(&["ctrl-k"]);
    typed(&mut console, "let out");
    assert_eq!(lines(&console), ["hits"]);
    console.press(&["esc", "E", "ctrl-k"]);
    typed(&mut console, "logs");
    console.press(&["enter"]);
    assert_eq!(console.state.view.tab, Tab::Logs);
    assert_eq!(
        console.state.view.focus,
        Focus::Detail,
        "the wide view is left"
    );
    // What wants a word is put into the line first.
    console.press(&["ctrl-k"]);
    typed(&mut console, "filter");
    console.press(&["enter"]);
    assert_eq!(text(&console), "filter ");
    console.press(&["esc"]);
    assert_eq!(console.state.view.modal, None);
}
