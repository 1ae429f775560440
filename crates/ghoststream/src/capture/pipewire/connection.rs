//! A connection to a PipeWire daemon: what nodes there are, and the streams that take from them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use pipewire as pw;
use pw::loop_::Timeout;

use super::negotiation::Asking;
use super::stream::{Status, Stream};
use super::{NodeName, Remote, Stop, Target};
use crate::capture::pipewire::frames::Frames;
use crate::capture::{CaptureError, CaptureEvent, FrameSink};
use crate::{CaptureConfig, CursorMode};

/// A pause shorter than this is not told: producers pause for a moment to change their format.
const PAUSE_TOLD: Duration = Duration::from_millis(500);

/// How often to look at what no event tells of.
const LOOK: Duration = Duration::from_secs(1);

/// The same while a source is being opened, when giving up comes without an event.
const LOOK_OPENING: Duration = Duration::from_millis(50);

/// A node, as the registry describes it.
#[derive(Clone, Debug, Default)]
struct Node {
    name: String,
    description: String,
    class: String,
    serial: Option<u64>,
}

/// What the daemon told so far.
#[derive(Debug, Default)]
struct World {
    nodes: BTreeMap<u32, Node>,
    answered: Option<i32>,
    error: Option<String>,
}

/// What every connection of a capture has in common.
pub(super) struct Context<'a> {
    pub(super) main_loop: &'a pw::main_loop::MainLoopRc,
    pub(super) config: &'a CaptureConfig,
    pub(super) sink: &'a FrameSink,
    pub(super) asking: &'a Asking,
    pub(super) stop: &'a Stop,
}

impl Context<'_> {
    /// Lets the loop run until something happens, `most` at most.
    pub(super) fn turn(&self, most: Duration) {
        self.main_loop.loop_().iterate(Timeout::Finite(most));
    }

    /// Runs the loop until `done` says so.
    fn until(&self, deadline: Instant, mut done: impl FnMut() -> bool) -> Waited {
        loop {
            if done() {
                return Waited::Done;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if self.stop.is_set() || self.sink.is_given_up() || left.is_zero() {
                return Waited::GaveUp;
            }
            // A millisecond more, since the loop rounds down and would spin on what is left.
            self.turn(left.min(LOOK_OPENING) + Duration::from_millis(1));
        }
    }
}

#[derive(PartialEq, Eq)]
enum Waited {
    Done,
    GaveUp,
}

/// A stream of a connection, and what is known of its source.
struct Source {
    node: u32,
    name: String,
    label: String,
    stream: Stream,
    paused: Pause,
    lost: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    Running,
    Since(Instant),
    Told,
}

/// Streams that have agreed on their formats.
pub(super) struct Connection {
    // Streams go before the core that they hang on; listeners before the objects they listen to.
    sources: Vec<Source>,
    world: Rc<RefCell<World>>,
    _registry_listener: pw::registry::Listener,
    _registry: pw::registry::RegistryRc,
    _core_listener: pw::core::Listener,
    core: pw::core::CoreRc,
}

impl Connection {
    /// Connects, finds the targets and agrees with them on formats.
    pub(super) fn open(
        context: &Context<'_>,
        remote: Remote,
        targets: &[Target],
    ) -> Result<Self, CaptureError> {
        let deadline = Instant::now() + context.config.first_frame_timeout;
        let trusted = matches!(remote, Remote::Default);
        let core = connect(context, remote)?;
        let world = Rc::new(RefCell::new(World::default()));
        let core_listener = listen(&core, &world);
        let registry = core.get_registry_rc().map_err(unreachable)?;
        let registry_listener = watch_nodes(&registry, &world);
        let mut this = Self {
            sources: Vec::new(),
            world,
            _registry_listener: registry_listener,
            _registry: registry,
            _core_listener: core_listener,
            core: core.clone(),
        };
        this.list_nodes(context, &core, deadline)?;
        for (index, target) in targets.iter().enumerate() {
            this.add(context, &core, index, target, trusted)?;
        }
        this.agree(context, deadline)?;
        Ok(this)
    }

