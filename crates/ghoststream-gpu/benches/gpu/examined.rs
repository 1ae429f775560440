//! What the driver says of the shaders of each case.

use ghoststream_gpu::pass::{Delivery, Pass, Pixels};
use ghoststream_gpu::vulkan::{Device, Physical};

use crate::cases::Case;
use crate::measure::{bytes, frame, keep};

/// Prints a line for each shader of each case: which numbers there are is the driver's to choose.
pub fn table(physical: &Physical, cases: &[&Case]) {
    if !physical.abilities.statistics {
        println!("the driver tells nothing of its shaders (VK_KHR_pipeline_executable_properties)");
        return;
    }
    let device = Device::open_to_examine(physical).expect("it opens");
    for case in cases {
        if let Err(error) = compile(&device, case) {
            println!("{}: {error}", case.name);
        }
        for shader in device.statistics() {
            let told: Vec<_> = shader.iter().map(|it| format!("{} {}", it.name, it.value)).collect();
            println!("{}: {}", case.name, told.join(", "));
        }
    }
}

/// Makes one picture, with which all shaders of a case are compiled.
fn compile(device: &Device, case: &Case) -> Result<(), Box<dyn std::error::Error>> {
    let mut pass = Pass::new(device, case.target, case.filter, Delivery::Exported, 1)?;
    let black = vec![0; bytes(case.format, case.size)];
    let resident = keep(&pass, case, &black, 0)?;
    pass.run(&frame(case, Pixels::Resident(&resident)))?.wait(std::time::Duration::from_secs(10))?;
    Ok(())
}
