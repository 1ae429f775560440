//! Streams as the `ffmpeg` command sees them.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::{Chroma, Format, Picture};

/// What all frames of a stream have in common, and the kind of each, by `ffprobe`.
#[derive(Debug)]
pub(crate) struct Probed {
    /// `ffprobe`'s names, as `profile=High`.
    stream: Vec<String>,
    /// The letter of each picture in display order, `K` for the key ones.
    pub(crate) kinds: String,
}

impl Probed {
    /// One of the stream's entries.
    #[track_caller]
    pub(crate) fn entry(&self, name: &str) -> &str {
        let value = |line: &'_ String| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
        let line = self.stream.iter().find(|line| value(line)).expect(name);
        &line[name.len() + 1..]
    }
}

/// Decodes a stream in one of ffmpeg's raw formats ("h264", "hevc", "ivf", "obu") and fails at the
/// slightest complaint.
#[track_caller]
pub(crate) fn decode(demuxer: &str, bytes: &[u8], format: Format) -> Vec<Picture> {
    decode_with(&[], demuxer, bytes, format)
}

/// The same by one of ffmpeg's decoders: `["-c:v", "libdav1d"]`.
#[track_caller]
pub(crate) fn decode_with(decoder: &[&str], demuxer: &str, bytes: &[u8], format: Format) -> Vec<Picture> {
    let strict = ["-v", "warning", "-err_detect", "explode", "-xerror"];
    let input = ["-f", demuxer, "-i", "-"];
    let output = ["-fps_mode", "passthrough", "-f", "rawvideo", "-"];
    let samples = run(Command::new("ffmpeg").args(strict).args(decoder).args(input).args(output), bytes);
    pictures(&samples, format)
}

/// What `ffprobe` tells of a stream.
#[track_caller]
pub(crate) fn probe(demuxer: &str, bytes: &[u8]) -> Probed {
    let entries = "frame=key_frame,pict_type:stream=profile,level,pix_fmt,width,height,has_b_frames,refs,\
                   color_range,color_space,color_transfer,color_primaries,sample_aspect_ratio,r_frame_rate";
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-f", demuxer, "-show_entries", entries, "-of", "default", "-i", "-"]);
    let text = String::from_utf8(run(&mut command, bytes)).expect("ffprobe writes text");
    let (mut probed, mut key) = (Probed { stream: vec![], kinds: String::new() }, false);
    for line in text.lines() {
        match line.split_once('=') {
            Some(("key_frame", value)) => key = value == "1",
            Some(("pict_type", kind)) => probed.kinds.push_str(if key { "K" } else { kind }),
            _ => probed.stream.push(line.to_owned()),
        }
    }
    probed
}

/// Runs a command with these bytes at its input, and returns its output.
#[track_caller]
fn run(command: &mut Command, bytes: &[u8]) -> Vec<u8> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("ffmpeg is installed (scripts/install-packages test)");
    let mut input = child.stdin.take().expect("a pipe");
    let output = std::thread::scope(|scope| {
        // A decoder that gave up closes its input; what it says then is the better message.
        scope.spawn(move || input.write_all(bytes).ok());
        child.wait_with_output().expect("its output")
    });
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.trim().is_empty(), "{command:?}: {complaints}");
    output.stdout
}

/// Raw video as pictures.
fn pictures(bytes: &[u8], format: Format) -> Vec<Picture> {
    let samples: Vec<u16> = match format.depth {
        8 => bytes.iter().map(|&sample| u16::from(sample)).collect(),
        _ => bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect(),
    };
    let luma = format.width * format.height;
    let chroma = match format.chroma {
        Chroma::Yuv444 => luma,
        Chroma::Yuv420 => format.width.div_ceil(2) * format.height.div_ceil(2),
    };
    let frame = luma + 2 * chroma;
    assert_eq!(samples.len() % frame, 0, "the decoder's pictures are of another form than {format:?}");
    let picture = |samples: &[u16]| {
        let (y, rest) = samples.split_at(luma);
        let (u, v) = rest.split_at(chroma);
        Picture { format, planes: [y.to_vec(), u.to_vec(), v.to_vec()] }
    };
    samples.chunks_exact(frame).map(picture).collect()
}
