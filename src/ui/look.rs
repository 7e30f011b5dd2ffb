//! How things look: styles and glyphs by what they mean, never by colour.
//!
//! Every meaning has a shape or a word beside its colour, so that nothing is lost
//! without colours. Which colour a meaning has is a theme's affair ([`Inks`]).

use ratatui::style::{Color, Modifier, Style};

use super::ink::Inks;
use crate::state::{Doing, Phase};

/// How the console looks, whatever it shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Whether colours may be used (`NO_COLOR` turns them off).
    pub has_colors: bool,
    /// Whether only ASCII may be used.
    pub is_ascii: bool,
    /// The colours of what is drawn.
    pub inks: Inks,
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
        let (style, inks) = (Style::new(), self.inks);
        match role {
            Role::Plain => style,
            Role::Strong | Role::Marked => style.add_modifier(Modifier::BOLD),
            Role::Faint => self.faded(inks.faint),
            Role::Heading => self.faded(inks.heading),
            Role::Selected => self.selected(),
            Role::Key => self.colored(inks.key).add_modifier(Modifier::BOLD),
            Role::Good => self.colored(inks.good),
            Role::Busy => self.colored(inks.busy),
            Role::Wanting => self.colored(inks.wanting).add_modifier(Modifier::BOLD),
            Role::Troubled => self.colored(inks.troubled).add_modifier(Modifier::BOLD),
            Role::Broken => self.colored(inks.broken).add_modifier(Modifier::BOLD),
        }
    }

    /// The style of the name of a container: no meaning beside telling it from others.
    pub(super) const fn source(self, role: crate::state::Role) -> Style {
        match role {
            crate::state::Role::Agent => self.colored(self.inks.agent),
            crate::state::Role::Egress => self.colored(self.inks.egress),
            crate::state::Role::Supervise => self.colored(self.inks.supervise),
        }
    }

    /// Nothing, on what everything stands on. A session's own screen stands on the
    /// terminal's background instead, as its program expects.
    pub(super) const fn blank(self) -> Style {
        let style = Style::reset();
        if self.has_colors {
            style.fg(self.inks.text).bg(self.inks.background)
        } else {
            style
        }
    }

    const fn colored(self, color: Color) -> Style {
        if self.has_colors {
            Style::new().fg(color)
        } else {
            Style::new()
        }
    }

    /// In a colour that was chosen to be read, or dimmed where the terminal chooses.
    const fn faded(self, color: Color) -> Style {
        if !self.has_colors || matches!(color, Color::Reset) {
            Style::new().add_modifier(Modifier::DIM)
        } else {
            Style::new().fg(color)
        }
    }

    const fn selected(self) -> Style {
        let inks = self.inks;
        if !self.has_colors || matches!(inks.selection, Color::Reset) {
            Style::new().add_modifier(Modifier::REVERSED)
        } else {
            Style::new().fg(inks.selection_text).bg(inks.selection)
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
                Doing::Waiting | Doing::Expired | Doing::Paused => self.glyph("◆", "!"),
                Doing::Limited => self.glyph("◈", "~"),
                Doing::Idle => self.glyph("◇", "-"),
                Doing::Unknown => self.glyph("•", "+"),
            },
            Phase::Planned
            | Phase::Building
            | Phase::Starting
            | Phase::Changing
            | Phase::Stopping
            | Phase::Removing => self.glyph("◌", "~"),
            Phase::Frozen => self.glyph("❄", "="),
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
            Doing::Waiting | Doing::Expired | Doing::Paused => Role::Wanting,
            Doing::Limited => Role::Troubled,
            Doing::Idle | Doing::Unknown => Role::Plain,
        },
        Phase::Planned
        | Phase::Building
        | Phase::Starting
        | Phase::Changing
        | Phase::Stopping
        | Phase::Removing => Role::Busy,
        Phase::Frozen => Role::Key,
        Phase::Stopped => Role::Faint,
        Phase::Degraded { .. } => Role::Troubled,
        Phase::Failed { .. } => Role::Broken,
    }
}
