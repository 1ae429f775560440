//! Pictures that come in a GPU's memory: imported once for each of their source's buffers, and copied by nobody.

use ghoststream::{
    CaptureConfig, CaptureSource, Codec, Container, EncoderChoice, EncoderConfig, Output, Pipeline,
    Processing,
};
use nvenc_emulator::Installed;

use crate::common::{calls_of, over_emulator};
use crate::recorded::{Recorded, encoder, lavapipe, record_card};

/// Objects on the GPU: the pass's own, and some for each of the source's buffers and of the encoder's.
const OBJECTS: u64 = 60 + 12 * 16 + 12 * 64;

fn no_byte_goes_up(recorded: &Recorded) {
    let processing = recorded.processing();
    assert_eq!((processing.uploaded_bytes, processing.failures), (0, 0), "{processing:?}");
    assert!(processing.objects <= OBJECTS, "{processing:?}");
}

#[tokio::test]
async fn from_a_gpu_to_x264() {
    let config = encoder(Codec::H264).with_encoder(EncoderChoice::Software);
    let recorded = record_card(config.with_processing(Processing::Gpu), 2.0).await;
    recorded.whole();
    assert!(recorded.processing().way.ends_with("read back"), "{:?}", recorded.processing());
    no_byte_goes_up(&recorded);
}

/// From the source's buffer to NVENC's no byte of a picture is in system memory, on the GPU alone.
#[test]
fn from_a_gpu_to_nvenc_without_a_byte_in_system_memory() {
    let dir = tempfile::tempdir().unwrap();
    let install = |it: Installed| it.with_uuid(lavapipe().uuid).with_trace(dir.path().join("trace"));
    over_emulator("lent::from_a_gpu_to_nvenc_without_a_byte_in_system_memory", install, || async {
        let config = encoder(Codec::H264).with_encoder(EncoderChoice::Nvenc);
        let recorded = record_card(config.with_processing(Processing::Gpu), 2.0).await;
        assert_eq!(recorded.encoder(), "h264_nvenc");
        recorded.whole();
        assert!(recorded.processing().way.contains("exported"), "{:?}", recorded.processing());
        no_byte_goes_up(&recorded);
        assert_eq!(recorded.processing().system_memory_bytes, 0);
        assert_eq!(calls_of("cuMemcpy2DAsync_v2").len(), 0);
    });
}

#[tokio::test]
async fn without_a_gpu_that_makes_the_pictures_it_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let config = EncoderConfig::default().with_processing(Processing::Cpu);
    let pipeline = Pipeline::builder(CaptureConfig::default().with_source(CaptureSource::GpuTestCard))
        .rendition(config)
        .output(Output::File { path: dir.path().join("a.mkv"), container: Container::Matroska })
        .build()
        .unwrap();
    let error = pipeline.start().await.expect_err("there is nowhere to draw");
    assert!(error.to_string().contains("--processing gpu"), "{error}");
}
