//! What is refused when a session is opened and an encoder initialised or reconfigured.

mod support;

use emulated_nvidia_encode::schema::{Guid, Record};
use emulated_nvidia_encode::{ApiVersion, Status};
use nvenc_emulator::Settings;
use support::{API, Client, Setup, address, guid_words};

/// What is wrong, what it returns, and the mistake.
type Case = (&'static str, Status, fn(&mut Setup));

/// Tries every mistake alone in an otherwise right configuration.
fn check(gpu: &str, codec: &'static str, cases: &[Case]) {
    let client = Client::open(gpu);
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(name, expected, mistake)| {
            let mut setup = client.setup(codec, 640, 480);
            mistake(&mut setup);
            let status = client.initialize(&setup);
            let told = status == 0 || !client.last_error().is_empty();
            let right = status == *expected as u32 && told;
            (!right).then(|| format!("{name}: {status} instead of {expected:?} ({})", client.last_error()))
        })
        .collect();
    assert!(wrong.is_empty(), "{gpu}, {codec}:\n{}", wrong.join("\n"));
    // After all that, what is right is taken.
    assert_eq!(client.initialize(&client.setup(codec, 640, 480)), 0, "{}", client.last_error());
}

use Status::{InvalidCall, InvalidParam, InvalidVersion, Unimplemented, UnsupportedParam};

/// What no GPU takes.
const ALWAYS: &[Case] = &[
    ("an old version word", InvalidVersion, |s| s.params.set("version", 0x7105_000b)),
    ("no version word", InvalidVersion, |s| s.params.set("version", 0)),
    ("a configuration's wrong version word", InvalidVersion, |s| s.config.set("version", 1)),
    ("no codec", InvalidParam, |s| s.params.set_guid("encodeGUID", Guid::NONE)),
    ("no preset", UnsupportedParam, |s| s.params.set_guid("presetGUID", Guid::NONE)),
    ("no tuning", InvalidParam, |s| s.params.set("tuningInfo", 0)),
    ("a tuning of a later API", UnsupportedParam, |s| s.params.set("tuningInfo", 5)),
    ("no width", InvalidParam, |s| s.params.set("encodeWidth", 0)),
    ("too narrow", InvalidParam, |s| s.params.set("encodeWidth", 32)),
    ("too low", InvalidParam, |s| s.params.set("encodeHeight", 16)),
    ("too wide", InvalidParam, |s| s.params.set("encodeWidth", 16384)),
    ("too high", InvalidParam, |s| s.params.set("encodeHeight", 16384)),
    ("an odd width", InvalidParam, |s| s.params.set("encodeWidth", 641)),
    ("an odd height", InvalidParam, |s| s.params.set("encodeHeight", 481)),
    ("a maximum below the size", InvalidParam, |s| s.params.set("maxEncodeWidth", 320)),
    ("no frame rate", InvalidParam, |s| s.params.set("frameRateNum", 0)),
    ("a frame rate over nothing", InvalidParam, |s| s.params.set("frameRateDen", 0)),
    ("asynchronous mode", UnsupportedParam, |s| s.params.set("enableEncodeAsync", 1)),
    ("picture types by the client", Unimplemented, |s| s.params.set("enablePTD", 0)),
    ("motion estimation only", Unimplemented, |s| s.params.set("enableMEOnlyMode", 1)),
    ("weighted prediction with B-frames", InvalidParam, |s| {
        s.params.set("enableWeightedPrediction", 1);
        s.config.set("frameIntervalP", 3);
    }),
    ("no GOP", InvalidParam, |s| s.config.set("gopLength", 0)),
    ("a GOP shorter than its B-frames", InvalidParam, |s| {
        s.config.set("gopLength", 2);
        s.config.set("frameIntervalP", 3);
    }),
    ("a negative interval", InvalidParam, |s| s.config.set("frameIntervalP", u64::from(u32::MAX))),
    ("more B-frames than any", InvalidParam, |s| s.config.set("frameIntervalP", 17)),
    ("IDR more often than GOPs begin", InvalidParam, |s| s.own("idrPeriod", 10)),
    ("no such B reference mode", InvalidParam, |s| s.own("useBFramesAsRef", 3)),
    ("fields", UnsupportedParam, |s| s.config.set("frameFieldMode", 2)),
    ("no such field mode", InvalidParam, |s| s.config.set("frameFieldMode", 0)),
    ("no such chroma", InvalidParam, |s| s.own("chromaFormatIDC", 0)),
    ("4:2:2", UnsupportedParam, |s| s.own("chromaFormatIDC", 2)),
    ("a preset as a profile", InvalidParam, |s| s.config.set_guid("profileGUID", Guid::PRESETS[0])),
    ("no such rate control", InvalidParam, |s| s.config.set("rcParams.rateControlMode", 7)),
    ("a quantiser above the largest", InvalidParam, |s| {
        s.config.set("rcParams.rateControlMode", 0);
        s.config.set("rcParams.constQP.qpIntra", 256);
    }),
    ("a least quantiser above the largest", InvalidParam, |s| {
        s.config.set("rcParams.enableMinQP", 1);
        s.config.set("rcParams.minQP.qpInterP", 256);
    }),
    ("a quality above the largest", InvalidParam, |s| s.config.set("rcParams.targetQuality", 64)),
    ("a peak below the average", InvalidParam, |s| {
        s.config.set("rcParams.rateControlMode", 1);
        s.config.set("rcParams.maxBitRate", 1000);
    }),
    ("a first filling above the buffer", InvalidParam, |s| {
        s.config.set("rcParams.vbvBufferSize", 1000);
        s.config.set("rcParams.vbvInitialDelay", 1001);
    }),
    ("no such multipass", InvalidParam, |s| s.config.set("rcParams.multiPass", 3)),
    ("too deep a lookahead", InvalidParam, |s| {
        s.config.set("rcParams.enableLookahead", 1);
        s.config.set("rcParams.lookaheadDepth", 32);
    }),
    ("a refresh longer than its period", InvalidParam, |s| {
        s.own("enableIntraRefresh", 1);
        s.own("intraRefreshPeriod", 30);
        s.own("intraRefreshCnt", 30);
    }),
    ("lossless at a constant bitrate", InvalidParam, |s| s.params.set("tuningInfo", 4)),
];

