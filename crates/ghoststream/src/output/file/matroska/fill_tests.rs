use proptest::prelude::*;

use super::*;

fn bytes(pieces: &Pieces) -> Vec<u8> {
    pieces.slices().flatten().copied().collect()
}

fn pieces(bytes: &[u8]) -> Pieces {
    let mut pieces = Pieces::default();
    pieces.push(bytes);
    pieces
}

/// An element with a size in four bytes.
fn laid_out(id: &[u8], content: &[u8]) -> Vec<u8> {
    let size = (content.len() as u32 | 1 << 28).to_be_bytes();
    [id, &size, content].concat()
}

fn filled(cluster: &[u8], pictures: &[&[u8]]) -> Option<Vec<u8>> {
    let mut pictures = pictures.iter().map(|it| pieces(it)).collect();
    let filled = fill(cluster, 1, &mut pictures)?;
    assert!(pictures.is_empty(), "all of them have a place");
    Some(bytes(&filled))
}

const CLUSTER_ID: &[u8] = &[0x1f, 0x43, 0xb6, 0x75];

#[test]
fn pictures_go_where_their_places_are_and_everything_else_stays() {
    let time = [0xe7, 0x81, 7];
    let sound = [0xa3, 0x86, 0x82, 0, 5, 0x80, 1, 2];
    let group = [&laid_out(&[0xa1], &[0x81, 0, 9, 0, 0xee])[..], &[0xfb, 0x81, 3]].concat();
    let content =
        [&time[..], &laid_out(&[0xa3], &[0x81, 0, 0, 0x80, 0xee]), &sound, &laid_out(&[0xa0], &group)]
            .concat();

    let long = vec![5; 300];
    let filled = filled(&laid_out(CLUSTER_ID, &content), &[&long, b"two"]).unwrap();
    let first = [&[0xa3, 0x41, 0x30, 0x81, 0, 0, 0x80][..], &long].concat();
    let second = [0xa0, 0x8c, 0xa1, 0x87, 0x81, 0, 9, 0, b't', b'w', b'o', 0xfb, 0x81, 3];
    let wanted = [&time[..], &first, &sound, &second].concat();
    let size = (wanted.len() as u16 | 0x4000).to_be_bytes();
    assert_eq!(filled, [CLUSTER_ID, &size, &wanted].concat());
}

#[test]
fn the_checksum_is_that_of_what_is_written() {
    let content = [&[0xbf, 0x84, 0, 0, 0, 0][..], &laid_out(&[0xa3], &[0x81, 0, 0, 0x80, 0xee])].concat();
    let filled = filled(&laid_out(CLUSTER_ID, &content), &[b"123456789"]).unwrap();
    let checked = &filled[11..];
    assert_eq!(checked, b"\xa3\x8d\x81\0\0\x80123456789");
    assert_eq!(filled[7..11], crc32fast::hash(checked).to_le_bytes());
    assert_eq!(filled[5..7], [0xbf, 0x84]);
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let block = laid_out(&[0xa3], &[0x81, 0, 0, 0x80, 0xee]);
    let cluster = laid_out(CLUSTER_ID, &block);
    assert!(filled(&cluster, &[]).is_none(), "a place without a picture");
    assert!(filled(&cluster[..cluster.len() - 1], &[b"one"]).is_none(), "cut off");
    assert!(filled(&laid_out(CLUSTER_ID, &laid_out(&[0xa3], &[0x81, 0])), &[b"one"]).is_none(), "no flags");
    // A size that is not known.
    assert!(filled(&[CLUSTER_ID, &[0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]].concat(), &[]).is_none());
}

proptest! {
    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut pictures = VecDeque::from([pieces(b"a"), pieces(b"b")]);
        fill(&bytes, 1, &mut pictures);
        let cluster = laid_out(CLUSTER_ID, &bytes);
        fill(&cluster, 1, &mut pictures);
    }

    #[test]
    fn sizes_are_read_as_they_are_written(size in prop_oneof![0usize..200_000, 0usize..1 << 40]) {
        let mut header = Pieces::default();
        push_header(0xa3, size, &mut header);
        let header = bytes(&header);
        prop_assert_eq!(vint(&header[1..]).map(|it| (it.0, it.1.len())), Some((size as u64, 0)));
    }
}
