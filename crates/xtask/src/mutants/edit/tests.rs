use super::super::syntax::Syntax;
use super::Edit::{Always, Before, Body, Never, Remove, Replace, Unchain};
use super::*;

const SOURCE: &str = r#"
const LIMIT: u32 = 60 + 1;

struct Plan;

impl Plan {
    fn order(&mut self, steps: &[u32]) -> bool {
        let is_first = steps.len() == 1; // one step
        if let Some(step) = steps.first() && *step > 3 {
            self.hold(steps, "ß",);
        }
        match steps.len() {
            0 if is_first => return false,
            n => self.hold(steps, n),
        }
        self.builder().name("x").token(LIMIT).send()
    }
}
"#;

/// The source after an edit in an item, or why there is none.
fn edited(source: &str, item: &str, edit: Edit) -> Result<String, String> {
    let syntax = Syntax::parse(source.to_owned()).expect("the source is Rust");
    let named = |one: &&Item| one.path.join("::") == item;
    let item = syntax.items.iter().find(named).expect("the item is there");
    Ok(edit.patch(&syntax, item)?.apply(source))
}

#[track_caller]
fn check(item: &str, edit: Edit, (old, new): (&str, &str)) {
    assert_eq!(SOURCE.matches(old).count(), 1, "{old}");
    assert_eq!(edited(SOURCE, item, edit), Ok(SOURCE.replacen(old, new, 1)));
}

#[track_caller]
fn refused(edit: Edit, why: &str) {
    let error = edited(SOURCE, "Plan::order", edit).expect_err("it must not apply");
    assert!(error.contains(why), "{error}");
}

#[test]
fn each_edit_changes_its_place_and_nothing_else() {
    let order = "Plan::order";
    check(order, Remove("\"ß\""), ("self.hold(steps, \"ß\",);", ""));
    check(order, Remove("*step > 3"), (statement("if let", "n => self"), ""));
    check(order, Never("steps.len() == 1"), ("steps.len() == 1", "false && (steps.len() == 1)"));
    check(order, Never("step > 3"), ("if let", "if false && let"));
    check(order, Always("is_first"), ("0 if is_first", "0 if true || (is_first)"));
    check(order, Replace("*step > 3", "*step > 4"), ("*step > 3", "*step > 4"));
    check(order, Before("match", "self.early();"), ("match steps", "self.early(); match steps"));
    check(order, Unchain("token"), (".token(LIMIT)", ""));
    check("LIMIT", Body("0"), ("60 + 1", "0"));
    let body = &SOURCE[SOURCE.find("{\n        let").expect("it")..SOURCE.len() - 3];
    check(order, Body("true"), (body, "{ true }"));
}

/// The source from `from` to the statement before the one that contains `to`.
fn statement(from: &str, to: &str) -> &'static str {
    let end = SOURCE.find(to).expect("the end");
    let end = SOURCE[..end].rfind("        match").expect("the next statement");
    SOURCE[SOURCE.find(from).expect("the beginning")..end].trim_end()
}

#[test]
fn layout_comments_and_lines_make_no_difference() {
    let moved = "
        // Other lines come first.
        fn other() { refuse(1, 2); }
        /// And it has a comment now: `refuse(1, 2)`.
        fn plan() {
            refuse( // why
                1,
                2,
            );
            go();
        }
    ";
    let edit = Remove("refuse(1, 2)");
    let edited_there = edited(moved, "plan", edit).expect("it applies");
    assert!(!edited_there.contains("why") && edited_there.contains("go();"), "{edited_there}");
    assert!(edited_there.contains("fn other() { refuse(1, 2); }"), "{edited_there}");
    assert!(edited("fn plan() { refuse(1, 3); }", "plan", edit).is_err());
}

#[test]
fn what_is_not_found_once_does_not_apply() {
    refused(Replace("nothing", ""), "not found");
    refused(Remove("hold"), "found 2 times, in lines 10, 12");
    refused(Replace("steps.len()", "0"), "found 2 times, in lines 8, 12");
    refused(Unchain("nothing"), "not found");
    // A method's name is in no condition.
    refused(Never("token"), "not found");
}

#[test]
fn an_edit_that_makes_no_mutant_does_not_apply() {
    refused(Replace("*step > 3", "*step  > 3"), "it changes nothing");
    refused(Replace("*step > 3", "*step >"), "no Rust");
    refused(Replace("(", ""), "cannot be read as Rust");
    refused(Replace("", "1"), "no tokens");
    refused(Always("*step > 3"), "binds a name");
}
