//! Pictures that come in DMA-BUFs: from a producer's buffer to a file, without a copy on the way in.

use std::cell::Cell;

use ghoststream::test_card::{Card, Stamp};
use ghoststream::{Codec, EncoderChoice, EncoderConfig, FrameSync, PixelFormat, Processing, Size, Timestamp};
use nvenc_emulator::Installed;
use testkit::Session;
use testkit::producer::{Blocks, Draft, Gpu, Metas, Offer, Painter, Producer, Script, test_card};
use testkit_dmabuf::Source;

use crate::common::over_emulator;
use crate::recorded::{Recorded, SIZE, encoder, lavapipe, record_producer};

pub const LINEAR: u64 = 0;

/// An emulated processor is slow.
const FPS: f64 = 10.0;

/// A picture in DMA-BUFs, and in shared memory for who does not take those.
pub fn script(format: &str, source: Source) -> Script {
    let metas = Metas { header: true, damage: true, ..Metas::default() };
    let mut script = Script { metas, ..Script::new("card", format, SIZE, FPS) };
    script.offers.insert(0, Offer::in_gpu(format, SIZE, &[LINEAR]));
    script.gpu = Some(Gpu::new(Some(source)));
    script
}

pub fn producer(script: Script, painter: Painter) -> (Session, Producer) {
    let session = Session::start().unwrap();
    session.enter();
    (session, Producer::start(script, painter).unwrap())
}

fn x264() -> EncoderConfig {
    encoder(Codec::H264).with_encoder(EncoderChoice::Software).with_processing(Processing::Gpu)
}

pub async fn seconds(producer: &Producer, config: EncoderConfig, seconds: f64) -> Recorded {
    record_producer(producer, config, FPS, |status| status.seconds >= seconds).await
}

/// Every picture was read by the GPU where its producer had drawn it.
fn no_byte_went_up(recorded: &Recorded) {
    let processing = recorded.processing();
    assert_eq!((processing.uploaded_bytes, processing.failures), (0, 0), "{processing:?}");
    // Lavapipe's buffers have no fences of a driver's, but the kernel is asked for them.
    assert_eq!(recorded.report.sync, [FrameSync::Fence]);
}

#[tokio::test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
async fn from_a_dmabuf_through_vulkan_to_x264() {
    let (_session, producer) = producer(script("BGRx", Source::Udmabuf), test_card(SIZE));
    let recorded = seconds(&producer, x264(), 3.0).await;
    recorded.whole();
    no_byte_went_up(&recorded);
    let processing = recorded.processing();
    assert_eq!(processing.way, format!("GPU ({}), read back", lavapipe().name));
    assert_eq!(processing.system_memory_bytes, processing.pictures * 320 * 180 * 3 / 2);
    assert!(recorded.report.notes.is_empty(), "{:?}", recorded.report.notes);
}

/// How finished pictures go to NVENC is in `to_nvenc.rs`, on any machine.
#[test]
#[ignore = "needs /dev/dma_heap: make test-vm"]
fn from_a_dmabuf_through_vulkan_to_nvenc() {
    let install = |it: Installed| it.with_uuid(lavapipe().uuid);
    over_emulator("imported::from_a_dmabuf_through_vulkan_to_nvenc", install, || async {
        let (_session, producer) = producer(script("BGRx", Source::SystemHeap), test_card(SIZE));
        let nvenc = encoder(Codec::H264).with_encoder(EncoderChoice::Nvenc).with_processing(Processing::Gpu);
        let recorded = seconds(&producer, nvenc, 3.0).await;
        recorded.whole();
        no_byte_went_up(&recorded);
        assert_eq!(recorded.encoder(), "h264_nvenc");
        let (processing, notes) = (recorded.processing(), &recorded.report.notes);
        let way = format!("GPU ({}), exported to the encoder", lavapipe().name);
        assert_eq!(processing.way, way, "{notes:?}");
        assert_eq!(processing.system_memory_bytes, 0, "{processing:?}");
    });
}

#[tokio::test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
async fn two_planes_in_buffers_of_their_own_become_a_file() {
    let script = Script { blocks: Blocks::PerPlane, ..script("NV12", Source::Udmabuf) };
    let (_session, producer) = producer(script, card_in_nv12());
    let recorded = seconds(&producer, x264(), 2.0).await;
    recorded.whole();
    no_byte_went_up(&recorded);
}

