//! Pictures in display order in, a stream out: structure and rate control over one codec's writer.

use std::collections::BTreeMap;

use crate::gop::{Scheduler, Step};
use crate::rate::Control;
use crate::{Codec, Coder, Gop, Kind, Picture, Rate, Stream};

/// What an [`Encoder`] makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The codec.
    pub codec: Codec,
    /// What all pictures have in common. [`completed`](Self::completed) sets `references`, `reorders` and `exact` by
    /// the other settings.
    pub stream: Stream,
    /// The structure.
    pub gop: Gop,
    /// How bits are spent.
    pub rate: Rate,
}

/// A coded picture: in H.264 and HEVC an access unit without parameter sets, in AV1 a temporal unit without
/// delimiter and sequence header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What [`Encoder::push`] was given with the picture that is shown.
    pub id: u64,
    /// Its kind.
    pub kind: Kind,
    /// Its quantiser, in the codec's scale; 0 where it is exact.
    pub quantizer: u8,
    /// Whether others refer to it.
    pub kept: bool,
    /// Its place in display order, from the last key picture.
    pub order: u32,
}

/// An encoder of one stream.
pub struct Encoder {
    codec: Codec,
    coder: Box<dyn Coder>,
    scheduler: Scheduler,
    control: Control,
    /// Pictures pushed so far.
    pushed: u64,
    /// Those that are not coded yet, by number.
    pictures: BTreeMap<u64, (Picture, u64)>,
    /// AV1: bytes of hidden pictures that ride in front of the next shown one.
    hidden: Vec<u8>,
    /// AV1: hidden pictures that are not shown yet, by order, without their bytes.
    unshown: BTreeMap<u32, Output>,
    /// AV1: the order that is shown next.
    next: u32,
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder")
            .field("codec", &self.codec)
            .field("pushed", &self.pushed)
            .finish_non_exhaustive()
    }
}

impl Encoder {
    /// An encoder over this writer, which must have been made for the stream of
    /// [`Settings::completed`].
    pub fn with(coder: Box<dyn Coder>, settings: &Settings) -> Self {
        let (numerator, denominator) = settings.stream.rate;
        let fps = f64::from(numerator.max(1)) / f64::from(denominator.max(1));
        Self {
            codec: settings.codec,
            coder,
            scheduler: Scheduler::new(settings.gop.clone()),
            control: Control::new(settings.codec, settings.rate, fps),
            pushed: 0,
            pictures: BTreeMap::new(),
            hidden: Vec::new(),
            unshown: BTreeMap::new(),
            next: 0,
        }
    }

    /// Parameter sets in Annex B form, or AV1's sequence header OBU.
    pub fn headers(&self) -> Vec<u8> {
        self.coder.headers()
    }

    /// Takes the next picture in display order. Returns what is complete, in the order in which it goes into
    /// the stream: nothing while B-frames wait for the picture that follows them, then all of them at once.
    pub fn push(&mut self, picture: &Picture, id: u64, force_key: bool) -> Vec<Output> {
        self.pictures.insert(self.pushed, (picture.clone(), id));
        self.pushed += 1;
        let mut steps = Vec::new();
        self.scheduler.push(force_key, &mut steps);
        self.code(steps)
    }

    /// Returns what still waits. More pictures may follow.
    pub fn finish(&mut self) -> Vec<Output> {
        let mut steps = Vec::new();
        self.scheduler.close(&mut steps);
        self.code(steps)
    }

    /// Goes on at another rate, from the next picture that is coded.
    ///
    /// To and from [`Rate::Exact`] it cannot be changed: the parameter sets say what a stream is.
    pub fn set_rate(&mut self, rate: Rate) {
        self.control.set_rate(rate);
    }

