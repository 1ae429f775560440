//! The part of PipeWire's graph that carries sound, and what in it a source stands for.
//!
//! Pure bookkeeping over what the daemon told: which nodes a source means now, and which of their
//! ports go to which of ours.

use std::collections::{BTreeMap, BTreeSet};

use crate::AudioSource;

/// A node, as the daemon describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Node {
    pub name: String,
    pub description: String,
    pub class: String,
    pub serial: Option<u64>,
    /// The client that owns it.
    pub client: Option<u32>,
    /// `application.name`, `application.process.binary`: its own and its client's.
    pub applications: BTreeSet<String>,
}

/// A port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Port {
    pub node: u32,
    pub output: bool,
    pub monitor: bool,
    /// `FL`, `MONO`, `AUX0` …
    pub channel: String,
}

/// Everything that was told.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub nodes: BTreeMap<u32, Node>,
    pub ports: BTreeMap<u32, Port>,
    /// What clients are called, by their ids.
    pub clients: BTreeMap<u32, BTreeSet<String>>,
    pub default_sink: Option<String>,
    pub default_source: Option<String>,
}

/// A link from a port of a source to a port of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link {
    pub output_node: u32,
    pub output_port: u32,
    pub input_node: u32,
    pub input_port: u32,
}

impl Node {
    /// What people call it.
    pub(super) fn title(&self) -> &str {
        [&self.description, &self.name].into_iter().find(|it| !it.is_empty()).map_or("a node", |it| it)
    }

    /// Whether its monitor is what one hears of it.
    pub(super) fn is_sink(&self) -> bool {
        self.class.starts_with("Audio/Sink") || self.class == "Audio/Duplex"
    }

    /// Whether sound comes out of it.
    pub(super) fn has_sound(&self) -> bool {
        self.is_sink() || self.class.starts_with("Audio/Source") || self.class == "Stream/Output/Audio"
    }
}

impl Graph {
    /// The nodes that a source stands for now.
    pub(super) fn sources(&self, source: &AudioSource) -> Vec<u32> {
        let named = |name: &Option<String>| {
            let name = name.as_deref()?;
            self.nodes.iter().find(|(_, node)| node.name == name && node.has_sound()).map(|(id, _)| *id)
        };
        match source {
            AudioSource::Desktop => named(&self.default_sink).into_iter().collect(),
            AudioSource::Microphone => named(&self.default_source).into_iter().collect(),
            AudioSource::Application(name) => self.streams_of(name),
            AudioSource::Node(node) => self.find(node).into_iter().collect(),
            AudioSource::TestCard | AudioSource::Mix(_) => Vec::new(),
        }
    }

    /// The node that a user means: by `node.name`, object id or serial, in this order.
    pub(super) fn find(&self, typed: &str) -> Option<u32> {
        let number = typed.parse::<u64>().ok();
        let by = |matches: &dyn Fn(u32, &Node) -> bool| {
            self.nodes.iter().find(|(id, node)| matches(**id, node)).map(|(id, _)| *id)
        };
        by(&|_, node| node.name == typed)
            .or_else(|| by(&|id, _| Some(u64::from(id)) == number))
            .or_else(|| by(&|_, node| node.serial.is_some() && node.serial == number))
    }

    fn streams_of(&self, application: &str) -> Vec<u32> {
        let called = |name: &String| name.eq_ignore_ascii_case(application);
        let matches = |node: &Node| {
            let client = node.client.and_then(|client| self.clients.get(&client));
            called(&node.name)
                || node.applications.iter().any(called)
                || client.is_some_and(|names| names.iter().any(called))
        };
        let streams = self.nodes.iter().filter(|(_, node)| node.class == "Stream/Output/Audio");
        streams.filter(|(_, node)| matches(node)).map(|(id, _)| *id).collect()
    }

    /// The links that bring these nodes' sound to ours, which is stereo.
    pub(super) fn links(&self, sources: &[u32], own: u32) -> BTreeSet<Link> {
        let inputs: Vec<_> = self.ports_of(own, |port| !port.output).collect();
        let mut links = BTreeSet::new();
        for &source in sources {
            let Some(node) = self.nodes.get(&source) else { continue };
            let outputs: Vec<_> =
                self.ports_of(source, |port| port.output && port.monitor == node.is_sink()).collect();
            for (place, (output_port, output)) in outputs.iter().enumerate() {
                let side = Side::of(&output.channel, place);
                for (input_port, input) in &inputs {
                    if side.reaches(&input.channel) {
                        links.insert(Link {
                            output_node: source,
                            output_port: *output_port,
                            input_node: own,
                            input_port: *input_port,
                        });
                    }
                }
            }
        }
        links
    }

    fn ports_of(&self, node: u32, wanted: impl Fn(&Port) -> bool) -> impl Iterator<Item = (u32, &Port)> {
        let ours = self.ports.iter().filter(move |(_, port)| port.node == node && wanted(port));
        ours.map(|(id, port)| (*id, port))
    }

