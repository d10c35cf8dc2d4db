//! The names that a module of Node exports.

use super::Offered;

/// Returns what the forms of exporting that are understood name. Strings and comments are read like code:
/// they can only add names.
pub(super) fn offered(text: &str) -> Offered {
    let tokens = tokens(text);
    let mut found = Offered::default();
    for (at, token) in tokens.iter().enumerate() {
        let after = &tokens[at + 1..];
        match *token {
            "exports" => of_exports(&tokens[..at], after, &mut found),
            "export" => of_export(after, &mut found),
            "this" | "module" if after.first() == Some(&"[") => found.is_open = true,
            "this" => {
                if let [".", name, "=", ..] = after {
                    found.add(name);
                }
            }
            "eval" => found.is_open = true,
            _ => {}
        }
    }
    found
}

/// `exports.NAME`, `module.exports = {…}`, `Object.defineProperty(exports, "NAME"`.
fn of_exports(before: &[&str], after: &[&str], found: &mut Offered) {
    match (before, after) {
        (_, [".", name, ..]) => found.add(name),
        (_, ["=", "{", inside @ ..]) => found.add_block(inside),
        ([.., "defineProperty", "("], [",", "\"" | "'", name, ..]) => found.add(name),
        _ => found.is_open = true,
    }
}

/// What follows `export`.
fn of_export(after: &[&str], found: &mut Offered) {
    match after {
        ["default", ..] => found.add("default"),
        ["*", "as", name, ..] => found.add(name),
        ["{", inside @ ..] => found.add_block(inside),
        ["async", "function", "*", name, ..]
        | ["async", "function", name, ..]
        | ["function", "*", name, ..]
        | ["function" | "class", name, ..] => found.add(name),
        ["const" | "let" | "var", "{", inside @ ..] => found.add_block(inside),
        // More names may follow behind a comma, wherever the first value ends.
        ["const" | "let" | "var", name, rest @ ..] if is_word(name) => {
            found.add(name);
            let is_end = |token: &str| ["=", ",", ";"].contains(&token);
            let more = rest.windows(3).filter(|three| three[0] == "," && is_end(three[2]));
            found.names.extend(more.map(|three| three[1].to_owned()));
        }
        _ => found.is_open = true,
    }
}

impl Offered {
    fn add(&mut self, name: &str) {
        self.functions.push(name.to_owned());
        self.names.push(name.to_owned());
        self.functions.sort();
        self.functions.dedup();
    }

    /// Adds the names in a block that has begun. What is spread there is not known.
    fn add_block(&mut self, inside: &[&str]) {
        let mut depth = 1;
        for token in inside {
            match *token {
                "{" => depth += 1,
                "}" => depth -= 1,
                // A string or a pattern may have any character, that of the block's end too.
                "." | "[" | "\"" | "'" | "`" | "/" => self.is_open = true,
                word if is_word(word) && depth == 1 => self.names.push(word.to_owned()),
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
        self.is_open = true;
    }
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$')
}

/// Splits into words and single other characters.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(c) = rest.chars().next() {
        let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
        let length = match word {
            Some(0) => c.len_utf8(),
            Some(end) => end,
            None => rest.len(),
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    tokens
}
