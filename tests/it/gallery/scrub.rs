//! What is another at each run (ids, times, ports, process ids), by a name that is always the same.

use std::collections::BTreeMap;

use crate::support::Sandbox;

/// Names for what was seen so far.
#[derive(Default)]
pub struct Scrub {
    /// What is printed -> what the page has instead.
    names: BTreeMap<String, String>,
    /// How many of each sort have a name.
    counts: BTreeMap<String, usize>,
}

impl Scrub {
    /// Gives a name to an id: the first API is `[api-1]`.
    pub fn name(&mut self, sort: &str, id: &str) {
        if !self.names.contains_key(id) {
            let count = self.counts.entry(sort.to_owned()).or_default();
            *count += 1;
            self.names.insert(id.to_owned(), format!("[{sort}-{count}]"));
        }
    }

    /// Gives names to what a stack has: the ids of its APIs, the port of its cloud.
    pub fn learn(&mut self, stack: &Sandbox) {
        self.names.insert(format!(":{}", stack.port()), ":[port]".to_owned());
        self.names.insert(format!("port {}", stack.port()), "port [port]".to_owned());
        let listed = stack.run(&["state", "list"]).stdout;
        for line in listed.lines() {
            let is_id = |id: &&str| id.len() >= 8 && id.bytes().all(|b| b.is_ascii_alphanumeric());
            let (address, rest) = line.split_once("  ").unwrap_or_default();
            if let Some(id) =
                Some(rest.trim()).filter(is_id).filter(|_| address.starts_with("api."))
            {
                self.name("api", id);
            }
        }
    }

    /// A text with the names in it. Instances get theirs in the order in which they are printed.
    pub fn scrubbed(&mut self, text: &str) -> String {
        instances(text).for_each(|id| self.name("instance", id));
        let name = |text: String, (printed, name): (&String, &String)| text.replace(printed, name);
        self.names.iter().fold(text.to_owned(), name)
    }
}

/// The ids of instances in a text.
fn instances(text: &str) -> impl Iterator<Item = &str> {
    const LENGTH: usize = "i-0123456789abcdef0".len();
    let starts = text.match_indices("i-").map(|(at, _)| at);
    let ids = starts.filter_map(|at| text.get(at..at + LENGTH));
    ids.filter(|id| id[2..].bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// What is another at each run and has no name of its own.
pub const FILTERS: &[(&str, &str)] = &[
    // How long it took, and how often something was looked at until it was ready.
    // A line may be broken before it or within it, as its numbers are long.
    (
        r"\s+\(\d+\s+API\s+calls?,\s+(\d+)\s+(writes?),\s+[\d.]+\s+(ms|s)\)",
        " ([n] API calls, $1 $2, [time])",
    ),
    (r"\b\d+ ms\b|\b\d+\.\d s\b|\b\d+ min \d+ s\b", "[time]"),
    // What is said of a silence, which there is on a busy machine only.
    (r"(?m)^… .*\n", ""),
    // A line is broken behind the id of a process, as that is long.
    (
        r"process\s+\d+,\s+(`[^`]+`),\s+since\s+\d{4}-\d\d-\d\d\s+[\d:]+\s+UTC",
        "process [pid], $1, since [time]",
    ),
    // A time is printed with as many digits as it has, so the line is broken after it, or later.
    (
        r"begun\s+at\s+\d{4}-\d\d-\d\dT[\d:.]+Z\s+has\s+no\s+outcome\s+yet",
        "begun at [time] has no outcome yet",
    ),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( UTC|Z|\+00:?00)", "[time]"),
    (r"\d{8}T\d{6}Z", "[stamp]"),
    (r"(private ip|public ip)( +)\d+\.\d+\.\d+\.\d+", "$1$2[ip]"),
    (r"ec2-\d+-\d+-\d+-\d+\.", "ec2-[ip]."),
    (r"ARO[0-9A-Z]{18}", "[role-id]"),
];
