//! How long each step takes, for the bench.

use std::cell::RefCell;
use std::time::Duration;

use ash::vk;

use crate::vulkan::{Device, Timestamps, VulkanError};

/// Steps that are measured at most; there are about 40.
const MOST: u32 = 64;

/// The GPU's time for each step of one picture, in the order in which they were recorded.
#[derive(Debug)]
pub struct Laps {
    timestamps: Timestamps,
    names: RefCell<Vec<String>>,
}

impl Laps {
    /// Nothing is measured yet.
    ///
    /// # Errors
    /// The driver failed.
    pub fn new(device: &Device) -> Result<Self, VulkanError> {
        Ok(Self { timestamps: Timestamps::of_many(device, MOST)?, names: RefCell::default() })
    }

    /// Begins with the first step.
    ///
    /// # Safety
    /// The list is being recorded, and self is not in use.
    pub(super) unsafe fn begin(&self, list: vk::CommandBuffer) {
        self.names.borrow_mut().clear();
        // SAFETY: the caller's promises.
        unsafe { self.timestamps.begin(list) };
    }

    /// A step was recorded, and a barrier behind it.
    ///
    /// # Safety
    /// As for [`Self::begin`], which comes before in the list.
    pub(super) unsafe fn lap(&self, list: vk::CommandBuffer, name: &str) {
        let mut names = self.names.borrow_mut();
        if (names.len() as u32) < MOST {
            names.push(name.to_owned());
            // SAFETY: the caller's promises; there are so many stretches.
            unsafe { self.timestamps.end_of(list, names.len() as u32) };
        }
    }

    /// Each step and its time; nothing while they are not done.
    pub fn read(&self) -> Vec<(String, Duration)> {
        let names = self.names.borrow();
        let times = self.timestamps.read_many(names.len() as u32).unwrap_or_default();
        names.iter().cloned().zip(times).collect()
    }
}
