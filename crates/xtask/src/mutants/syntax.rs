//! A source file as mutants see it: tokens and places, each with its byte range. Layout and comments
//! are no part of it.

use std::ops::Range;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, Pat};

/// One token. A group's delimiters are tokens of their own.
#[derive(Debug)]
pub struct Token {
    pub text: String,
    pub range: Range<usize>,
}

/// A part of a file that an edit can act on.
#[derive(Debug)]
pub struct Place {
    pub shape: Shape,
    pub range: Range<usize>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Shape {
    Statement,
    /// Of an `if`, a `while` or a match arm, or what a `let` is set to.
    Condition {
        /// It contains a `let` of its own.
        binds: bool,
    },
    /// `.method(…)` of a chain, without what it is called on.
    Method(String),
}

/// A function, or a constant.
#[derive(Debug)]
pub struct Item {
    /// Modules within the file, type or trait, name.
    pub path: Vec<String>,
    pub range: Range<usize>,
    /// A function's block with its braces, or a constant's value. `None`: a trait only declares it.
    pub body: Option<Range<usize>>,
}

/// A module that lies in a file of its own.
#[derive(Debug)]
pub struct Module {
    /// Within the file that declares it.
    pub path: Vec<String>,
}

#[derive(Debug)]
pub struct Syntax {
    pub text: String,
    pub tokens: Vec<Token>,
    pub places: Vec<Place>,
    pub items: Vec<Item>,
    pub modules: Vec<Module>,
}

impl Syntax {
    /// Code that is compiled for tests only is left out.
    pub fn parse(text: String) -> Result<Self, String> {
        let stream: TokenStream = text.parse().map_err(|error| format!("{error}"))?;
        let file: syn::File = syn::parse2(stream.clone()).map_err(|error| error.to_string())?;
        let mut found = Found::default();
        found.visit_file(&file);
        let Found { places, items, modules, .. } = found;
        Ok(Self { text, tokens: flat(stream), places, items, modules })
    }

    /// The line in which a byte stands, from 1.
    pub fn line(&self, at: usize) -> usize {
        1 + self.text[..at].matches('\n').count()
    }
}

/// All tokens in order, without the comma that only layout puts before a closing delimiter.
pub fn flat(stream: TokenStream) -> Vec<Token> {
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    tokens
}

fn flatten(stream: TokenStream, into: &mut Vec<Token>) {
    for tree in stream {
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                let token = |text: &str, range| Token { text: text.to_owned(), range };
                into.push(token(open, group.span_open().byte_range()));
                flatten(group.stream(), into);
                into.pop_if(|last| last.text == ",");
                into.push(token(close, group.span_close().byte_range()));
            }
            tree => into.push(Token { text: tree.to_string(), range: tree.span().byte_range() }),
        }
    }
}

#[derive(Default)]
struct Found {
    /// Modules and type around what is visited.
    path: Vec<String>,
    places: Vec<Place>,
    items: Vec<Item>,
    modules: Vec<Module>,
}

impl Found {
    fn place(&mut self, shape: Shape, range: Range<usize>) {
        self.places.push(Place { shape, range });
    }

    fn condition(&mut self, condition: &Expr) {
        let shape = Shape::Condition { binds: binds(condition) };
        self.place(shape, condition.span().byte_range());
    }

    fn item(&mut self, name: &syn::Ident, item: &impl Spanned, body: Option<&dyn HasRange>) {
        let path = [self.path.as_slice(), &[name.to_string()]].concat();
        let (range, body) = (item.span().byte_range(), body.map(HasRange::range));
        self.items.push(Item { path, range, body });
    }

    fn within(&mut self, name: String, visit: impl FnOnce(&mut Self)) {
        self.path.push(name);
        visit(self);
        self.path.pop();
    }
}

/// [`Spanned`] as an object.
trait HasRange {
    fn range(&self) -> Range<usize>;
}

impl<T: Spanned> HasRange for T {
    fn range(&self) -> Range<usize> {
        self.span().byte_range()
    }
}

