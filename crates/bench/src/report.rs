//! Figures as a table and as JSON.

use std::fmt;

use serde_json::{Map, Value, json};

/// What a subset has measured.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub subset: &'static str,
    pub rows: Vec<Row>,
    /// What could not be measured, and why.
    pub skipped: Vec<String>,
    /// Of other programs that were measured, or measured with.
    pub versions: Vec<String>,
}

/// One line: figures by the names of their columns. Every row of a report has the same columns.
#[derive(Clone, Debug, Default)]
pub struct Row(Vec<(&'static str, Figure)>);

/// A figure with its unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Figure {
    Text(String),
    Count(u64),
    Seconds(f64),
    Milliseconds(f64),
    /// Bytes.
    Size(u64),
    /// Megabytes.
    Memory(f64),
    /// So many times as much.
    Ratio(f64),
    Missing,
}

impl Row {
    /// Adds a column at the right.
    #[must_use]
    pub fn with(mut self, column: &'static str, figure: Figure) -> Self {
        self.0.push((column, figure));
        self
    }

    pub fn get(&self, column: &str) -> Option<&Figure> {
        self.0.iter().find(|(name, _)| *name == column).map(|(_, figure)| figure)
    }

    fn json(&self) -> Value {
        let pairs = self.0.iter().map(|(column, figure)| ((*column).to_owned(), figure.json()));
        pairs.collect::<Map<String, Value>>().into()
    }
}

impl Report {
    /// A table in Markdown, what was skipped, and versions.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        if let Some(first) = self.rows.first() {
            let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
            text.push_str(&line(first.0.iter().map(|(column, _)| (*column).to_owned()).collect()));
            let is_number = |figure: &Figure| !matches!(figure, Figure::Text(_));
            let align = |(_, figure): &(_, Figure)| if is_number(figure) { "---:" } else { "---" };
            text.push_str(&line(first.0.iter().map(|cell| align(cell).to_owned()).collect()));
            for row in &self.rows {
                text.push_str(&line(row.0.iter().map(|(_, figure)| figure.to_string()).collect()));
            }
        }
        for skipped in &self.skipped {
            text.push_str(&format!("\nSkipped: {skipped}\n"));
        }
        if !self.versions.is_empty() {
            text.push_str(&format!("\nVersions: {}.\n", self.versions.join("; ")));
        }
        text
    }

    pub fn json(&self) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(Row::json).collect();
        json!({
            "subset": self.subset,
            "rows": rows,
            "skipped": self.skipped,
            "versions": self.versions,
        })
    }
}

impl Figure {
    fn json(&self) -> Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Count(count) | Self::Size(count) => (*count).into(),
            Self::Seconds(number)
            | Self::Milliseconds(number)
            | Self::Memory(number)
            | Self::Ratio(number) => (*number).into(),
            Self::Missing => Value::Null,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&text.replace('|', "\\|")),
            Self::Count(count) => write!(f, "{count}"),
            Self::Seconds(seconds) => write!(f, "{} s", precise(*seconds)),
            Self::Milliseconds(number) if *number >= 1e3 => Self::Seconds(number / 1e3).fmt(f),
            Self::Milliseconds(number) => write!(f, "{} ms", precise(*number)),
            Self::Size(bytes) if *bytes < 1_000_000 => write!(f, "{} kB", bytes.div_ceil(1000)),
            Self::Size(bytes) => write!(f, "{:.1} MB", *bytes as f64 / 1e6),
            Self::Memory(megabytes) => write!(f, "{megabytes:.0} MB"),
            Self::Ratio(ratio) => write!(f, "{}", precise(*ratio)),
            Self::Missing => f.write_str("–"),
        }
    }
}

/// Three digits, or all digits before the point.
fn precise(number: f64) -> String {
    match number {
        number if number >= 100.0 => format!("{number:.0}"),
        number if number >= 10.0 => format!("{number:.1}"),
        number => format!("{number:.2}"),
    }
}

/// The median, the lower quartile and the upper quartile of some figures.
pub fn spread(figures: &[f64]) -> (f64, f64, f64) {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |part: usize| sorted.get(sorted.len() * part / 4).or(sorted.last()).copied();
    let at = |part: usize| at(part).unwrap_or_default();
    (at(2), at(1), at(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_a_table_and_json() {
        let row = |step: &str, wall: f64, size: u64| {
            let row = Row::default().with("step", Figure::Text(step.to_owned()));
            row.with("wall", Figure::Seconds(wall)).with("state", Figure::Size(size))
        };
        let rows = vec![row("create", 12.345, 1_234_567), row("a|b", 0.5, 1500)];
        let report = Report {
            subset: "x",
            rows,
            skipped: vec!["it is not here".to_owned()],
            versions: vec!["a 1.0".to_owned(), "b 2.0".to_owned()],
        };
        assert_eq!(
            report.markdown(),
            "| step | wall | state |\n| --- | ---: | ---: |\n| create | 12.3 s | 1.2 MB |\n\
             | a\\|b | 0.50 s | 2 kB |\n\nSkipped: it is not here\n\
             \nVersions: a 1.0; b 2.0.\n"
        );
        assert_eq!(
            report.json()["rows"][0],
            json!({ "step": "create", "wall": 12.345, "state": 1_234_567 })
        );
        assert_eq!(report.json()["versions"], json!(["a 1.0", "b 2.0"]));
        assert_eq!(report.rows[1].get("wall"), Some(&Figure::Seconds(0.5)));
        let times = [12.34, 1234.0].map(|time| Figure::Milliseconds(time).to_string());
        assert_eq!(times, ["12.3 ms", "1.23 s"]);
    }

    #[test]
    fn the_spread_is_that_of_the_middle_half() {
        assert_eq!(spread(&[5.0, 1.0, 4.0, 2.0, 3.0, 6.0, 7.0, 8.0]), (5.0, 3.0, 7.0));
        assert_eq!(spread(&[2.0]), (2.0, 2.0, 2.0));
        assert_eq!(spread(&[]), (0.0, 0.0, 0.0));
    }
}
