//! `egress`: what leaves a bottle, what would, and what may from now on.

mod change;
mod show;
mod suggest;
mod test;

use super::super::cli::{EgressArguments, EgressVerb};
use super::super::exit::{Exit, Failure};
use super::super::output::Output;
use super::{mended, printing};

pub(super) use change::end;
#[cfg(test)]
pub(super) use {change::Changed, show::Shown, suggest::Suggested, test::Answer};

pub(super) async fn egress(out: &mut Output, arguments: EgressArguments) -> Result<Exit, Failure> {
    let cellar = mended(out).await?;
    match arguments.verb {
        None => {
            let id = cellar.find(arguments.bottle.as_deref().unwrap_or_default())?;
            show::show(out, &cellar, &id, arguments.follow, arguments.json).await
        }
        Some(EgressVerb::Test {
            bottle,
            url,
            method,
            websocket,
            json,
        }) => {
            let id = cellar.find(&bottle)?;
            let question = test::Question::read(&url, &method, websocket)?;
            test::test(out, &cellar, &id, &question, json).await
        }
        Some(EgressVerb::Allow {
            bottle,
            place,
            method,
            websocket,
            time,
            json,
        }) => {
            let id = cellar.find(&bottle)?;
            let route = change::route(&place, &method, websocket, time.as_deref())?;
            change::allow(out, &cellar, &id, route, json).await
        }
        Some(EgressVerb::Revoke {
            bottle,
            number,
            json,
        }) => {
            let id = cellar.find(&bottle)?;
            change::revoke(out, &cellar, &id, number, json).await
        }
        Some(EgressVerb::Suggest { bottle, json }) => {
            let id = cellar.find(&bottle)?;
            suggest::suggest(out, &cellar, &id, json).await
        }
        Some(EgressVerb::Accept { bottle, number }) => {
            let id = cellar.find(&bottle)?;
            let change = cellar.accept(&id, number).await?;
            change::tell(out, &change, "let through, by a new route", false)
        }
        Some(EgressVerb::Refuse { bottle, number }) => {
            let id = cellar.find(&bottle)?;
            cellar.refuse(&id, number).await?;
            out.line("refused").map_err(printing)?;
            Ok(Exit::Done)
        }
    }
}
