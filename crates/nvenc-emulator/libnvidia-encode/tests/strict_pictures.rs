//! What is refused of buffers, resources and pictures.

mod support;

use emulated_nvidia_encode::Status::{
    self, InvalidCall, InvalidParam, InvalidPtr, InvalidVersion, NeedMoreInput,
};
use emulated_nvidia_encode::schema::Record;
use support::{API, Client, NV12, rows};

const SUCCESS: u32 = Status::Success as u32;

fn client() -> Client {
    Client::initialized("rtx-3060", "hevc", |setup| setup.config.set("frameIntervalP", 1))
}

/// The fields of a resource of NV12 at this address of device memory.
fn resource(address: u64) -> Record {
    let mut params = Record::new("NV_ENC_REGISTER_RESOURCE", API);
    for (field, value) in [
        ("resourceType", 1),
        ("width", 320),
        ("height", 240),
        ("pitch", 512),
        ("resourceToRegister", address),
        ("bufferFormat", NV12),
    ] {
        params.set(field, value);
    }
    params
}

/// Every mistake alone, in a struct that is right otherwise.
fn mistakes(client: &Client, function: &str, right: &Record, cases: &[(&str, u64, Status)]) {
    for &(field, value, expected) in cases {
        let mut wrong = right.clone();
        wrong.set(field, value);
        let status = client.with(function, &mut wrong);
        assert_eq!(status, expected as u32, "{function} with {field} = {value}: {}", client.last_error());
    }
    assert_eq!(client.with(function, &mut right.clone()), SUCCESS, "{function}: {}", client.last_error());
}

#[test]
fn buffers_are_of_forms_and_sizes_that_the_gpu_takes() {
    let client = client();
    let mut right = Record::new("NV_ENC_CREATE_INPUT_BUFFER", API);
    right.set("width", 320);
    right.set("height", 240);
    right.set("bufferFmt", NV12);
    mistakes(
        &client,
        "nvEncCreateInputBuffer",
        &right,
        &[
            ("version", 1, InvalidVersion),
            ("width", 0, InvalidParam),
            ("height", 9000, InvalidParam),
            ("bufferFmt", 0, InvalidParam),
            ("bufferFmt", 0x4000_0000, InvalidParam),
        ],
    );
    mistakes(
        &client,
        "nvEncRegisterResource",
        &resource(0x1000),
        &[
            ("version", 1, InvalidVersion),
            ("resourceType", 0, Status::UnsupportedParam),
            ("bufferUsage", 2, Status::UnsupportedParam),
            ("resourceToRegister", 0, InvalidPtr),
            ("pitch", 319, InvalidParam),
            ("width", 0, InvalidParam),
            ("bufferFormat", 3, InvalidParam),
        ],
    );
    let bitstream = Record::new("NV_ENC_CREATE_BITSTREAM_BUFFER", API);
    mistakes(&client, "nvEncCreateBitstreamBuffer", &bitstream, &[("version", 1, InvalidVersion)]);
}

#[test]
fn input_buffers_are_locked_and_unlocked_in_turn() {
    let client = client();
    let (input, output) = (client.input(320, 240, NV12), client.bitstream());
    assert_eq!(client.call("nvEncUnlockInputBuffer", &[input]), InvalidCall as u32, "unlocked unlocked");
    let mut lock = Record::new("NV_ENC_LOCK_INPUT_BUFFER", API);
    lock.set("inputBuffer", input);
    assert_eq!(client.with("nvEncLockInputBuffer", &mut lock), SUCCESS);
    assert_eq!(client.with("nvEncLockInputBuffer", &mut lock), InvalidCall as u32, "locked twice");
    assert_eq!(client.encode(&client.picture(input, output)), InvalidCall as u32, "encoded locked");
    assert_eq!(client.call("nvEncUnlockInputBuffer", &[input]), SUCCESS);
    assert_eq!(client.encode(&client.picture(input, output)), SUCCESS);
    assert_eq!(client.call("nvEncUnlockInputBuffer", &[0]), InvalidPtr as u32);
    assert_eq!(
        client.call("nvEncUnlockInputBuffer", &[output]),
        InvalidParam as u32,
        "another kind of buffer"
    );
    assert_eq!(client.call("nvEncDestroyInputBuffer", &[input]), SUCCESS);
    assert_eq!(client.call("nvEncDestroyInputBuffer", &[input]), InvalidParam as u32, "destroyed twice");
    assert_eq!(
        client.encode(&client.picture(input, output)),
        InvalidCall as u32,
        "output still holds a picture"
    );
}

