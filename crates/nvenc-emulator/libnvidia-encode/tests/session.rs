//! Whole sessions by raw calls: what goes in, what comes out, and when.

mod support;

use std::process::Command;

use emulated_nvidia_encode::schema::Record;
use emulated_nvidia_encode::{KNOWN, Status};
use nvenc_emulator::Settings;
use support::{API, Client, NV12, Setup, rows};

/// `NV_ENC_PIC_TYPE`, as letters.
fn letter(kind: u64) -> char {
    match kind {
        0 => 'P',
        1 => 'B',
        2 => 'I',
        3 => 'K',
        _ => '?',
    }
}

/// What came out of a session.
#[derive(Default)]
struct Outcome {
    /// The picture types in the order in which they came out.
    kinds: String,
    /// `inputTimeStamp` of each.
    times: Vec<u64>,
    /// For each picture that went in, how many came out with it, and how many at the end.
    counts: Vec<usize>,
    packets: Vec<Vec<u8>>,
}

impl Outcome {
    /// Takes what is ready of the buffers from the next one on.
    fn take(&mut self, client: &Client, outputs: &[u64], submitted: usize) {
        let before = self.packets.len();
        while self.packets.len() < submitted {
            let output = outputs[self.packets.len() % outputs.len()];
            let mut lock = Record::new("NV_ENC_LOCK_BITSTREAM", client.api);
            lock.set("outputBitstream", output);
            lock.set("doNotWait", 1);
            match client.lock_with(&mut lock) {
                Ok(bytes) => self.packets.push(bytes),
                Err(status) => {
                    assert_eq!(status, Status::LockBusy as u32, "{}", client.last_error());
                    break;
                }
            }
            self.kinds.push(letter(lock.get("pictureType")));
            self.times.push(lock.get("outputTimeStamp"));
            assert_eq!(client.unlock(output), 0);
        }
        self.counts.push(self.packets.len() - before);
    }

    fn stream(&self) -> Vec<u8> {
        self.packets.concat()
    }
}

/// Encodes so many pictures; those of `forced` as key pictures.
fn run(client: &Client, count: usize, forced: &[usize]) -> Outcome {
    let inputs: Vec<u64> = (0..4).map(|_| client.input(320, 240, NV12)).collect();
    let outputs: Vec<u64> = (0..48).map(|_| client.bitstream()).collect();
    let mut outcome = Outcome::default();
    for number in 0..count {
        let input = inputs[number % inputs.len()];
        client.fill(input, &rows(number));
        let mut picture = client.picture(input, outputs[number % outputs.len()]);
        picture.set("inputTimeStamp", number as u64);
        picture.set("encodePicFlags", if forced.contains(&number) { 2 } else { 0 });
        let status = client.encode(&picture);
        assert!(status == 0 || status == Status::NeedMoreInput as u32, "{status}: {}", client.last_error());
        outcome.take(client, &outputs, number + 1);
        let came = *outcome.counts.last().expect("counted");
        assert_eq!(status == 0, came > 0, "success without a packet, or the reverse, at picture {number}");
    }
    // The end may be told more than once.
    assert_eq!((client.end(), client.end()), (0, 0));
    outcome.take(client, &outputs, count);
    assert_eq!(outcome.packets.len(), count, "each picture comes out");
    outcome
}

/// A session of this codec, on a GPU that has all of them.
fn client(codec: &'static str, settings: Settings, change: impl FnOnce(&mut Setup)) -> Client {
    let client = Client::with_settings(Settings { gpu: "rtx-4090".into(), ..settings }, API);
    let mut setup = client.setup(codec, 320, 240);
    change(&mut setup);
    assert_eq!(client.initialize(&setup), 0, "{}", client.last_error());
    client
}

/// What `ffmpeg` makes of a stream: raw pictures of NV12, joined.
fn decode(codec: &str, stream: &[u8]) -> Vec<u8> {
    let place = tempfile::tempdir().expect("a temporary directory");
    let path = place.path().join("stream");
    std::fs::write(&path, stream).expect("written");
    let demuxer = if codec == "av1" { "obu" } else { codec };
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-f", demuxer, "-i"])
        .arg(&path)
        .args(["-f", "rawvideo", "-fps_mode", "passthrough", "-pix_fmt", "nv12", "-"])
        .output()
        .expect("ffmpeg runs: scripts/install-packages test installs it");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{codec}: {errors}");
    output.stdout
}