#[test]
fn what_no_gpu_takes_is_refused_in_h264() {
    check("rtx-3060", "h264", ALWAYS);
}

#[test]
fn what_no_gpu_takes_is_refused_in_hevc() {
    check("rtx-3060", "hevc", ALWAYS);
}

#[test]
fn what_ampere_lacks_is_refused() {
    check(
        "rtx-3060",
        "h264",
        &[
            ("AV1", UnsupportedParam, |s| s.params.set_guid("encodeGUID", Guid::AV1)),
            ("wider than H.264 goes", InvalidParam, |s| s.params.set("encodeWidth", 4098)),
            ("B references each", UnsupportedParam, |s| s.own("useBFramesAsRef", 1)),
            ("an HEVC profile", InvalidParam, |s| {
                s.config.set_guid("profileGUID", Guid::named("HEVC_PROFILE_MAIN").unwrap());
            }),
            ("a profile of later cards", UnsupportedParam, |s| {
                s.config.set_guid("profileGUID", Guid::named("H264_PROFILE_HIGH_10").unwrap());
            }),
            ("B-frames in Baseline", InvalidParam, |s| {
                s.config.set_guid("profileGUID", Guid::named("H264_PROFILE_BASELINE").unwrap());
                s.config.set("frameIntervalP", 3);
            }),
            ("4:4:4 in High", InvalidParam, |s| {
                s.config.set_guid("profileGUID", Guid::named("H264_PROFILE_HIGH").unwrap());
                s.own("chromaFormatIDC", 3);
            }),
            ("more references than there are", InvalidParam, |s| s.own("numRefL0", 8)),
        ],
    );
}

#[test]
fn what_pascal_lacks_is_refused() {
    check(
        "gtx-1050",
        "hevc",
        &[
            ("B-frames", InvalidParam, |s| s.config.set("frameIntervalP", 2)),
            ("several references", UnsupportedParam, |s| s.own("numRefL0", 2)),
            ("temporal AQ", UnsupportedParam, |s| s.config.set("rcParams.enableTemporalAQ", 1)),
            ("B references", UnsupportedParam, |s| s.own("useBFramesAsRef", 2)),
        ],
    );
}

