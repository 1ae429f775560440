//! Encoders on the CPU: pictures are read back.

use ghoststream::{Codec, EncoderChoice, EncoderConfig, Processing};

use crate::recorded::{encoder, lavapipe, record};

fn x264() -> EncoderConfig {
    encoder(Codec::H264).with_encoder(EncoderChoice::Software)
}

#[tokio::test]
async fn from_pipewire_through_vulkan_to_x264() {
    let recorded = record(x264().with_processing(Processing::Gpu), 2.0).await;
    recorded.whole();
    let (processing, made) = (recorded.processing(), recorded.processing().pictures);
    let wanted = format!("GPU ({}), read back", lavapipe().name);
    assert_eq!((processing.way.as_str(), processing.reason.as_str()), (wanted.as_str(), "as asked"));
    assert_eq!(processing.failures, 0);
    // Every picture of 320x180 comes back, and what changes in one goes up.
    assert_eq!(processing.system_memory_bytes, made * 320 * 180 * 3 / 2);
    assert!((1..=(made + 9) * 320 * 180 * 4).contains(&processing.uploaded_bytes), "{processing:?}");
}

#[tokio::test]
async fn left_to_itself_it_never_takes_a_gpu_that_is_the_cpu() {
    let recorded = record(x264(), 1.0).await;
    recorded.whole();
    assert!(recorded.processing().way.starts_with("CPU ("), "{:?}", recorded.processing());
    assert_eq!(recorded.processing().uploaded_bytes, 0);
}

#[tokio::test]
async fn a_gpu_that_is_not_there_leaves_it_to_the_cpu_and_says_so() {
    let wish = Processing::Device("Radeon".into());
    let recorded = record(x264().with_processing(wish), 1.0).await;
    recorded.whole();
    assert!(recorded.processing().way.starts_with("CPU ("));
    assert!(
        recorded.notes("no GPU is called \"Radeon\"; there are: llvmpipe"),
        "{:?}",
        recorded.report.notes
    );
}

#[tokio::test]
async fn a_gpu_is_found_by_its_name() {
    let recorded = record(x264().with_processing(Processing::Device("LLVMpipe".into())), 1.0).await;
    recorded.whole();
    assert!(recorded.processing().way.starts_with("GPU (llvmpipe"), "{:?}", recorded.processing());
}
