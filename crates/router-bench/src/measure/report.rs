//! Figures as a table for people and as JSON for programs.

use super::Timing;
use serde_json::{json, Map, Value};

/// Median, least and greatest of several runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The middle one.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
}

impl Spread {
    /// Of `values`; zeros if there are none.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        Self {
            median: sorted.get(sorted.len() / 2).copied().unwrap_or_default(),
            least: sorted.first().copied().unwrap_or_default(),
            greatest: sorted.last().copied().unwrap_or_default(),
        }
    }

    /// `12.3 (11.9..12.8)` after dividing by `unit`.
    #[must_use]
    pub fn text(&self, unit: f64) -> String {
        let [median, least, greatest] =
            [self.median, self.least, self.greatest].map(|value| figure(value / unit));
        format!("{median} ({least}..{greatest})")
    }

    /// The same for nanoseconds, each in the unit that suits it.
    #[must_use]
    pub fn duration_text(&self) -> String {
        let [median, least, greatest] = [self.median, self.least, self.greatest].map(duration);
        format!("{median} ({least}..{greatest})")
    }

    fn json(&self) -> Value {
        json!({"median": self.median, "min": self.least, "max": self.greatest})
    }
}

/// Three significant digits, at most two after the point.
fn figure(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

/// Nanoseconds as `850 ns`, `1.25 us` or `12.3 ms`.
fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        size if size >= 1e6 => format!("{} ms", figure(size / 1e6)),
        size if size >= 1e3 => format!("{} us", figure(size / 1e3)),
        size => format!("{size:.0} ns"),
    }
}

/// `1234567` as `1,234,567`.
#[must_use]
pub fn with_thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// One line of a table.
#[derive(Clone, Debug)]
pub struct Row {
    name: String,
    cells: Vec<String>,
    values: Map<String, Value>,
}

impl Row {
    /// A line with nothing in it.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            cells: Vec::new(),
            values: Map::new(),
        }
    }

    /// Adds a cell, and what a program reads instead.
    #[must_use]
    pub fn cell(mut self, key: &str, text: impl Into<String>, value: Value) -> Self {
        self.cells.push(text.into());
        self.values.insert(key.to_owned(), value);
        self
    }

    /// Adds throughput by the thread's clock and by the wall's, and time per operation.
    #[must_use]
    pub fn throughput(self, runs: &[Timing]) -> Self {
        let cpu = Spread::of(runs.iter().map(Timing::cpu_rate));
        let wall = Spread::of(runs.iter().map(Timing::wall_rate));
        let nanoseconds = 1e9 / cpu.median;
        self.cell("cpu_per_s", cpu.text(1e6), cpu.json())
            .cell("wall_per_s", wall.text(1e6), wall.json())
            .cell("cpu_ns", figure(nanoseconds), json!(nanoseconds))
    }

    /// Adds a spread in units of `unit`.
    #[must_use]
    pub fn spread(self, key: &str, spread: Spread, unit: f64) -> Self {
        self.cell(key, spread.text(unit), spread.json())
    }

    /// Adds a spread of nanoseconds.
    #[must_use]
    pub fn duration(self, key: &str, spread: Spread) -> Self {
        self.cell(key, spread.duration_text(), spread.json())
    }

    /// Adds a word or sentence.
    #[must_use]
    pub fn text(self, key: &str, text: impl Into<String>) -> Self {
        let text = text.into();
        self.cell(key, text.clone(), json!(text))
    }
}

/// Tables by name, printed as they are finished.
#[derive(Debug, Default)]
pub struct Report {
    sections: Map<String, Value>,
}

impl Report {
    /// Prints a table under a heading and keeps it for [`Report::json`].
    #[allow(clippy::print_stdout, reason = "the table is the purpose")]
    pub fn section(&mut self, key: &str, heading: &str, columns: &[&str], rows: &[Row]) {
        println!("\n{heading}");
        let lines: Vec<Vec<String>> =
            std::iter::once(columns.iter().map(|c| (*c).to_owned()).collect())
                .chain(rows.iter().map(|row| {
                    std::iter::once(row.name.clone())
                        .chain(row.cells.iter().cloned())
                        .collect()
                }))
                .collect();
        for line in aligned(&lines) {
            println!("  {line}");
        }
        let kept: Map<String, Value> = rows
            .iter()
            .map(|row| (row.name.clone(), Value::Object(row.values.clone())))
            .collect();
        self.sections
            .insert(key.to_owned(), json!({"heading": heading, "rows": kept}));
    }

    /// Keeps a value that is not a table.
    pub fn value(&mut self, key: &str, value: Value) {
        self.sections.insert(key.to_owned(), value);
    }

    /// Everything, for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        Value::Object(self.sections.clone())
    }
}

fn aligned(lines: &[Vec<String>]) -> Vec<String> {
    let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
        })
        .collect();
    lines
        .iter()
        .map(|line| {
            let cells = line.iter().zip(&widths);
            let padded: Vec<String> = cells
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            padded.join("  ").trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_of_runs_is_their_median_and_extremes() {
        let spread = Spread::of([3.0, 1.0, 2.0]);
        assert_eq!(spread.text(1.0), "2.00 (1.00..3.00)");
        assert_eq!(Spread::of([123.4]).text(1.0), "123 (123..123)");
        assert_eq!(
            Spread::of([1_250.0, 9e6, 3.0]).duration_text(),
            "1.25 us (3 ns..9.00 ms)"
        );
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(with_thousands(3_001_000), "3,001,000");
        assert_eq!(with_thousands(999), "999");
    }
}
