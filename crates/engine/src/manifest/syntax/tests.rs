use super::*;
use crate::manifest::tree;

#[track_caller]
fn check(text: &str, expected: &str) {
    let source = Source::new("stack.yaml", text);
    let found = tree::parse(&source).expect_err("not YAML");
    let (line, column) = source.position(found.span.start);
    let said = found.message.strip_prefix("not valid YAML: ").unwrap_or(&found.message);
    let said = format!("{line}:{column} {said} | {}", found.help.unwrap_or_default());
    assert_eq!(said, expected, "{text}");
}

#[test]
fn a_mistake_is_named_where_it_is_with_its_cure() {
    let space = "no space behind the colon | write `timeout: 30`";
    check("f:\n  timeout:30\n  memory: 128\n", &format!("2:3 {space}"));
    check("f:\n  memory: 128\n  timeout:30\n", &format!("3:3 {space}"));
    check("f:\n  memory: 128\n\n  # why\n  timeout:30\n", &format!("5:3 {space}"));
    let column = "the keys of one map start in the same column";
    check("f:\n    a: 1\n   b: 2\n", &format!("3:4 wrong indentation | {column}"));
    let above = format!("the line above has a value already; {column}");
    check("f:\n  a: 1\n    b: 2\n", &format!("3:5 wrong indentation | {above}"));
    check("a: \"b\nc: d\n", "1:4 unclosed quote | close it with \"");
    check("a: 'b\nc: d\ne: 'f'\n", "1:4 unclosed quote | close it with '");
    check("a: \"b\nc: d\ne: \"f\"\n", "1:4 unclosed quote | close it with \"");
    let quote = "an anchor needs a name | quote a string that starts with `*` or `&`: \"*\"";
    check("a: {b: [*]}\n", &format!("1:9 {quote}"));
    check(
        "a: {b: c\n  d: e}\n",
        "2:4 while parsing a flow mapping, did not find expected ',' or '}' | put `,` between \
         entries, and close `{` with `}` and `[` with `]`",
    );
    check("a: 1\n---\nb: 2\n", "2:1 a stack file is one document | remove the line `---`");
}

#[test]
fn a_key_has_a_colon() {
    for text in ["timeout 30", "timeout=30", "timeout = 30"] {
        let expected = "2:3 a key without a colon | write `timeout: 30`";
        check(&format!("f:\n  {text}\n  memory: 128\n"), expected);
    }
    let conflict = "a merge conflict that is not resolved | choose one side, and remove the lines \
                    with <<<<<<<, ======= and >>>>>>>";
    check("a: 1\n<<<<<<< HEAD\nb: 2\n", &format!("2:1 {conflict}"));
    let own = "an anchor that contains itself | take the alias out of the value that its anchor \
               stands for";
    check("a: &a {b: *a}\n", &format!("1:11 {own}"));
}

#[test]
fn the_opening_of_a_bracket_is_named() {
    let list = "unclosed `[` | close it with `]`, or put `,` between its entries";
    let map = "unclosed `{` | close it with `}`, or put `,` between its entries";
    check("a:\n  b: [c, d\n  e: f\n  g: h\n", &format!("2:6 {list}"));
    check("a:\n  b: {c: d\n  e: {f: g}\n", &format!("2:6 {map}"));
    check("a: {b: c\nd: e}\n", &format!("1:4 {map}"));
    check("a:\n  b: [c, d\n  e: [\"${f.g.id}\"]\n", &format!("2:6 {list}"));
    check("a: {b: [c, d}\ne: f\n", &format!("1:8 {list}"));
    check("a:\n  b: [c, d\n", &format!("2:6 {list}"));
    check("a: |\n  b: [\nc: [d\ne: f\n", &format!("3:4 {list}"));
    check("# [\na: b [c\nd: {e: f\ng: h\n", &format!("3:4 {map}"));
    let closing = "remove it, or quote the string that it belongs to";
    check("a: [b]]\n", &format!("1:7 this bracket closes nothing | {closing}"));
}

#[test]
fn what_has_to_be_quoted_is_quoted() {
    let colon = "a string with a colon and a space needs quotes";
    check("a: API: x\n", &format!("1:4 {colon} | write `a: \"API: x\"`"));
    check("f:\n  - a: b: c # d\n", &format!("2:8 {colon} | write `a: \"b: c\"`"));
    check("a: \\d: x\n", &format!("1:4 {colon} | write `a: '\\d: x'`"));
    for character in ["@", "%", "`"] {
        let said = format!("a string cannot start with `{character}`");
        let help = format!("quote it: \"{character}x y\"");
        check(&format!("f:\n  a: {character}x y # z\n"), &format!("2:6 {said} | {help}"));
        check(&format!("f: {{a: {character}x y}}\n"), &format!("1:8 {said} | {help}"));
    }
}

#[test]
fn a_comment_or_a_text_in_lines_opens_no_quote() {
    let quote = "unclosed quote | close it with \"";
    check("a: \"b\n# it is \"so\nc: \"d\"\n", &format!("1:4 {quote}"));
    check("x: |\n  say \"\na: \"b\nc: \"d\"\n", &format!("3:4 {quote}"));
    check("a: \"b # c\nd: \"e\"\n", &format!("1:4 {quote}"));
    check("a: it's\nb: \"c\nd: \"e\"\n", &format!("2:4 {quote}"));
}

#[test]
fn the_anchors_that_exist_are_listed() {
    let no = "there is no anchor `nope`";
    check(
        "a: &one 1\nb: [&two 2]\nc: *nope\n",
        &format!("3:4 {no} | the anchors above are one, two"),
    );
    check("a: &nop 1\nc: {<<: *nope}\n", &format!("2:9 {no} | did you mean `*nop`?"));
    let none = "write `&nope` before the value that it stands for; or, for a string, \"*nope\"";
    check("c: *nope\n", &format!("1:4 {no} | {none}"));
    let below = "`&nope` is below; an anchor stands above the places that use it";
    check("a: &one 1\nc: *nope\nd: &nope 2\n", &format!("2:4 {no} | {below}"));
}

#[test]
fn any_broken_text_is_a_diagnostic_inside_the_text() {
    let whole = "stack: s\nf:\n  a: {b: [c, \"d\"], e: 'é'}\n  g: ${h.i.j}\n";
    for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        for insert in ["'", "\"", "*", "*é", "\t", ":", ": ", "{", "]", "é", "@", "%é", "|"] {
            let text = format!("{}{insert}{}", &whole[..end], &whole[end..]);
            let source = Source::new("stack.yaml", text);
            if let Err(found) = tree::parse(&source) {
                assert!(found.span.start <= source.text.len(), "{found:?}");
                let _ = found.render(&source, false, None);
            }
        }
    }
}
