//! The kernel's fences, made by the GPU.

use std::time::Duration;

use ghoststream_gpu::sync::fence;
use ghoststream_gpu::vulkan::{Commands, Submission, SyncFile};

use crate::rig::Rig;

#[test]
#[ignore = "needs a driver that makes sync files, as Mesa 25 does: make test-vm"]
fn a_fence_signals_once_its_work_is_done() {
    let rig = Rig::new();
    assert!(rig.device.physical().abilities.sync_file, "{:?} makes no sync files", rig.device);
    let (mut first, mut second) =
        (SyncFile::new(&rig.device).expect("one"), SyncFile::new(&rig.device).expect("two"));
    let mut lists = [0, 1].map(|_| Commands::new(&rig.device).expect("a list"));
    for _ in 0..3 {
        // SAFETY: the lists are empty, and are recorded again only once the device has done them.
        #[allow(unsafe_code)]
        unsafe {
            lists[0].record(|_, _| {}).expect("it records");
            lists[0].submit(Submission { wait: &[], signal: &[(first.raw(), 0)] }).expect("it is submitted");
            if let Some(done) = first.export().expect("a sync file") {
                second.become_fence(done).expect("a fence");
            } else {
                continue;
            }
            lists[1].record(|_, _| {}).expect("it records");
            let wait = [(second.raw(), 0)];
            lists[1]
                .submit(Submission { wait: &wait, signal: &[(first.raw(), 0)] })
                .expect("it is submitted");
            if let Some(done) = first.export().expect("a sync file") {
                assert!(fence::wait(done, Duration::from_secs(60)), "it is done");
            }
        }
        rig.device.wait_idle().expect("no loss");
    }
}
