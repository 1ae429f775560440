//! Every codec, rate control, depth and latency on every GPU and driver of the emulator: encoded and
//! decoded back right, or refused before it begins. No cell is left open.
//!
//! What must be refused is told by the GPU's profile and by what this FFmpeg has, not by the product.

use nvenc_emulator::{Codec as Coding, Machine};

use super::*;
use crate::av::EncoderInfo;
use crate::{EncoderChoice, EncoderPreset, PixelFormat, RateControl};

/// Two seconds of pictures, with a key frame each second.
const PICTURES: usize = 60;
const KBPS: u32 = 2500;
const B_FRAMES: u32 = 2;

/// One combination.
#[derive(Clone, Copy)]
struct Cell {
    codec: Codec,
    control: RateControl,
    ten_bit: bool,
    low_latency: bool,
}

impl Cell {
    fn all() -> impl Iterator<Item = Self> {
        let codecs = [Codec::H264, Codec::Hevc, Codec::AV1];
        let controls = [RateControl::Cbr, RateControl::Vbr, RateControl::Cqp, RateControl::Crf];
        codecs.into_iter().flat_map(move |codec| {
            controls.into_iter().flat_map(move |control| {
                [(false, false), (false, true), (true, false), (true, true)]
                    .map(|(ten_bit, low_latency)| Self { codec, control, ten_bit, low_latency })
            })
        })
    }

    fn row(&self) -> &'static backend::Backend {
        let name = match self.codec {
            Codec::H264 => "h264_nvenc",
            Codec::Hevc => "hevc_nvenc",
            _ => "av1_nvenc",
        };
        table::TABLE.iter().find(|row| row.name == name).expect("a row of the table")
    }

    fn coding(&self) -> Coding {
        match self.codec {
            Codec::H264 => Coding::H264,
            Codec::Hevc => Coding::Hevc,
            _ => Coding::Av1,
        }
    }

    fn cap(&self, machine: &Machine, name: &str) -> u32 {
        machine.coding(self.coding()).map_or(0, |_| machine.named(self.coding(), name))
    }

    fn config(&self, machine: &Machine) -> EncoderConfig {
        let most = self.cap(machine, "NUM_MAX_BFRAMES");
        let with_b = !self.low_latency && self.codec != Codec::AV1 && most >= B_FRAMES;
        EncoderConfig::default()
            .with_encoder(EncoderChoice::Nvenc)
            .with_codec(self.codec)
            .with_rate_control(self.control)
            .with_ten_bit(self.ten_bit)
            .with_low_latency(self.low_latency)
            .with_bitrate_kbps(KBPS)
            .with_preset(EncoderPreset::Balanced)
            .with_gop_seconds(1.0)
            .with_b_frames(if with_b { B_FRAMES } else { 0 })
    }

    /// What must come of it, told by the GPU's profile and this FFmpeg alone.
    fn must_be_encoded(&self, machine: &Machine) -> bool {
        let Some(info) = EncoderInfo::find(self.row().name) else { return false };
        let ten_bits = self.cap(machine, "SUPPORT_10BIT_ENCODE") == 1
            && match self.codec {
                Codec::H264 => info.has_value("profile", "high10"),
                _ => info.takes(PixelFormat::P010),
            };
        let made = machine.coding(self.coding()).is_some();
        machine.is_supported() && made && (ten_bits || !self.ten_bit)
    }

    /// Encodes and decodes, and says what was seen.
    fn check(&self, opened: Opened, machine: &Machine) -> String {
        let config = self.config(machine);
        let b_frames = config.b_frames.unwrap_or(0);
        let run =
            Job::new(config, PICTURES).run_in(opened, |index| Job::new(self.config(machine), 0).time(index));
        let seen = run.check(26.0);
        let kinds: String = seen.iter().map(|it| it.kind).collect();
        assert_eq!(run.keys(), [0, 30], "key frames, {kinds}");
        if self.low_latency {
            assert!(run.after.iter().enumerate().all(|(index, &out)| out >= index), "{:?}", run.after);
            assert!(run.packets.iter().all(|it| it.dts == it.pts), "nothing is reordered");
        }
        if self.codec != Codec::AV1 {
            let wanted = self.kinds(b_frames as usize);
            assert_eq!(kinds, wanted, "the structure that was asked for");
        }
        let kbps = run.kbps(PICTURES as f64 / 30.0);
        if self.control == RateControl::Cbr {
            let off = kbps / f64::from(KBPS) - 1.0;
            assert!(off.abs() < 0.1, "{kbps:.0} of {KBPS} kbit/s");
        }
        format!("encoded, {kbps:.0} kbit/s, {}", &kinds[..8])
    }

    /// I, then groups of B-frames and a P; what is left before a key frame ends in a P.
    fn kinds(&self, b_frames: usize) -> String {
        let group = |length: usize| {
            let mut kinds: Vec<char> = vec!['B'; length];
            kinds[0] = 'I';
            for (index, kind) in kinds.iter_mut().enumerate().skip(1) {
                if index % (b_frames + 1) == 0 || index == length - 1 {
                    *kind = 'P';
                }
            }
            kinds.into_iter().collect::<String>()
        };
        group(30) + &group(PICTURES - 30)
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let depth = if self.ten_bit { "10 bit" } else { "8 bit" };
        let latency = if self.low_latency { "low latency" } else { "quality" };
        write!(f, "{:4} {:3} {depth:6} {latency:11}", self.codec.to_string(), self.control.to_string())
    }
}

