//! How things look: styles and glyphs by what they mean, never by colour.
//!
//! Every meaning has a shape or a word beside its colour, so that nothing is lost
//! without colours. Colours are the sixteen that belong to the operator's own theme;
//! black and white are not among them, because one of the two is the background.

use ratatui::style::{Color, Modifier, Style};

use crate::state::{Doing, Phase};

/// How the console looks, whatever it shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Whether colours may be used (`NO_COLOR` turns them off).
    pub has_colors: bool,
    /// Whether only ASCII may be used.
    pub is_ascii: bool,
}

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// What one reads.
    Plain,
    /// What one reads first.
    Strong,
    /// What one may skip.
    Faint,
    /// The name of a column or part.
    Heading,
    /// The selected row, where the keys are.
    Selected,
    /// The selected row, where the keys are not.
    Marked,
    /// A key to press.
    Key,
    /// Something goes well.
    Good,
    /// Something is under way.
    Busy,
    /// Something wants the operator.
    Wanting,
    /// Something is not as it should be.
    Troubled,
    /// Something cannot go on.
    Broken,
}

impl Look {
    /// The style of a role.
    pub(super) const fn style(self, role: Role) -> Style {
        let style = Style::new();
        match role {
            Role::Plain => style,
            Role::Strong | Role::Marked => style.add_modifier(Modifier::BOLD),
            Role::Faint | Role::Heading => style.add_modifier(Modifier::DIM),
            Role::Selected => style.add_modifier(Modifier::REVERSED),
            Role::Key => self.colored(Color::Cyan).add_modifier(Modifier::BOLD),
            Role::Good => self.colored(Color::Green),
            Role::Busy => self.colored(Color::Cyan),
            Role::Wanting => self.colored(Color::Yellow).add_modifier(Modifier::BOLD),
            Role::Troubled => self.colored(Color::Magenta).add_modifier(Modifier::BOLD),
            Role::Broken => self.colored(Color::Red).add_modifier(Modifier::BOLD),
        }
    }

    const fn colored(self, color: Color) -> Style {
        if self.has_colors {
            Style::new().fg(color)
        } else {
            Style::new()
        }
    }

    /// A glyph, or what stands for it in ASCII.
    pub(super) const fn glyph(self, glyph: &'static str, ascii: &'static str) -> &'static str {
        if self.is_ascii { ascii } else { glyph }
    }

    /// The shape of a phase.
    pub(super) const fn shape(self, phase: &Phase) -> &'static str {
        match phase {
            Phase::Ready { doing } => match doing {
                Doing::Working => self.glyph("●", "*"),
                Doing::Waiting | Doing::Paused => self.glyph("◆", "!"),
                Doing::Idle => self.glyph("◇", "-"),
                Doing::Unknown => self.glyph("•", "+"),
            },
            Phase::Planned
            | Phase::Building
            | Phase::Starting
            | Phase::Changing
            | Phase::Stopping
            | Phase::Removing => self.glyph("◌", "~"),
            Phase::Stopped => self.glyph("○", "."),
            Phase::Degraded { .. } => self.glyph("▲", "^"),
            Phase::Failed { .. } => self.glyph("✕", "x"),
        }
    }

    pub(super) const fn yes(self) -> &'static str {
        self.glyph("✓", "+")
    }

    pub(super) const fn no(self) -> &'static str {
        self.glyph("✕", "x")
    }

    pub(super) const fn dot(self) -> &'static str {
        self.glyph(" · ", " - ")
    }

    pub(super) const fn ellipsis(self) -> char {
        if self.is_ascii { '~' } else { '…' }
    }

    pub(super) const fn rule(self) -> &'static str {
        self.glyph("─", "-")
    }

    pub(super) const fn wall(self) -> &'static str {
        self.glyph("│", "|")
    }
}

/// What a phase is to the operator.
pub(super) const fn role_of(phase: &Phase) -> Role {
    match phase {
        Phase::Ready { doing } => match doing {
            Doing::Working => Role::Good,
            Doing::Waiting | Doing::Paused => Role::Wanting,
            Doing::Idle | Doing::Unknown => Role::Plain,
        },
        Phase::Planned
        | Phase::Building
        | Phase::Starting
        | Phase::Changing
        | Phase::Stopping
        | Phase::Removing => Role::Busy,
        Phase::Stopped => Role::Faint,
        Phase::Degraded { .. } => Role::Troubled,
        Phase::Failed { .. } => Role::Broken,
    }
}
