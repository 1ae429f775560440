//! Measures the speeds that the table of encoders carries.

use super::*;
use crate::EncoderPreset;

/// Prints millions of pixels a second of one core, by row and preset. The table carries 70% of it.
#[test]
#[ignore = "measures: run it in a release build, on an idle machine, to renew the speeds"]
fn measure_the_speed_of_a_core() {
    let size = Size::new(1280, 720);
    for (name, codec) in ROWS {
        let row = table::TABLE.iter().find(|row| row.name == name).expect("a row of the table");
        let speeds: Vec<String> = EncoderPreset::ALL
            .iter()
            .map(|&preset| {
                let config = config().with_codec(codec).with_preset(preset);
                let request =
                    Request { config: &config, size, fps: 60.0, containers: &[Container::Matroska] };
                let mut opened = table::try_open(row, &request).expect("it opens");
                let frames: Vec<_> = (0..60).map(|index| picture::moving(&opened.input, index)).collect();
                let before = processor_time();
                let mut packets = vec![];
                for (index, picture) in frames.into_iter().enumerate() {
                    let pts = MediaTime::from_nanos(index as i64 * 16_666_667);
                    let frame = Frame { pts, picture: picture.into(), arrived: Timestamp::default() };
                    opened.encoder.encode(frame, &mut packets).expect("encodes");
                }
                opened.encoder.flush(&mut packets).expect("flushes");
                let seconds = (processor_time() - before).as_secs_f64();
                format!("{preset} {:.0}", 60.0 * 1280.0 * 720.0 / 1e6 / seconds)
            })
            .collect();
        println!("{name}: {}", speeds.join(", "));
    }
}

/// What every thread of this process has used of the processors.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}
