//! NVENC on the same GPU, and on another.

use ghoststream::{Codec, EncoderChoice, Processing};
use nvenc_emulator::Installed;

use crate::common::{calls_of, over_emulator};
use crate::recorded::{Recorded, encoder, lavapipe, record};

/// The emulated GPU is lavapipe's.
fn same_gpu(installed: Installed) -> Installed {
    installed.with_uuid(lavapipe().uuid)
}

async fn record_with(codec: Codec) -> Recorded {
    let config = encoder(codec).with_encoder(EncoderChoice::Nvenc).with_processing(Processing::Gpu);
    record(config, 2.0).await
}

/// No byte of a picture is copied by the CPU or by CUDA.
async fn goes_over_where_it_is(codec: Codec, name: &str) {
    let recorded = record_with(codec).await;
    assert_eq!(recorded.encoder(), name);
    recorded.whole();
    let processing = recorded.processing();
    assert_eq!(processing.way, format!("GPU ({}), exported to the encoder", lavapipe().name));
    assert_eq!(processing.system_memory_bytes, 0, "{processing:?}");
    assert!(processing.uploaded_bytes > 0, "shared memory goes up: {processing:?}");
    assert_eq!(calls_of("cuMemcpy2DAsync_v2").len(), 0);
    let (imported, registered) = (calls_of("cuImportExternalMemory"), calls_of("NvEncRegisterResource"));
    assert_eq!(imported.len(), registered.len(), "each buffer once");
    // What is made on the GPU is made for a buffer, of which there are a few, and not for a picture.
    let most = 60 + 12 * imported.len() as u64;
    assert!(processing.objects <= most, "{} for {} buffers", processing.objects, imported.len());
}

#[test]
fn from_pipewire_through_vulkan_to_h264_nvenc() {
    let dir = tempfile::tempdir().unwrap();
    let install = |it: Installed| same_gpu(it).with_trace(dir.path().join("trace"));
    over_emulator("to_nvenc::from_pipewire_through_vulkan_to_h264_nvenc", install, || {
        goes_over_where_it_is(Codec::H264, "h264_nvenc")
    });
}

#[test]
fn from_pipewire_through_vulkan_to_hevc_nvenc() {
    let dir = tempfile::tempdir().unwrap();
    let install = |it: Installed| same_gpu(it).with_trace(dir.path().join("trace"));
    over_emulator("to_nvenc::from_pipewire_through_vulkan_to_hevc_nvenc", install, || {
        goes_over_where_it_is(Codec::Hevc, "hevc_nvenc")
    });
}

#[test]
fn another_gpu_encodes() {
    let name = "to_nvenc::another_gpu_encodes";
    over_emulator(
        name,
        |it| it,
        || async {
            let recorded = record_with(Codec::H264).await;
            assert_eq!(recorded.encoder(), "h264_nvenc");
            recorded.whole();
            assert!(recorded.processing().way.ends_with("read back"), "{:?}", recorded.processing());
            assert!(recorded.notes("is not the GPU that encodes"), "{:?}", recorded.report.notes);
        },
    );
}

#[test]
fn an_encoder_on_the_cpu_takes_over() {
    let install = |it: Installed| same_gpu(it).with_faults("device-lost@30").unwrap();
    over_emulator("to_nvenc::an_encoder_on_the_cpu_takes_over", install, || async {
        let config = encoder(Codec::H264).with_processing(Processing::Gpu);
        let recorded = record(config, 2.5).await;
        let failures = &recorded.report.renditions[0].failures;
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert_eq!(recorded.encoder(), "libx264");
        recorded.whole();
        // Those that waited were copied back; those that came later are made to be read.
        let processing = recorded.processing();
        assert!(processing.way.ends_with("read back"), "{processing:?}");
        let size = 320 * 180 * 3 / 2;
        assert!(processing.system_memory_bytes < processing.pictures * size, "{processing:?}");
        assert_eq!(processing.failures, 0);
    });
}
