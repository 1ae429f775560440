//! DMA-BUFs of a memfd's pages, where the kernel makes them.

use ghoststream_dmabuf::{Mapped, Udmabuf};

#[test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
fn what_is_not_whole_pages_is_refused_and_what_is_keeps_what_was_written() {
    let device = Udmabuf::open().unwrap();
    assert!(device.allocate(5000).is_err());
    let mut memory = Mapped::dmabuf(device.allocate(65536).unwrap(), 65536).unwrap();
    memory.write(|bytes| bytes[65535] = 9).unwrap();
    assert_eq!(memory.write(|bytes| (bytes[0], bytes[65535])).unwrap(), (0, 9));
}
