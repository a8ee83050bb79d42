//! Tables for people: aligned, two spaces between columns, columns without content left out.

use super::paint::{Paint, Tone};

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    text: String,
    tone: Option<Tone>,
    is_state: bool,
}

impl Cell {
    /// Text in a tone.
    pub fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone: Some(tone),
            is_state: false,
        }
    }

    /// A state's word, coloured by what it means.
    pub fn state(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            tone: None,
            is_state: true,
        }
    }

    fn painted(&self, paint: Paint) -> String {
        match (self.is_state, self.tone) {
            (true, _) => paint.state(&self.text),
            (false, Some(tone)) => paint.tone(tone, &self.text),
            (false, None) => self.text.clone(),
        }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self {
            text,
            tone: None,
            is_state: false,
        }
    }
}

/// Rows under headings. A heading that starts with `>` aligns its column to the right.
#[derive(Clone, Debug)]
pub struct Table {
    heads: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table.
    pub fn new(heads: &[&'static str]) -> Self {
        Self {
            heads: heads.to_vec(),
            rows: Vec::new(),
        }
    }

    /// One more row, a cell per heading.
    #[must_use]
    pub fn row(mut self, cells: Vec<Cell>) -> Self {
        self.rows.push(cells);
        self
    }

    /// The table, or `nothing` when it has no rows.
    pub fn render(&self, nothing: &str, paint: Paint) -> String {
        if self.rows.is_empty() {
            return paint.tone(Tone::Dim, nothing);
        }
        let columns: Vec<Column> = self
            .heads
            .iter()
            .enumerate()
            .filter_map(|(at, head)| self.column(at, head))
            .collect();
        let head_cells = columns
            .iter()
            .map(|column| (Cell::toned(column.head, Tone::Strong), column));
        let mut lines = vec![line(head_cells, paint)];
        for row in &self.rows {
            let cells = columns
                .iter()
                .filter_map(|column| Some((row.get(column.at)?.clone(), column)));
            lines.push(line(cells, paint));
        }
        lines.join("\n")
    }

    fn column(&self, at: usize, head: &'static str) -> Option<Column> {
        let cells = || self.rows.iter().filter_map(|row| row.get(at));
        if cells().all(|cell| cell.text.is_empty()) {
            return None;
        }
        let plain = head.trim_start_matches('>');
        let widest = cells().map(Cell::width).max().unwrap_or(0);
        Some(Column {
            at,
            head: plain,
            right: head.starts_with('>'),
            width: widest.max(plain.chars().count()),
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Column {
    at: usize,
    head: &'static str,
    right: bool,
    width: usize,
}

fn line<'c>(cells: impl Iterator<Item = (Cell, &'c Column)>, paint: Paint) -> String {
    let mut text = String::new();
    for (cell, column) in cells {
        let gap = " ".repeat(column.width.saturating_sub(cell.width()));
        let painted = cell.painted(paint);
        if column.right {
            text.push_str(&gap);
            text.push_str(&painted);
        } else {
            text.push_str(&painted);
            text.push_str(&gap);
        }
        text.push_str("  ");
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        let cell = |text: &str| Cell::from(text.to_owned());
        let table = Table::new(&["id", "note", ">queued"])
            .row(vec![cell("agent-1"), cell(""), cell("3")])
            .row(vec![cell("ü"), cell(""), cell("12")]);
        assert_eq!(
            table.render("none", Paint::PLAIN),
            "id       queued\nagent-1       3\nü            12"
        );
        assert_eq!(Table::new(&["id"]).render("none", Paint::PLAIN), "none");
    }
}
