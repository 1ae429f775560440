//! The buffers are what they say: DMA-BUFs, with the bytes that were written.

use std::os::fd::{AsFd, AsRawFd};

use testkit_dmabuf::{Buffer, Source};

#[test]
#[ignore = "needs /dev/udmabuf and /dev/dma_heap: make test-vm"]
fn both_devices_make_dma_bufs() {
    for source in Source::ALL {
        let mut buffer = Buffer::new(source, 5000).unwrap();
        assert_eq!(buffer.len(), 65536, "{source:?}");
        buffer.write(|bytes| bytes[4999] = 77).unwrap();
        buffer.write(|bytes| assert_eq!((bytes[0], bytes[4999]), (0, 77))).unwrap();
        let info = format!("/proc/self/fdinfo/{}", buffer.as_fd().as_raw_fd());
        let info = std::fs::read_to_string(info).unwrap();
        assert!(info.contains("exp_name:"), "{source:?} is no DMA-BUF: {info}");
    }
}
