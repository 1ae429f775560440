//! What is wrong with a recording, in words and as assertions.

use super::{AudioVerdict, CardVerdict, Seek, Verdict, VideoVerdict};

impl Verdict {
    /// What makes this anything but a faultless recording of the test card, in words.
    ///
    /// Limits: colours 8 code values, frames placed to 5 ms, sound 20 ms from the picture.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.content_problems();
        let mut say = |wrong: bool, text: String| problems.extend(wrong.then_some(text));
        say(self.cut, "the file ends in the middle of a packet".into());
        match self.duration_seconds {
            None => say(true, "the container does not say how long it is".into()),
            Some(it) => say(
                (it - self.content_seconds).abs() > 0.1,
                format!("the container says {it:.3} s, its packets {:.3} s", self.content_seconds),
            ),
        }
        match self.seek {
            Some(Seek { ok: false, .. }) => say(true, "seeking to the middle fails".into()),
            Some(it) => {
                say(it.early_seconds > 11.0, format!("seeking leads {:.1} s too early", it.early_seconds))
            }
            None => {}
        }
        problems
    }

    /// What is wrong with pictures and sound, leaving aside what a file needs that was closed in order:
    /// its length, its index, a whole last packet. What a file cut by a crash must still fulfil.
    pub fn content_problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut say = |wrong: bool, text: String| problems.extend(wrong.then_some(text));
        say(self.unordered_packets > 0, format!("{} packets are out of order", self.unordered_packets));
        match &self.video {
            Some(video) => video.problems(&mut say),
            None => say(true, "there are no pictures".into()),
        }
        match &self.card {
            Some(card) => card.problems(&mut say),
            None => say(true, "the pictures are not the test card".into()),
        }
        for (index, track) in self.audio.iter().enumerate() {
            track.problems(index, &mut say);
        }
        problems
    }

    /// Fails the test unless the recording is faultless.
    ///
    /// # Panics
    /// There is a problem.
    #[track_caller]
    pub fn must_be_clean(&self) -> &Self {
        let problems = self.problems();
        assert!(problems.is_empty(), "{}\n{self}", problems.join("\n"));
        self
    }

    /// Fails the test unless the recording is faultless but for so many pictures at most that were lost, and shown
    /// again: those that the recorder says it had no time for.
    ///
    /// # Panics
    /// There is another problem, or more of them is missing.
    #[track_caller]
    pub fn must_be_clean_but_for(&self, lost: u64, repeated: u64) -> &Self {
        let mut rest = self.clone();
        if let Some(card) = &mut rest.card {
            card.lost = if card.lost <= lost { 0 } else { card.lost };
            card.repeated = if card.repeated <= repeated { 0 } else { card.repeated };
        }
        let problems = rest.problems();
        assert!(problems.is_empty(), "{}\n{self}", problems.join("\n"));
        self
    }

    /// Fails the test unless what was written before a crash is faultless.
    ///
    /// # Panics
    /// There is a problem.
    #[track_caller]
    pub fn must_be_clean_up_to_its_end(&self) -> &Self {
        let problems = self.content_problems();
        assert!(problems.is_empty(), "{}\n{self}", problems.join("\n"));
        self
    }

    /// Fails the test unless every track has beeps, and none is further from its flash.
    ///
    /// # Panics
    /// There is no sound, no beep, or too large a distance.
    #[track_caller]
    pub fn must_be_in_sync(&self, within_ms: f64) -> &Self {
        assert!(!self.audio.is_empty(), "there is no sound\n{self}");
        for track in &self.audio {
            let worst = track.worst_skew_ms();
            assert!(worst.is_some_and(|it| it <= within_ms), "{worst:?} ms, {within_ms} allowed\n{self}");
        }
        self
    }

    /// The video track.
    ///
    /// # Panics
    /// There is none.
    #[track_caller]
    pub fn must_have_video(&self) -> &VideoVerdict {
        self.video.as_ref().unwrap_or_else(|| panic!("there are no pictures\n{self}"))
    }

    /// What the card said.
    ///
    /// # Panics
    /// The pictures are not the test card.
    #[track_caller]
    pub fn must_be_the_card(&self) -> &CardVerdict {
        self.card.as_ref().unwrap_or_else(|| panic!("the pictures are not the test card\n{self}"))
    }
}

impl VideoVerdict {
    fn problems(&self, say: &mut impl FnMut(bool, String)) {
        say(self.frames == 0, "not one picture could be decoded".into());
        say(self.decode_errors > 0, format!("{} pictures are damaged", self.decode_errors));
        say(self.backwards > 0, format!("the time goes backwards at {} pictures", self.backwards));
        say(self.resized > 0, format!("{} pictures have another size than the first", self.resized));
        let error = self.color_error.unwrap_or(0.0);
        say(error > 8.0, format!("colours are wrong by {error:.1} code values"));
    }
}

impl CardVerdict {
    fn problems(&self, say: &mut impl FnMut(bool, String)) {
        say(self.unreadable > 0, format!("{} frames cannot be read", self.unreadable));
        say(self.lost > 0, format!("{} frames are lost: {}", self.lost, listed(&self.lost_numbers)));
        say(
            self.repeated > 0,
            format!("{} frames are repeated: {}", self.repeated, listed(&self.repeated_numbers)),
        );
        say(self.out_of_order > 0, format!("{} frames are out of order", self.out_of_order));
        say(self.wrong_flash > 0, format!("{} flashes are not as the frame says", self.wrong_flash));
        let worst = self.timing.max_ms;
        say(worst > 5.0, format!("a frame is {worst:.1} ms from its place in time"));
    }
}

/// The first numbers of a list.
fn listed(numbers: &[i64]) -> String {
    const MOST: usize = 12;
    let first: Vec<String> = numbers.iter().take(MOST).map(|it| format!("#{it}")).collect();
    first.join(", ") + if numbers.len() > MOST { ", ..." } else { "" }
}

impl AudioVerdict {
    fn problems(&self, index: usize, say: &mut impl FnMut(bool, String)) {
        let mut say = |wrong, text: String| say(wrong, format!("audio track {index}: {text}"));
        say(self.decode_errors > 0, format!("{} packets are damaged", self.decode_errors));
        say(!self.gaps.is_empty(), format!("the sound breaks {} times: {:?} s", self.gaps.len(), self.gaps));
        say(self.missing_beeps > 0, format!("{} beeps are missing", self.missing_beeps));
        say(self.extra_beeps > 0, format!("{} beeps have no flash", self.extra_beeps));
        let worst = self.worst_skew_ms().unwrap_or(0.0);
        say(worst > 20.0, format!("the sound is {worst:.1} ms from the picture"));
    }
}
