use std::path::Path;

use super::RunFile;
use crate::{AudioSource, Codec, Container, Output, RateControl};

const EVENING: &str = r#"
source = "test-card"
fps = 30
encoder = "software"

[rendition.full]
codec = "hevc"

[rendition.small]
codec = "h264"
size = "1280x720"
bitrate = 4000

[audio.game]
source = "app:game"

[audio.me]
source = "mic"
title = "Me"
language = "eng"

[output.recording]
file = "evening.mkv"

[output.clip]
file = "/tmp/../tmp/evening.mp4"
rendition = "small"
audio = ["me"]
overwrite = true

[output.twitch]
url = "rtmp://127.0.0.1/app/hidden"
rendition = "small"
audio = ["game"]
"#;

/// Understands a text as that of a file in an empty directory, which is `/place` in what comes of it.
fn parse(text: &str) -> Result<RunFile, String> {
    let dir = tempfile::tempdir().unwrap();
    let place = |text: String| text.replace(dir.path().to_str().unwrap(), "/place");
    let mut file =
        RunFile::parse(text, &dir.path().join("run.toml")).map_err(|error| place(error.to_string()))?;
    for it in &mut file.outputs {
        if let Output::File { path, .. } = &mut it.output {
            *path = place(path.display().to_string()).into();
        }
    }
    Ok(file)
}

#[track_caller]
fn refused(text: &str, at: &str, words: &str) {
    let error = parse(text).expect_err(text);
    assert!(error.starts_with(&format!("/place/run.toml:{at}")) && error.contains(words), "{error}");
    assert!(!error.contains("hidden"), "{error}");
}

#[test]
fn renditions_tracks_and_outputs_find_each_other() {
    let file = parse(EVENING).unwrap();
    assert_eq!(file.renditions.iter().map(|it| it.codec).collect::<Vec<_>>(), [Codec::Hevc, Codec::H264]);
    // The one that goes to a server has what servers want.
    let modes: Vec<_> = file.renditions.iter().map(|it| it.rate_control).collect();
    assert_eq!(modes, [RateControl::Vbr, RateControl::Cbr]);
    assert_eq!(file.renditions[1].bitrate_kbps, Some(4000));
    assert_eq!(file.audio[0].source, AudioSource::Application("game".to_owned()));
    assert_eq!(file.audio[1].title.as_deref(), Some("Me"));
    let outputs: Vec<_> = file.outputs.iter().map(|it| (it.rendition, it.audio_tracks.clone())).collect();
    assert_eq!(outputs, [(0, None), (1, Some(vec![1])), (1, Some(vec![0]))]);
    let first = Output::File { path: "/place/evening.mkv".into(), container: Container::Matroska };
    assert_eq!(file.outputs[0].output, first);
    assert!(!format!("{file:?}").contains("hidden"));
}

#[test]
fn one_rendition_and_the_usual_sound_need_no_table() {
    let file = parse("codec = \"h264\"\naudio = [\"mic\", \"desktop\"]\n[output.a]\nfile = \"a.mkv\"\naudio = [\"desktop\"]\n").unwrap();
    assert_eq!((file.renditions.len(), file.renditions[0].codec), (1, Codec::H264));
    assert_eq!((file.audio.len(), &file.outputs[0].audio_tracks), (2, &Some(vec![1])));
}

