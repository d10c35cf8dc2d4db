//! From one merged tree to a manifest: header, resources, checks of the kinds, graph, HTTP checks.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value as Json;

use super::check::{Checker, Known};
use super::common;
use super::diagnostic::Diagnostic;
use super::missing::Addresses;
use super::overlay::Overlay;
use super::places::Places;
use super::schema::Header;
use super::source::{Source, Span};
use super::tree::{Node, Value};
use super::{Cloud, Manifest, Request, Resource};
use crate::address::{Address, is_key};
use crate::graph::{Cycle, Graph};
use crate::kind::{CheckContext, Context, PriorState, Problem};
use crate::partition::Partition;
use crate::reference::{self, Fact, Reference, Scope};
use crate::registry::Registry;

/// The region of a file that names none.
const REGION: &str = "us-east-1";

/// Reads one merged tree.
pub(super) struct Reader<'a> {
    pub source: &'a Source,
    pub request: &'a Request<'a>,
    pub kinds: &'a Registry,
    pub schema: &'a Json,
    /// What was merged over the file to get the tree; `None`: nothing.
    pub overlay: Option<Overlay<'a>>,
}

impl Reader<'_> {
    /// Returns the manifest if the tree is well formed; problems are added to `diagnostics`.
    pub fn read(
        &mut self,
        tree: &Node,
        cloud: &Cloud,
        is_chosen: bool,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Manifest> {
        let Value::Map(_) = &tree.value else {
            let message = match &tree.value {
                Value::Null => "the file is empty; it needs `stack: NAME`".to_owned(),
                _ => format!("a stack file must be a map, not {}", tree.noun()),
            };
            diagnostics.push(Diagnostic::error(tree.span.clone(), message));
            return None;
        };
        let outputs = self.addresses(tree, diagnostics);
        let kinds = self.kind_names();
        let mut checker = Checker {
            root: self.schema,
            addresses: Addresses::new(outputs.keys(), &kinds),
            known: Known {
                outputs: &outputs,
                env: self.request.env,
                needs_env: is_chosen && self.request.needs_env,
            },
            diagnostics: Vec::new(),
            env: BTreeMap::new(),
        };
        let value = checker.value("", tree, self.schema).unwrap_or_default();
        self.required(&mut checker, tree);
        let env = std::mem::take(&mut checker.env);
        diagnostics.append(&mut checker.diagnostics);

        let places = Places::new(tree);
        let header = self.header(&places, &value, is_chosen.then_some(cloud), diagnostics);
        let stack_tags = header.as_ref().map(|header| header.tags.clone()).unwrap_or_default();
        let mut resources = self.resources(&places, &value, &stack_tags, diagnostics);
        let scope = self.scope(header.as_ref(), env.clone());
        self.kind_checks(&places, &mut resources, &scope, diagnostics);
        self.unique_names(&resources, &scope, diagnostics);
        self.unique_values(&resources, &places, diagnostics);
        let graph = self.graph(&resources, diagnostics);
        let header = header?;
        let checks = self.checks(&places, header.check, diagnostics);
        let graph = graph?;
        Some(Manifest {
            source: self.source.clone(),
            stack: header.stack,
            cloud: cloud.clone(),
            region: self.request.region.clone().or(header.region).unwrap_or_else(|| REGION.into()),
            account: header.account,
            resources,
            checks,
            outputs: header.output,
            graph,
            env,
            warnings: Vec::new(),
        })
    }

    /// What is known of references before any call. An account that the file does not name is any.
    fn scope(&self, header: Option<&Header>, env: BTreeMap<String, String>) -> Scope {
        let written = header.and_then(|header| header.region.as_ref());
        let region = self.request.region.as_ref().or(written).map_or(REGION, String::as_str);
        Scope {
            stack: header.map_or_else(String::new, |header| header.stack.clone()),
            region: region.to_owned(),
            account: header.and_then(|header| header.account.clone()).unwrap_or("0".repeat(12)),
            partition: Partition::of(region).map_or("aws", |known| known.name).to_owned(),
            env,
            outputs: BTreeMap::new(),
        }
    }

    /// Every address in the tree with the outputs of its kind.
    fn addresses(
        &self,
        tree: &Node,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> BTreeMap<Address, &'static [&'static str]> {
        let mut outputs = BTreeMap::new();
        for kind in self.kinds.iter() {
            for (key, _) in tree.get(kind.name).map(Node::entries).unwrap_or_default() {
                if is_key(&key.text) {
                    outputs.insert(Address::new(kind.name, &key.text), kind.outputs);
                } else {
                    let message = format!("`{}` is not a valid resource key", key.text);
                    let help = "a key starts with a letter and has at most 63 letters, digits, `-` and `_`; \
                                `name:` can be anything that the service accepts";
                    diagnostics.push(Diagnostic::error(key.span.clone(), message).help(help));
                }
            }
        }
        outputs
    }

    fn kind_names(&self) -> Vec<&'static str> {
        self.kinds.iter().map(|kind| kind.name).collect()
    }

    fn required<'a>(&'a self, checker: &mut Checker<'a>, tree: &Node) {
        if tree.get("stack").is_none_or(|node| matches!(node.value, Value::Null)) {
            let span = tree.entry("stack").map_or(tree.span.clone(), |(key, _)| key.span.clone());
            let missing = Diagnostic::error(span, "the file needs `stack: NAME`");
            checker.diagnostics.push(missing);
        }
        let sections = self.kinds.iter().map(|kind| kind.name).chain(["check"]);
        for section in sections {
            let schema = &self.schema["properties"][section]["additionalProperties"];
            for (key, node) in tree.get(section).map(Node::entries).unwrap_or_default() {
                let missing = checker.missing(node, schema);
                let overlay = self.overlay.as_ref().filter(|_| !missing.is_empty());
                match overlay.and_then(|overlay| overlay.unmatched(section, key, &missing)) {
                    Some(unmatched) => {
                        checker.diagnostics.push(unmatched);
                        checker.required_below(key, node, schema);
                    }
                    None => checker.required(key, node, schema),
                }
            }
        }
    }

    fn resources(
        &self,
        places: &Places<'_>,
        value: &Json,
        stack_tags: &BTreeMap<String, String>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> BTreeMap<Address, Resource> {
        let mut resources = BTreeMap::new();
        for kind in self.kinds.iter() {
            let entries = places.get(&[kind.name]).map(Node::entries).unwrap_or_default();
            for (key, node) in entries.iter().filter(|(key, _)| is_key(&key.text)) {
                let Value::Map(_) = node.value else { continue };
                let config = value[kind.name][&key.text].as_object().cloned().unwrap_or_default();
                let here = common::Place { places, key, node };
                let resource = common::resource(kind, config, &here, stack_tags, diagnostics);
                resources.insert(resource.address.clone(), resource);
            }
        }
        let mut formers: BTreeMap<&Address, &Address> = BTreeMap::new();
        for resource in resources.values() {
            let Some(former) = &resource.renamed_from else { continue };
            if let Some(other) = formers.insert(former, &resource.address) {
                let path = [resource.address.kind(), resource.address.key(), "renamed_from"];
                let message = format!("`{other}` is renamed from `{former}`, too");
                let diagnostic = Diagnostic::error(places.of(&path), message);
                diagnostics
                    .push(diagnostic.help("remove one of the two: an object has one address"));
            }
        }
        let kinds = self.kind_names();
        let mut addresses = Addresses::new(resources.keys(), &kinds);
        for resource in resources.values() {
            for need in resource.depends_on.iter().filter(|need| !resources.contains_key(need)) {
                let path = [resource.address.kind(), resource.address.key(), "depends_on"];
                let span = places.of(&path);
                diagnostics.push(addresses.missing(need, &span));
            }
            let former =
                resource.renamed_from.as_ref().filter(|former| resources.contains_key(former));
            if let Some(former) = former {
                let path = [resource.address.kind(), resource.address.key(), "renamed_from"];
                let message = format!("`{former}` is still in this file");
                let diagnostic = Diagnostic::error(places.of(&path), message);
                diagnostics.push(diagnostic.help("remove one of the two"));
            }
        }
        resources
    }

    /// Runs the checks of each kind, and adds what resources contribute to others.
    fn kind_checks(
        &self,
        places: &Places<'_>,
        resources: &mut BTreeMap<Address, Resource>,
        scope: &Scope,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let is_sound = !diagnostics.iter().any(Diagnostic::is_error);
        let mut contributions = Vec::new();
        let siblings = |address: &Address| {
            resources.get(address).map(|resource| readable(&resource.config).into_owned())
        };
        for resource in resources.values() {
            let Some(kind) = self.kinds.get(resource.address.kind()) else { continue };
            let known = reference::map_marked(&resource.config, &|text| scope.known(text));
            let config = readable(&resource.config);
            let tags = resource.tags.iter();
            let tags = tags.map(|(key, value)| (key.clone(), reference::readable(value))).collect();
            let name = scope.fill(&resource.name);
            // A name with another reference has been reported.
            let is_known = reference::markers(&name).next().is_none();
            let context = CheckContext {
                name: if is_known { &name } else { resource.address.key() },
                tags: &tags,
                known: &known,
                siblings: &siblings,
                files: self.request.files,
            };
            let place = |path: &[String]| place(places, &resource.address, path);
            let at = self.context(resource);
            match kind.check(&config, &context).and_then(|problems| {
                contributions.extend(kind.contributions(&config, &at)?);
                Ok(problems)
            }) {
                Ok(problems) => diagnostics.extend(problems.into_iter().map(|problem| {
                    let Problem { path, severity, message, hint } = problem;
                    Diagnostic { severity, message, span: place(&path), help: hint }
                })),
                // The checker has already reported, field by field, what serde refuses.
                Err(_) if !is_sound => {}
                Err(error) => diagnostics.push(Diagnostic::error(place(&[]), error.to_string())),
            }
        }
        for asked in contributions {
            let Some(resource) = resources.get_mut(&asked.to) else { continue };
            let Some(config) = resource.config.as_object_mut() else { continue };
            let list = config.entry(asked.field).or_insert_with(|| Json::Array(Vec::new()));
            if let Some(list) = list.as_array_mut() {
                list.push(asked.item);
            }
        }
    }

    /// Account, region and partition are markers: they are known once a cloud has answered.
    fn context(&self, resource: &Resource) -> Context {
        let fact = |fact| reference::marker(&Reference::Aws(fact));
        Context {
            address: resource.address.clone(),
            name: resource.name.clone(),
            tags: resource.tags.clone(),
            folder: PathBuf::new(),
            region: fact(Fact::Region),
            account: fact(Fact::Account),
            partition: fact(Fact::Partition),
            prior: PriorState::None,
        }
    }

    fn graph(
        &self,
        resources: &BTreeMap<Address, Resource>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Graph> {
        let needs = resources.values().map(|r| (r.address.clone(), r.needs())).collect();
        match Graph::new(&needs) {
            Ok(graph) => Some(graph),
            Err(cycles) => {
                diagnostics.extend(cycles.into_iter().map(|cycle| {
                    let span = resources[&cycle.0[0]].refers_at(&cycle.0[1]).clone();
                    let help = match self.itself(&cycle) {
                        Some(word) => format!("write `{word}` for the resource itself"),
                        None => {
                            "remove one of these references, or move what both sides need into \
                                 a third resource"
                                .to_owned()
                        }
                    };
                    Diagnostic::error(span, format!("dependency cycle: {cycle}")).help(help)
                }));
                None
            }
        }
    }
}

impl Reader<'_> {
    /// The word by which a resource that refers to itself can do so.
    fn itself(&self, cycle: &Cycle) -> Option<&'static str> {
        let kind = cycle.0.first()?.kind();
        let is_single = cycle.0.iter().all(|address| *address == cycle.0[0]);
        let mut mentions =
            self.kinds.get(kind)?.fields.declared().filter_map(|field| field.mentions);
        mentions.find(|mention| is_single && mention.kind == kind).map(|mention| mention.itself)
    }

    fn unique_names(
        &self,
        resources: &BTreeMap<Address, Resource>,
        scope: &Scope,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let mut seen: BTreeMap<(&str, String), &Resource> = BTreeMap::new();
        for resource in resources.values() {
            let kind = resource.address.kind();
            let name = scope.fill(&resource.name);
            let known = self.kinds.get(kind);
            let is_case_ignored = known.is_some_and(|kind| kind.is_name_case_ignored);
            let same =
                known.map_or_else(|| name.clone(), |kind| kind.name_form(&name).into_owned());
            if let Some(other) = seen.insert((kind, same), resource) {
                let (line, _) = self.source.position(other.span.start);
                let name = reference::readable(&resource.name);
                let message =
                    format!("duplicate name `{name}`, first used by the {kind} on line {line}");
                let help = if is_case_ignored {
                    "give one of them another `name:`; AWS ignores the case of these"
                } else {
                    "give one of them another `name:`"
                };
                diagnostics.push(Diagnostic::error(resource.span.clone(), message).help(help));
            }
        }
    }
}