fn exact() -> Settings {
    Settings { exact: true, ..Settings::default() }
}

fn pictures_come_back_exactly(codec: &'static str) {
    let client = client(codec, exact(), |setup| setup.config.set("frameIntervalP", 3));
    let outcome = run(&client, 8, &[]);
    let expected: Vec<u8> = (0..8).flat_map(|number| rows(number).concat()).collect();
    let decoded = decode(codec, &outcome.stream());
    assert_eq!(decoded.len(), expected.len());
    assert!(
        decoded == expected,
        "the first wrong byte is {:?}",
        decoded.iter().zip(&expected).position(|(a, b)| a != b)
    );
}

#[test]
fn h264_comes_back_exactly() {
    pictures_come_back_exactly("h264");
}

#[test]
fn hevc_comes_back_exactly() {
    pictures_come_back_exactly("hevc");
}

#[test]
fn av1_comes_back_exactly() {
    pictures_come_back_exactly("av1");
}

#[test]
fn b_frames_come_out_with_the_picture_after_them() {
    let client = client("hevc", Settings::default(), |setup| {
        setup.config.set("frameIntervalP", 4);
        setup.own("useBFramesAsRef", 0);
    });
    let outcome = run(&client, 10, &[]);
    assert_eq!(outcome.kinds, "KPBBBPBBBP");
    assert_eq!(outcome.times, [0, 4, 1, 2, 3, 8, 5, 6, 7, 9]);
    assert_eq!(outcome.counts, [1, 0, 0, 0, 4, 0, 0, 0, 4, 0, 1]);
}

#[test]
fn the_middle_b_frame_comes_before_those_that_refer_to_it() {
    let client = client("hevc", Settings::default(), |setup| {
        setup.config.set("frameIntervalP", 4);
        setup.own("useBFramesAsRef", 2);
    });
    assert_eq!(run(&client, 9, &[]).times, [0, 4, 2, 1, 3, 8, 6, 5, 7]);
}

#[test]
fn without_b_frames_each_picture_comes_out_at_once() {
    let client = client("hevc", Settings::default(), |setup| {
        setup.config.set("frameIntervalP", 1);
        setup.config.set("gopLength", 4);
        setup.own("idrPeriod", 4);
    });
    let outcome = run(&client, 8, &[6]);
    assert_eq!(outcome.kinds, "KPPPKPKP");
    assert_eq!(outcome.counts, [1, 1, 1, 1, 1, 1, 1, 1, 0]);
}

#[test]
fn lookahead_holds_as_many_pictures_back() {
    let client = client("hevc", Settings::default(), |setup| {
        setup.config.set("frameIntervalP", 1);
        setup.config.set("rcParams.enableLookahead", 1);
        setup.config.set("rcParams.lookaheadDepth", 5);
    });
    assert_eq!(run(&client, 8, &[]).counts, [0, 0, 0, 0, 0, 1, 1, 1, 5]);
}

/// The packets that begin with parameter sets, which begin with the video parameter set.
fn with_headers(change: impl FnOnce(&mut Setup)) -> Vec<usize> {
    let client = client("hevc", Settings::default(), |setup| {
        setup.config.set("frameIntervalP", 1);
        setup.config.set("gopLength", 3);
        setup.own("idrPeriod", 3);
        change(setup);
    });
    let outcome = run(&client, 7, &[]);
    let video_parameter_set = [0, 0, 0, 1, 0x40, 1];
    let has = |packet: &[u8]| packet.starts_with(&video_parameter_set);
    outcome.packets.iter().enumerate().filter(|(_, packet)| has(packet)).map(|(number, _)| number).collect()
}

#[test]
fn parameter_sets_come_with_the_first_picture() {
    assert_eq!(with_headers(|_| {}), [0]);
}

#[test]
fn parameter_sets_come_with_every_key_picture_where_asked_for() {
    assert_eq!(with_headers(|setup| setup.own("repeatSPSPPS", 1)), [0, 3, 6]);
}

#[test]
fn parameter_sets_stay_out_where_asked_for() {
    assert_eq!(with_headers(|setup| setup.own("disableSPSPPS", 1)), [0; 0]);
}