    /// Waits until the daemon has told of every node.
    fn list_nodes(
        &self,
        context: &Context<'_>,
        core: &pw::core::CoreRc,
        deadline: Instant,
    ) -> Result<(), CaptureError> {
        let asked = core.sync(0).map_err(unreachable)?.seq();
        let world = &self.world;
        let answered =
            || world.borrow().answered.is_some_and(|seq| seq >= asked) || world.borrow().error.is_some();
        let waited = context.until(deadline, answered);
        if let Some(reason) = world.borrow_mut().error.take() {
            return Err(CaptureError::NoPipeWire { reason });
        }
        if waited == Waited::GaveUp {
            let reason = format!("it said nothing for {:?}", context.config.first_frame_timeout);
            return Err(CaptureError::NoPipeWire { reason });
        }
        Ok(())
    }

    fn add(
        &mut self,
        context: &Context<'_>,
        core: &pw::core::CoreRc,
        index: usize,
        target: &Target,
        trusted: bool,
    ) -> Result<(), CaptureError> {
        let found = find(&self.world.borrow().nodes, &target.node);
        let (node, info) = match (found, &target.node) {
            (Some(found), _) => found,
            // A portal may show less than it lets us use.
            (None, NodeName::Id(id)) if !trusted => (*id, Node::default()),
            (None, name) => return Err(refused(name, "there is no such node")),
        };
        check_class(&target.node, &info.class)?;
        let with_cursor = context.config.cursor == CursorMode::Metadata;
        let frames = Frames::new(index, context.sink.clone(), with_cursor);
        let stream = Stream::connect(core, node, context.asking.clone(), frames)
            .map_err(|error| refused(&target.node, &error.to_string()))?;
        let own = if info.description.is_empty() { &info.name } else { &info.description };
        let label = if target.label.is_empty() { own.clone() } else { target.label.clone() };
        self.sources.push(Source {
            node,
            name: info.name,
            label,
            stream,
            paused: Pause::Running,
            lost: None,
        });
        Ok(())
    }

    /// Waits until every stream has a format and buffers.
    fn agree(&mut self, context: &Context<'_>, deadline: Instant) -> Result<(), CaptureError> {
        for index in 0..self.sources.len() {
            loop {
                let source = &self.sources[index];
                let settled = || {
                    source.stream.tend(context.sink.journal());
                    let status = source.stream.status();
                    is_ready(&status)
                        || status.error.is_some()
                        || matches!(status.format, Some(Err(_)))
                        || self.loss(source, &status).is_some()
                };
                context.until(deadline, settled);
                let status = source.stream.status();
                if is_ready(&status) {
                    break;
                }
                if !self.remedy(context, index, &status) {
                    return Err(self.why_not(context, &self.sources[index], status));
                }
            }
        }
        Ok(())
    }

    /// Takes a stream that broke over buffers of a GPU's up again, with others. `false` when it is something else.
    fn remedy(&mut self, context: &Context<'_>, index: usize, status: &Status) -> bool {
        let source = &self.sources[index];
        let gone = !source.name.is_empty() && !self.world.borrow().nodes.contains_key(&source.node);
        if gone || self.world.borrow().error.is_some() {
            return false;
        }
        let why = status.error.as_deref().unwrap_or("the source made no buffers");
        let Some((asking, frames)) = source.stream.remedy(why, context.sink.journal()) else { return false };
        match Stream::connect(&self.core, source.node, asking, frames) {
            Ok(stream) => {
                self.sources[index].stream = stream;
                true
            }
            Err(error) => {
                tracing::debug!(%error, "the stream cannot be taken up again");
                false
            }
        }
    }

    fn why_not(&self, context: &Context<'_>, source: &Source, status: Status) -> CaptureError {
        let title = NodeName::Typed(source.title());
        let gone = !status.disconnected && status.error.is_none();
        if let (true, Some(loss)) = (gone, self.loss(source, &status)) {
            return match status.format {
                Some(Err(reason)) => CaptureError::Format { reason },
                _ => CaptureError::Ended(loss),
            };
        }
        // A link that cannot be made is taken down by the session manager without a word, hence
        // the guess at the reason by how far it came.
        let how = match &status.error {
            Some(error) => error.clone(),
            None if status.disconnected => "PipeWire could not link it".to_owned(),
            None => format!("nothing came of it within {:?}", context.config.first_frame_timeout),
        };
        match status.format {
            Some(Err(reason)) => CaptureError::Format { reason },
            _ if status.agreed => {
                let reason = format!("it agreed on a format, but on no buffers in shared memory ({how})");
                refused(&title, &reason)
            }
            // The portal named it and PipeWire never listed it: most likely its producer has gone.
            _ if !self.world.borrow().nodes.contains_key(&source.node) => refused(
                &title,
                &format!("PipeWire does not list it: what was shared is not there any more ({how})"),
            ),
            _ => {
                let reason = format!(
                    "{how}; taken are packed RGB of 8 and 10 bits, NV12, I420 and YUY2 up to 16384x16384, in shared \
                     memory"
                );
                CaptureError::Format { reason }
            }
        }
    }

