//! Allocations, by address.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::argument::Handle;
use crate::code::{Code, Result};
use crate::mapping::Mapping;

/// Device addresses begin here. No processor has addresses like these in user space: who follows one dies,
/// as on a card, and none is ever that of host memory.
pub(crate) const DEVICE_SPACE: u64 = 1 << 48;

/// Device addresses end here; then they begin again, where there is room.
const DEVICE_SPACE_END: u64 = DEVICE_SPACE + (1 << 44);

/// Allocations begin at multiples of this.
const ALIGNMENT: u64 = 512;

/// Rows of pitched allocations begin at multiples of this.
const PITCH_ALIGNMENT: usize = 512;

/// Where an allocation came from, which says who may free it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Device memory.
    Device,
    /// Mapped from another API's memory.
    External,
    /// Page-locked host memory of the driver.
    PinnedHost,
    /// Host memory of the caller, page-locked later.
    RegisteredHost,
}

impl Origin {
    /// Whether the GPU's own memory holds it.
    pub(crate) const fn is_device(self) -> bool {
        matches!(self, Self::Device | Self::External)
    }
}

/// A live allocation.
#[derive(Clone, Debug)]
pub(crate) struct Allocation {
    /// Where it begins: what the caller knows it by.
    pub(crate) address: u64,
    /// Bytes.
    pub(crate) size: u64,
    /// In which context it was made, with which it ends.
    pub(crate) context: Handle,
    /// Where it came from.
    pub(crate) origin: Origin,
    /// The pages behind it, and where in them it begins. None for the caller's own.
    pub(crate) pages: Option<(Arc<Mapping>, usize)>,
}

impl Allocation {
    /// Where a byte of it really is.
    pub(crate) fn real(&self, address: u64) -> *mut u8 {
        let offset = (address - self.address) as usize;
        match &self.pages {
            Some((pages, start)) => {
                debug_assert!(start + offset <= pages.length());
                pages.start().wrapping_add(start + offset)
            }
            None => address as usize as *mut u8,
        }
    }
}

/// All allocations.
#[derive(Debug)]
pub(crate) struct Space {
    total: u64,
    used: u64,
    next: u64,
    live: BTreeMap<u64, Allocation>,
}

impl Space {
    pub(super) const fn new() -> Self {
        Self { total: 0, used: 0, next: DEVICE_SPACE, live: BTreeMap::new() }
    }

    pub(super) fn set_total(&mut self, bytes: u64) {
        self.total = bytes;
    }

    /// Bytes of device memory, free and in all.
    pub(crate) const fn info(&self) -> (u64, u64) {
        (self.total - self.used, self.total)
    }

    /// What lives, by address.
    pub(crate) fn live(&self) -> impl Iterator<Item = &Allocation> {
        self.live.values()
    }

    /// Allocates device memory.
    pub(crate) fn allocate(&mut self, context: Handle, size: u64) -> Result<u64> {
        if size == 0 {
            return Err(Code::ERROR_INVALID_VALUE);
        }
        let taken = size.checked_next_multiple_of(ALIGNMENT).ok_or(Code::ERROR_OUT_OF_MEMORY)?;
        if taken > self.total - self.used {
            return Err(Code::ERROR_OUT_OF_MEMORY);
        }
        let pages = Mapping::anonymous(size as usize).map_err(|_| Code::ERROR_OUT_OF_MEMORY)?;
        let address = self.insert(context, size, Origin::Device, Arc::new(pages), 0)?;
        self.used += taken;
        Ok(address)
    }

    /// Gives pages that are there already an address.
    pub(crate) fn insert(
        &mut self,
        context: Handle,
        size: u64,
        origin: Origin,
        pages: Arc<Mapping>,
        start: usize,
    ) -> Result<u64> {
        let address = self.room(size).ok_or(Code::ERROR_OUT_OF_MEMORY)?;
        self.next = (address + size).next_multiple_of(ALIGNMENT);
        let pages = Some((pages, start));
        self.live.insert(address, Allocation { address, size, context, origin, pages });
        Ok(address)
    }

    /// Takes in host memory, whose address is its own.
    pub(crate) fn insert_host(&mut self, allocation: Allocation) {
        self.live.insert(allocation.address, allocation);
    }