impl<'ast> Visit<'ast> for Found {
    fn visit_item_mod(&mut self, node: &'ast syn::ItemMod) {
        if is_for_tests(&node.attrs) {
            return;
        }
        match node.content {
            Some(_) => {
                self.within(node.ident.to_string(), |found| visit::visit_item_mod(found, node));
            }
            None => {
                let path = [self.path.as_slice(), &[node.ident.to_string()]].concat();
                self.modules.push(Module { path });
            }
        }
    }

    fn visit_item_impl(&mut self, node: &'ast syn::ItemImpl) {
        if let Some(of) = name_of(&node.self_ty)
            && !is_for_tests(&node.attrs)
        {
            self.within(of, |found| visit::visit_item_impl(found, node));
        }
    }

    fn visit_item_trait(&mut self, node: &'ast syn::ItemTrait) {
        self.within(node.ident.to_string(), |found| visit::visit_item_trait(found, node));
    }

    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        if !is_for_tests(&node.attrs) {
            self.item(&node.sig.ident, node, Some(&node.block));
            visit::visit_item_fn(self, node);
        }
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        if !is_for_tests(&node.attrs) {
            self.item(&node.sig.ident, node, Some(&node.block));
            visit::visit_impl_item_fn(self, node);
        }
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        let body = node.default.as_ref().map(|block| block as &dyn HasRange);
        self.item(&node.sig.ident, node, body);
        visit::visit_trait_item_fn(self, node);
    }

    fn visit_item_const(&mut self, node: &'ast syn::ItemConst) {
        self.item(&node.ident, node, Some(&node.expr));
        visit::visit_item_const(self, node);
    }

    fn visit_impl_item_const(&mut self, node: &'ast syn::ImplItemConst) {
        self.item(&node.ident, node, Some(&node.expr));
        visit::visit_impl_item_const(self, node);
    }

    fn visit_item_static(&mut self, node: &'ast syn::ItemStatic) {
        self.item(&node.ident, node, Some(&node.expr));
        visit::visit_item_static(self, node);
    }

    fn visit_stmt(&mut self, node: &'ast syn::Stmt) {
        self.place(Shape::Statement, node.span().byte_range());
        visit::visit_stmt(self, node);
    }

    fn visit_expr_if(&mut self, node: &'ast syn::ExprIf) {
        self.condition(&node.cond);
        visit::visit_expr_if(self, node);
    }

    fn visit_expr_while(&mut self, node: &'ast syn::ExprWhile) {
        self.condition(&node.cond);
        visit::visit_expr_while(self, node);
    }

    fn visit_pat(&mut self, node: &'ast Pat) {
        if let Pat::Guard(guarded) = node {
            self.condition(&guarded.guard);
        }
        visit::visit_pat(self, node);
    }

    fn visit_local_init(&mut self, node: &'ast syn::LocalInit) {
        self.condition(&node.expr);
        visit::visit_local_init(self, node);
    }

    fn visit_expr_method_call(&mut self, node: &'ast syn::ExprMethodCall) {
        let (from, to) = (node.receiver.span().byte_range().end, node.span().byte_range().end);
        self.place(Shape::Method(node.method.to_string()), from..to);
        visit::visit_expr_method_call(self, node);
    }
}

/// What the methods of an `impl` are called after: a type, or the trait of `dyn Trait`.
fn name_of(of: &syn::Type) -> Option<String> {
    let path = match of {
        syn::Type::Path(of) => &of.path,
        syn::Type::TraitObject(of) => of.bounds.iter().find_map(|bound| match bound {
            syn::TypeParamBound::Trait(bound) => Some(&bound.path),
            _ => None,
        })?,
        _ => return None,
    };
    Some(path.segments.last()?.ident.to_string())
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|what| what.is_ident("test"))
    })
}

/// Whether a condition has a `let` among what it joins with `&&`.
fn binds(condition: &Expr) -> bool {
    match condition {
        Expr::Let(_) => true,
        Expr::Binary(both) => binds(&both.left) || binds(&both.right),
        _ => false,
    }
}