    fn code(&mut self, steps: Vec<Step>) -> Vec<Output> {
        let mut outputs = Vec::new();
        for step in steps {
            let (picture, id) = self.pictures.remove(&step.picture).expect("each picture is planned once");
            let mut plan = step.plan;
            if plan.kind == Kind::Key {
                self.next = 0;
            }
            plan.shown = self.codec != Codec::Av1 || plan.order == self.next;
            let coder = &self.coder;
            let (coded, quantizer) = self.control.code(plan.kind, |quality| {
                let coded = coder.encode(&picture, &plan, quality);
                let bits = coded.bytes.len() as u64 * 8;
                (coded, bits)
            });
            self.coder.commit(&plan, &coded);
            let (kind, kept, order) = (plan.kind, plan.kept, plan.order);
            let output = Output { bytes: coded.bytes, id, kind, quantizer, kept, order };
            self.show(output, plan.shown, &mut outputs);
        }
        outputs
    }

    /// Makes temporal units: hidden pictures go in front of the next one that is shown.
    fn show(&mut self, mut output: Output, shown: bool, outputs: &mut Vec<Output>) {
        if !shown {
            self.hidden.append(&mut output.bytes);
            self.unshown.insert(output.order, output);
            return;
        }
        let mut bytes = std::mem::take(&mut self.hidden);
        bytes.append(&mut output.bytes);
        self.next = output.order + 1;
        outputs.push(Output { bytes, ..output });
        while let Some(output) = self.unshown.remove(&self.next) {
            let bytes = self.coder.show(output.order);
            self.next += 1;
            outputs.push(Output { bytes, ..output });
        }
    }
}

impl Settings {
    /// The stream with what follows from the other settings.
    #[must_use]
    pub fn completed(&self) -> Stream {
        Stream {
            references: self.gop.references.clamp(1, 4) as usize,
            reorders: self.gop.reorders(),
            exact: self.rate == Rate::Exact,
            ..self.stream.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BReference, Chroma, Coded, Format, Plan, Quality};

    /// A writer whose bytes name the picture.
    struct Names;

    impl Coder for Names {
        fn headers(&self) -> Vec<u8> {
            vec![]
        }

        fn encode(&self, picture: &Picture, plan: &Plan, _: Quality) -> Coded {
            let letter = if plan.shown { b'c' } else { b'h' };
            Coded {
                bytes: vec![letter, b'0' + plan.order as u8],
                decoded: picture.clone(),
                whole: picture.clone(),
            }
        }

        fn commit(&mut self, _: &Plan, _: &Coded) {}

        fn show(&self, order: u32) -> Vec<u8> {
            vec![b's', b'0' + order as u8]
        }
    }

    fn run(codec: Codec, b_reference: BReference) -> String {
        let format = Format { width: 16, height: 16, chroma: Chroma::Yuv420, depth: 8 };
        let settings = Settings {
            codec,
            stream: Stream {
                format,
                rate: (30, 1),
                color: None,
                sample_aspect_ratio: (1, 1),
                references: 1,
                reorders: 2,
                exact: true,
                level: None,
            },
            gop: Gop { key_every: None, b_frames: 3, b_reference, references: 1 },
            rate: Rate::Exact,
        };
        let mut encoder = Encoder::with(Box::new(Names), &settings);
        let mut all = Vec::new();
        for id in 0..7 {
            all.extend(encoder.push(&Picture::filled(format, [id as u16, 0, 0]), id, false));
        }
        all.extend(encoder.finish());
        let unit = |it: &Output| format!("{}:{}", it.id, String::from_utf8_lossy(&it.bytes));
        all.iter().map(unit).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn nal_codecs_come_in_coded_order() {
        assert_eq!(run(Codec::H264, BReference::None), "0:c0 4:c4 1:c1 2:c2 3:c3 6:c6 5:c5");
    }

    #[test]
    fn temporal_units_come_in_display_order_with_what_they_need_in_front() {
        assert_eq!(run(Codec::Av1, BReference::None), "0:c0 1:h4c1 2:c2 3:c3 4:s4 5:h6c5 6:s6");
        assert_eq!(run(Codec::Av1, BReference::Middle), "0:c0 1:h4h2c1 2:s2 3:c3 4:s4 5:h6c5 6:s6");
    }
}
