//! How long the pass takes on a GPU, and how long it keeps the CPU.
//!
//! Pictures are noise, but for those that are called a desktop, and rotate through more memory than any cache holds. Prints a table; the GPU's own
//! clock measures. `cargo bench -p ghoststream-gpu --bench gpu`, or the binary on a machine with a GPU:
//!
//! ```text
//! gpu [--any] [--frames N] [--shaders] [FILTER…]
//!   --any      takes lavapipe too, where there is no GPU: to see that it runs, not how fast
//!   --frames   measured frames of each case (400)
//!   --shaders  what the driver says of each case's shaders, and nothing else
//!   FILTER     cases whose name holds one of these
//! ```

mod cases;
mod copy;
mod desktop;
mod examined;
mod interpolate;
mod measure;
mod paced;

use ghoststream_gpu::vulkan::{Device, Instance, Kind};

fn main() {
    let mut any = false;
    let mut frames = 400;
    let mut shaders = false;
    let mut filters = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--any" => any = true,
            "--shaders" => shaders = true,
            "--frames" => {
                frames = arguments.next().and_then(|it| it.parse().ok()).expect("--frames takes a number");
            }
            // What cargo adds.
            "--bench" => {}
            _ => filters.push(argument),
        }
    }
    let instance = Instance::open().expect("Vulkan");
    let all = instance.physical().expect("devices");
    let gpu = all.iter().find(|it| it.kind != Kind::Cpu).or_else(|| all.first().filter(|_| any));
    let Some(physical) = gpu else {
        println!(
            "there is no GPU here; --any takes {} instead",
            all.first().map_or("nothing", |it| &it.name)
        );
        return;
    };
    println!("{} ({})\n", physical.name, physical.driver);
    let chosen =
        |case: &&cases::Case| filters.is_empty() || filters.iter().any(|it| case.name.contains(it.as_str()));
    let cases = cases::all();
    let cases: Vec<_> = cases.iter().filter(chosen).collect();
    if shaders {
        return examined::table(physical, &cases);
    }
    let device = Device::open(physical).expect("it opens");
    let mut copies = copy::Copies::new(&device, if physical.kind == Kind::Cpu { 64 } else { 2048 });
    let most = copies.most();
    let rate = copies.rate(most);
    println!(
        "a shader that copies moves {:.0} GB/s where {} MB are moved, read and written\n",
        rate / 1e9,
        most >> 20
    );
    println!(
        "| case | GPU us: median | 10% | 90% | MB moved | GB/s | of a copy of as many | CPU us: median | 90% |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for case in &cases {
        println!("{}", measure::row(&device, case, frames, &mut copies));
    }
    paced::table(&device, &cases, frames);
    interpolate::table(&device, frames.min(100), &filters);
}
