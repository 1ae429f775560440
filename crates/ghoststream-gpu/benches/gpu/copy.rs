//! What a plain copy reaches.

use ghoststream_gpu::vulkan::{Buffer, Commands, Device, Timestamps, Use, vk};

/// Bytes read and written a second by copies from one buffer to another, of so many MiB each.
pub fn bandwidth(device: &Device, mebibytes: u64) -> f64 {
    let length = mebibytes << 20;
    let new = || Buffer::new(device, length, Use::Device).expect("memory");
    let (from, to, stamps) = (new(), new(), Timestamps::new(device).expect("a query"));
    let mut rates: Vec<f64> = (0..20)
        .map(|_| {
            // SAFETY: run_once waits, so that all outlives it.
            #[allow(unsafe_code)]
            unsafe {
                Commands::run_once(device, |vulkan, list| {
                    stamps.begin(list);
                    let region = vk::BufferCopy::default().size(length);
                    vulkan.cmd_copy_buffer(list, from.raw(), to.raw(), &[region]);
                    stamps.end(list);
                })
                .expect("it runs");
            }
            2.0 * length as f64 / stamps.read().expect("it is done").as_secs_f64()
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
