use super::talk::converse;
use super::work::{rest, work};
use super::*;

/// Ears that hear these lines and then the end, and the hand that can interrupt them.
fn ears(typed_text: &'static str) -> (Listener, mpsc::Sender<Heard>) {
    let (tx, stops) = mpsc::channel(4);
    let listener = Listener {
        lines: typed(typed_text.as_bytes()).unwrap(),
        stops,
        _signals: JoinSet::new(),
    };
    (listener, tx)
}

async fn conversation(text: &'static str) -> String {
    let (mut ears, _hand) = ears(text);
    let mut said = Vec::new();
    converse(&mut Stage::new(&mut said), &mut ears, None)
        .await
        .unwrap();
    String::from_utf8(said).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_typed_is_answered_until_exit() {
    let said = conversation("help\nhow are you?\n/exit\nnever read\n").await;
    assert!(said.contains("try HOST[:PORT]"), "{said}");
    assert!(said.contains("You said «how are you?»"), "{said}");
    assert!(!said.contains("never read"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_question_waits_for_its_answer() {
    assert!(
        conversation("ask\nyes\n")
            .await
            .contains("good to be trusted")
    );
    assert!(conversation("ask\nno\n").await.contains("stays as it is"));
    assert!(conversation("ask\n").await.contains("[y/n]"));
}

#[tokio::test(start_paused = true)]
async fn a_flood_prints_what_was_asked_for() {
    let said = conversation("flood 2\n").await;
    assert!(said.len() > 2_000_000, "{}", said.len());
    assert!(said.contains("2 MB printed"));
}

#[tokio::test(start_paused = true)]
async fn typed_control_characters_are_not_echoed_back() {
    let said = conversation("\u{1b}]0;owned\u{7}\n").await;
    assert!(!said.contains("\u{1b}]0;owned"), "{said:?}");
}

/// A terminal whose reader presses ctrl-c when it is flooded.
struct Flooded {
    hand: mpsc::Sender<Heard>,
    bytes: usize,
}

impl Write for Flooded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let before = self.bytes;
        self.bytes += bytes.len();
        if before < 1_000_000 && self.bytes >= 1_000_000 {
            self.hand.try_send(Heard::Interrupt).unwrap();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_interrupt_stops_the_work_and_not_the_session() {
    let (mut ears, hand) = ears("flood 1000\nflood 3\n/exit\n");
    let mut terminal = Flooded { hand, bytes: 0 };
    converse(&mut Stage::new(&mut terminal), &mut ears, None)
        .await
        .unwrap();
    let bytes = terminal.bytes;
    assert!((4_000_000..10_000_000).contains(&bytes), "{bytes}");
}

#[tokio::test(start_paused = true)]
async fn the_quiet_one_says_little_and_ends_with_its_terminal() {
    let (mut ears, _hand) = ears("hello\n\n");
    let mut said = Vec::new();
    rest(&mut Stage::new(&mut said), &mut ears, "b")
        .await
        .unwrap();
    let said = String::from_utf8(said).unwrap();
    assert_eq!(said.matches("Mm.").count(), 1, "{said}");
}

#[tokio::test(start_paused = true)]
async fn the_worker_works_until_it_is_asked_to_end() {
    let (mut ears, hand) = ears("hello\n");
    // The end of input ends it too; so keep the lines open and end it by the hand.
    let (_tx, lines) = mpsc::channel(1);
    ears.lines = lines;
    let mut said = Vec::new();
    let mut stage = Stage::new(&mut said);
    let end = async {
        tokio::time::sleep(std::time::Duration::from_millis(4_500)).await;
        hand.send(Heard::End).await.unwrap();
    };
    let (worked, ()) = tokio::join!(work(&mut stage, &mut ears, "b"), end);
    worked.unwrap();
    let said = String::from_utf8(said).unwrap();
    assert_eq!(said.matches("checked ").count(), 5, "{said}");
}
