//! An encoder that fails while every second picture is left out: the next goes on with what the first did.

use std::sync::Arc;
use std::sync::mpsc::{channel as commands, sync_channel};

use super::tests::{Fault, Opening, rows};
use super::{EncoderThread, Ends, FanOut, Feed};
use crate::encode::bench::Pictures;
use crate::encode::{self, Frame, Packet, Request};
use crate::pipeline::channel::{Job, channel};
use crate::pipeline::control::Control;
use crate::pipeline::outputs::{Door, Item};
use crate::pipeline::ready::report;
use crate::pipeline::shared::Shared;
use crate::processing::gpu::{Handover, Told};
use crate::stats::RenditionReport;
use crate::{
    Codec, Container, EncoderChoice, EncoderConfig, EncoderPreset, MediaTime, RateControl, Size, Timestamp,
};

const KBPS: u32 = 600;
/// All pictures for two seconds, then half of them.
const HALVED_AT: usize = 60;
/// So many pictures go well: it fails three seconds and a half after the first.
const GO_WELL: usize = 83;
const TICKS: usize = 300;

fn time(tick: usize) -> MediaTime {
    MediaTime::from_nanos((tick as f64 * 1e9 / 30.0).round() as i64)
}

/// What comes of ten seconds at 30 Hz.
fn recorded(low_latency: bool) -> (Vec<Packet>, RenditionReport) {
    let config = EncoderConfig::default()
        .with_codec(Codec::H264)
        .with_encoder(EncoderChoice::Software)
        .with_preset(EncoderPreset::Fastest)
        .with_rate_control(RateControl::Cbr)
        .with_gop_seconds(1.0)
        .with_bitrate_kbps(KBPS)
        .with_low_latency(low_latency);
    let request =
        Request { config: &config, size: Size::new(320, 180), fps: 30.0, containers: &[Container::Flv] };
    let script = &[Opening::FailsAfter(GO_WELL, Fault::Error), Opening::Works];
    let table = rows(encode::rows(&request).unwrap(), "double", &[], script);
    let (opened, table) = encode::open_first(table, config.codec).unwrap();
    let pictures = Pictures::new(&opened.input, opened.memory.as_ref()).unwrap();

    let feed = Arc::new(Feed::new(opened.track.clone()));
    let (sender, items) = sync_channel(2 * TICKS);
    feed.join(Door { sender, track: 0, begins: None }, &opened.track);
    let (frames, received) = channel(opened.input, false);
    let ends = Ends {
        frames: received,
        fan_out: FanOut::new(feed),
        control: Arc::new(Control::new(config.rate_control)),
        handover: Handover::default(),
        processing: Told::default(),
    };
    let report = report(0, &opened, 30.0);
    let (shared, (commands, _told)) = (Arc::<Shared>::default(), commands());
    let running = EncoderThread::spawn(0, (opened, table), report, ends, (&shared, &commands)).unwrap();
    for tick in (0..TICKS).filter(|it| *it < HALVED_AT || it % 2 == 0) {
        let picture = pictures.at(tick as u64).share().unwrap().into();
        let frame = Frame { pts: time(tick), picture, arrived: Timestamp::now() };
        assert!(frames.send(Job { frame, after_pause: false, half_rate: tick >= HALVED_AT }));
    }
    drop(frames);
    let (report, error) = running.join();
    assert!(error.is_none(), "{error:?}");
    let packets = items.iter().filter_map(|it| match it {
        Item::Packet(packet) => Some(packet),
        _ => None,
    });
    (packets.collect(), report)
}

fn an_encoder_that_takes_over_goes_on_at_half_rate(low_latency: bool) {
    let (packets, report) = recorded(low_latency);
    let [failure] = &report.failures[..] else { panic!("one failure: {report:#?}") };
    assert_eq!(failure.replaced_by.as_deref(), Some("double"), "{failure}");
    let rates: Vec<_> = report.frame_rate_changes.iter().map(|it| (it.seconds, it.fps)).collect();
    assert_eq!(rates, [(2.0, 15.0)]);

    // It begins with the picture at which the first failed.
    let fails = time(HALVED_AT + 2 * (GO_WELL - HALVED_AT));
    let begins = packets.iter().position(|it| it.begins.is_some()).expect("the next encoder says so");
    assert!(packets[begins].key && packets[begins].pts == fails, "{:?}", packets[begins].pts);
    let after = &packets[begins..];
    let wanted: Vec<_> = (0..TICKS).step_by(2).map(time).filter(|it| *it >= fails).collect();
    let mut shown: Vec<_> = after.iter().map(|it| it.pts).collect();
    shown.sort();
    assert_eq!(shown, wanted, "every picture of the half rate comes out, and no other");
    assert!(after.iter().all(|it| it.duration.as_millis() == 66), "each lasts two ticks");

    let keys: Vec<_> = after.iter().filter(|it| it.key).map(|it| it.pts.as_secs_f64()).collect();
    assert!(keys.len() >= 6 && keys.windows(2).all(|it| it[1] - it[0] < 1.01), "one a second: {keys:?}");
    let from = fails.as_secs_f64() + 1.0;
    let settled = after.iter().filter(|it| it.pts.as_secs_f64() >= from);
    let bytes: usize = settled.map(|it| it.data().len()).sum();
    let kbps = bytes as f64 / 125.0 / (TICKS as f64 / 30.0 - from);
    println!("low latency {low_latency}: {kbps:.0} kbit/s, key frames at {keys:.2?}");
    assert!((kbps / f64::from(KBPS) - 1.0).abs() < 0.2, "{kbps:.0} kbit/s");
}

/// x264 goes by time.
#[test]
fn by_time() {
    an_encoder_that_takes_over_goes_on_at_half_rate(false);
}

/// It counts pictures.
#[test]
fn by_pictures() {
    an_encoder_that_takes_over_goes_on_at_half_rate(true);
}