    /// The next free addresses: those that were never used come first, so that one which is used after it was
    /// freed is found out.
    fn room(&self, size: u64) -> Option<u64> {
        for from in [self.next, DEVICE_SPACE] {
            let mut address = from;
            for taken in self.live.range(DEVICE_SPACE..).map(|(_, allocation)| allocation) {
                if taken.address + taken.size <= address {
                    continue;
                }
                if address + size <= taken.address {
                    break;
                }
                address = (taken.address + taken.size).next_multiple_of(ALIGNMENT);
            }
            if address.checked_add(size).is_some_and(|end| end <= DEVICE_SPACE_END) {
                return Some(address);
            }
        }
        None
    }

    /// Ends an allocation by its first address.
    pub(crate) fn free(&mut self, address: u64, may: impl Fn(Origin) -> bool) -> Result {
        let allocation = self.live.get(&address).filter(|allocation| may(allocation.origin));
        let allocation = allocation.ok_or(Code::ERROR_INVALID_VALUE)?;
        if allocation.origin == Origin::Device {
            self.used -= allocation.size.next_multiple_of(ALIGNMENT);
        }
        self.live.remove(&address);
        Ok(())
    }

    /// Ends all allocations of a context.
    pub(super) fn forget_context(&mut self, context: Handle) {
        let ended = |allocation: &&Allocation| allocation.context == context;
        let addresses: Vec<_> =
            self.live.values().filter(ended).map(|allocation| allocation.address).collect();
        for address in addresses {
            let _ = self.free(address, |_| true);
        }
    }

    /// The allocation that has an address in it.
    pub(crate) fn find(&self, address: u64) -> Option<&Allocation> {
        let (_, allocation) = self.live.range(..=address).next_back()?;
        (address - allocation.address < allocation.size).then_some(allocation)
    }

    /// The allocation that has all of these bytes in it.
    pub(crate) fn find_range(&self, address: u64, length: u64) -> Option<&Allocation> {
        let allocation = self.find(address)?;
        (length <= allocation.size - (address - allocation.address)).then_some(allocation)
    }
}

/// The pitch of rows of so many bytes.
pub(crate) fn pitch_of(width: usize) -> Option<usize> {
    width.checked_next_multiple_of(PITCH_ALIGNMENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: Handle = Handle(1);

    fn space(total: u64) -> Space {
        let mut space = Space::new();
        space.set_total(total);
        space
    }

    #[test]
    fn memory_ends_where_the_card_does() {
        let mut space = space(1 << 20);
        let first = space.allocate(CONTEXT, 1 << 19).unwrap();
        assert_eq!(space.info(), (1 << 19, 1 << 20));
        assert_eq!(space.allocate(CONTEXT, (1 << 19) + 1), Err(Code::ERROR_OUT_OF_MEMORY));
        assert_eq!(space.allocate(CONTEXT, u64::MAX), Err(Code::ERROR_OUT_OF_MEMORY));
        space.free(first, Origin::is_device).unwrap();
        assert!(space.allocate(CONTEXT, 1 << 20).is_ok());
    }

    #[test]
    fn addresses_are_found_inside_their_allocation_only() {
        let mut space = space(1 << 20);
        let first = space.allocate(CONTEXT, 100).unwrap();
        let second = space.allocate(CONTEXT, 100).unwrap();
        assert!(first >= DEVICE_SPACE && second >= first + 100);
        assert_eq!(space.find(first + 99).unwrap().address, first);
        assert!(space.find(first + 100).is_none());
        assert!(space.find(first - 1).is_none());
        assert!(space.find_range(first + 1, 99).is_some());
        assert!(space.find_range(first + 1, 100).is_none());
        assert!(space.find_range(first + 1, u64::MAX).is_none());
    }

    #[test]
    fn a_freed_address_is_not_given_out_again_at_once() {
        let mut space = space(1 << 20);
        let first = space.allocate(CONTEXT, 512).unwrap();
        space.free(first, Origin::is_device).unwrap();
        assert_eq!(space.free(first, Origin::is_device), Err(Code::ERROR_INVALID_VALUE));
        assert_ne!(space.allocate(CONTEXT, 512).unwrap(), first);
        // At the end of the space what was freed at its beginning is used again.
        space.next = DEVICE_SPACE_END - 256;
        assert_eq!(space.allocate(CONTEXT, 512).unwrap(), first);
        let third = space.allocate(CONTEXT, 512).unwrap();
        assert_eq!(space.live().filter(|allocation| allocation.address == third).count(), 1);
    }
}
