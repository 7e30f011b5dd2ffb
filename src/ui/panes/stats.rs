//! What a bottle uses: CPU, memory, network, tokens and cost, now and over the last
//! minutes, and each of its containers.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::symbols::bar;
use ratatui::widgets::{RenderDirection, Sparkline, Widget as _};

use super::super::look::{Look, Role};
use super::super::text::{Words, pad, put_text, row, safe, wrap};
use crate::state::{
    Bottle, ContainerUse, Role as Part, State, StatsPoint, age, cpu_words, memory_words,
    rate_words, short, token_words,
};

/// Columns of a chart's name.
const NAME: usize = 11;
/// Columns of what is said beside a chart of one row.
const SAID: usize = 26;
/// A chart of fewer columns says nothing.
const LEAST_CHART: u16 = 8;
/// Rows that a chart has at most.
const TALLEST: u16 = 4;

/// Bars that are only ASCII.
const ASCII_BARS: bar::Set<'_> = bar::Set {
    full: "#",
    seven_eighths: "#",
    three_quarters: "*",
    five_eighths: "+",
    half: "=",
    three_eighths: "-",
    one_quarter: ":",
    one_eighth: ".",
    empty: " ",
};

/// One chart: its name, what is said of it, and its line.
struct Chart {
    name: &'static str,
    said: String,
    /// By time; what is charted at each.
    points: Vec<(i64, u64)>,
    /// What fills the chart, at least.
    least_top: u64,
}

pub(in crate::ui) fn draw(
    state: &State,
    look: Look,
    bottle: &Bottle,
    area: Rect,
    buffer: &mut Buffer,
) {
    let Some(charts) = charts(state, bottle) else {
        draw_nothing(look, bottle, area, buffer);
        return;
    };
    let table = table(look, bottle, usize::from(area.width));
    let fixed = charts.len() + table.len() + 1;
    let room = usize::from(area.height).saturating_sub(fixed) / charts.len().max(1);
    let tall = u16::try_from(room).unwrap_or(TALLEST).min(TALLEST);
    let mut at = 0;
    for chart in &charts {
        // Nothing was used yet: a line says so.
        let is_flat = chart.points.iter().all(|(_, value)| *value == 0);
        let tall = if is_flat { 0 } else { tall };
        draw_chart(look, chart, tall, row_from(area, at, tall + 1), buffer);
        at += usize::from(tall) + 1;
    }
    let at = if at + table.len() < usize::from(area.height) {
        at + 1
    } else {
        at
    };
    for (line, words) in table.into_iter().enumerate() {
        words.draw(row(area, at + line), buffer);
    }
}

/// `rows` rows of an area, from one on; fewer where the area ends.
fn row_from(area: Rect, at: usize, rows: u16) -> Rect {
    let first = row(area, at);
    let left = area.bottom().saturating_sub(first.y);
    let height = if first.height == 0 { 0 } else { rows.min(left) };
    Rect { height, ..first }
}

fn draw_nothing(look: Look, bottle: &Bottle, area: Rect, buffer: &mut Buffer) {
    let text = if bottle.is_sampled() {
        "Asking what it uses."
    } else {
        "Nothing of it runs, so it uses no CPU and no memory."
    };
    let width = usize::from(area.width).saturating_sub(2);
    for (at, line) in wrap(look, text, width).into_iter().enumerate() {
        let line = format!(" {line}");
        put_text(&line, look.style(Role::Faint), row(area, at + 1), buffer);
    }
}

