//! `send`: one line into sessions.

use std::io::Read as _;

use super::super::cli::SendArguments;
use super::super::exit::{Exit, Failure};
use super::super::output::Output;
use super::life::Tally;
use super::mended;

/// The longest text that is typed.
const MAX_BYTES: u64 = 256 * 1024;

pub(super) async fn send(out: &mut Output, arguments: &SendArguments) -> Result<Exit, Failure> {
    let text = text_of(&arguments.text)?;
    let cellar = mended(out).await?;
    let id = cellar.find(&arguments.bottle)?;
    let sent = cellar.send_line(&id, &text).await;
    let mut tally = Tally::new(out, arguments.json, "sent");
    tally.add(&id, sent)?;
    Ok(tally.exit)
}

/// The text, read from standard input where it is `-`.
fn text_of(text: &str) -> Result<String, Failure> {
    let attempt = "read what to send";
    let mut read = String::new();
    let text = if text == "-" {
        std::io::stdin()
            .take(MAX_BYTES + 1)
            .read_to_string(&mut read)
            .map_err(|error| Failure::new(attempt, &error))?;
        read.trim_end_matches('\n')
    } else {
        text
    };
    if text.trim().is_empty() {
        return Err(Failure::because(attempt, "there is nothing in it").exit(Exit::Usage));
    }
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > MAX_BYTES {
        let why = format!("it is longer than {} KiB", MAX_BYTES / 1024);
        return Err(Failure::because(attempt, why)
            .help("put it into a file of the workspace, and send its name"));
    }
    Ok(text.to_owned())
}