#[test]
fn every_mistake_is_told_with_its_line() {
    let output = "[output.a]\nfile = \"a.mkv\"\n";
    refused("fps = 30\n", "1:1", "there is no output");
    refused(&format!("fpss = 30\n{output}"), "1:1", "did you mean \"fps\"");
    refused(&format!("fps = 900\n{output}"), "1:7", "1 to 240");
    refused(&format!("{output}[outputs.b]\n"), "3:2", "did you mean \"output\"");
    refused("output = 3\n", "1:10", "[output.NAME]");
    refused(&format!("{output}[rendition.x]\nfps = 30\n"), "4:1", "counts for all renditions");
    refused(&format!("{output}[rendition.x]\nbitrate = 3\n"), "4:11", "50 to 800000");
    refused(&format!("{output}[audio.x]\ntitle = \"x\"\n"), "3:8", "has a source");
    refused(&format!("{output}[audio.x]\nsource = \"radio\"\n"), "4:10", "source");
    refused(&format!("{output}[audio.x]\nsource = \"mic\"\nlanguage = \"English\"\n"), "5:12", "ISO 639-2");
    refused(&format!("{output}rendition = \"big\"\n"), "1:9", "rendition = big");
    refused(&format!("{output}rendition = 4\n"), "1:9", "no rendition 4");
    refused(&format!("{output}audio = [7]\n"), "1:9", "no audio track 7");
    refused(&format!("{output}urll = \"x\"\n"), "3:1", "did you mean \"url\"");
    refused(&format!("{output}url = \"rtmp://h/a/hidden\"\n"), "1:9", "exactly one of");
    refused(&format!("{output}key_env = \"X\"\n"), "1:9", "with url alone");
    refused(&format!("{output}max_size = \"1G\"\n"), "1:9", "with replay alone");
    refused(&format!("{output}disk_dir = \"d\"\n"), "1:9", "with replay alone");
    let replay = "[output.a]\nreplay = 9\ndirectory = \"c\"\n";
    refused(&format!("{replay}disk_dir = \"d\"\n"), "1:9", "together with disk_size");
    refused(&format!("{replay}disk_size = \"1G\"\n"), "1:9", "together with disk_dir");
    refused(&format!("{replay}disk_dir = \"d\"\ndisk_size = \"1M\"\n"), "1:9", "16 MiB");
    refused(&format!("{replay}disk_dir = \"d\"\ndisk_size = \"1P\"\n"), "5:13", "such as 800M");
    refused(&format!("{output}v4l2 = \"/dev/video9\"\n"), "1:9", "with camera alone");
    refused(&format!("{output}dmabuf = true\n"), "1:9", "with camera alone");
    refused("[output.a]\nreplay = 9\nmax_size = \"much\"\n", "3:12", "such as 800M");
    refused("[output.a]\nreplay = 9\ndirectory = \"c\"\nmax_size = 12\n", "1:9", "1 MiB");
    refused("[output.a]\nurl = \"rtmp://h/a/hidden\"\nlatency = 9\n", "1:9", "with an SRT URL alone");
    refused("[output.a]\nurl = \"srt://h:1\"\nlatency = 200000\n", "3:11", "0 to 30000 milliseconds");
    refused("[output.a]\nurl = \"srt://h:1\"\nmode = \"called\"\n", "3:8", "caller, listener, rendezvous");
    refused("[output.a]\nurl = \"srt://h:1?latency=3\"\nlatency = 9\n", "1:9", "latency twice");
    refused("[output.a]\nurl = \"srt://h:1\"\nstream_id = [\"hidden\"]\n", "3:13", "takes text, not a list");
    refused("[output.a]\nurl = \"srt://h:1\"\nbitrate_floor = 3\n", "3:17", "50 to 800000");
    refused("[output.a]\nurl = \"srt://h:1\"\nhalf_rate_below = 3\n", "3:19", "50 to 800000");
    refused("[output.a]\nurl = \"http://h/hidden\"\n", "1:9", "rtmp://");
    refused("[output.a]\nurl = \"rtmp://hidden\"\n", "1:9", "output a");
    refused("[output.a]\nurl = [\"rtmp://hidden\"]\n", "2:7", "url takes text, not a list");
    refused("[output.a]\nfile = \"a.avi\"\n", "1:9", ".mkv, .mp4 or .webm");
    refused(&format!("{output}[output.b]\nfile = \"a.mkv\"\n"), "3:9", "another output is the same");
    refused("[output.a]\nurl = \"rtmp://h/a\"\nkey_file = \"not-there\"\n", "1:9", "/place/not-there");
    refused("[output.a]\nurl = \"rtmp://h/a\"\nkey_env = \"NO_SUCH_VARIABLE\"\n", "1:9", "NO_SUCH_VARIABLE");
}

#[test]
fn keys_of_the_desktop_are_asked_for_at_the_top_alone() {
    let output = "[output.a]\nfile = \"a.mkv\"\n";
    for (says, hotkeys) in [("", None), ("hotkeys = true\n", Some(true)), ("hotkeys = false\n", Some(false))]
    {
        assert_eq!(parse(&format!("{says}{output}")).unwrap().hotkeys, hotkeys);
    }
    refused(&format!("hotkeys = \"F10\"\n{output}"), "1:11", "hotkeys");
    refused(
        &format!("[rendition.a]\nhotkeys = true\n{output}"),
        "2:1",
        "hotkeys counts for all renditions: write it above the tables",
    );
}

