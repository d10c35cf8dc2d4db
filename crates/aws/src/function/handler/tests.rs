use super::*;

/// The result for code with these files.
fn check(runtime: &str, handler: &str, files: &[(&str, &str)]) -> Result<(), Wrong> {
    let names = files.iter().map(|(name, _)| (*name).to_owned()).collect();
    let code = Outline { names, ..Outline::default() };
    let text = |name: &str| {
        files.iter().find(|(file, _)| *file == name).map(|(_, text)| (*text).to_owned())
    };
    Handler { runtime, handler, code: &code, text: &text }.check()
}

fn wrong(runtime: &str, handler: &str, files: &[(&str, &str)]) -> String {
    match check(runtime, handler, files) {
        Ok(()) => "accepted".to_owned(),
        Err(Wrong { message, hint }) => format!("{message} | {hint}"),
    }
}

const PYTHON: &str = "\
import os, json as j
from a.b import (first,
                 second as third)
class Shop:
    def inside(self): pass
if os.name:
    try:
        from fast import quick
    except ImportError:
        def quick(): \"\"\"def in_a_string(): pass\"\"\"
async def later(event,
                context):
    def nested(): pass
    local = 1
# def in_a_comment(): pass
one = two = lambda event, context: 1
typed: object = later
text = '''
def in_a_long_string(): pass
'''
def handler(event, context):
    return 1
";

#[test]
fn names_at_the_top_level_of_a_python_module_are_handlers() {
    let is_there =
        |name: &str| check("python3.13", &format!("app.{name}"), &[("app.py", PYTHON)]).is_ok();
    for name in ["first", "third", "Shop", "quick", "later", "one", "two", "typed", "handler", "j"]
    {
        assert!(is_there(name), "{name}");
    }
    for name in
        ["inside", "nested", "local", "in_a_comment", "in_a_string", "in_a_long_string", "b"]
    {
        assert!(!is_there(name), "{name}");
    }
}

#[test]
fn a_python_handler_that_is_not_there_is_reported() {
    let of =
        |handler: &str| wrong("python3.13", handler, &[("app.py", PYTHON), ("fn/main.py", "")]);
    assert_eq!(
        of("app.handlr"),
        "`app.py` has no `handlr` that Lambda could call | did you mean `app.handler`?"
    );
    assert_eq!(
        of("app.x"),
        "`app.py` has no `x` that Lambda could call | `app.py` has quick, later, handler"
    );
    assert_eq!(
        of("ap.handler"),
        "`ap.handler` needs `ap.py`, which is not in the code | did you mean `app.handler`?"
    );
    assert_eq!(
        of("main.run"),
        "`main.run` needs `main.py`, which is not in the code | it is in `fn/`: write `fn/main.run`, or let `code` be the folder `fn/`"
    );
    assert_eq!(
        of("other.run"),
        "`other.run` needs `other.py`, which is not in the code | the code has `app.py`"
    );
    assert_eq!(
        of("fn/main.run"),
        "`fn/main.py` has no `run` that Lambda could call | `fn/main.py` has no function that could be the handler"
    );
}

#[test]
fn what_a_python_module_binds_otherwise_is_accepted() {
    for text in [
        "from x import *",
        "globals()['handler'] = 1",
        "def __getattr__(name): return 1",
        "def set():\n    global handler\n    handler = 1",
        "exec(open('x').read())",
        "for handler in [1]: pass",
        "import handler",
        "(handler := 1)",
        "with a as handler: pass",
        "a, \\\n handler = 1, 2",
    ] {
        assert_eq!(check("python3.13", "app.handler", &[("app.py", text)]), Ok(()), "{text}");
    }
    for files in [
        &[("pkg/__init__.py", "def handler(): pass")][..],
        &[("pkg.cpython-313-x86_64-linux-gnu.so", "")],
        &[("pkg.pyc", "")],
    ] {
        assert_eq!(check("python3.13", "pkg.handler", files), Ok(()), "{files:?}");
    }
    let text = wrong("python3.13", "pkg.handler", &[("pkg.yaml", ""), ("pkg/mod.py", "")]);
    assert!(text.starts_with("`pkg.handler` needs `pkg.py`, which is not in the code"), "{text}");
    let deep = [("a/b.py", "def h(): pass")];
    assert_eq!(check("python3.13", "a.b.h", &deep), Ok(()));
    assert_eq!(check("python3.13", "a/b.h", &deep), Ok(()));
}