/// What is charted; `None` if nothing was read.
fn charts(state: &State, bottle: &Bottle) -> Option<Vec<Chart>> {
    let now = bottle.usage_now()?;
    let history = &bottle.stats.history;
    let of = |value: fn(&StatsPoint) -> u64| {
        let points = history.iter().map(|point| (point.second, value(point)));
        points.collect::<Vec<_>>()
    };
    let limit: u64 = bottle
        .running_use()
        .map(|(_, one)| one.memory_limit_bytes)
        .fold(0, u64::saturating_add);
    let memory = memory_words(now.memory_bytes);
    let mut charts = vec![
        Chart {
            name: "CPU",
            said: now.cpu_words(),
            points: of(|point| u64::from(point.cpu_millis)),
            least_top: 100,
        },
        Chart {
            name: "MEMORY",
            said: if limit == 0 {
                memory
            } else {
                format!("{memory} of {}", memory_words(limit))
            },
            points: of(|point| u64::from(point.memory_kib)),
            // As much as there may be, so that a full chart is a full memory.
            least_top: (limit / 1_024).max(1_024),
        },
        Chart {
            name: "RECEIVED",
            said: rate_words(now.received_per_second),
            points: of(|point| u64::from(point.received)),
            least_top: 1_000,
        },
        Chart {
            name: "SENT",
            said: rate_words(now.sent_per_second),
            points: of(|point| u64::from(point.sent)),
            least_top: 1_000,
        },
    ];
    if let (Some(usage), Some(cost)) = (&bottle.hub.usage, bottle.cost(&state.prices)) {
        charts.push(Chart {
            name: "TOKENS",
            said: token_words(usage),
            points: growth(&of(|point| point.tokens)),
            least_top: 1,
        });
        charts.push(Chart {
            name: "COST",
            said: cost.words(),
            points: growth(&of(|point| u64::from(point.cents))),
            least_top: 1,
        });
    }
    Some(charts)
}

/// From sums to what was added at each point.
fn growth(sums: &[(i64, u64)]) -> Vec<(i64, u64)> {
    let pairs = sums.iter().zip(sums.iter().skip(1));
    pairs
        .map(|((_, before), (second, sum))| (*second, sum.saturating_sub(*before)))
        .collect()
}

fn draw_chart(look: Look, chart: &Chart, tall: u16, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let width = usize::from(area.width);
    let mut words =
        Words::new(look).put(Role::Heading, pad(look, &format!(" {}", chart.name), NAME));
    let place = if tall == 0 {
        words = words.put(Role::Plain, pad(look, &chart.said, SAID));
        let used = u16::try_from(NAME + SAID).unwrap_or(u16::MAX);
        Rect {
            x: area.x.saturating_add(used),
            width: area.width.saturating_sub(used + 1),
            ..area
        }
    } else {
        let room = width.saturating_sub(NAME);
        words = words.put(Role::Plain, safe(look, &chart.said, room));
        let over = span_words(chart);
        if words.width() + look.dot().len() + over.len() <= width {
            words = words.also(Role::Faint, over);
        }
        Rect {
            x: area.x.saturating_add(1),
            y: area.y + 1,
            width: area.width.saturating_sub(2),
            height: area.height - 1,
        }
    };
    words.draw(Rect { height: 1, ..area }, buffer);
    if place.width < LEAST_CHART || place.height == 0 {
        return;
    }
    let columns = columns(&chart.points, place.width);
    let top = columns.iter().flatten().copied().max().unwrap_or(0);
    let bars = if look.is_ascii {
        ASCII_BARS
    } else {
        bar::NINE_LEVELS
    };
    Sparkline::default()
        .data(columns)
        .max(top.max(chart.least_top))
        .bar_set(bars)
        .absent_value_symbol(" ")
        .direction(RenderDirection::LeftToRight)
        .style(look.style(Role::Busy))
        .render(place.intersection(buffer.area), buffer);
}

/// How much time the chart covers, such as `last 2m`.
fn span_words(chart: &Chart) -> String {
    let (Some((first, _)), Some((last, _))) = (chart.points.first(), chart.points.last()) else {
        return String::new();
    };
    let second = |second: i64| jiff::Timestamp::from_second(second).unwrap_or_default();
    match age(second(*last), second(*first)).as_str() {
        "now" => String::new(),
        age => format!("last {age}"),
    }
}