#[test]
fn each_kind_of_output_has_keys_of_its_own() {
    let text = "adapt = false\nbitrate_floor = 400\nhalf_rate_below = 700\n\
                [output.srt]\nurl = \"srt://h:1\"\nmode = \"caller\"\nlatency = 200\nstream_id = \"publish/a&b\"\nadapt = true\n\
                [output.rtmp]\nurl = \"rtmp://h/app/key\"\nbitrate_floor = 900\nhalf_rate_below = 950\n\
                [output.replay]\nreplay = 30\ndirectory = \"c\"\nmax_size = \"2G\"\ndisk_dir = \"held\"\ndisk_size = \"40G\"\n\
                [output.camera]\ncamera = \"Me\"\nv4l2 = \"/dev/video9\"\n\
                [output.fast]\ncamera = \"Fast\"\ndmabuf = true\n";
    let file = parse(text).unwrap();
    let [srt, rtmp, replay, camera, fast] = &file.outputs[..] else { panic!("{file:?}") };
    let url = "srt://h:1?mode=caller&latency=200&streamid=publish%2Fa%26b";
    assert_eq!(srt.output, Output::Srt { url: url.into() });
    assert_eq!((srt.adaptation.follows, srt.adaptation.floor_kbps), (true, Some(400)));
    assert_eq!((rtmp.adaptation.follows, rtmp.adaptation.floor_kbps), (false, Some(900)));
    let half = [srt, rtmp].map(|it| it.adaptation.half_rate_below_kbps);
    assert_eq!(half, [Some(700), Some(950)]);
    assert_eq!(replay.replay.max_bytes, Some(2 << 30));
    let disk = replay.replay.disk.as_ref().expect("a disk");
    assert!(disk.directory.is_absolute() && disk.directory.ends_with("held"), "{disk:?}");
    assert_eq!(disk.max_bytes, 40 << 30);
    assert_eq!(camera.v4l2.as_deref(), Some(Path::new("/dev/video9")));
    assert!(fast.dmabuf && !camera.dmabuf, "only where it is asked for");
}

#[test]
fn keys_come_from_files_and_others_should_not_read_them() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (run, key) = (dir.path().join("run.toml"), dir.path().join("key"));
    std::fs::write(&key, "  hidden-key \nsecond line").unwrap();
    let mode = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    mode(&key, 0o600);
    std::fs::write(&run, "[output.a]\nurl = \"rtmp://h/app/\"\nkey_file = \"key\"\n").unwrap();
    mode(&run, 0o644);
    let file = RunFile::read(&run).unwrap();
    assert_eq!(file.outputs[0].output, Output::Rtmp { url: "rtmp://h/app/hidden-key".into() });
    assert_eq!(file.warnings, [""; 0]);
    mode(&key, 0o640);
    assert!(RunFile::read(&run).unwrap().warnings[0].contains("chmod 600"));
    std::fs::write(&run, "[output.a]\nurl = \"rtmp://h/app/hidden\"\n").unwrap();
    assert!(RunFile::read(&run).unwrap().warnings[0].ends_with(&format!("chmod 600 {}", run.display())));
    mode(&run, 0o600);
    assert_eq!(RunFile::read(&run).unwrap().warnings, [""; 0]);
}

#[test]
fn a_service_gets_the_bitrate_that_it_takes_where_the_file_says_none() {
    let file = |says: &str| {
        let outputs = "[output.a]\nurl = \"rtmp://live.twitch.tv/app/hidden\"\n\
                       [output.b]\nurl = \"rtmps://a.rtmps.youtube.com/live2/hidden\"\n\
                       [output.c]\nurl = \"rtmp://127.0.0.1/app/hidden\"\nrendition = \"own\"\n";
        let text = format!("{says}\n[rendition.both]\n[rendition.own]\n{outputs}");
        let renditions = parse(&text).unwrap().renditions;
        renditions.iter().map(|it| it.bitrate_kbps).collect::<Vec<_>>()
    };
    assert_eq!(file("fps = 60"), [Some(6000), None], "the least of both");
    assert_eq!(file("bitrate = 3000"), [Some(3000), Some(3000)]);
}