impl Reader<'_> {
    /// Reports values that two resources have and one alone can have: see [`Field::unique`](crate::kind::Field::unique).
    fn unique_values(
        &self,
        resources: &BTreeMap<Address, Resource>,
        places: &Places<'_>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let mut seen: BTreeMap<(&str, &str, &str), &Resource> = BTreeMap::new();
        for resource in resources.values() {
            let Some(kind) = self.kinds.get(resource.address.kind()) else { continue };
            for field in kind.fields.declared().filter(|field| field.is_unique) {
                let value = resource.config[field.path].as_str().unwrap_or_default();
                if value.is_empty() {
                    continue;
                }
                let key = (kind.name, field.path, value);
                let Some(first) = seen.insert(key, resource) else { continue };
                let path = [field.path.to_owned()];
                let shown = reference::readable(value);
                let message =
                    format!("`{}` has the {} `{shown}` already", first.address, field.path);
                let help = format!("one {} alone can have it", kind.name);
                let span = place(places, &resource.address, &path);
                diagnostics.push(Diagnostic::error(span, message).help(help));
            }
        }
    }
}

/// Returns a config with its references as the file has them.
fn readable(config: &Json) -> Cow<'_, Json> {
    reference::map_marked(config, &reference::readable)
}

/// Returns where a part of a resource is in the file. A tag that it does not have itself is one of the
/// stack.
fn place(places: &Places<'_>, address: &Address, path: &[String]) -> Span {
    let own_tag = |tag| places.get(&[address.kind(), address.key(), "tags", tag]);
    match path {
        [field, tag, ..] if field == "tags" && own_tag(tag).is_none() => places.of(path),
        _ => {
            let of_resource = [address.kind(), address.key()].into_iter();
            let path: Vec<&str> = of_resource.chain(path.iter().map(String::as_str)).collect();
            places.of(&path)
        }
    }
}