/// One value a column, the newest at the right: the largest of those that fall into
/// the column, or the one before if none does.
fn columns(points: &[(i64, u64)], width: u16) -> Vec<Option<u64>> {
    let width = usize::from(width);
    let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) else {
        return Vec::new();
    };
    let span = last.saturating_sub(*first).max(0);
    let wide = i64::try_from(width).unwrap_or(1).max(1);
    // Rows in sight are read every other second.
    let step = (span / wide + 1).max(2);
    let mut values: Vec<Option<u64>> = vec![None; width];
    for (second, value) in points {
        let back = usize::try_from(last.saturating_sub(*second).max(0) / step);
        let Ok(back) = back else { continue };
        let slot = width
            .checked_sub(back + 1)
            .and_then(|at| values.get_mut(at));
        if let Some(slot) = slot {
            *slot = Some(slot.unwrap_or(0).max(*value));
        }
    }
    let mut before = None;
    for value in &mut values {
        *value = value.or(before);
        before = *value;
    }
    values
}

/// Each container, and what of it there is room for.
fn table(look: Look, bottle: &Bottle, width: usize) -> Vec<Words> {
    let heads = ["CPU", "MEM", "LIMIT", "PIDS", "IN", "OUT"];
    let room = width.saturating_sub(NAME) / CELL;
    let cells = |words: Words, role, cells: [String; 6]| {
        let shown = cells.into_iter().take(room);
        shown.fold(words, |words, cell| {
            words.put(role, format!("{cell:>CELL$}"))
        })
    };
    let name = |name: &str| pad(look, &format!(" {name}"), NAME);
    let head = Words::new(look).put(Role::Heading, name("CONTAINER"));
    let mut lines = vec![cells(head, Role::Heading, heads.map(String::from))];
    for role in Part::ALL {
        let words = Words::new(look);
        let found = bottle.running_use().find(|(found, _)| *found == role);
        lines.push(match found {
            Some((_, one)) => {
                let words = words.put(Role::Plain, name(role.as_str()));
                cells(words, Role::Plain, container(role, one))
            }
            None => words.put(Role::Faint, name(role.as_str())).put(
                Role::Faint,
                if bottle.runs(role) {
                    "  not read"
                } else {
                    "  does not run"
                },
            ),
        });
    }
    lines
}

/// Columns of a number in the table.
const CELL: usize = 8;

fn container(role: Part, one: &ContainerUse) -> [String; 6] {
    // Only egress has a network.
    let bytes = |bytes| {
        if role == Part::Egress {
            format!("{}B", short(bytes))
        } else {
            String::new()
        }
    };
    [
        one.cpu_millis.map_or_else(String::new, cpu_words),
        memory_words(one.memory_bytes),
        match one.memory_limit_bytes {
            0 => String::from("none"),
            limit => memory_words(limit),
        },
        short(one.pids),
        bytes(one.received_bytes),
        bytes(one.sent_bytes),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_ends_with_the_newest() {
        let points = [(100, 5), (102, 7), (104, 1)];
        assert_eq!(columns(&points, 5), [None, None, Some(5), Some(7), Some(1)]);
    }

    #[test]
    fn points_that_share_a_column_give_their_largest() {
        let points = [(0, 9), (1, 3), (30, 4)];
        let shown = columns(&points, 4);
        assert_eq!(shown.len(), 4);
        assert_eq!((shown[0], shown[3]), (Some(9), Some(4)));
        assert_eq!(shown[1], Some(9), "nothing new was read: it goes on");
    }

    #[test]
    fn nothing_is_charted_of_nothing() {
        assert!(columns(&[], 9).is_empty());
        assert!(columns(&[(1, 1)], 0).is_empty());
        assert_eq!(growth(&[(1, 5), (2, 4), (3, 9)]), [(2, 0), (3, 5)]);
    }
}