#[test]
fn a_session_is_initialised_once_and_before_all_else() {
    let client = Client::open("rtx-3060");
    let not_initialized = Status::EncoderNotInitialized as u32;
    let mut input = Record::new("NV_ENC_CREATE_INPUT_BUFFER", API);
    input.set("width", 320);
    input.set("height", 240);
    input.set("bufferFmt", support::NV12);
    assert_eq!(client.with("nvEncCreateInputBuffer", &mut input), not_initialized);
    let mut bitstream = Record::new("NV_ENC_CREATE_BITSTREAM_BUFFER", API);
    assert_eq!(client.with("nvEncCreateBitstreamBuffer", &mut bitstream), not_initialized);
    assert_eq!(client.encode(&client.picture(1, 2)), not_initialized);
    assert_eq!(client.end(), not_initialized);
    assert_eq!(client.lock(1).unwrap_err(), not_initialized);
    let mut payload = Record::new("NV_ENC_SEQUENCE_PARAM_PAYLOAD", API);
    assert_eq!(client.with("nvEncGetSequenceParams", &mut payload), not_initialized);
    let setup = client.setup("hevc", 320, 240);
    assert_eq!(client.reconfigure(&setup, false), not_initialized);
    assert_eq!(client.call("nvEncInvalidateRefFrames", &[0]), not_initialized);

    assert_eq!(client.initialize(&setup), 0);
    assert_eq!(client.initialize(&setup), InvalidCall as u32);
}

#[test]
fn what_may_not_change_is_not_reconfigured() {
    let client = Client::open("rtx-3060");
    let mut setup = client.setup("hevc", 640, 480);
    setup.params.set("maxEncodeWidth", 1280);
    setup.params.set("maxEncodeHeight", 720);
    assert_eq!(client.initialize(&setup), 0);
    let cases: &[Case] = &[
        ("the GOP", InvalidParam, |s| {
            s.config.set("gopLength", 30);
            s.own("idrPeriod", 30);
        }),
        ("B-frames", InvalidParam, |s| s.config.set("frameIntervalP", 1)),
        ("the maximum", InvalidParam, |s| s.params.set("maxEncodeWidth", 1920)),
        ("beyond the maximum", InvalidParam, |s| s.params.set("encodeWidth", 1282)),
        ("the codec", InvalidParam, |s| s.params.set_guid("encodeGUID", Guid::H264)),
        ("the preset", InvalidParam, |s| s.params.set_guid("presetGUID", Guid::PRESETS[0])),
        ("picture types", InvalidParam, |s| s.params.set("enablePTD", 0)),
        ("chroma", InvalidParam, |s| s.own("chromaFormatIDC", 3)),
        ("a version word", InvalidVersion, |s| s.params.set("version", 7)),
        ("nonsense", InvalidParam, |s| s.config.set("rcParams.rateControlMode", 9)),
    ];
    for (name, expected, mistake) in cases {
        let mut changed = Setup { params: setup.params.clone(), config: setup.config.clone(), codec: "hevc" };
        mistake(&mut changed);
        assert_eq!(client.reconfigure(&changed, false), *expected as u32, "{name}: {}", client.last_error());
    }
    setup.config.set("rcParams.averageBitRate", 2_000_000);
    setup.params.set("encodeWidth", 1280);
    setup.params.set("encodeHeight", 720);
    assert_eq!(client.reconfigure(&setup, true), 0, "{}", client.last_error());
}

