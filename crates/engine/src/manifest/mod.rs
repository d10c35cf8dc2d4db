//! A stack file: from text to a checked [`Manifest`], or to all of its problems.

mod annotate;
mod check;
mod cloud;
mod common;
mod correct;
mod diagnostic;
mod group;
mod header;
mod measure;
mod missing;
mod overlay;
mod placeholder;
mod places;
mod read;
mod refer;
mod schema;
mod shape;
mod source;
mod syntax;
mod tree;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value as Json;

pub use self::cloud::Cloud;
pub use self::common::not_to_ignore;
use self::correct::Corrector;
pub use self::diagnostic::{Diagnostic, Invalid, nearest};
pub use self::group::{Group, digits, grouped};
pub use self::header::wrong_region;
use self::overlay::Overlay;
use self::read::Reader;
pub use self::schema::document;
pub use self::source::{Source, Span};
use self::tree::Node;
use crate::address::Address;
use crate::graph::Graph;
use crate::kind::Files;
use crate::lifecycle::Lifecycle;
use crate::partition::Partition;
use crate::reference::{self, Reference, Scope};
use crate::registry::Registry;

/// A stack file that passed every check.
#[derive(Clone, Debug)]
pub struct Manifest {
    pub source: Source,
    pub stack: String,
    pub cloud: Cloud,
    pub region: String,
    /// Twelve digits; always there for [`Cloud::Aws`].
    pub account: Option<String>,
    pub resources: BTreeMap<Address, Resource>,
    pub checks: Vec<Check>,
    /// Text with markers, by name.
    pub outputs: BTreeMap<String, String>,
    pub graph: Graph,
    /// The environment variables that the file refers to.
    pub env: BTreeMap<String, String>,
    /// What may be wrong, in the order of the text.
    pub warnings: Vec<Diagnostic>,
}

/// One resource, with references in its strings as markers.
#[derive(Clone, Debug)]
pub struct Resource {
    pub address: Address,
    pub name: String,
    /// The stack's and its own.
    pub tags: BTreeMap<String, String>,
    pub depends_on: BTreeSet<Address>,
    pub lifecycle: Lifecycle,
    /// The address that its object had before.
    pub renamed_from: Option<Address>,
    /// What its kind's `Config` reads.
    pub config: Json,
    /// Its key in the file.
    pub span: Span,
    /// The keys of its fields.
    pub fields: BTreeMap<String, Span>,
}

/// An HTTP call that shows whether the stack works.
#[derive(Clone, Debug)]
pub struct Check {
    pub name: String,
    pub method: String,
    /// With markers, as `headers` and `body`.
    pub url: String,
    pub headers: BTreeMap<String, String>,
    pub body: Option<Json>,
    pub status: u16,
    pub contains: Option<String>,
    pub within: Duration,
}

/// What the command line and the environment add to a file.
pub struct Request<'a> {
    pub cloud: Option<Cloud>,
    pub region: Option<String>,
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Whether environment variables without a default must be set. Reading a state and deleting need
    /// none.
    pub needs_env: bool,
    /// The files that the stack file names, if they are checked, too.
    pub files: Option<&'a Files>,
}

impl Resource {
    /// Every reference in any of its strings.
    pub fn references(&self) -> BTreeSet<Reference> {
        let mut all = reference::references(&self.config);
        all.extend(reference::markers(&self.name));
        all.extend(self.tags.values().flat_map(|text| reference::markers(text)));
        all
    }

    /// Where it refers to another resource; the whole resource, if no field of the file does.
    pub(crate) fn refers_at(&self, other: &Address) -> &Span {
        let is_other = |reference: &Reference| matches!(reference, Reference::Output(address, _) if address == other);
        let refers = |config: &Json| reference::references(config).iter().any(is_other);
        let mut fields = self.config.as_object().into_iter().flatten();
        let field = fields.find(|(_, config)| refers(config)).map(|(field, _)| field.as_str());
        let depends_on = || self.depends_on.contains(other).then_some("depends_on");
        let field = field.or_else(depends_on).and_then(|field| self.fields.get(field));
        field.unwrap_or(&self.span)
    }