#[test]
fn a_constant_bitrate_is_held_and_changed_on_the_way() {
    let client = Client::open("rtx-3060");
    let mut setup = client.setup("hevc", 320, 240);
    setup.config.set("frameIntervalP", 1);
    setup.config.set("rcParams.averageBitRate", 400_000);
    setup.config.set("rcParams.vbvBufferSize", 200_000);
    assert_eq!(client.initialize(&setup), 0, "{}", client.last_error());
    let rate = |outcome: &Outcome| outcome.stream().len() * 8 * 30 / outcome.packets.len();
    let first = rate(&run(&client, 60, &[]));
    setup.config.set("rcParams.averageBitRate", 1_200_000);
    setup.config.set("rcParams.vbvBufferSize", 600_000);
    assert_eq!(client.reconfigure(&setup, true), 0, "{}", client.last_error());
    let outcome = run(&client, 60, &[]);
    assert!(outcome.kinds.starts_with("KP"), "a key picture was asked for: {}", outcome.kinds);
    let second = rate(&outcome);
    assert!((320_000..480_000).contains(&first), "{first} bits a second at first");
    assert!((960_000..1_440_000).contains(&second), "{second} bits a second then");
}

#[test]
fn every_version_of_the_api_encodes() {
    for api in KNOWN {
        let mut client = Client::unopened(Settings { gpu: "rtx-4090".into(), ..Settings::default() }, api);
        assert_eq!(client.open_session(), 0, "{api}");
        let mut setup = client.setup("hevc", 320, 240);
        setup.config.set("frameIntervalP", 3);
        assert_eq!(client.initialize(&setup), 0, "{api}: {}", client.last_error());
        assert_eq!(run(&client, 4, &[]).kinds, "KPBB", "{api}");
    }
}

#[test]
fn faults_come_when_they_were_asked_for() {
    let settings = |faults: &str| Settings { faults: Some(faults.into()), ..Settings::default() };
    let client = client("hevc", settings("encode-error@3,device-lost@5"), |setup| {
        setup.config.set("frameIntervalP", 1)
    });
    let (input, output) = (client.input(320, 240, NV12), client.bitstream());
    client.fill(input, &rows(0));
    let encode = || {
        let status = client.encode(&client.picture(input, output));
        if status == 0 {
            client.lock(output).expect("locked");
            assert_eq!(client.unlock(output), 0);
        }
        status
    };
    let statuses: Vec<u32> = (0..6).map(|_| encode()).collect();
    let (error, lost) = (Status::Generic as u32, Status::DeviceNotExist as u32);
    assert_eq!(statuses, [0, 0, error, 0, lost, lost]);
    assert_eq!(client.lock(output).unwrap_err(), lost);
    assert_eq!(client.call("nvEncDestroyEncoder", &[]), 0);
}

#[test]
fn a_driver_reset_takes_everything_and_what_is_made_anew_works() {
    let settings = Settings { faults: Some("driver-reset@2".into()), ..Settings::default() };
    let mut client = client("hevc", settings, |setup| setup.config.set("frameIntervalP", 1));
    let (input, output) = (client.input(320, 240, NV12), client.bitstream());
    client.fill(input, &rows(0));
    assert_eq!(client.encode(&client.picture(input, output)), 0);
    client.lock(output).expect("locked");
    assert_eq!(client.unlock(output), 0);
    assert_eq!(client.encode(&client.picture(input, output)), Status::DeviceNotExist as u32);

    // CUDA_ERROR_LAUNCH_FAILED: the context died with the GPU.
    assert_eq!(client.cuda("cuCtxSynchronize", &[]), 719);
    assert_eq!(client.call("nvEncDestroyEncoder", &[]), 0);
    assert_ne!(client.open_session(), 0, "on the context that died");
    let mut context = 0_u64;
    assert_eq!(client.cuda("cuCtxCreate_v2", &[(&raw mut context).addr() as u64, 0, 0]), 0);
    client.context = context;
    assert_eq!(client.open_session(), 0);
}