/// Its size changes twice: each time every buffer is taken away, and others are imported.
#[tokio::test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
async fn buffers_that_are_taken_away_and_come_in_another_size_lose_no_recording() {
    let mut script = script("BGRx", Source::Udmabuf);
    script.metas.crop = true;
    let (_session, producer) = producer(script, card_in_a_corner());
    let in_gpu = |size| vec![Offer::in_gpu("BGRx", size, &[LINEAR])];
    let step = Cell::new(0);
    let recorded = record_producer(&producer, x264(), FPS, |status| {
        let due = [1.0, 2.0].get(step.get()).is_some_and(|due| status.seconds >= *due);
        if due {
            step.set(step.get() + 1);
            producer.offer(in_gpu(if step.get() == 1 { Size::new(400, 256) } else { SIZE }));
        }
        status.seconds >= 3.5
    })
    .await;
    recorded.whole();
    no_byte_went_up(&recorded);
    assert_eq!(step.get(), 2);
    assert!(recorded.processing().pictures >= 5, "{:?}", recorded.processing());
}

/// A producer that cannot allocate what was agreed on, and one that lies about it.
#[tokio::test]
#[ignore = "needs /dev/udmabuf: make test-vm"]
async fn buffers_that_cannot_be_had_or_believed_are_left_for_shared_memory() {
    let mut poor = script("BGRx", Source::Udmabuf);
    poor.gpu = Some(Gpu { fails: vec![LINEAR], ..Gpu::new(Some(Source::Udmabuf)) });
    let mut paint = test_card(SIZE);
    let liar: Painter = Box::new(move |draft| {
        paint(draft);
        if draft.in_gpu {
            draft.chunks[0].stride = SIZE.width as i32 * 4 - 4;
        }
    });
    let honest = test_card(SIZE);
    for (script, painter) in [(poor, honest), (script("BGRx", Source::Udmabuf), liar)] {
        let (_session, producer) = producer(script, painter);
        let recorded = seconds(&producer, x264(), 1.5).await;
        recorded.whole();
        assert_eq!(recorded.report.sync, [FrameSync::SharedMemory]);
        assert!(recorded.processing().uploaded_bytes > 0, "{:?}", recorded.processing());
        assert!(recorded.notes("asking for shared memory"), "{:?}", recorded.report.notes);
    }
}

fn stamp(draft: &Draft<'_>) -> Stamp {
    Stamp { frame: draft.number as u32, time: Timestamp::from_nanos(draft.pts) }
}

/// The card in the upper left of buffers of any size, as their crop says.
fn card_in_a_corner() -> Painter {
    let card = Card::new(SIZE);
    Box::new(move |draft| {
        let (stamp, stride) = (stamp(draft), draft.stride);
        draft.crop = [0, 0, SIZE.width as i32, SIZE.height as i32];
        draft.skip = card.paint(draft.blocks[0], stride, stamp).is_err();
    })
}

/// The card in two planes, BT.601 and limited, which is what NV12 of its size is where nothing is said of it.
pub fn card_in_nv12() -> Painter {
    let card = Card::new(SIZE);
    let stride = SIZE.width as usize * 4;
    let mut bgrx = vec![0; stride * SIZE.height as usize];
    Box::new(move |draft| {
        assert_eq!(draft.format, PixelFormat::Nv12);
        card.paint(&mut bgrx, stride, stamp(draft)).unwrap();
        let strides = [0, 1].map(|plane: usize| draft.chunks[plane].stride as u32);
        let [luma, chroma] = &mut draft.blocks[..] else { panic!("two planes") };
        let mut planes = yuv::YuvBiPlanarImageMut {
            y_plane: yuv::BufferStoreMut::Borrowed(luma),
            y_stride: strides[0],
            uv_plane: yuv::BufferStoreMut::Borrowed(chroma),
            uv_stride: strides[1],
            width: SIZE.width,
            height: SIZE.height,
        };
        let (range, matrix) = (yuv::YuvRange::Limited, yuv::YuvStandardMatrix::Bt601);
        let mode = yuv::YuvConversionMode::Balanced;
        yuv::bgra_to_yuv_nv12(&mut planes, &bgrx, stride as u32, range, matrix, mode).unwrap();
    })
}