#[test]
fn bitstream_buffers_are_read_before_they_are_used_again() {
    let client = client();
    let (input, output) = (client.input(320, 240, NV12), client.bitstream());
    assert_eq!(client.lock(output).unwrap_err(), InvalidCall as u32, "nothing was encoded");
    assert_eq!(client.unlock(output), InvalidCall as u32, "not locked");
    assert_eq!(client.encode(&client.picture(input, output)), SUCCESS);
    assert_eq!(client.encode(&client.picture(input, output)), InvalidCall as u32, "not read yet");
    client.lock(output).expect("locked");
    assert_eq!(client.lock(output).unwrap_err(), InvalidCall as u32, "locked twice");
    assert_eq!(client.encode(&client.picture(input, output)), InvalidCall as u32, "still locked");
    assert_eq!(client.unlock(output), SUCCESS);
    assert_eq!(client.unlock(output), InvalidCall as u32, "unlocked twice");
    assert_eq!(client.encode(&client.picture(input, output)), SUCCESS);
    assert_eq!(client.lock(0).unwrap_err(), InvalidPtr as u32);
    assert_eq!(client.lock(input).unwrap_err(), InvalidParam as u32, "another kind of buffer");
    assert_eq!(client.call("nvEncDestroyBitstreamBuffer", &[output]), SUCCESS);
    assert_eq!(client.call("nvEncDestroyBitstreamBuffer", &[output]), InvalidParam as u32, "destroyed twice");
    assert_eq!(client.lock(output).unwrap_err(), InvalidParam as u32, "destroyed");
}

#[test]
fn resources_are_registered_then_mapped() {
    let client = client();
    let output = client.bitstream();
    let mut right = resource(0x1000);
    assert_eq!(client.with("nvEncRegisterResource", &mut right), SUCCESS);
    let registered = right.get("registeredResource");
    let encode = |input| client.encode(&client.picture(input, output));
    assert_eq!(encode(registered), Status::ResourceNotMapped as u32, "not mapped");
    let mut map = Record::new("NV_ENC_MAP_INPUT_RESOURCE", API);
    assert_eq!(client.with("nvEncMapInputResource", &mut map), Status::ResourceNotRegistered as u32);
    map.set("registeredResource", registered);
    assert_eq!(client.with("nvEncMapInputResource", &mut map), SUCCESS);
    assert_eq!((map.get("mappedBufferFmt"), map.get("mappedResource") != 0), (NV12, true));
    let mapped = map.get("mappedResource");
    assert_eq!(client.with("nvEncMapInputResource", &mut map), Status::MapFailed as u32, "mapped twice");
    assert_eq!(client.call("nvEncUnregisterResource", &[registered]), InvalidCall as u32, "mapped");
    assert_eq!(client.call("nvEncUnmapInputResource", &[registered]), Status::ResourceNotMapped as u32);
    assert_eq!(client.call("nvEncUnmapInputResource", &[mapped]), SUCCESS);
    assert_eq!(
        client.call("nvEncUnmapInputResource", &[mapped]),
        Status::ResourceNotMapped as u32,
        "unmapped twice"
    );
    assert_eq!(encode(mapped), InvalidParam as u32, "unmapped");
    assert_eq!(client.call("nvEncUnregisterResource", &[registered]), SUCCESS);
    assert_eq!(client.call("nvEncUnregisterResource", &[registered]), Status::ResourceNotRegistered as u32);
}

#[test]
fn a_picture_is_what_its_buffer_holds() {
    let client = client();
    let (input, output) = (client.input(320, 240, NV12), client.bitstream());
    let small = client.input(160, 128, NV12);
    mistakes(
        &client,
        "nvEncEncodePicture",
        &client.picture(input, output),
        &[
            ("version", 1, InvalidVersion),
            ("inputBuffer", 0, InvalidPtr),
            ("inputBuffer", 0x1234, InvalidParam),
            ("inputBuffer", small, InvalidParam),
            ("outputBitstream", 0, InvalidPtr),
            ("outputBitstream", 0x1234, InvalidParam),
            ("outputBitstream", input, InvalidParam),
            ("bufferFmt", 0, InvalidParam),
            ("bufferFmt", 0x10, InvalidParam),
            ("inputWidth", 318, InvalidParam),
            ("inputWidth", 322, InvalidParam),
            ("inputHeight", 0, InvalidParam),
            ("inputPitch", 100, InvalidParam),
            ("pictureStruct", 0, InvalidParam),
            ("pictureStruct", 2, InvalidParam),
            ("encodePicFlags", 0x10, Status::Unimplemented),
        ],
    );
    assert_eq!(client.call("nvEncEncodePicture", &[0]), InvalidPtr as u32);
}