/// Fills in the table of one GPU under one driver. Each test is a process of its own.
fn fill(gpu: &str, driver: u32) {
    let _installed = nvenc_emulator::load(gpu, driver).unwrap_or_else(|error| panic!("{error}"));
    let machine = Machine::new(gpu, driver).unwrap_or_else(|error| panic!("{error}"));
    println!("{gpu}, driver {driver}, FFmpeg {}", crate::av::version());
    for cell in Cell::all() {
        let config = cell.config(&machine);
        let request = Request { config: &config, size: SIZE, fps: 30.0, containers: &[Container::Matroska] };
        let said = match table::try_open(cell.row(), &request) {
            Ok(opened) => {
                assert!(cell.must_be_encoded(&machine), "{cell}: the GPU cannot, and it opened");
                cell.check(opened, &machine)
            }
            Err(refusal) => {
                let reasonable = !cell.must_be_encoded(&machine) || is_too_old(&machine, &refusal.reason);
                assert!(reasonable, "{cell}: refused: {refusal:?}");
                assert!(refusal.reason.len() > 15, "{cell}: {refusal:?}");
                let remedy =
                    refusal.remedy.as_deref().unwrap_or_else(|| panic!("{cell}: no remedy: {refusal:?}"));
                format!("refused: {}; {remedy}", refusal.reason)
            }
        };
        println!("  {cell} {said}");
    }
}

/// Whether the reason is that this FFmpeg was built for a newer API than this driver's, by both numbers.
fn is_too_old(machine: &Machine, reason: &str) -> bool {
    let number = |word: &str| {
        let (_, rest) = reason.split_once(word)?;
        let (major, rest) = rest.trim_start().split_once('.')?;
        let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    };
    let api = (machine.api().major, machine.api().minor);
    number("Found:") == Some(api) && number("Required:").is_some_and(|required| required > api)
}

macro_rules! tables {
    ($($name:ident: $gpu:literal, $driver:literal;)+) => {
        $(#[test]
        fn $name() {
            fill($gpu, $driver);
        })+
    };
}

tables! {
    gtx_1050_under_525: "gtx-1050", 525;
    gtx_1660_under_545: "gtx-1660", 545;
    rtx_2070_under_570: "rtx-2070", 570;
    rtx_3060_under_525: "rtx-3060", 525;
    rtx_4070_under_545: "rtx-4070", 545;
    rtx_4090_under_570: "rtx-4090", 570;
    rtx_4090_under_610: "rtx-4090", 610;
    rtx_5070_ti_under_570: "rtx-5070-ti", 570;
    rtx_5090_under_610: "rtx-5090", 610;
    h100_under_570: "h100", 570;
}
