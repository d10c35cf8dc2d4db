//! Whether the gallery is complete: no page without a story, and no diagnostic without a page.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::{WIDTHS, gallery};

/// What is in these files and functions and is no diagnostic of a file, or of none that can be written.
const NO_DIAGNOSTIC: &[&str] = &[
    // What serde and the reader of YAML say, before it is reworded.
    " at line ",
    "a YAML value",
    "block collection",
    "block mapping",
    "budget breached",
    "multiple YAML documents",
    "recursive references",
    "simple key expected",
    "just pushed",
    "mapping values",
    "mismatched bracket",
    "misplaced bracket",
    "trailing content",
    "unclosed bracket",
    "unexpected character",
    "unknown anchor",
    // Of zips that are too broken to be kept here.
    "a name in the zip: {error}",
];

/// Functions of kinds whose texts are diagnostics, besides `check` and what begins like it.
const CHECKING: &[&str] = &["must_trust", "rule", "from_str"];

#[test]
fn every_diagnostic_is_on_a_page() {
    let folder = root().join("crates");
    let mut texts = BTreeSet::new();
    // The schema's texts are descriptions.
    let is_schema = |path: &PathBuf| path.ends_with("schema.rs");
    for path in sources(&folder.join("engine/src/manifest")).iter().filter(|path| !is_schema(path))
    {
        texts.extend(literals(&tokens(path), true));
    }
    for name in ["reference.rs", "address.rs"] {
        texts.extend(literals(&tokens(&folder.join("engine/src").join(name)), true));
    }
    for path in sources(&folder.join("aws/src")) {
        let is_check = path.file_stem().is_some_and(|name| name == "check");
        texts.extend(literals(&tokens(&path), is_check));
    }
    assert!(texts.len() > 120, "only {} texts are found", texts.len());

    let pages = pages().into_iter().filter(|(name, _)| name.starts_with("invalid-"));
    let pages: Vec<String> = pages.map(|(_, text)| blanked(&text)).collect();
    let is_printed = |text: &String| pages.iter().any(|page| has(page, text));
    let missing: BTreeSet<&str> =
        texts.iter().filter(|text| !is_printed(text)).map(String::as_str).collect();
    let expected = BTreeSet::from_iter(NO_DIAGNOSTIC.iter().copied());
    let (more, less) = (&missing - &expected, &expected - &missing);
    assert!(more.is_empty(), "no page prints these; add them to a file in `invalid/`: {more:#?}");
    assert!(less.is_empty(), "these are no exceptions any more: {less:#?}");
}

#[test]
fn every_page_is_of_a_story() {
    let mut stories = String::new();
    let folder = root().join("tests/it/gallery");
    for path in sources(&folder) {
        stories.push_str(&fs::read_to_string(path).expect("a story"));
    }
    for (name, _) in pages() {
        let (name, width) = name.split_once('@').expect("a width");
        assert!(WIDTHS.contains(&width), "{name}@{width} is for no width of ours");
        let is_in_a_story = match name.strip_prefix("invalid-") {
            Some(file) if folder.join(format!("invalid/{file}.yaml")).is_file() => true,
            Some(generated) => is_in_a_story(&stories, generated),
            None => is_in_a_story(&stories, name),
        };
        assert!(is_in_a_story, "nothing makes the page {name}; remove it");
    }
}

/// A page is named whole, or by what its story puts before the rest: `plan-` and `update`.
fn is_in_a_story(stories: &str, name: &str) -> bool {
    let is_named = |name: &str| stories.contains(&format!("\"{name}\""));
    let prefixes =
        ["plan-blocked-", "explain-blocked-", "plan-", "explain-", "reconcile-", "help-"];
    let rest = |prefix: &&str| name.strip_prefix(prefix).map(|rest| rest.replace('-', " "));
    let mut rests = prefixes.iter().filter_map(rest);
    name == "help"
        || is_named(name)
        || rests.any(|rest| is_named(&rest) || is_named(&rest.replace(' ', "-")))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Name and text of every page.
fn pages() -> Vec<(String, String)> {
    let files =
        fs::read_dir(gallery()).expect("the gallery").map(|file| file.expect("a file").path());
    let pages = files.filter(|path| path.extension().is_some_and(|of| of == "snap"));
    let name = |path: &Path| path.file_stem().expect("a name").to_string_lossy().into_owned();
    pages.map(|path| (name(&path), fs::read_to_string(&path).expect("a page"))).collect()
}

/// The Rust files under a folder, but for those of tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path()) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        match path.is_dir() {
            true if name != "tests" => found.extend(sources(&path)),
            false if name.ends_with(".rs") && name != "tests.rs" => found.push(path),
            _ => {}
        }
    }
    found
}

