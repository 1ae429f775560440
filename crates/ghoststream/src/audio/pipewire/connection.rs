//! A connection to PipeWire, and the links from the source to our stream.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pipewire as pw;
use pw::loop_::Timeout;
use pw::properties::properties;

use super::daemon::{World, listen, watch};
use super::graph::{Link, Node};
use super::stream::{Shared, Stream};
use crate::AudioSource;
use crate::audio::AudioError;
use crate::stats::Journal;

/// How long the daemon may take to say what there is.
const ANSWER: Duration = Duration::from_secs(5);
/// How often to look at what no event tells of.
const LOOK: Duration = Duration::from_millis(100);
/// A source that comes, goes or changes is told of when it stays so for this long.
const SETTLED: Duration = Duration::from_millis(300);

/// A track's connection.
pub(super) struct Connection {
    // Links and the stream go before the core that they hang on, listeners before what they listen to.
    links: BTreeMap<Link, pw::link::Link>,
    stream: Stream,
    world: Rc<World>,
    _registry_listener: pw::registry::Listener,
    _registry: pw::registry::RegistryRc,
    _core_listener: pw::core::Listener,
    core: pw::core::CoreRc,
    main_loop: pw::main_loop::MainLoopRc,
    source: AudioSource,
    journal: Journal,
    /// What the source was when it was last told, and since when it is something else.
    told: Option<Vec<String>>,
    differs: Option<Instant>,
}

impl Connection {
    /// Connects, and links what is there of the source.
    pub(super) fn open(
        main_loop: &pw::main_loop::MainLoopRc,
        source: &AudioSource,
        shared: Shared,
        journal: &Journal,
    ) -> Result<Self, AudioError> {
        let refused = |error: pw::Error| AudioError::NoPipeWire { reason: error.to_string() };
        let context = pw::context::ContextRc::new(main_loop, None).map_err(refused)?;
        let core = context.connect_rc(None).map_err(|_| {
            // The crate drops the reason; libpipewire leaves it in errno.
            AudioError::NoPipeWire { reason: std::io::Error::last_os_error().to_string() }
        })?;
        let world = Rc::new(World::default());
        let core_listener = listen(&core, &world);
        let registry = core.get_registry_rc().map_err(refused)?;
        let registry_listener = watch(&registry, &world);
        let stream = Stream::connect(&core, shared)?;
        let mut this = Self {
            links: BTreeMap::new(),
            stream,
            world,
            _registry_listener: registry_listener,
            _registry: registry,
            _core_listener: core_listener,
            core,
            main_loop: main_loop.clone(),
            source: source.clone(),
            journal: journal.clone(),
            told: None,
            differs: None,
        };
        // Twice: what the first round made known says more of itself in the second.
        this.round()?;
        this.round()?;
        this.check_sound()?;
        this.link();
        Ok(this)
    }

    /// Waits until the daemon has answered everything asked so far.
    fn round(&self) -> Result<(), AudioError> {
        let refused = |error: pw::Error| AudioError::NoPipeWire { reason: error.to_string() };
        let asked = self.core.sync(0).map_err(refused)?.seq();
        let deadline = Instant::now() + ANSWER;
        while self.world.answered.get().is_none_or(|seq| seq < asked) {
            if let Some(reason) = self.world.error.borrow_mut().take() {
                return Err(AudioError::NoPipeWire { reason });
            }
            if Instant::now() > deadline {
                return Err(AudioError::NoPipeWire { reason: format!("it said nothing for {ANSWER:?}") });
            }
            self.main_loop.loop_().iterate(Timeout::Finite(LOOK));
        }
        Ok(())
    }

    /// Refuses a node that is there and has no sound.
    fn check_sound(&self) -> Result<(), AudioError> {
        let AudioSource::Node(typed) = &self.source else {
            return Ok(());
        };
        let graph = self.world.graph.borrow();
        let node = graph.find(typed).and_then(|id| graph.nodes.get(&id));
        match node {
            Some(node) if !node.has_sound() => Err(AudioError::Node {
                node: typed.clone(),
                reason: if node.class.is_empty() {
                    "it has no media class".into()
                } else {
                    format!("it is a {}", node.class)
                },
            }),
            _ => Ok(()),
        }
    }

