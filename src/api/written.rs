//! Figures written for Prometheus, in its text format or as `OpenMetrics`.

use std::fmt::Write as _;

use crate::projections::histogram::Histogram;

/// Which of the two formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `text/plain; version=0.0.4`.
    Prometheus,
    /// `application/openmetrics-text; version=1.0.0`.
    OpenMetrics,
}

impl Format {
    /// The one that a client asks for.
    pub fn accepted(accept: Option<&str>) -> Self {
        if accept.is_some_and(|accept| accept.contains("application/openmetrics-text")) {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    /// Its content type.
    pub const fn content(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Labels of one figure.
pub type Labels<'l> = &'l [(&'static str, &'l str)];

/// Figures as they are written.
#[derive(Debug)]
pub struct Written {
    format: Format,
    text: String,
    family: &'static str,
}

impl Written {
    /// Nothing yet.
    pub const fn begin(format: Format) -> Self {
        Self {
            format,
            text: String::new(),
            family: "",
        }
    }

    /// Begins figures that only grow. The name ends in `_total`.
    pub fn counter(&mut self, name: &'static str, help: &str) {
        let family = match self.format {
            Format::Prometheus => name,
            Format::OpenMetrics => name.strip_suffix("_total").unwrap_or(name),
        };
        self.head((name, family), "counter", help);
    }

    /// Begins figures that go up and down.
    pub fn gauge(&mut self, name: &'static str, help: &str) {
        self.head((name, name), "gauge", help);
    }

    /// Begins latencies. The name ends in `_seconds`.
    pub fn histogram(&mut self, name: &'static str, help: &str) {
        self.head((name, name), "histogram", help);
    }

    fn head(&mut self, (name, family): (&'static str, &str), kind: &str, help: &str) {
        self.family = name;
        self.line(&format!("# HELP {family} {help}"));
        self.line(&format!("# TYPE {family} {kind}"));
    }

    /// A whole number of the family that was begun.
    pub fn whole(&mut self, labels: Labels<'_>, value: u64) {
        self.figure("", labels, &value.to_string());
    }

    /// Microseconds, written as seconds.
    pub fn seconds(&mut self, labels: Labels<'_>, micros: u64) {
        self.figure("", labels, &seconds(micros));
    }

    /// The latencies of one set of labels. The bounds are always the same and those of the buckets, so
    /// that nothing is counted where it does not belong.
    pub fn latencies(&mut self, labels: Labels<'_>, histogram: &Histogram) {
        let mut buckets = histogram.buckets().peekable();
        let mut seen: u64 = 0;
        for octave in 10..=27_u32 {
            // From a millisecond to two minutes.
            let bound = (1_u64 << octave) - 1;
            while let Some((_, count)) = buckets.next_if(|(upper, _)| *upper <= bound) {
                seen = seen.saturating_add(count);
            }
            let bound = seconds(bound);
            let with_bound = [labels, &[("le", bound.as_str())]].concat();
            self.figure("_bucket", &with_bound, &seen.to_string());
        }
        let all = [labels, &[("le", "+Inf")]].concat();
        self.figure("_bucket", &all, &histogram.count().to_string());
        self.figure("_sum", labels, &seconds(histogram.sum_micros()));
        self.figure("_count", labels, &histogram.count().to_string());
    }

    fn figure(&mut self, suffix: &str, labels: Labels<'_>, value: &str) {
        let mut line = format!("{}{suffix}", self.family);
        for (number, (name, text)) in labels.iter().enumerate() {
            line.push(if number == 0 { '{' } else { ',' });
            // Writing into a string cannot fail.
            write!(line, "{name}=\"{}\"", escaped(text)).unwrap_or_default();
        }
        if !labels.is_empty() {
            line.push('}');
        }
        line.push(' ');
        line.push_str(value);
        self.line(&line);
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// The whole text.
    pub fn end(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.line("# EOF");
        }
        self.text
    }
}

/// Microseconds as seconds, exactly.
fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn labels_cannot_break_out_of_their_quotes() {
        let mut written = Written::begin(Format::Prometheus);
        written.gauge("x", "y");
        written.whole(&[("a", "b\"} 1\n\\")], 2);
        assert!(written.end().ends_with("x{a=\"b\\\"} 1\\n\\\\\"} 2\n"));
    }

    #[test]
    fn buckets_grow_and_end_with_all() {
        let mut histogram = Histogram::default();
        for millis in [0, 1, 2, 50, 400_000] {
            histogram.record(Duration::from_millis(millis));
        }
        let mut written = Written::begin(Format::OpenMetrics);
        written.histogram("h_seconds", "help");
        written.latencies(&[("a", "b")], &histogram);
        let text = written.end();
        assert!(
            text.contains("h_seconds_bucket{a=\"b\",le=\"0.001023\"} 2\n"),
            "{text}"
        );
        assert!(text.contains("le=\"0.002047\"} 3\n"), "{text}");
        assert!(text.contains("le=\"134.217727\"} 4\n"), "{text}");
        assert!(text.contains("le=\"+Inf\"} 5\n"), "{text}");
        assert!(
            text.contains("h_seconds_sum{a=\"b\"} 400.053000\n"),
            "{text}"
        );
        assert!(text.ends_with("# EOF\n"));
    }
}
