//! A browser, which gets the camera through the portal.

use ghoststream::test_card::{Luma, read};
use testkit::Portal;
use testkit::peers::{Browser, Program};
use testkit::portal::{Answer, Script};

use crate::rig::{NAME, Rig};

#[test]
fn chromium_gets_the_camera_from_the_portal_and_reads_the_card_from_its_canvas() {
    let rig = Rig::moving(30);
    let script = Script { camera: true, ..Script::new(Answer::Refuse) };
    let _portal = Portal::start(&rig.session, script).unwrap();
    let mut chromium = Browser::start(Program::Chromium, &rig.session, None).unwrap();
    let pictures = chromium.wait(12).unwrap();
    assert_eq!(chromium.cameras(), [NAME]);
    let mut stamps = Vec::new();
    for picture in &pictures {
        let green: Vec<u8> = picture.rgba.iter().skip(1).step_by(4).copied().collect();
        let stride = picture.size.width as usize;
        let reading =
            read(Luma { bytes: &green, stride, size: picture.size }).expect("the canvas has the card");
        assert_eq!(reading.area.size(), picture.size, "without bars");
        stamps.push(reading.stamp.frame);
    }
    println!("{} pictures of {}: {stamps:?}\n{:?}", pictures.len(), pictures[0].size, rig.camera.agreed());
    assert!(stamps.is_sorted() && stamps.first() != stamps.last(), "it moves: {stamps:?}");
}
