//! From code values to light and back: the transfer functions of the standards.
//!
//! Code values are full range, 0 to 1. Light is what the display emits, in cd/m², unless said otherwise.

/// Perceptual quantizer: SMPTE ST 2084, Recommendation ITU-R BT.2100 table 4.
pub mod pq {
    /// The light of code value 1, in cd/m².
    pub const PEAK: f64 = 10_000.0;

    const M1: f64 = 2610.0 / 16384.0;
    const M2: f64 = 2523.0 / 4096.0 * 128.0;
    const C1: f64 = 3424.0 / 4096.0;
    const C2: f64 = 2413.0 / 4096.0 * 32.0;
    const C3: f64 = 2392.0 / 4096.0 * 32.0;

    /// The EOTF: cd/m² of a code value. What lies outside of 0 to 1 counts as the nearest.
    #[must_use]
    pub fn to_light(code: f64) -> f64 {
        let power = code.clamp(0.0, 1.0).powf(1.0 / M2);
        PEAK * ((power - C1).max(0.0) / (C2 - C3 * power)).powf(1.0 / M1)
    }

    /// The inverse: the code value of so many cd/m², from 0 to 1.
    #[must_use]
    pub fn to_code(light: f64) -> f64 {
        let power = (light / PEAK).clamp(0.0, 1.0).powf(M1);
        ((C1 + C2 * power) / (1.0 + C3 * power)).powf(M2)
    }
}

/// Hybrid log-gamma: Recommendation ITU-R BT.2100 table 5.
pub mod hlg {
    /// Peak of the display that HLG is shown on here, in cd/m²: that of the reference environment,
    /// where 75% is 203 cd/m² as BT.2408 has it.
    pub const PEAK: f64 = 1000.0;

    /// The system gamma at [`PEAK`].
    pub const GAMMA: f64 = 1.2;

    const A: f64 = 0.178_832_77;
    const B: f64 = 1.0 - 4.0 * A;

    /// c of the standard, 0.559 910 73.
    fn c() -> f64 {
        0.5 - A * (4.0 * A).ln()
    }

    /// The inverse OETF: the scene's light, 0 to 1, of a code value.
    #[must_use]
    pub fn to_scene(code: f64) -> f64 {
        let code = code.clamp(0.0, 1.0);
        if code <= 0.5 { code * code / 3.0 } else { (((code - c()) / A).exp() + B) / 12.0 }
    }

    /// The OETF: the code value of the scene's light, 0 to 1.
    #[must_use]
    pub fn to_code(scene: f64) -> f64 {
        let scene = scene.clamp(0.0, 1.0);
        if scene <= 1.0 / 12.0 { (3.0 * scene).sqrt() } else { A * (12.0 * scene - B).ln() + c() }
    }

    /// The OOTF: light in cd/m² of the scene's; `weights` are the luminance of the primaries.
    #[must_use]
    pub fn to_light(scene: [f64; 3], weights: [f64; 3]) -> [f64; 3] {
        let gain = PEAK * luminance(scene, weights).powf(GAMMA - 1.0);
        scene.map(|it| it * gain)
    }

    /// The inverse OOTF: the scene's light, 0 to 1, of light in cd/m².
    #[must_use]
    pub fn of_light(light: [f64; 3], weights: [f64; 3]) -> [f64; 3] {
        let light = light.map(|it| it / PEAK);
        let luminance = luminance(light, weights);
        let gain = if luminance > 0.0 { luminance.powf(1.0 / GAMMA - 1.0) } else { 0.0 };
        light.map(|it| it * gain)
    }

    fn luminance(light: [f64; 3], weights: [f64; 3]) -> f64 {
        light.iter().zip(weights).map(|(a, b)| a * b).sum::<f64>().max(0.0)
    }
}

/// What is not HDR, relative to white.
///
/// A gamma of 2.2, no toe: what desktop displays do, what compositors take sRGB windows for when they
/// put them onto an HDR output, and between the 2.4 of BT.1886, at which a television would show the
/// result, and sRGB's own curve, which is within a code value of it but in the darkest greys.
pub mod sdr {
    /// The exponent.
    pub const GAMMA: f64 = 2.2;

    /// Light, white being 1, of a code value.
    #[must_use]
    pub fn to_light(code: f64) -> f64 {
        code.clamp(0.0, 1.0).powf(GAMMA)
    }

    /// The code value of light, white being 1.
    #[must_use]
    pub fn to_code(light: f64) -> f64 {
        light.clamp(0.0, 1.0).powf(1.0 / GAMMA)
    }
}

/// Linear light of half floats: IEC 61966-2-2 as Windows and Wayland use it.
pub mod scrgb {
    /// The light of 1.0, in cd/m².
    pub const UNIT: f64 = 80.0;

    /// cd/m² of a value, which may be negative: a colour that the primaries do not reach. What no
    /// display shows, beyond 10 000 cd/m², counts as the nearest.
    #[must_use]
    pub fn to_light(value: f64) -> f64 {
        (value * UNIT).clamp(-super::pq::PEAK, super::pq::PEAK)
    }

    /// The inverse.
    #[must_use]
    pub fn to_code(light: f64) -> f64 {
        light / UNIT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f64, wanted: f64, within: f64) {
        assert!((got - wanted).abs() <= within, "{got}, not {wanted}");
    }

    #[test]
    fn pq_has_the_values_that_are_published() {
        // BT.2408-7 table 1 and BT.2100: full-range code values, in percent.
        for (light, percent) in [(100.0, 50.8), (203.0, 58.0), (1000.0, 75.2), (4000.0, 90.3)] {
            near(pq::to_code(light) * 100.0, percent, 0.1);
        }
        near(pq::to_light(1.0), 10_000.0, 1e-6);
        near(pq::to_code(0.0), 7.3e-7, 1e-7);
        assert_eq!(pq::to_light(0.0), 0.0);
        for code in (0..=1023).map(|it| f64::from(it) / 1023.0) {
            near(pq::to_code(pq::to_light(code)), code, 1e-6);
        }
    }

    #[test]
    fn hlg_has_the_values_that_are_published() {
        let weights = [0.2627, 0.678, 0.0593];
        let grey = |code: f64| hlg::to_light([hlg::to_scene(code); 3], weights)[0];
        near(hlg::to_scene(0.5), 1.0 / 12.0, 1e-9);
        near(hlg::to_scene(1.0), 1.0, 1e-7);
        // BT.2408: reference white is 75% and 203 cd/m², an 18% grey card 38% and 26 cd/m².
        near(grey(0.75), 203.0, 0.5);
        near(grey(0.38), 26.0, 0.5);
        near(grey(1.0), 1000.0, 0.01);
        for code in (0..=1023).map(|it| f64::from(it) / 1023.0) {
            near(hlg::to_code(hlg::to_scene(code)), code, 1e-6);
            let light = hlg::to_light([hlg::to_scene(code), 0.3, 0.0], weights);
            near(hlg::to_code(hlg::of_light(light, weights)[0]), code, 1e-6);
        }
        assert_eq!(hlg::of_light([0.0; 3], weights), [0.0; 3]);
    }

    #[test]
    fn what_is_outside_is_cut_off() {
        assert_eq!(pq::to_light(2.0), pq::to_light(1.0));
        assert_eq!(sdr::to_code(-1.0), 0.0);
        assert_eq!(scrgb::to_light(f64::INFINITY), 10_000.0);
        near(scrgb::to_light(-1.0), -80.0, 0.0);
    }
}
