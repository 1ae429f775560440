//! Slice headers: 7.3.3.

use super::parameters::{COUNTER_BITS, INITIAL_QUANTIZER};
use super::references::{Buffer, List, Marking, is_reference};
use crate::bits::BitWriter;
use crate::{Kind, Plan};

/// What all slice headers of a picture say.
#[derive(Debug)]
pub(super) struct Header {
    plan: Plan,
    /// frame_num before it wraps.
    number: u32,
    /// Tells two key pictures in a row apart.
    idr_pic_id: u32,
    pub(super) lists: [List; 2],
    marking: Marking,
    /// QP_Y, negative for the finest of 10 bits.
    quantizer: i32,
}

impl Header {
    pub(super) fn new(plan: &Plan, buffer: &Buffer, idr_pic_id: u32, quantizer: i32) -> Self {
        Self {
            plan: plan.clone(),
            number: buffer.number(plan),
            idr_pic_id,
            lists: buffer.lists(plan),
            marking: buffer.marking(plan),
            quantizer,
        }
    }

    /// The kind of the picture.
    pub(super) fn kind(&self) -> Kind {
        self.plan.kind
    }

    /// The byte in front of a slice: nal_ref_idc and nal_unit_type.
    pub(super) fn nal(&self) -> [u8; 1] {
        match (self.plan.kind, is_reference(&self.plan)) {
            (Kind::Key, _) => [0x65],
            (_, true) => [0x41],
            (_, false) => [0x01],
        }
    }

    /// Writes the header of the slice that begins with this macroblock.
    pub(super) fn write(&self, bits: &mut BitWriter, first_macroblock: usize) {
        let plan = &self.plan;
        let mask = (1 << COUNTER_BITS) - 1;
        bits.ue(first_macroblock as u32);
        bits.ue(match plan.kind {
            Kind::P => 5,
            Kind::B => 6,
            Kind::Key | Kind::Intra => 7,
        });
        bits.ue(0); // pic_parameter_set_id
        bits.put(self.number & mask, COUNTER_BITS);
        if plan.kind == Kind::Key {
            bits.ue(self.idr_pic_id);
        }
        bits.put(plan.order.wrapping_mul(2) & mask, COUNTER_BITS); // pic_order_cnt_lsb counts fields
        if plan.kind == Kind::B {
            bits.flag(true); // direct_spatial_mv_pred_flag
        }
        self.reference_lists(bits);
        if is_reference(plan) {
            self.marking(bits);
        }
        bits.se(self.quantizer - INITIAL_QUANTIZER);
        bits.ue(1); // disable_deblocking_filter_idc
    }

    fn reference_lists(&self, bits: &mut BitWriter) {
        let lists = match self.plan.kind {
            Kind::Key | Kind::Intra => return,
            Kind::P => &self.lists[..1],
            Kind::B => &self.lists[..],
        };
        bits.flag(true); // num_ref_idx_active_override_flag
        for list in lists {
            bits.ue(list.pictures.len() as u32 - 1);
        }
        for list in lists {
            bits.flag(list.modification.is_some());
            if let Some(numbers) = &list.modification {
                self.modification(bits, numbers);
            }
        }
    }

    /// ref_pic_list_modification: each picNum by its distance from the one before.
    fn modification(&self, bits: &mut BitWriter, numbers: &[i64]) {
        let mut predicted = i64::from(self.number);
        for &number in numbers {
            bits.ue(u32::from(number > predicted));
            bits.ue((number - predicted).unsigned_abs() as u32 - 1);
            predicted = number;
        }
        bits.ue(3);
    }

    /// dec_ref_pic_marking.
    fn marking(&self, bits: &mut BitWriter) {
        if self.plan.kind == Kind::Key {
            bits.flag(false); // no_output_of_prior_pics_flag
            bits.flag(false); // long_term_reference_flag
            return;
        }
        let Marking::Forget(numbers) = &self.marking else {
            bits.flag(false); // adaptive_ref_pic_marking_mode_flag
            return;
        };
        bits.flag(true);
        for number in numbers {
            bits.ue(1); // a short-term picture is unused from here on
            bits.ue((i64::from(self.number) - number - 1) as u32);
        }
        bits.ue(0);
    }
}
