//! JSON with comments and trailing commas, and nothing looser.

use jsonc_parser::ast::Value;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::tokens::TokenAndRange;
use jsonc_parser::{
    CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast, parse_to_serde_value,
};

use super::shape::Reader;

const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_loose_object_property_names: false,
    allow_trailing_commas: true,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Parses the whole text. After a mistake of syntax nothing else can be told.
pub(super) fn parse<'t>(reader: &mut Reader, text: &'t str) -> Option<Value<'t>> {
    match parse_to_ast(text, &CollectOptions::default(), &OPTIONS) {
        Ok(parsed) if parsed.value.is_some() => parsed.value,
        Ok(_) => {
            let place = reader.place(0..text.len());
            reader.wrong(&place, "the file is empty", "write at least {}");
            None
        }
        Err(error) => {
            let range = error.range();
            let place = reader.place(range.start..range.end.max(range.start + 1));
            let message = lower_first(&error.kind().to_string());
            reader.wrong(&place, &message, advice(&error));
            None
        }
    }
}

/// A text's value beside all of its tokens, comments too; `None` if it has mistakes.
pub(in crate::manifest) fn with_tokens(text: &str) -> Option<(Value<'_>, Vec<TokenAndRange<'_>>)> {
    let collect = CollectOptions {
        comments: CommentCollectionStrategy::AsTokens,
        tokens: true,
    };
    let parsed = parse_to_ast(text, &collect, &OPTIONS).ok()?;
    Some((parsed.value?, parsed.tokens?))
}

/// What a text says, whatever it looks like; `None` if it has mistakes.
pub(in crate::manifest) fn value_of(text: &str) -> Option<serde_json::Value> {
    parse_to_serde_value(text, &OPTIONS).ok()
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's list of mistakes is open, and most have no better advice"
)]
fn advice(error: &ParseError) -> &'static str {
    match error.kind() {
        ParseErrorKind::ExpectedComma => "put a comma after the value before this one",
        ParseErrorKind::ExpectedColonAfterObjectKey => "put a colon between the key and its value",
        ParseErrorKind::ExpectedObjectValue => "write a value after the colon",
        ParseErrorKind::ExpectedStringObjectProperty | ParseErrorKind::UnexpectedWord => {
            "put it in double quotes"
        }
        ParseErrorKind::SingleQuotedStringsNotAllowed => "use double quotes",
        ParseErrorKind::UnterminatedObject => "close the object with }",
        ParseErrorKind::UnterminatedArray => "close the list with ]",
        ParseErrorKind::UnterminatedCommentBlock => "close the comment with */",
        ParseErrorKind::MultipleRootJsonValues => "put everything into one { … }",
        ParseErrorKind::NestingDepthExceeded => "nothing in this file is nested that deep",
        ParseErrorKind::String(_) => "close the string with a double quote on the same line",
        ParseErrorKind::BareDecimalPointNumbersNotAllowed => {
            "write digits on both sides, as in 0.5"
        }
        _ => "the file is JSON in which // comments and trailing commas are allowed",
    }
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| first.to_ascii_lowercase().to_string() + characters.as_str())
        .unwrap_or_default()
}