    /// Why a stream can send no more, if so.
    fn loss(&self, source: &Source, status: &Status) -> Option<String> {
        let world = self.world.borrow();
        if let Some(error) = &world.error {
            return Some(format!("the connection to PipeWire broke: {error}"));
        }
        if let Some(error) = &status.error {
            return Some(error.clone());
        }
        if let Some(Err(why)) = &status.format {
            return Some(format!("it changed to a format that cannot be used: {why}"));
        }
        // A portal's nodes need not be listed, see `add`.
        if !source.name.is_empty() && !world.nodes.contains_key(&source.node) {
            return Some(format!("{} went away", source.title()));
        }
        status.disconnected.then(|| "its stream was disconnected".to_owned())
    }

    /// Runs until every stream is lost, and says why; `None` when the capture is to stop.
    /// Tells of streams that pause and, with `end`, of those that end while others go on.
    pub(super) fn watch(&mut self, context: &Context<'_>, end: bool) -> Option<String> {
        loop {
            if context.stop.is_set() {
                return None;
            }
            let mut next_look = LOOK;
            for index in 0..self.sources.len() {
                next_look = next_look.min(self.sources[index].stream.tend(context.sink.journal()));
                let status = self.sources[index].stream.status();
                let mut loss = self.loss(&self.sources[index], &status);
                if loss.is_some()
                    && self.sources[index].lost.is_none()
                    && self.remedy(context, index, &status)
                {
                    loss = None;
                }
                let source = &mut self.sources[index];
                if source.lost.is_none() && loss.is_some() {
                    source.lost = loss;
                    if let (true, Some(why)) = (end, &source.lost) {
                        context.sink.event(index, CaptureEvent::Ended(why.clone()));
                    }
                }
                if source.lost.is_none()
                    && let Some(wait) = source.tell_pauses(status.streaming, index, context.sink)
                {
                    next_look = next_look.min(wait);
                }
            }
            if self.sources.iter().all(|source| source.lost.is_some()) {
                return self.sources.iter().find_map(|source| source.lost.clone());
            }
            context.turn(next_look + Duration::from_millis(1));
        }
    }

    /// The sources by names that outlive them, to look for them again.
    pub(super) fn names(&self, targets: &[Target]) -> Vec<Target> {
        let pairs = self.sources.iter().zip(targets);
        pairs
            .map(|(source, target)| match source.name.as_str() {
                "" => target.clone(),
                name => Target { node: NodeName::Typed(name.to_owned()), label: target.label.clone() },
            })
            .collect()
    }

    /// What is captured, in words.
    pub(super) fn description(&self) -> String {
        let titles: Vec<String> = self.sources.iter().map(Source::title).collect();
        titles.join(", ")
    }
}

impl Source {
    fn title(&self) -> String {
        if self.label.is_empty() { format!("PipeWire node {}", self.node) } else { self.label.clone() }
    }

    /// Tells of pauses that last; returns when to look again.
    fn tell_pauses(&mut self, streaming: bool, stream: usize, sink: &FrameSink) -> Option<Duration> {
        match (streaming, self.paused) {
            (true, Pause::Told) => {
                self.paused = Pause::Running;
                sink.event(stream, CaptureEvent::Resumed);
            }
            (true, _) => self.paused = Pause::Running,
            (false, Pause::Running) => {
                self.paused = Pause::Since(Instant::now());
                return Some(PAUSE_TOLD);
            }
            (false, Pause::Since(since)) => {
                let left = PAUSE_TOLD.saturating_sub(since.elapsed());
                if !left.is_zero() {
                    return Some(left);
                }
                self.paused = Pause::Told;
                sink.event(stream, CaptureEvent::Paused);
            }
            (false, Pause::Told) => {}
        }
        None
    }
}

