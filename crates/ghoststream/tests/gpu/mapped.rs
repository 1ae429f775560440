//! Pictures that come in DMA-BUFs and in nothing else, where the CPU makes the pictures: it reads them where they lie.

use ghoststream::{Codec, EncoderChoice, FrameSync, Processing};
use testkit::producer::{Gpu, Offer, Painter, test_card};
use testkit_dmabuf::Source;

use crate::imported::{LINEAR, card_in_nv12, producer, script, seconds};
use crate::recorded::{SIZE, encoder};

async fn recorded(format: &str, gpu: Gpu, painter: Painter) {
    let mut script = script(format, Source::Udmabuf);
    script.offers = vec![Offer::in_gpu(format, SIZE, &[LINEAR])];
    script.gpu = Some(gpu);
    let (_session, producer) = producer(script, painter);
    let x264 = encoder(Codec::H264).with_encoder(EncoderChoice::Software).with_processing(Processing::Cpu);
    let recorded = seconds(&producer, x264, 2.0).await;
    recorded.whole();
    assert_eq!(recorded.report.sync, [FrameSync::Fence]);
    assert!(recorded.processing().way.starts_with("CPU ("), "{:?}", recorded.processing());
    assert!(recorded.report.notes.is_empty(), "{:?}", recorded.report.notes);
}

#[tokio::test]
#[ignore = "needs /dev/udmabuf and /dev/dma_heap: make test-vm"]
async fn linear_dmabufs_are_read_by_the_cpu_where_they_lie() {
    for source in Source::ALL {
        recorded("BGRx", Gpu::new(Some(source)), test_card(SIZE)).await;
    }
}

#[tokio::test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
async fn planes_in_one_dmabuf_or_two_are_read_by_the_cpu() {
    for together in [false, true] {
        let gpu = Gpu { together, ..Gpu::new(Some(Source::Udmabuf)) };
        recorded("NV12", gpu, card_in_nv12()).await;
    }
}