#[test]
fn a_session_needs_a_device_and_the_right_versions() {
    let mut client = Client::unopened(Settings::default(), API);
    let right = || {
        let mut params = Record::new("NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS", API);
        params.set("deviceType", 1);
        params.set("apiVersion", u64::from(API.word()));
        params
    };
    let context = client.context;
    let mut open = |expected: Status, change: &dyn Fn(&mut Record)| {
        let mut params = right();
        params.set("device", context);
        change(&mut params);
        assert_eq!(client.open_with(&params), expected as u32);
        assert_eq!(client.encoder, 0, "a handle without a session");
    };
    open(InvalidVersion, &|params| params.set("version", 0));
    open(InvalidVersion, &|params| params.set("apiVersion", 13));
    // A header newer than the driver, and one older than any.
    open(InvalidVersion, &|params| params.set("version", u64::from(0x7101_000e_u32)));
    open(InvalidVersion, &|params| params.set("version", u64::from(0x7101_0008_u32)));
    open(Status::UnsupportedDevice, &|params| params.set("deviceType", 0));
    open(Status::InvalidEncoderDevice, &|params| params.set("device", 0));
    assert_eq!(client.raw("nvEncOpenEncodeSessionEx", &[0, address(&mut 0_u64)]), Status::InvalidPtr as u32);
    assert_eq!(client.open_session(), 0);
}

#[test]
fn nothing_is_done_for_what_is_no_session() {
    let mut client = Client::open("rtx-3060");
    let setup = client.setup("hevc", 320, 240);
    let mut count = 0_u32;
    assert_eq!(client.call("nvEncGetEncodeGUIDCount", &[0]), Status::InvalidPtr as u32);
    assert_eq!(client.call("nvEncDestroyEncoder", &[]), 0);
    for (encoder, expected) in
        [(0, Status::InvalidPtr), (client.encoder, InvalidParam), (0xdead_beef, InvalidParam)]
    {
        client.encoder = encoder;
        assert_eq!(client.initialize(&setup), expected as u32);
        assert_eq!(client.call("nvEncGetEncodeGUIDCount", &[address(&mut count)]), expected as u32);
        assert_eq!(client.call("nvEncDestroyEncoder", &[]), expected as u32);
        assert!(!client.last_error().is_empty());
    }
}

#[test]
fn questions_are_answered_for_what_there_is() {
    let client = Client::open("rtx-3060");
    let [first, second] = guid_words(Guid::HEVC);
    let [none, nothing] = guid_words(Guid::NONE);
    let mut count = 0_u32;
    assert_eq!(client.call("nvEncGetEncodeProfileGUIDCount", &[first, second, address(&mut count)]), 0);
    let mut guids = vec![0_u8; 16 * count as usize];
    let room = [first, second, guids.as_mut_ptr().addr() as u64, u64::from(count), address(&mut count)];
    assert_eq!(client.call("nvEncGetEncodeProfileGUIDs", &room), 0);
    let guids: Vec<_> = guids.chunks(16).map(|guid| Guid::from_memory(guid.try_into().unwrap())).collect();
    assert!(guids.contains(&Guid::named("HEVC_PROFILE_MAIN10").unwrap()), "{guids:?}");
    assert_eq!(client.call("nvEncGetEncodePresetCount", &[first, second, address(&mut count)]), 0);
    assert_eq!(count, 7);
    let refused = client.call("nvEncGetEncodePresetCount", &[none, nothing, address(&mut count)]);
    assert_eq!(refused, InvalidParam as u32);

    let capability = |number: u64| {
        let mut params = Record::new("NV_ENC_CAPS_PARAM", API);
        params.set("capsToQuery", number);
        let (bytes, mut value) = (params.bytes().to_vec(), 0_u32);
        let arguments = [first, second, bytes.as_ptr().addr() as u64, address(&mut value)];
        (client.call("nvEncGetEncodeCaps", &arguments), value)
    };
    assert_eq!(capability(16), (0, 8192), "WIDTH_MAX");
    assert_eq!(capability(49), (0, 1), "NUM_ENCODER_ENGINES");
    assert_eq!(capability(900).0, InvalidParam as u32);
}

#[test]
fn a_client_newer_than_the_driver_is_refused() {
    let settings = Settings { driver: 525, ..Settings::default() };
    let mut client = Client::unopened(settings, ApiVersion::new(12, 0));
    assert_eq!(client.newest_api(), 12 << 4);
    client.api = ApiVersion::new(12, 1);
    assert_eq!(client.open_session(), InvalidVersion as u32);
}
