//! Pictures in device memory, used again and again.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Context, CudaError, DeviceBuffer};

/// How the planes of a picture lie in one allocation: below each other, all with the same pitch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pitch: usize,
    planes: [Plane; 3],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Plane {
    first_row: usize,
    row_bytes: usize,
    rows: usize,
}

impl Layout {
    /// Rows begin at multiples of this, which suits every kind of copy and NVENC.
    const ALIGNMENT: usize = 256;

    /// The layout for planes of so many bytes a row and so many rows; 0 rows for those that are not
    /// there.
    pub fn new(planes: [(usize, usize); 3]) -> Self {
        let widest = planes.iter().map(|(row_bytes, _)| *row_bytes).max().unwrap_or(0);
        let mut first_row = 0;
        let planes = planes.map(|(row_bytes, rows)| {
            let plane = Plane { first_row, row_bytes, rows };
            first_row += rows;
            plane
        });
        Self { pitch: widest.next_multiple_of(Self::ALIGNMENT), planes }
    }

    /// Bytes from row to row, in every plane.
    pub const fn pitch(&self) -> usize {
        self.pitch
    }

    /// Bytes of it all.
    pub fn len(&self) -> usize {
        self.pitch * self.planes.iter().map(|plane| plane.rows).sum::<usize>()
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where a plane begins; `None` for one that is not there.
    pub fn offset(&self, plane: usize) -> Option<usize> {
        self.planes.get(plane).filter(|it| it.rows > 0).map(|it| it.first_row * self.pitch)
    }

    /// Bytes of a plane's row and the number of its rows.
    pub fn size(&self, plane: usize) -> (usize, usize) {
        self.planes.get(plane).map_or((0, 0), |it| (it.row_bytes, it.rows))
    }
}

/// A bounded number of pictures of one layout. Each is allocated when it is first needed and stays at
/// its address; [`Slot`]s are given back on drop, from any thread.
#[derive(Clone, Debug)]
pub struct Ring(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    context: Context,
    layout: Layout,
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Those that no one holds; the one given back last is the last, and still in the caches.
    free: Vec<DeviceBuffer>,
    allocated: usize,
}

impl Ring {
    /// At most so many pictures of this layout.
    pub fn new(context: &Context, layout: Layout, most: usize) -> Self {
        let (context, state) = (context.clone(), Mutex::default());
        Self(Arc::new(Shared { context, layout, most, state }))
    }

    /// A picture, whose pixels may be anything; `None` while all are taken.
    ///
    /// # Errors
    /// The device has no memory left.
    pub fn take(&self) -> Result<Option<Slot>, CudaError> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let buffer = match state.free.pop() {
            Some(buffer) => buffer,
            None if state.allocated == self.0.most => return Ok(None),
            None => {
                let buffer = DeviceBuffer::new(&self.0.context, self.0.layout.len())?;
                state.allocated += 1;
                buffer
            }
        };
        Ok(Some(Slot { ring: Arc::clone(&self.0), buffer: Some(buffer) }))
    }

    /// How the pictures lie.
    pub fn layout(&self) -> &Layout {
        &self.0.layout
    }

    /// Pictures that were allocated so far.
    pub fn allocated(&self) -> usize {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).allocated
    }
}

/// One picture of a ring, held.
#[derive(Debug)]
pub struct Slot {
    ring: Arc<Shared>,
    /// Until it is dropped.
    buffer: Option<DeviceBuffer>,
}

impl Slot {
    /// Where it begins in the device's memory.
    pub fn address(&self) -> u64 {
        self.buffer.as_ref().map_or(0, DeviceBuffer::address)
    }

    /// How it lies.
    pub fn layout(&self) -> &Layout {
        &self.ring.layout
    }

    pub(super) fn context(&self) -> &Context {
        &self.ring.context
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.ring.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.free.extend(self.buffer.take());
    }
}
