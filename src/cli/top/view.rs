//! What somebody looks at: which pane, in which order, from where on; and what keys change about it.

use super::keys::Key;

/// A part of the desk that is shown in full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// Every agent.
    #[default]
    Agents,
    /// What waits.
    Queue,
    /// What failed.
    Errors,
    /// What is wrong.
    Alerts,
    /// How well everything is.
    Health,
    /// How long steps take.
    Steps,
    /// What happens.
    Events,
}

impl Pane {
    /// Every pane, from left to right.
    pub const ALL: [Self; 7] = [
        Self::Agents,
        Self::Queue,
        Self::Errors,
        Self::Alerts,
        Self::Health,
        Self::Steps,
        Self::Events,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agents => "Agents",
            Self::Queue => "Queue",
            Self::Errors => "Errors",
            Self::Alerts => "Alerts",
            Self::Health => "Health",
            Self::Steps => "Steps",
            Self::Events => "Events",
        }
    }

    /// In which orders its rows can be, the usual one first.
    pub const fn orders(self) -> &'static [Order] {
        match self {
            Self::Agents => &[
                Order::Name,
                Order::Queued,
                Order::Failed,
                Order::Arrived,
                Order::Unread,
            ],
            Self::Queue => &[Order::Turn, Order::Age, Order::Attempts],
            Self::Errors | Self::Events => &[Order::Newest, Order::Oldest],
            Self::Alerts | Self::Health | Self::Steps => &[Order::Usual],
        }
    }
}

/// An order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they come.
    Usual,
    /// By name.
    Name,
    /// Those with most in the queue first.
    Queued,
    /// Those with most failures first.
    Failed,
    /// Those with most arrivals first.
    Arrived,
    /// Those with most unread letters first.
    Unread,
    /// As they take their turn.
    Turn,
    /// Those that are due for longest first.
    Age,
    /// Those that were tried most often first.
    Attempts,
    /// The newest first.
    Newest,
    /// The oldest first.
    Oldest,
}

impl Order {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usual => "",
            Self::Name => "name",
            Self::Queued => "queued",
            Self::Failed => "failed",
            Self::Arrived => "arrived",
            Self::Unread => "unread",
            Self::Turn => "turn",
            Self::Age => "age",
            Self::Attempts => "tries",
            Self::Newest => "newest",
            Self::Oldest => "oldest",
        }
    }
}

/// What is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Which pane.
    pub pane: Pane,
    /// The number of the order among the pane's.
    order: usize,
    /// How many rows are scrolled past.
    pub skipped: usize,
    /// Whether nothing new is asked for.
    pub paused: bool,
    /// Whether the keys are explained.
    pub help: bool,
}

/// What a key asks of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nothing more than to draw.
    Draw,
    /// To draw everything anew.
    Redraw,
    /// To leave.
    Quit,
    /// To leave as interrupted.
    Interrupt,
}

impl View {
    /// The order of rows.
    pub fn order(&self) -> Order {
        let orders = self.pane.orders();
        orders.get(self.order).copied().unwrap_or(Order::Usual)
    }

    /// Changes what is looked at; `page` is how many rows are seen.
    pub fn press(&mut self, key: Key, page: usize) -> Wish {
        match key {
            Key::Interrupt => return Wish::Interrupt,
            Key::Redraw => return Wish::Redraw,
            Key::Char('q') => return Wish::Quit,
            Key::Escape => self.help = false,
            Key::Char('?' | 'h') => self.help = !self.help,
            Key::Char('p' | ' ') => self.paused = !self.paused,
            Key::Tab => self.turn_to(self.neighbour(1)),
            Key::BackTab => self.turn_to(self.neighbour(Pane::ALL.len().saturating_sub(1))),
            Key::Char(digit @ '1'..='9') => {
                let nth = digit.to_digit(10).and_then(|nth| usize::try_from(nth).ok());
                let nth = nth.unwrap_or(1).saturating_sub(1);
                if let Some(pane) = Pane::ALL.get(nth) {
                    self.turn_to(*pane);
                }
            }
            Key::Right | Key::Char('s') => self.sort(1),
            Key::Left => self.sort(self.pane.orders().len().saturating_sub(1)),
            Key::Up | Key::Char('k') => self.skipped = self.skipped.saturating_sub(1),
            Key::Down | Key::Char('j') => self.skipped = self.skipped.saturating_add(1),
            Key::PageUp => self.skipped = self.skipped.saturating_sub(page),
            Key::PageDown => self.skipped = self.skipped.saturating_add(page),
            Key::Home | Key::Char('g') => self.skipped = 0,
            Key::End | Key::Char('G') => self.skipped = usize::MAX,
            Key::Char(_) => {}
        }
        Wish::Draw
    }

    fn turn_to(&mut self, pane: Pane) {
        *self = Self {
            pane,
            paused: self.paused,
            ..Self::default()
        };
    }

    fn neighbour(&self, steps: usize) -> Pane {
        let here = Pane::ALL.iter().position(|it| *it == self.pane);
        let there = here.unwrap_or(0).saturating_add(steps) % Pane::ALL.len();
        Pane::ALL.get(there).copied().unwrap_or_default()
    }

    fn sort(&mut self, steps: usize) {
        self.order = self.order.saturating_add(steps) % self.pane.orders().len().max(1);
        self.skipped = 0;
    }

    /// Keeps the last rows in sight: `rows` there are, `page` are seen.
    pub fn bound(&mut self, rows: usize, page: usize) {
        self.skipped = self.skipped.min(rows.saturating_sub(page));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_change_the_pane_the_order_and_the_place() {
        let mut view = View::default();
        for (key, pane, order, skipped) in [
            (Key::Tab, Pane::Queue, Order::Turn, 0),
            (Key::Right, Pane::Queue, Order::Age, 0),
            (Key::Down, Pane::Queue, Order::Age, 1),
            (Key::PageDown, Pane::Queue, Order::Age, 11),
            (Key::Left, Pane::Queue, Order::Turn, 0),
            (Key::Left, Pane::Queue, Order::Attempts, 0),
            (Key::BackTab, Pane::Agents, Order::Name, 0),
            (Key::BackTab, Pane::Events, Order::Newest, 0),
            (Key::Tab, Pane::Agents, Order::Name, 0),
            (Key::Char('4'), Pane::Alerts, Order::Usual, 0),
            (Key::Char('9'), Pane::Alerts, Order::Usual, 0),
            (Key::Char('s'), Pane::Alerts, Order::Usual, 0),
        ] {
            assert_eq!(view.press(key, 10), Wish::Draw);
            assert_eq!(
                (view.pane, view.order(), view.skipped),
                (pane, order, skipped)
            );
        }
        view.press(Key::End, 10);
        view.bound(25, 10);
        assert_eq!(view.skipped, 15);
        view.bound(5, 10);
        assert_eq!(view.skipped, 0);
    }

    #[test]
    fn a_pause_outlives_a_change_of_pane_and_help_does_not() {
        let mut view = View::default();
        view.press(Key::Char('p'), 1);
        view.press(Key::Char('?'), 1);
        assert!(view.paused && view.help);
        view.press(Key::Tab, 1);
        assert!(view.paused && !view.help);
        view.press(Key::Char(' '), 1);
        assert!(!view.paused);
        assert_eq!(view.press(Key::Char('q'), 1), Wish::Quit);
        assert_eq!(view.press(Key::Interrupt, 1), Wish::Interrupt);
    }
}
