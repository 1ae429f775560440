//! A connection to PipeWire: what there is, and the links to our stream.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pipewire as pw;
use pw::loop_::Timeout;
use pw::properties::properties;
use pw::proxy::ProxyT;
use pw::types::ObjectType;

use super::graph::{Graph, Link, Node, Port};
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

/// What the daemon told so far.
#[derive(Default)]
struct World {
    graph: RefCell<Graph>,
    /// Something in the graph changed since it was last looked at.
    changed: Cell<bool>,
    answered: Cell<Option<i32>>,
    error: RefCell<Option<String>>,
    /// Objects that tell more of themselves, by their ids, with their listeners.
    bound: RefCell<BTreeMap<u32, Bound>>,
}

/// A proxy, and what listens to it, which goes first.
type Bound = (Box<dyn std::any::Any>, Box<dyn ProxyT>);

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

fn listen(core: &pw::core::CoreRc, world: &Rc<World>) -> pw::core::Listener {
    let (done, failed) = (Rc::clone(world), Rc::clone(world));
    core.add_listener_local()
        .done(move |id, seq| {
            if id == pw::core::PW_ID_CORE {
                done.answered.set(Some(seq.seq()));
            }
        })
        .error(move |id, _, code, message| {
            tracing::debug!(id, code, message, "PipeWire error");
            // Other errors, such as of a link to a port that just went, do not end the connection.
            if id == pw::core::PW_ID_CORE && code == -libc::EPIPE {
                failed.error.borrow_mut().get_or_insert_with(|| message.to_owned());
            }
        })
        .register()
}

type Global<'a> = pw::registry::GlobalObject<&'a pw::spa::utils::dict::DictRef>;

fn watch(registry: &pw::registry::RegistryRc, world: &Rc<World>) -> pw::registry::Listener {
    let (added, removed) = (Rc::clone(world), Rc::clone(world));
    let binder = registry.downgrade();
    registry
        .add_listener_local()
        .global(move |global| {
            let Some(registry) = binder.upgrade() else { return };
            match global.type_ {
                ObjectType::Node => add_node(&registry, &added, global),
                ObjectType::Client => add_client(&registry, &added, global),
                ObjectType::Metadata => add_defaults(&registry, &added, global),
                ObjectType::Port => add_port(&added, global),
                _ => return,
            }
            added.changed.set(true);
        })
        .global_remove(move |id| {
            removed.graph.borrow_mut().remove(id);
            removed.bound.borrow_mut().remove(&id);
            removed.changed.set(true);
        })
        .register()
}

fn text(global: &Global<'_>, key: &str) -> String {
    global.props.and_then(|props| props.get(key)).unwrap_or_default().to_owned()
}

/// The names of an application in its properties.
fn applications(props: Option<&pw::spa::utils::dict::DictRef>) -> BTreeSet<String> {
    let keys = ["application.name", "application.process.binary"];
    keys.iter().filter_map(|key| props?.get(key)).map(str::to_owned).collect()
}

fn add_node(registry: &pw::registry::RegistryRc, world: &Rc<World>, global: &Global<'_>) {
    let node = Node {
        name: text(global, "node.name"),
        description: text(global, "node.description"),
        class: text(global, "media.class"),
        serial: text(global, "object.serial").parse().ok(),
        client: text(global, "client.id").parse().ok(),
        applications: applications(global.props),
    };
    let plays = node.class == "Stream/Output/Audio";
    world.graph.borrow_mut().nodes.insert(global.id, node);
    // The registry leaves out the binary; the node itself tells.
    if let (true, Ok(proxy)) = (plays, registry.bind::<pw::node::Node, _>(global)) {
        let (id, told) = (global.id, Rc::downgrade(world));
        let listener = proxy
            .add_listener_local()
            .info(move |info| {
                let Some(world) = told.upgrade() else { return };
                if let Some(node) = world.graph.borrow_mut().nodes.get_mut(&id) {
                    node.applications.extend(applications(info.props()));
                }
                world.changed.set(true);
            })
            .register();
        world.bound.borrow_mut().insert(id, (Box::new(listener), Box::new(proxy)));
    }
}

fn add_client(registry: &pw::registry::RegistryRc, world: &Rc<World>, global: &Global<'_>) {
    world.graph.borrow_mut().clients.insert(global.id, applications(global.props));
    if let Ok(proxy) = registry.bind::<pw::client::Client, _>(global) {
        let (id, told) = (global.id, Rc::downgrade(world));
        let listener = proxy
            .add_listener_local()
            .info(move |info| {
                let Some(world) = told.upgrade() else { return };
                if let Some(names) = world.graph.borrow_mut().clients.get_mut(&id) {
                    names.extend(applications(info.props()));
                }
                world.changed.set(true);
            })
            .register();
        world.bound.borrow_mut().insert(id, (Box::new(listener), Box::new(proxy)));
    }
}

/// The session manager keeps the defaults in a metadata object of this name.
fn add_defaults(registry: &pw::registry::RegistryRc, world: &Rc<World>, global: &Global<'_>) {
    if text(global, "metadata.name") != "default" {
        return;
    }
    let Ok(proxy) = registry.bind::<pw::metadata::Metadata, _>(global) else { return };
    let told = Rc::downgrade(world);
    let listener = proxy
        .add_listener_local()
        .property(move |_, key, _, value| {
            let Some(world) = told.upgrade() else { return 0 };
            let name = value.and_then(default_name);
            let mut graph = world.graph.borrow_mut();
            match key {
                Some("default.audio.sink") => graph.default_sink = name,
                Some("default.audio.source") => graph.default_source = name,
                // Without a key, all are cleared.
                None => (graph.default_sink, graph.default_source) = (None, None),
                Some(_) => return 0,
            }
            drop(graph);
            world.changed.set(true);
            0
        })
        .register();
    world.bound.borrow_mut().insert(global.id, (Box::new(listener), Box::new(proxy)));
}

/// The node's name in `{"name": "alsa_output.pci…"}`.
fn default_name(value: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(value).ok()?;
    Some(value.get("name")?.as_str()?.to_owned())
}

fn add_port(world: &Rc<World>, global: &Global<'_>) {
    let Ok(node) = text(global, "node.id").parse() else { return };
    let port = Port {
        node,
        output: text(global, "port.direction") == "out",
        monitor: text(global, "port.monitor") == "true",
        channel: text(global, "audio.channel"),
    };
    world.graph.borrow_mut().ports.insert(global.id, port);
}