fn tokens(path: &Path) -> TokenStream {
    let text = fs::read_to_string(path).expect("a source");
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The literal texts of at least two words: all of them, or those in functions that check. Attributes
/// are left out, doc comments with them, and modules of tests.
fn literals(tokens: &TokenStream, all: bool) -> Vec<String> {
    let mut texts = Vec::new();
    let mut tokens = tokens.clone().into_iter().peekable();
    let mut is_function = false;
    let mut is_checking = all;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(sign) if sign.as_char() == '#' => {
                tokens.next_if(|token| token.to_string() == "!");
                let is_of_tests = matches!(tokens.peek(), Some(TokenTree::Group(attribute))
                    if attribute.stream().to_string().replace(' ', "") == "cfg(test)");
                tokens.next();
                if is_of_tests {
                    let is_body = |token: &TokenTree| match token {
                        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                        TokenTree::Punct(sign) => sign.as_char() == ';',
                        _ => false,
                    };
                    tokens.find(is_body);
                }
            }
            TokenTree::Ident(word) if is_function => {
                let name = word.to_string();
                is_checking = all || name.starts_with("check") || CHECKING.contains(&name.as_str());
                is_function = false;
            }
            TokenTree::Ident(word) => is_function = word == "fn",
            TokenTree::Group(group) => {
                texts.extend(literals(&group.stream(), is_checking));
                if group.delimiter() == Delimiter::Brace {
                    is_checking = all;
                }
            }
            TokenTree::Literal(literal) if all => {
                texts.extend(text(&literal.to_string()).filter(|text| is_sentence(text)));
            }
            _ => {}
        }
    }
    texts
}

/// The text of a literal, if it is one.
fn text(literal: &str) -> Option<String> {
    let inner = literal.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::new();
    let mut rest = inner.chars().peekable();
    while let Some(letter) = rest.next() {
        match (letter, rest.peek()) {
            ('\\', Some('\n')) => while rest.next_if(|c| c.is_whitespace()).is_some() {},
            ('\\', Some('n' | 't')) => {
                rest.next();
                text.push(' ');
            }
            ('\\', _) => text.extend(rest.next()),
            (letter, _) => text.push(letter),
        }
    }
    Some(text)
}

fn is_sentence(text: &str) -> bool {
    let is_word = |word: &&str| word.chars().any(char::is_lowercase) && !word.starts_with('{');
    text.split_whitespace().filter(is_word).count() > 1
}

/// Whether a page has a text, whatever stands for its `{…}`.
fn has(page: &str, text: &str) -> bool {
    let parts = constant_parts(text);
    let Some((first, rest)) = parts.split_first() else { return true };
    page.match_indices(first.as_str()).any(|(at, _)| {
        let mut here = at + first.len();
        rest.iter().all(|part| {
            let found = page[here..].find(part.as_str());
            here += found.map_or(0, |found| found + part.len());
            found.is_some_and(|found| found < 200)
        })
    })
}

/// What a format has between its `{…}`; `{{` is a brace, and `${…}` is a reference in a stack file.
fn constant_parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at(at);
        let part = parts.last_mut().expect("never empty");
        part.push_str(before);
        let end = brace.find('}').map_or(brace.len(), |end| end + 1);
        rest = match brace.get(..2) {
            Some(twice @ ("{{" | "}}")) => {
                part.push_str(&twice[..1]);
                &brace[2..]
            }
            _ if before.ends_with('$') || brace.starts_with('}') => {
                part.push_str(&brace[..end]);
                &brace[end..]
            }
            _ => {
                parts.push(String::new());
                &brace[end..]
            }
        };
    }
    parts.last_mut().expect("never empty").push_str(rest);
    let parts = parts.iter().map(|part| blanked(part));
    parts.filter(|part| !part.is_empty()).collect()
}

/// Lines as one, with single blanks.
fn blanked(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
