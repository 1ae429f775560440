//! Vulkan's loader.

use std::ffi::{CStr, c_char, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ash::{ext, vk};

use super::{Physical, VulkanError};

/// Set to 1, it has Khronos' validation layer look over our shoulder, where that is installed.
const VALIDATION: &str = "GHOSTSTREAM_VULKAN_VALIDATION";
const LAYER: &CStr = c"VK_LAYER_KHRONOS_validation";

/// What the validation layer called an error, in this process.
static MISTAKES: AtomicU64 = AtomicU64::new(0);

/// Vulkan on this machine. Clones share it.
#[derive(Clone)]
pub struct Instance(Arc<Owner>);

struct Owner {
    // Goes before the loader.
    raw: ash::Instance,
    messenger: Option<(ext::debug_utils::Instance, vk::DebugUtilsMessengerEXT)>,
    entry: ash::Entry,
}

/// Vulkan cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VulkanLoadError {
    /// There is no loader.
    #[error(
        "libvulkan.so.1 cannot be used: {0}; install Vulkan's loader (Debian: libvulkan1, Fedora: \
         vulkan-loader, Arch: vulkan-icd-loader) and your GPU's driver"
    )]
    Library(#[from] ash::LoadingError),
    /// It has nothing to drive.
    #[error(
        "Vulkan's loader finds no driver that works; install your GPU's (NVIDIA's own, or Debian: \
         mesa-vulkan-drivers, Fedora: mesa-vulkan-drivers, Arch: vulkan-radeon or vulkan-intel)"
    )]
    NoDriver,
    /// It does not start.
    #[error("Vulkan does not start: {0}; check it with vulkaninfo")]
    Start(#[from] VulkanError),
}

impl Instance {
    /// Opens the loader, for Vulkan 1.3.
    ///
    /// # Errors
    /// There is none, it is too old, or no driver works.
    pub fn open() -> Result<Self, VulkanLoadError> {
        // SAFETY: the library behind this name is Vulkan's loader.
        let entry = unsafe { ash::Entry::load() }?;
        let application = vk::ApplicationInfo::default()
            .application_name(c"ghoststream")
            .engine_name(c"ghoststream")
            .api_version(vk::API_VERSION_1_3);
        let watched = std::env::var(VALIDATION).is_ok_and(|it| it == "1") && has_layer(&entry);
        let layers: &[*const c_char] = if watched { &[LAYER.as_ptr()] } else { &[] };
        let extensions: &[*const c_char] = if watched { &[ext::debug_utils::NAME.as_ptr()] } else { &[] };
        let info = vk::InstanceCreateInfo::default()
            .application_info(&application)
            .enabled_layer_names(layers)
            .enabled_extension_names(extensions);
        // SAFETY: what the structure points to lives during the call.
        let raw = unsafe { entry.create_instance(&info, None) }.map_err(|result| match result {
            vk::Result::ERROR_INCOMPATIBLE_DRIVER => VulkanLoadError::NoDriver,
            result => VulkanError { call: "vkCreateInstance", result }.into(),
        })?;
        let messenger = if watched { Some(listen(&entry, &raw)?) } else { None };
        Ok(Self(Arc::new(Owner { raw, messenger, entry })))
    }

    /// The GPUs, in the loader's order. Those without compute are left out.
    ///
    /// # Errors
    /// A driver failed.
    pub fn physical(&self) -> Result<Vec<Physical>, VulkanError> {
        // SAFETY: the instance is valid.
        let all = unsafe { self.0.raw.enumerate_physical_devices() }
            .map_err(VulkanError::of("vkEnumeratePhysicalDevices"))?;
        Ok(all.into_iter().filter_map(|raw| Physical::read(self, raw)).collect())
    }

    /// The devices that [`physical`](Self::physical) leaves out, and why, in words.
    ///
    /// # Errors
    /// A driver failed.
    pub fn left_out(&self) -> Result<Vec<(String, String)>, VulkanError> {
        // SAFETY: the instance is valid.
        let all = unsafe { self.0.raw.enumerate_physical_devices() }
            .map_err(VulkanError::of("vkEnumeratePhysicalDevices"))?;
        let left_out = |raw: &vk::PhysicalDevice| Physical::read(self, *raw).is_none();
        Ok(all.into_iter().filter(left_out).map(|raw| Physical::refusal(self, raw)).collect())
    }

    /// Whether the validation layer is watching.
    pub fn is_validated(&self) -> bool {
        self.0.messenger.is_some()
    }

    /// How often the validation layer found a mistake of ours in this process.
    pub fn mistakes() -> u64 {
        MISTAKES.load(Ordering::Relaxed)
    }

    /// Vulkan's loader, as long as self lives.
    pub fn entry(&self) -> &ash::Entry {
        &self.0.entry
    }

    /// The `VkInstance`, valid as long as self lives.
    pub fn raw(&self) -> &ash::Instance {
        &self.0.raw
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // SAFETY: whatever was made of the instance holds a clone of it, so that nothing is left.
        unsafe {
            if let Some((functions, messenger)) = &self.messenger {
                functions.destroy_debug_utils_messenger(*messenger, None);
            }
            self.raw.destroy_instance(None);
        }
    }
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Instance")
    }
}

fn has_layer(entry: &ash::Entry) -> bool {
    // SAFETY: asks the loader only.
    let layers = unsafe { entry.enumerate_instance_layer_properties() }.unwrap_or_default();
    let there = layers.iter().any(|it| it.layer_name_as_c_str() == Ok(LAYER));
    if !there {
        tracing::warn!("{VALIDATION} is set, but the validation layer is not installed");
    }
    there
}

fn listen(
    entry: &ash::Entry,
    raw: &ash::Instance,
) -> Result<(ext::debug_utils::Instance, vk::DebugUtilsMessengerEXT), VulkanError> {
    let functions = ext::debug_utils::Instance::new(entry, raw);
    let info = vk::DebugUtilsMessengerCreateInfoEXT::default()
        .message_severity(
            vk::DebugUtilsMessageSeverityFlagsEXT::ERROR | vk::DebugUtilsMessageSeverityFlagsEXT::WARNING,
        )
        .message_type(
            vk::DebugUtilsMessageTypeFlagsEXT::VALIDATION | vk::DebugUtilsMessageTypeFlagsEXT::GENERAL,
        )
        .pfn_user_callback(Some(said));
    // SAFETY: the extension was asked for, and the function needs no data of ours.
    let messenger = unsafe { functions.create_debug_utils_messenger(&info, None) }
        .map_err(VulkanError::of("vkCreateDebugUtilsMessengerEXT"))?;
    Ok((functions, messenger))
}

/// # Safety
/// The layer calls it with a message that is valid during the call.
unsafe extern "system" fn said(
    severity: vk::DebugUtilsMessageSeverityFlagsEXT,
    _kind: vk::DebugUtilsMessageTypeFlagsEXT,
    data: *const vk::DebugUtilsMessengerCallbackDataEXT<'_>,
    _user: *mut c_void,
) -> vk::Bool32 {
    // SAFETY: the layer's promise.
    let message = unsafe { data.as_ref().and_then(|it| it.message_as_c_str()) };
    let message = message.unwrap_or_default().to_string_lossy();
    if severity.contains(vk::DebugUtilsMessageSeverityFlagsEXT::ERROR) {
        MISTAKES.fetch_add(1, Ordering::Relaxed);
        tracing::error!(%message, "Vulkan's validation layer");
        eprintln!("Vulkan's validation layer: {message}");
    } else {
        tracing::debug!(%message, "Vulkan's validation layer");
    }
    vk::FALSE
}
