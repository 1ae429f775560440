//! The kernel's timelines, through a render node.

use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::Duration;

use ghoststream_gpu::sync::{RenderNode, Syncobj, Timeline, fence};
use testkit_dmabuf::{Buffer, Source};

fn node() -> Arc<RenderNode> {
    let number = |rdev| (rustix::fs::major(rdev), rustix::fs::minor(rdev));
    let nodes = std::fs::read_dir("/dev/dri").unwrap().filter_map(|entry| entry.unwrap().metadata().ok());
    let mut opened = nodes.filter_map(|it| RenderNode::open(number(it.rdev())).ok());
    Arc::new(opened.next().expect("a render node with timelines"))
}

const SHORT: Duration = Duration::from_millis(20);

#[test]
#[ignore = "needs a render node with timelines: make test-vm"]
fn points_signal_across_descriptors() {
    let node = node();
    let ours = Syncobj::new(&node).unwrap();
    let theirs = Syncobj::import(&node, ours.export().unwrap().as_fd()).unwrap();
    assert!(!theirs.wait(1, Duration::ZERO).unwrap(), "nobody has promised it");
    assert!(!theirs.wait(1, SHORT).unwrap());
    ours.signal(1).unwrap();
    assert!(theirs.wait(1, Duration::ZERO).unwrap());
    assert!(!theirs.wait(2, SHORT).unwrap());
    let waiting = std::thread::spawn(move || theirs.wait(2, Duration::from_secs(20)));
    std::thread::sleep(SHORT);
    ours.signal(2).unwrap();
    assert!(waiting.join().unwrap().unwrap(), "a wait ends when the point comes");
}

#[test]
#[ignore = "needs a render node with timelines and /dev/udmabuf: make test-vm"]
fn a_point_can_be_left_to_a_sync_file() {
    let timeline = Syncobj::new(&node()).unwrap();
    let buffer = Buffer::new(Source::Udmabuf, 4096).unwrap();
    let done = fence::of_writers(buffer.as_fd()).unwrap();
    assert!(fence::is_signalled(&done), "nobody writes");
    let both = fence::merge(done.as_fd(), done.as_fd()).unwrap();
    timeline.signal_with(3, both.as_fd()).unwrap();
    assert!(timeline.wait(3, SHORT).unwrap());
    fence::add_reader(buffer.as_fd(), both.as_fd()).unwrap();
    let (pipe, _other) = rustix::pipe::pipe().unwrap();
    assert!(timeline.signal_with(4, pipe.as_fd()).is_err(), "no sync file");
}
