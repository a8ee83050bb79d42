//! Rows under headings in a given width: columns that have no room are left out, the last one takes what is
//! left.

use super::line::{Line, width};
use crate::cli::output::paint::Tone;

/// Columns between two columns.
const GAP: usize = 2;

/// The least the last column is shown in.
const LEAST: usize = 8;

/// One cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    text: String,
    tone: Option<Tone>,
}

impl Cell {
    /// Words.
    pub fn of(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            tone: None,
        }
    }

    /// Words in a tone.
    pub fn toned(tone: Tone, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            tone: Some(tone),
        }
    }

    /// Words that are bad unless they are nothing or 0.
    pub fn bad_unless_none(text: String) -> Self {
        let tone = (text != "0").then_some(Tone::Bad);
        Self { text, tone }
    }
}

/// Rows under headings. A heading that begins with `>` stands right.
#[derive(Clone, Debug)]
pub struct Grid {
    heads: &'static [&'static str],
    rows: Vec<Vec<Cell>>,
}

#[derive(Clone, Copy, Debug)]
struct Column {
    nth: usize,
    wide: usize,
    right: bool,
}

impl Grid {
    /// No rows yet.
    pub const fn new(heads: &'static [&'static str], rows: Vec<Vec<Cell>>) -> Self {
        Self { heads, rows }
    }

    /// The headings, and a line for each row.
    pub fn lines(&self, columns: usize) -> (Line, Vec<Line>) {
        let layout = self.layout(columns);
        let heads: Vec<Cell> = self
            .heads
            .iter()
            .map(|head| Cell::toned(Tone::Dim, head.trim_start_matches('>')))
            .collect();
        let rows = self.rows.iter().map(|row| line(row, &layout));
        (line(&heads, &layout), rows.collect())
    }

    fn layout(&self, columns: usize) -> Vec<Column> {
        let mut layout = Vec::new();
        let mut used = 0_usize;
        let final_one = self.heads.len().saturating_sub(1);
        for (nth, head) in self.heads.iter().enumerate() {
            let cells = self.rows.iter().filter_map(|row| row.get(nth));
            let widest = cells.map(|cell| width(&shown(cell))).max().unwrap_or(0);
            let wide = widest.max(width(head.trim_start_matches('>')));
            let left = columns.saturating_sub(used);
            let needed = if nth == final_one {
                wide.min(LEAST)
            } else {
                wide
            };
            if (needed == 0 || needed > left) && nth > 0 {
                continue;
            }
            layout.push(Column {
                nth,
                wide: wide.min(left),
                right: head.starts_with('>'),
            });
            used = used.saturating_add(wide).saturating_add(GAP);
        }
        layout
    }
}

/// A cell as it is seen.
fn shown(cell: &Cell) -> String {
    crate::cli::output::escape::line(&cell.text)
}

fn line(cells: &[Cell], layout: &[Column]) -> Line {
    let mut whole = Line::default();
    let mut end = 0_usize;
    for column in layout {
        let cell = cells.get(column.nth).cloned().unwrap_or_default();
        let words = match cell.tone {
            Some(tone) => Line::default().tone(tone, &cell.text),
            None => Line::default().say(&cell.text),
        };
        let words = words.cut(column.wide);
        let gap = column.wide.saturating_sub(words.width());
        whole = whole.up_to(if column.right {
            end.saturating_add(gap)
        } else {
            end
        });
        whole = whole.then(words);
        end = end.saturating_add(column.wide).saturating_add(GAP);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::paint::Paint;

    #[test]
    fn columns_without_room_are_left_out_and_the_last_one_takes_what_is_left() {
        let row = |a: &str, b: &str, c: &str| vec![Cell::of(a), Cell::of(b), Cell::of(c)];
        let rows = vec![row("agent-1", "3", "a long reason"), row("b", "12", "x")];
        let grid = Grid::new(&["agent", ">queued", "why"], rows);
        let told = |columns| {
            let (head, rows) = grid.lines(columns);
            let all = std::iter::once(head).chain(rows);
            let all = all.map(|line| line.render(Paint::PLAIN));
            all.collect::<Vec<_>>()
        };
        assert_eq!(
            told(40),
            [
                "agent    queued  why",
                "agent-1       3  a long reason",
                "b            12  x"
            ]
        );
        assert_eq!(told(25)[1], "agent-1       3  a long …");
        assert_eq!(told(20)[1], "agent-1       3");
        assert_eq!(told(8)[1], "agent-1");
        assert_eq!(told(4)[1], "age…");
    }
}