    /// The addresses that it depends on.
    pub fn needs(&self) -> BTreeSet<Address> {
        let referred = self.references().into_iter().filter_map(|reference| match reference {
            Reference::Output(address, _) => Some(address),
            _ => None,
        });
        self.depends_on.iter().cloned().chain(referred).collect()
    }
}

impl Manifest {
    /// Reads and checks a file for every cloud that it names, before any call.
    pub fn load(source: Source, request: &Request<'_>, kinds: &Registry) -> Result<Self, Invalid> {
        let mut tree = match tree::parse(&source) {
            Ok(tree) => overlay::without_extensions(tree),
            Err(diagnostic) => return Err(Invalid::new(source, vec![diagnostic])),
        };
        let schema = schema::document(kinds);
        let mut diagnostics = Corrector::new(&source, kinds, &schema).correct(&mut tree);
        let cloud = match chosen(&tree, request) {
            Ok(cloud) => cloud,
            Err(diagnostic) => {
                diagnostics.push(diagnostic);
                Cloud::Local
            }
        };
        let base = overlay::without(&tree, "clouds");
        let overlays = tree.get("clouds").map(Node::entries).unwrap_or_default();
        let mut reader = Reader { source: &source, request, kinds, schema: &schema, overlay: None };
        let mut chosen = None;
        for (key, over) in overlays {
            let of = match key.text.parse::<Cloud>() {
                Ok(of) => of,
                Err(error) => {
                    let diagnostic = Diagnostic::error(key.span.clone(), error);
                    diagnostics.push(diagnostic.suggest(&key.text, ["local", "aws"]));
                    continue;
                }
            };
            let merged = overlay::merge(&base, over);
            let mut found = Vec::new();
            reader.overlay = Some(Overlay { cloud: &key.text, base: &base });
            let read = reader.read(&merged, &of, of == cloud, &mut found);
            reader.overlay = None;
            let additions = overlay::additions(&key.text, &base, over, kinds);
            // What is missing in an addition has been reported, with what was probably meant.
            let is_reported =
                |addition: &Diagnostic| found.iter().any(|found| found.span == addition.span);
            diagnostics.extend(additions.into_iter().filter(|one| !is_reported(one)));
            if of == cloud {
                chosen = Some(read);
            }
            if !found.is_empty() {
                let mut without = Vec::new();
                reader.read(&base, &of, of == cloud, &mut without);
                let without: HashSet<_> = without.iter().map(Diagnostic::identity).collect();
                let of_overlay = overlay::Positions::of(over);
                for found in &mut found {
                    let is_of_overlay = of_overlay.has(found.span.start);
                    if !is_of_overlay && !without.contains(&found.identity()) {
                        found.message += &format!(" (only for the cloud `{}`)", key.text);
                    }
                }
            }
            diagnostics.extend(found);
        }
        // The file without an overlay is checked only where no overlay is chosen.
        let manifest = match chosen {
            Some(manifest) => manifest,
            None => reader.read(&base, &cloud, true, &mut diagnostics),
        };
        match manifest {
            Some(manifest) if !diagnostics.iter().any(Diagnostic::is_error) => {
                Ok(Self { warnings: diagnostic::in_order(diagnostics), ..manifest })
            }
            _ => Err(Invalid::new(source, diagnostics)),
        }
    }

    /// The values of references before anything exists.
    pub fn scope(&self, account: &str) -> Scope {
        Scope {
            stack: self.stack.clone(),
            region: self.region.clone(),
            account: account.to_owned(),
            partition: Partition::of(&self.region)
                .map_or("aws", |partition| partition.name)
                .to_owned(),
            env: self.env.clone(),
            outputs: BTreeMap::new(),
        }
    }

    /// The folder that relative paths start from.
    pub fn folder(&self) -> PathBuf {
        self.source.folder()
    }
}

fn chosen(tree: &Node, request: &Request<'_>) -> Result<Cloud, Diagnostic> {
    if let Some(cloud) = &request.cloud {
        return Ok(cloud.clone());
    }
    let Some(node) = tree.get("cloud") else { return Ok(Cloud::Local) };
    let text = node.text().unwrap_or("local");
    text.parse().map_err(|error: String| {
        Diagnostic::error(node.span.clone(), error).suggest(text, ["local", "aws"])
    })
}