#[test]
fn pictures_are_read_from_device_memory() {
    let client = client("hevc", exact(), |setup| setup.config.set("frameIntervalP", 1));
    let (pitch, output) = (512, client.bitstream());
    let mut device = 0_u64;
    let size = pitch * 360;
    assert_eq!(client.cuda("cuMemAlloc_v2", &[support::address(&mut device), size as u64]), 0);
    let mut register = Record::new("NV_ENC_REGISTER_RESOURCE", API);
    for (field, value) in [
        ("resourceType", 1),
        ("width", 320),
        ("height", 240),
        ("pitch", pitch as u64),
        ("resourceToRegister", device),
        ("bufferFormat", NV12),
    ] {
        register.set(field, value);
    }
    assert_eq!(client.with("nvEncRegisterResource", &mut register), 0);
    let mut map = Record::new("NV_ENC_MAP_INPUT_RESOURCE", API);
    map.set("registeredResource", register.get("registeredResource"));

    let mut stream = Vec::new();
    for number in 0..3 {
        let mut memory = vec![0xaa_u8; size];
        for (row, to) in rows(number).iter().zip(memory.chunks_mut(pitch)) {
            to[..row.len()].copy_from_slice(row);
        }
        let from = memory.as_ptr().expose_provenance() as u64;
        assert_eq!(client.cuda("cuMemcpyHtoD_v2", &[device, from, size as u64]), 0);
        assert_eq!(client.with("nvEncMapInputResource", &mut map), 0, "{}", client.last_error());
        let mapped = map.get("mappedResource");
        assert_eq!(client.encode(&client.picture(mapped, output)), 0, "{}", client.last_error());
        stream.extend(client.lock(output).expect("locked").1);
        assert_eq!((client.unlock(output), client.call("nvEncUnmapInputResource", &[mapped])), (0, 0));
    }
    let expected: Vec<u8> = (0..3).flat_map(|number| rows(number).concat()).collect();
    assert!(decode("hevc", &stream) == expected, "other pictures came back");

    // Memory that is gone is not read.
    assert_eq!(client.cuda("cuMemFree_v2", &[device]), 0);
    assert_eq!(client.with("nvEncMapInputResource", &mut map), 0);
    let status = client.encode(&client.picture(map.get("mappedResource"), output));
    assert_eq!(status, Status::Generic as u32);
    assert!(client.last_error().contains("cuMemcpyDtoH"), "{}", client.last_error());
}

#[test]
fn sessions_run_out() {
    let settings = Settings { driver: 525, ..Settings::default() };
    let mut client = Client::with_settings(settings, API);
    let first = client.encoder;
    assert_eq!((client.open_session(), client.open_session()), (0, 0));
    assert_eq!(client.open_session(), Status::OutOfMemory as u32, "a GeForce under driver 525 has three");
    client.encoder = first;
    assert_eq!(client.call("nvEncDestroyEncoder", &[]), 0);
    assert_eq!(client.open_session(), 0, "one was given back");
}

#[test]
fn a_gpu_without_an_encoder_opens_no_session() {
    let mut client = Client::unopened(Settings { gpu: "h100".into(), ..Settings::default() }, API);
    assert_eq!(client.open_session(), Status::UnsupportedDevice as u32);
}

#[test]
fn pictures_that_go_unread_come_out_as_a_grey_one_and_filler() {
    let settings = Settings { gpu: "rtx-4090".into(), unread: true, ..Settings::default() };
    let client = Client::with_settings(settings, API);
    let low_latency = client.preset("h264", 320, 240, 3, 2);
    assert_eq!(client.initialize(&low_latency), 0, "{}", client.last_error());
    let outcome = run(&client, 5, &[]);
    assert_eq!(outcome.kinds, "KPPPP");
    assert_eq!(outcome.times, [0, 1, 2, 3, 4]);
    for packet in &outcome.packets[1..] {
        assert_eq!(packet[..], [0, 0, 0, 1, 0x0c, 0xff, 0x80]);
    }
    let shown = decode("h264", &outcome.stream());
    assert_eq!(shown.len(), 320 * 240 * 3 / 2, "one picture");
    assert!(shown.iter().all(|sample| sample.abs_diff(128) <= 1), "grey all over, whatever was handed over");
}

#[test]
fn pictures_that_wait_for_others_cannot_go_unread() {
    let settings = Settings { gpu: "rtx-4090".into(), unread: true, ..Settings::default() };
    let client = Client::with_settings(settings, API);
    let mut setup = client.setup("h264", 320, 240);
    setup.config.set("frameIntervalP", 3);
    assert_eq!(client.initialize(&setup), Status::Unimplemented as u32);
    assert!(client.last_error().contains("without B-frames"), "{}", client.last_error());
}
