//! What is exported, because programs look for it, and not emulated: kernels, arrays, graphics and
//! semaphores of other APIs.

use crate::call::entries;
use crate::code::Code;

/// Functions that are traced and answer `CUDA_ERROR_NOT_SUPPORTED`, whatever they are given: in C's calling
/// convention a function may leave its arguments alone.
macro_rules! unsupported {
    ($($name:ident)*) => {
        entries! {
            $(
                /// Not emulated.
                fn $name() |_call| { Err(Code::ERROR_NOT_SUPPORTED) }
            )*
        }

        /// Their names.
        pub const UNSUPPORTED: &[&str] = &[$(stringify!($name)),*];
    };
}

unsupported! {
    cuMemAllocManaged
    cuArrayCreate_v2 cuArray3DCreate_v2 cuArrayDestroy
    cuMipmappedArrayGetLevel cuMipmappedArrayDestroy cuExternalMemoryGetMappedMipmappedArray
    cuTexObjectCreate cuTexObjectDestroy
    cuModuleLoadData cuModuleLoadDataEx cuModuleUnload cuModuleGetFunction cuModuleGetGlobal_v2 cuModuleGetGlobal
    cuLinkCreate_v2 cuLinkCreate cuLinkAddData_v2 cuLinkAddData cuLinkComplete cuLinkDestroy
    cuLaunchKernel
    cuGLGetDevices_v2 cuGraphicsGLRegisterImage cuGraphicsGLRegisterBuffer cuGraphicsEGLRegisterImage
    cuGraphicsUnregisterResource cuGraphicsMapResources cuGraphicsUnmapResources
    cuGraphicsSubResourceGetMappedArray cuGraphicsResourceGetMappedPointer_v2
    cuGraphicsResourceGetMappedEglFrame
    cuEGLStreamProducerConnect cuEGLStreamProducerDisconnect cuEGLStreamConsumerDisconnect
    cuEGLStreamProducerPresentFrame cuEGLStreamProducerReturnFrame
    cuImportExternalSemaphore cuDestroyExternalSemaphore
    cuSignalExternalSemaphoresAsync cuWaitExternalSemaphoresAsync
}