    /// Runs until the daemon goes away, and says why; `None` when the capture is to stop.
    pub(super) fn watch(&mut self, stop: &AtomicBool) -> Option<String> {
        loop {
            if stop.load(Ordering::Acquire) {
                return None;
            }
            if let Some(why) = self.world.error.borrow().clone() {
                return Some(why);
            }
            if self.world.changed.replace(false) {
                self.link();
            }
            self.tell();
            self.stream.tell(!self.links.is_empty());
            self.main_loop.loop_().iterate(Timeout::Finite(LOOK));
        }
    }

    /// Makes the links that the source needs now, and ends those that it does not.
    fn link(&mut self) {
        let Some(own) = self.stream.node() else {
            // Known in a moment, and it will be asked again.
            self.world.changed.set(true);
            return;
        };
        let graph = self.world.graph.borrow();
        let wanted = graph.links(&graph.sources(&self.source), own);
        let is_sink = |id: &u32| graph.nodes.get(id).is_some_and(Node::is_sink);
        let monitored = wanted.iter().map(|link| link.output_node).find(is_sink);
        self.stream.set_sinks(graph.nodes.keys().copied().filter(is_sink), monitored);
        drop(graph);
        let nodes = |links: &BTreeMap<Link, _>| -> BTreeSet<u32> {
            links.keys().map(|link| link.output_node).collect()
        };
        let before = nodes(&self.links);
        // A proxy that goes takes its link along, unless the daemon was first.
        self.links.retain(|link, _| wanted.contains(link));
        for link in wanted {
            if !self.links.contains_key(&link) {
                match make_link(&self.core, link) {
                    Ok(proxy) => drop(self.links.insert(link, proxy)),
                    Err(error) => tracing::warn!(%error, ?link, "cannot link"),
                }
            }
        }
        // A stream that joins others keeps their clock; one that replaces them brings its own.
        if nodes(&self.links).is_disjoint(&before) {
            self.stream.renew();
        }
    }

    /// Notes what the source is, when that changed and stays.
    fn tell(&mut self) {
        let graph = self.world.graph.borrow();
        let nodes: BTreeSet<u32> = self.links.keys().map(|link| link.output_node).collect();
        let titles: Vec<String> =
            nodes.iter().filter_map(|id| graph.nodes.get(id)).map(|node| node.title().to_owned()).collect();
        drop(graph);
        if self.told.as_ref() == Some(&titles) {
            self.differs = None;
            return;
        }
        if self.differs.get_or_insert_with(Instant::now).elapsed() < SETTLED {
            return;
        }
        self.differs = None;
        let (source, now) = (&self.source, titles.join(", "));
        match &self.told {
            None if titles.is_empty() => {
                self.journal.note(format!("{source}: not there; silent until it appears"));
            }
            None => tracing::debug!(%source, %now, "recording sound"),
            Some(before) if titles.is_empty() => {
                let before = before.join(", ");
                self.journal.note(format!("{source}: {before} went away; silent until it is back"));
            }
            Some(before) if before.is_empty() => self.journal.note(format!("{source}: {now} is there")),
            Some(before) => {
                let before = before.join(", ");
                self.journal.note(format!("{source}: now from {now}, before from {before}"));
            }
        }
        self.told = Some(titles);
    }
}

fn make_link(core: &pw::core::CoreRc, link: Link) -> Result<pw::link::Link, pw::Error> {
    core.create_object::<pw::link::Link>(
        "link-factory",
        &properties! {
            *pw::keys::LINK_OUTPUT_NODE => link.output_node.to_string(),
            *pw::keys::LINK_OUTPUT_PORT => link.output_port.to_string(),
            *pw::keys::LINK_INPUT_NODE => link.input_node.to_string(),
            *pw::keys::LINK_INPUT_PORT => link.input_port.to_string(),
        },
    )
}