#[test]
fn b_frames_need_as_many_bitstream_buffers() {
    let client = Client::initialized("rtx-3060", "hevc", |setup| setup.config.set("frameIntervalP", 4));
    let input = client.input(320, 240, NV12);
    let outputs = [client.bitstream(), client.bitstream()];
    assert_eq!(client.encode(&client.picture(input, outputs[0])), SUCCESS, "the first is an IDR");
    client.lock(outputs[0]).expect("locked");
    assert_eq!(client.unlock(outputs[0]), SUCCESS);
    assert_eq!(client.encode(&client.picture(input, outputs[0])), NeedMoreInput as u32);
    assert_eq!(client.encode(&client.picture(input, outputs[1])), NeedMoreInput as u32);
    assert_eq!(
        client.encode(&client.picture(input, outputs[0])),
        InvalidCall as u32,
        "waits for its picture"
    );
    assert!(client.last_error().contains("more buffers"), "{}", client.last_error());
    let mut busy = Record::new("NV_ENC_LOCK_BITSTREAM", API);
    busy.set("outputBitstream", outputs[0]);
    busy.set("doNotWait", 1);
    assert_eq!(client.with("nvEncLockBitstream", &mut busy), Status::LockBusy as u32);
    assert_eq!(client.lock(outputs[0]).unwrap_err(), InvalidCall as u32, "waits for further pictures");
    assert_eq!(client.end(), SUCCESS);
    client.lock(outputs[0]).expect("the end brings them out");
    client.lock(outputs[1]).expect("both");
}

#[test]
fn what_lives_when_a_session_ends_ends_with_it() {
    let client = client();
    let (input, output) = (client.input(320, 240, NV12), client.bitstream());
    client.fill(input, &rows(0));
    assert_eq!(client.encode(&client.picture(input, output)), SUCCESS);
    client.lock(output).expect("locked");
    assert_eq!(client.call("nvEncDestroyEncoder", &[]), SUCCESS);
    assert_eq!(client.unlock(output), InvalidParam as u32);
    assert_eq!(client.call("nvEncDestroyEncoder", &[]), InvalidParam as u32, "destroyed twice");
}

#[test]
fn headers_need_room() {
    let client = client();
    let (mut bytes, mut size) = (vec![0_u8; 512], 0_u32);
    let mut payload = Record::new("NV_ENC_SEQUENCE_PARAM_PAYLOAD", API);
    payload.set("inBufferSize", 4);
    payload.set("spsppsBuffer", bytes.as_mut_ptr().expose_provenance() as u64);
    payload.set("outSPSPPSPayloadSize", support::address(&mut size));
    assert_eq!(client.with("nvEncGetSequenceParams", &mut payload), Status::NotEnoughBuffer as u32);
    payload.set("inBufferSize", 512);
    assert_eq!(client.with("nvEncGetSequenceParams", &mut payload), SUCCESS);
    assert!(size > 20 && bytes.starts_with(&[0, 0, 0, 1, 0x40]), "{size} bytes: {:x?}", &bytes[..8]);
    payload.set("spsppsBuffer", 0);
    assert_eq!(client.with("nvEncGetSequenceParams", &mut payload), InvalidPtr as u32);
}

#[test]
fn what_linux_and_the_emulator_do_not_have_is_said_so() {
    let client = client();
    let mut event = Record::new("NV_ENC_EVENT_PARAMS", API);
    for function in ["nvEncRegisterAsyncEvent", "nvEncUnregisterAsyncEvent"] {
        assert_eq!(client.with(function, &mut event), Status::Unimplemented as u32);
    }
    let mut stat = Record::new("NV_ENC_STAT", API);
    assert_eq!(client.with("nvEncGetEncodeStats", &mut stat), Status::Unimplemented as u32);
    assert_eq!(client.call("nvEncCreateMVBuffer", &[0]), Status::Unimplemented as u32);
    assert!(!client.last_error().is_empty());
}
