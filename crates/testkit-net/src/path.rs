//! A path, its two sides and its conditions.

use std::process::Command;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use anyhow::{Context, Result};

use crate::namespace::Namespace;
use crate::pump::Wire;
use crate::shaper::{Passed, Shaper};
use crate::{Conditions, FAR, NEAR, Side, Way, device};

/// A path between two network namespaces. See the [crate] for who is where.
#[derive(Debug)]
pub struct Path {
    near: Namespace,
    far: Namespace,
    wire: Arc<Wire>,
    thread: Option<JoinHandle<()>>,
}

impl Path {
    /// Makes both sides and joins them by a path that is so in either direction.
    ///
    /// # Errors
    /// This is not root, or the kernel has no TUN devices.
    pub fn new(conditions: Conditions, seed: u64) -> Result<Self> {
        let (near, far) = (Namespace::new()?, Namespace::new()?);
        let devices = (near.on(|| device::open(NEAR))??, far.on(|| device::open(FAR))??);
        let wire = Arc::new(Wire::new(Shaper::new(conditions, seed), Shaper::new(conditions, !seed)));
        let pump = Arc::clone(&wire);
        let thread = Builder::new().name("gs-net".into()).spawn(move || pump.pump(&devices.0, &devices.1));
        Ok(Self { near, far, wire, thread: Some(thread.context("the thread gs-net")?) })
    }

    /// Changes what both directions are like. A path that was cut is whole again, unless these cut it.
    pub fn set(&self, conditions: Conditions) {
        self.set_way(Way::Up, conditions);
        self.set_way(Way::Down, conditions);
    }

    /// Changes what one direction is like.
    pub fn set_way(&self, way: Way, conditions: Conditions) {
        self.wire.way(way).set(conditions);
    }

    /// Nothing passes any more, and what was under way is lost: neither side is told.
    pub fn cut(&self) {
        self.set_cut(true);
    }

    /// What passed before [`cut`](Self::cut) passes again.
    pub fn mend(&self) {
        self.set_cut(false);
    }

    /// The data of TCP connections that there are now is lost from here on, and neither side is told: what has none, a
    /// reset for one, passes, and so does everything of new ones. So look connections whose kernels wait before they
    /// send again.
    pub fn stall(&self) {
        [Way::Up, Way::Down].into_iter().for_each(|way| self.wire.way(way).stall());
    }

    /// What became of the packets of a direction so far.
    pub fn passed(&self, way: Way) -> Passed {
        self.wire.way(way).passed()
    }

    /// Moves the calling thread to a side, and with it the threads that it starts from now on. A test
    /// that is a process of its own may stay there.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn enter(&self, side: Side) -> Result<()> {
        self.side(side).enter().context("entering a side of the path")
    }

    /// Runs something on a side, in a thread of its own. Sockets that it makes stay there, whoever uses
    /// them later.
    ///
    /// # Errors
    /// The kernel refuses, or `work` panics.
    pub fn on<T: Send>(&self, side: Side, work: impl FnOnce() -> T + Send) -> Result<T> {
        self.side(side).on(work)
    }

    /// Makes a program run on a side.
    ///
    /// # Errors
    /// There is no descriptor left.
    pub fn place(&self, side: Side, command: &mut Command) -> Result<()> {
        self.side(side).place(command)
    }

    const fn side(&self, side: Side) -> &Namespace {
        match side {
            Side::Near => &self.near,
            Side::Far => &self.far,
        }
    }

    fn set_cut(&self, cut: bool) {
        for way in [Way::Up, Way::Down] {
            let mut shaper = self.wire.way(way);
            let conditions = Conditions { cut, ..shaper.conditions() };
            shaper.set(conditions);
        }
    }
}

impl Drop for Path {
    fn drop(&mut self) {
        self.wire.stop();
        if let Some(thread) = self.thread.take() {
            // A panic there was printed; there is nothing else to tell.
            let _ = thread.join();
        }
    }
}
