//! The dependency graph: resources are nodes, and an edge leads from a dependency to its dependant.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction;
use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef as _;

use crate::address::Address;

#[derive(Clone, Debug, Default)]
pub struct Graph {
    graph: DiGraph<Address, ()>,
    index: BTreeMap<Address, NodeIndex>,
    order: Vec<Address>,
}

/// A dependency cycle: the last address is the first one again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle(pub Vec<Address>);

impl Graph {
    /// Builds the graph from each address' dependencies. Those outside the map are passed over.
    ///
    /// # Errors
    /// All cycles, each once.
    pub fn new(needs: &BTreeMap<Address, BTreeSet<Address>>) -> Result<Self, Vec<Cycle>> {
        let mut graph = DiGraph::with_capacity(needs.len(), needs.len() * 2);
        let index: BTreeMap<Address, NodeIndex> = needs
            .keys()
            .map(|address| (address.clone(), graph.add_node(address.clone())))
            .collect();
        for (address, needed) in needs {
            for need in needed.iter().filter_map(|need| index.get(need)) {
                graph.add_edge(*need, index[address], ());
            }
        }
        match toposort(&graph, None) {
            Ok(order) => {
                let order = order.into_iter().map(|node| graph[node].clone()).collect();
                Ok(Self { graph, index, order })
            }
            Err(_) => Err(cycles(&graph)),
        }
    }

    /// Returns every address after its dependencies.
    pub fn order(&self) -> &[Address] {
        &self.order
    }

    /// Returns the direct dependencies of an address.
    pub fn needs(&self, address: &Address) -> impl Iterator<Item = &Address> {
        let node = self.index.get(address).copied();
        node.into_iter()
            .flat_map(|node| self.graph.neighbors_directed(node, Direction::Incoming))
            .map(|node| &self.graph[node])
    }
}

/// Returns one cycle of each strongly connected component.
fn cycles(graph: &DiGraph<Address, ()>) -> Vec<Cycle> {
    let components = tarjan_scc(graph);
    let is_cyclic = |of: &Vec<NodeIndex>| of.len() > 1 || graph.contains_edge(of[0], of[0]);
    components.iter().filter(|of| is_cyclic(of)).map(|of| walk(graph, of)).collect()
}

fn walk(graph: &DiGraph<Address, ()>, component: &[NodeIndex]) -> Cycle {
    let within: BTreeSet<NodeIndex> = component.iter().copied().collect();
    let start = *component.iter().min_by_key(|node| &graph[**node]).unwrap_or(&component[0]);
    let mut path = vec![start];
    loop {
        let here = path[path.len() - 1];
        // Backwards along the edges: "a -> b" reads "a needs b".
        let next = graph
            .edges_directed(here, Direction::Incoming)
            .map(|edge| edge.source())
            .filter(|node| within.contains(node))
            .min_by_key(|node| (path.contains(node) && *node != path[0], &graph[*node]));
        let Some(next) = next else { break };
        if let Some(at) = path.iter().position(|node| *node == next) {
            path.drain(..at);
            path.push(next);
            break;
        }
        path.push(next);
    }
    Cycle(path.into_iter().map(|node| graph[node].clone()).collect())
}

impl std::fmt::Display for Cycle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.0.iter().map(Address::as_str).collect();
        f.write_str(&names.join(" -> "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> Result<Graph, Vec<Cycle>> {
        let address = |key: &&str| Address::new("x", key);
        let needs = edges
            .iter()
            .map(|(key, needs)| (address(key), needs.iter().map(address).collect()))
            .collect();
        Graph::new(&needs)
    }

    #[test]
    fn dependencies_come_first() {
        let graph = graph(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]).expect("no cycle");
        let order: Vec<&str> = graph.order().iter().map(Address::key).collect();
        assert_eq!(order, ["c", "b", "a"]);
        let needs: Vec<&str> = graph.needs(&Address::new("x", "b")).map(Address::key).collect();
        assert_eq!(needs, ["c"]);
    }

    #[test]
    fn a_cycle_is_named_in_full() {
        let cycles = graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &["d"])])
            .expect_err("two cycles");
        let named: Vec<String> = cycles.iter().map(ToString::to_string).collect();
        assert!(named.contains(&"x.a -> x.b -> x.c -> x.a".to_owned()), "{named:?}");
        assert!(named.contains(&"x.d -> x.d".to_owned()), "{named:?}");
    }
}