    /// Forgets a node, a port or a client.
    pub(super) fn remove(&mut self, id: u32) {
        self.nodes.remove(&id);
        self.clients.remove(&id);
        self.ports.remove(&id);
    }
}

/// Where a channel is heard in stereo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
    Both,
    /// The subwoofer is left out, as in every downmix.
    Nowhere,
}

impl Side {
    /// `place` decides for channels that have no side of their own.
    fn of(channel: &str, place: usize) -> Self {
        match channel {
            "MONO" | "FC" | "RC" | "TC" | "TFC" | "TRC" => Self::Both,
            "LFE" | "LFE2" => Self::Nowhere,
            _ if channel.starts_with("AUX") || channel.is_empty() || channel == "UNK" => {
                if place.is_multiple_of(2) { Self::Left } else { Self::Right }
            }
            // FL, SL, RL, FLC, TFL, TSL …
            _ if channel.contains('L') => Self::Left,
            _ => Self::Right,
        }
    }

    fn reaches(self, input: &str) -> bool {
        match self {
            Self::Left => input == "FL",
            Self::Right => input == "FR",
            Self::Both => true,
            Self::Nowhere => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, class: &str) -> Node {
        Node { name: name.into(), class: class.into(), ..Node::default() }
    }

    fn port(node: u32, output: bool, monitor: bool, channel: &str) -> Port {
        Port { node, output, monitor, channel: channel.into() }
    }

    /// A sink (10), a microphone (20), a player (30) and ours (99).
    fn graph() -> Graph {
        let mut graph = Graph::default();
        graph.nodes.insert(10, Node { serial: Some(1010), ..node("speakers", "Audio/Sink") });
        graph.nodes.insert(20, node("mic", "Audio/Source"));
        graph.nodes.insert(30, Node { client: Some(5), ..node("out", "Stream/Output/Audio") });
        graph.nodes.insert(40, node("camera", "Video/Source"));
        graph.clients.insert(5, BTreeSet::from(["Player".to_owned(), "player-bin".to_owned()]));
        let ports = [
            (11, port(10, false, false, "FL")),
            (12, port(10, true, true, "FL")),
            (13, port(10, true, true, "FR")),
            (21, port(20, true, false, "MONO")),
            (31, port(30, true, false, "FL")),
            (32, port(30, true, false, "FR")),
            (91, port(99, false, false, "FL")),
            (92, port(99, false, false, "FR")),
            (93, port(99, true, true, "FL")),
        ];
        graph.ports.extend(ports);
        graph
    }

    fn pairs(graph: &Graph, source: &AudioSource) -> Vec<(u32, u32)> {
        let links = graph.links(&graph.sources(source), 99);
        links.into_iter().map(|link| (link.output_port, link.input_port)).collect()
    }

    #[test]
    fn the_desktop_is_the_default_sinks_monitor() {
        let mut graph = graph();
        assert!(pairs(&graph, &AudioSource::Desktop).is_empty(), "no default is known");
        graph.default_sink = Some("speakers".into());
        assert_eq!(pairs(&graph, &AudioSource::Desktop), [(12, 91), (13, 92)]);
        graph.remove(10);
        assert!(graph.sources(&AudioSource::Desktop).is_empty());
    }

    #[test]
    fn a_mono_microphone_is_heard_on_both_sides() {
        let mut graph = graph();
        graph.default_source = Some("mic".into());
        assert_eq!(pairs(&graph, &AudioSource::Microphone), [(21, 91), (21, 92)]);
    }

    #[test]
    fn an_application_is_known_by_many_names() {
        let mut graph = graph();
        for name in ["player", "PLAYER-BIN", "out"] {
            assert_eq!(graph.sources(&AudioSource::Application(name.into())), [30], "{name}");
        }
        assert!(graph.sources(&AudioSource::Application("play".into())).is_empty(), "whole names only");
        let second =
            Node { applications: BTreeSet::from(["player".to_owned()]), ..node("x", "Stream/Output/Audio") };
        graph.nodes.insert(50, second);
        assert_eq!(graph.sources(&AudioSource::Application("player".into())), [30, 50]);
    }

    #[test]
    fn a_node_is_found_by_name_id_and_serial() {
        let graph = graph();
        for typed in ["speakers", "10", "1010"] {
            assert_eq!(graph.find(typed), Some(10), "{typed}");
        }
        assert_eq!(graph.find("11"), None, "a port is no node");
        assert!(!graph.nodes[&40].has_sound());
    }

    #[test]
    fn surround_folds_to_its_sides() {
        let sides = ["FL", "FR", "FC", "LFE", "SL", "SR", "RLC", "AUX3"].map(|it| Side::of(it, 3));
        use Side::{Both, Left, Nowhere, Right};
        assert_eq!(sides, [Left, Right, Both, Nowhere, Left, Right, Left, Right]);
    }
}