/// Whether pictures can come.
const fn is_ready(status: &Status) -> bool {
    matches!(status.format, Some(Ok(_))) && status.buffers > 0
}

fn connect(context: &Context<'_>, remote: Remote) -> Result<pw::core::CoreRc, CaptureError> {
    let pipewire = pw::context::ContextRc::new(context.main_loop, None).map_err(unreachable)?;
    let connected = match remote {
        Remote::Default => pipewire.connect_rc(None),
        Remote::Portal(fd) => pipewire.connect_fd_rc(fd, None),
    };
    connected.map_err(|_| {
        // The crate drops the reason; libpipewire leaves it in errno.
        CaptureError::NoPipeWire { reason: std::io::Error::last_os_error().to_string() }
    })
}

fn listen(core: &pw::core::CoreRc, world: &Rc<RefCell<World>>) -> pw::core::Listener {
    let (done, failed) = (Rc::clone(world), Rc::clone(world));
    core.add_listener_local()
        .done(move |id, seq| {
            if id == pw::core::PW_ID_CORE {
                done.borrow_mut().answered = Some(seq.seq());
            }
        })
        .error(move |id, _, code, message| {
            tracing::debug!(id, code, message, "PipeWire error");
            // Errors of other objects reach those objects' own callbacks.
            if id == pw::core::PW_ID_CORE {
                failed.borrow_mut().error.get_or_insert_with(|| message.to_owned());
            }
        })
        .register()
}

fn watch_nodes(registry: &pw::registry::RegistryRc, world: &Rc<RefCell<World>>) -> pw::registry::Listener {
    let (added, removed) = (Rc::clone(world), Rc::clone(world));
    registry
        .add_listener_local()
        .global(move |global| {
            if global.type_ != pw::types::ObjectType::Node {
                return;
            }
            let get =
                |key: &str| global.props.and_then(|props| props.get(key)).unwrap_or_default().to_owned();
            let node = Node {
                name: get("node.name"),
                description: get("node.description"),
                class: get("media.class"),
                serial: get("object.serial").parse().ok(),
            };
            added.borrow_mut().nodes.insert(global.id, node);
        })
        .global_remove(move |id| {
            removed.borrow_mut().nodes.remove(&id);
        })
        .register()
}

fn find(nodes: &BTreeMap<u32, Node>, wanted: &NodeName) -> Option<(u32, Node)> {
    let by = |matches: &dyn Fn(u32, &Node) -> bool| {
        nodes.iter().find(|(id, node)| matches(**id, node)).map(|(id, node)| (*id, node.clone()))
    };
    match wanted {
        NodeName::Id(wanted) => by(&|id, _| id == *wanted),
        NodeName::Typed(typed) => {
            let number = typed.parse::<u64>().ok();
            by(&|_, node| node.name == *typed)
                .or_else(|| by(&|id, _| Some(u64::from(id)) == number))
                .or_else(|| by(&|_, node| node.serial.is_some() && node.serial == number))
        }
    }
}

/// A node sends pictures when its class says so, such as `Video/Source` or `Stream/Output/Video`;
/// one without a class is given the benefit of the doubt.
fn check_class(name: &NodeName, class: &str) -> Result<(), CaptureError> {
    let sends = class.contains("Source") || class.contains("Output");
    if class.is_empty() || (class.contains("Video") && sends) {
        return Ok(());
    }
    let what = if class.contains("Video") {
        "it takes pictures rather than sending them"
    } else {
        "it is not video"
    };
    Err(refused(name, &format!("{what} (its class is {class})")))
}

fn refused(name: &NodeName, reason: &str) -> CaptureError {
    let node = match name {
        NodeName::Id(id) => id.to_string(),
        NodeName::Typed(typed) => typed.clone(),
    };
    CaptureError::Node { node, reason: reason.to_owned() }
}

fn unreachable(error: pw::Error) -> CaptureError {
    CaptureError::NoPipeWire { reason: error.to_string() }
}
