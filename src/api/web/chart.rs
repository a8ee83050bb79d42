//! Charts as drawings made here: each has a name, and its figures as a table for who does not see it.
//! Shapes stretch with the page; words stand beside them as text, so that they stay legible.

use maud::{Markup, html};

/// The drawing's own measures; it is stretched to its place.
const WIDTH: u64 = 1_000;
const HEIGHT: u64 = 200;

/// One line of a chart: its name, its class in the style sheet, and a value per column.
#[derive(Debug)]
pub struct Line {
    /// Its name.
    pub name: &'static str,
    /// How it looks.
    pub class: &'static str,
    /// A value per column; none where there is nothing.
    pub values: Vec<Option<u64>>,
}

/// A chart's words.
#[derive(Debug)]
pub struct Words<'w> {
    /// Its id.
    pub id: &'w str,
    /// What it shows.
    pub title: &'w str,
    /// What its columns are.
    pub columns: &'w str,
    /// Every column's name.
    pub names: &'w [String],
    /// A value in words.
    pub say: fn(u64) -> String,
}

/// Lines over time.
pub fn lines(words: &Words<'_>, lines: &[Line]) -> Markup {
    let most = highest(lines);
    let drawn = html! {
        @for line in lines {
            @for run in runs(&line.values, most) {
                polyline class=(line.class) points=(run) fill="none" vector-effect="non-scaling-stroke" {}
            }
        }
    };
    figure(words, lines, most, &drawn)
}

/// Columns, the lines' values on top of each other.
pub fn columns(words: &Words<'_>, lines: &[Line]) -> Markup {
    let stacked = (0..words.names.len()).map(|nth| {
        let values = lines
            .iter()
            .filter_map(|line| line.values.get(nth).copied().flatten());
        values.fold(0, u64::saturating_add)
    });
    let most = stacked.max().unwrap_or(0).max(1);
    let count = u64::try_from(words.names.len()).unwrap_or(1).max(1);
    let wide = WIDTH / count;
    let mut parts = Vec::new();
    for nth in 0..words.names.len() {
        let left = WIDTH * u64::try_from(nth).unwrap_or(0) / count;
        let mut top = HEIGHT;
        for line in lines {
            let value = line.values.get(nth).copied().flatten().unwrap_or(0);
            let mut tall = scaled(value, most);
            if value > 0 {
                // What is there can be seen.
                tall = tall.max(3);
            }
            top = top.saturating_sub(tall);
            if tall > 0 {
                parts.push((line.class, left, top, wide.saturating_sub(2).max(1), tall));
            }
        }
    }
    let drawn = html! {
        @for (class, x, y, width, height) in &parts {
            rect class=(class) x=(x) y=(y) width=(width) height=(height) {}
        }
    };
    figure(words, lines, most, &drawn)
}

fn figure(words: &Words<'_>, lines: &[Line], most: u64, drawn: &Markup) -> Markup {
    let first = words.names.first().map_or("", String::as_str);
    let middle = words
        .names
        .get(words.names.len() / 2)
        .map_or("", String::as_str);
    let last = words.names.last().map_or("", String::as_str);
    html! {
        figure.chart {
            figcaption {
                span { (words.title) }
                @if lines.len() > 1 {
                    span.legend {
                        @for line in lines { span class={ "key " (line.class) } { (line.name) } }
                    }
                }
            }
            div.top { ((words.say)(most)) }
            svg viewBox={ "0 -6 " (WIDTH) " " (HEIGHT + 12) } preserveAspectRatio="none" role="img"
                aria-label=(words.title) focusable="false" {
                line.grid x1="0" y1="0" x2=(WIDTH) y2="0" vector-effect="non-scaling-stroke" {}
                line.grid x1="0" y1=(HEIGHT / 2) x2=(WIDTH) y2=(HEIGHT / 2) vector-effect="non-scaling-stroke" {}
                line.grid x1="0" y1=(HEIGHT) x2=(WIDTH) y2=(HEIGHT) vector-effect="non-scaling-stroke" {}
                (drawn)
            }
            div.below aria-hidden="true" { span { (first) } span { (middle) } span { (last) } }
            details id={ (words.id) "-table" } {
                summary { "As a table" }
                div.wide role="group" aria-label=(words.title) tabindex="0" { table {
                    caption { (words.title) }
                    thead { tr {
                        th scope="col" { (words.columns) }
                        @for line in lines { th.figure scope="col" { (line.name) } }
                    } }
                    tbody { @for (nth, name) in words.names.iter().enumerate() { tr {
                        th scope="row" { (name) }
                        @for line in lines {
                            td.figure { @match line.values.get(nth).copied().flatten() {
                                Some(value) => { ((words.say)(value)) }
                                None => { "–" }
                            } }
                        }
                    } } }
                } }
            }
        }
    }
}

fn highest(lines: &[Line]) -> u64 {
    let all = lines
        .iter()
        .flat_map(|line| line.values.iter().copied().flatten());
    all.max().unwrap_or(0).max(1)
}

fn scaled(value: u64, most: u64) -> u64 {
    let tall = u128::from(value) * u128::from(HEIGHT) / u128::from(most.max(1));
    u64::try_from(tall).unwrap_or(HEIGHT)
}

/// The points of every stretch without a hole; a lonely point becomes a short dash.
fn runs(values: &[Option<u64>], most: u64) -> Vec<String> {
    let count = u64::try_from(values.len()).unwrap_or(1).max(1);
    let half = WIDTH / count / 2;
    let mut all = Vec::new();
    let mut run: Vec<(u64, u64)> = Vec::new();
    for (nth, value) in values.iter().chain([&None]).enumerate() {
        if let Some(value) = value {
            let x = WIDTH * u64::try_from(nth).unwrap_or(0) / count + half;
            run.push((x, HEIGHT - scaled(*value, most).min(HEIGHT)));
            continue;
        }
        if let [(x, y)] = run.as_slice() {
            run = vec![(x.saturating_sub(half), *y), (x + half, *y)];
        }
        if !run.is_empty() {
            let points = run.drain(..).map(|(x, y)| format!("{x},{y}"));
            all.push(points.collect::<Vec<_>>().join(" "));
        }
    }
    all
}

/// A bar inside a table's row: this much of the most.
pub fn bar(class: &str, value: u64, most: u64) -> Markup {
    let wide = value
        .saturating_mul(100)
        .checked_div(most)
        .unwrap_or(0)
        .min(100);
    let wide = if value > 0 { wide.max(1) } else { 0 };
    html! {
        svg.bar viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect.ground x="0" y="0" width="100" height="10" {}
            rect class=(class) x="0" y="0" width=(wide) height="10" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_breaks_where_there_is_nothing() {
        let values = [Some(0), Some(10), None, Some(5), None];
        assert_eq!(runs(&values, 10), vec!["100,200 300,0", "600,100 800,100"]);
    }

    #[test]
    fn the_table_says_what_the_drawing_shows_and_names_cannot_hold_markup() {
        let names = ["<b>".to_owned(), "b".to_owned()];
        let words = Words {
            id: "x",
            title: "T",
            columns: "C",
            names: &names,
            say: |it| format!("{it} ms"),
        };
        let line = Line {
            name: "N",
            class: "one",
            values: vec![Some(7), None],
        };
        let text = columns(&words, &[line]).into_string();
        assert!(
            text.contains("&lt;b&gt;") && !text.contains("<b>"),
            "{text}"
        );
        assert!(text.contains("7 ms") && text.contains("–"), "{text}");
        assert!(
            text.contains("aria-label=\"T\"") && !text.contains("style="),
            "{text}"
        );
    }
}