#[test]
fn exports_of_a_node_module_are_handlers() {
    for text in [
        "exports.handler = async () => 1",
        "module.exports.handler = h",
        "module.exports = { other, handler }",
        "module.exports = { handler: function () { return { a: 1 } } }",
        "Object.defineProperty(exports, \"__esModule\", { value: true });\nexports.handler = h;",
        "export const handler = async () => 1",
        "export const a = f(1, 2), handler = 3",
        "export async function handler() {}",
        "export function* handler() {}",
        "export { handler }",
        "export { main as handler }",
        "export const { handler } = make()",
        "this.handler = 1",
        // Unknown forms.
        "module.exports = require('./lib')",
        "module.exports = { ...lib }",
        "exports[name] = 1",
        "__exportStar(require('./lib'), exports)",
        "export * from './lib.mjs'",
        "Object.assign(module.exports, lib)",
    ] {
        assert_eq!(check("nodejs22.x", "index.handler", &[("index.js", text)]), Ok(()), "{text}");
    }
}

#[test]
fn a_node_handler_that_is_not_exported_is_reported() {
    let of = |text: &str| wrong("nodejs22.x", "index.handler", &[("index.mjs", text)]);
    let no = "`index.mjs` has no `handler` that Lambda could call";
    assert_eq!(of("export const handle = 1"), format!("{no} | did you mean `index.handle`?"));
    assert_eq!(
        of("exports.run = 1; exports.stop = 2"),
        format!("{no} | `index.mjs` has run, stop")
    );
    assert_eq!(
        of("const handler = async () => 1"),
        format!("{no} | `index.mjs` has no function that could be the handler")
    );
    assert_eq!(
        of("module.exports = { main: 1 }"),
        format!("{no} | `index.mjs` has no function that could be the handler")
    );
    let file = |handler: &str, name: &str| wrong("nodejs22.x", handler, &[(name, "exports.h = 1")]);
    assert_eq!(
        file("index.h", "src/index.js"),
        "`index.h` needs `index.js`, which is not in the code | it is in `src/`: write `src/index.h`, or let `code` be the folder `src/`"
    );
    for (handler, name) in [
        ("src/index.h", "src/index.js"),
        ("index.h", "index.cjs"),
        ("index.h.inner", "index.js"),
        ("index.h", "index/index.js"),
        ("lib.h", "node_modules/lib/main.js"),
        ("/opt/lib/handler.h", "index.js"),
    ] {
        assert_eq!(file(handler, name), "accepted", "{handler}");
    }
}

#[test]
fn other_runtimes_need_what_can_be_told() {
    let none = wrong("provided.al2023", "any", &[("main", "")]);
    assert_eq!(
        none,
        "the runtime `provided.al2023` starts `bootstrap`, which is not in the code | name the program `bootstrap` and make it executable"
    );
    let deeper = wrong("provided.al2023", "any", &[("build/bootstrap", "")]);
    assert!(deeper.ends_with("it is in `build/`: let `code` be the folder `build/`"), "{deeper}");
    assert_eq!(check("provided.al2", "any", &[("bootstrap", "")]), Ok(()));
    assert_eq!(check("java21", "a.B::c", &[("a.jar", "")]), Ok(()));
}

#[test]
fn a_module_behind_a_link_is_accepted() {
    let text = |_: &str| None;
    for (link, handler) in [("app.py", "app.h"), ("fn", "fn/app.h"), ("fn", "fn.app.h")] {
        let names = std::collections::BTreeSet::from([link.to_owned()]);
        let code = Outline { links: names.clone(), names, ..Outline::default() };
        let handler = Handler { runtime: "python3.13", handler, code: &code, text: &text };
        assert_eq!(handler.check(), Ok(()), "{link}");
    }
}
