//! What a PipeWire daemon tells: nodes, clients, ports and defaults, as they come and go.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use pipewire as pw;
use pw::proxy::ProxyT;
use pw::types::ObjectType;

use super::graph::{Graph, Node, Port};

/// What the daemon told so far.
#[derive(Default)]
pub(super) struct World {
    pub(super) graph: RefCell<Graph>,
    /// Something in the graph changed since it was last looked at.
    pub(super) changed: Cell<bool>,
    pub(super) answered: Cell<Option<i32>>,
    pub(super) error: RefCell<Option<String>>,
    /// Objects that tell more of themselves, by their ids, with their listeners.
    bound: RefCell<BTreeMap<u32, Bound>>,
}

/// A proxy, and what listens to it, which goes first.
type Bound = (Box<dyn std::any::Any>, Box<dyn ProxyT>);

/// Listens to what it says of itself: answers and errors.
pub(super) fn listen(core: &pw::core::CoreRc, world: &Rc<World>) -> pw::core::Listener {
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

/// Listens to what it lists.
pub(super) fn watch(registry: &pw::registry::RegistryRc, world: &Rc<World>) -> pw::registry::Listener {
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
