//! The topics with colours of their own, and the colours for all others.
//!
//! Topics are open-ended: these tables give colours, they decide nothing about what is shown.

use crate::style::color::Rgb;

/// A topic's name and its colours.
pub(crate) struct Topic {
    pub(crate) name: &'static str,
    pub(crate) dark: Rgb,
    pub(crate) light: Rgb,
}

const fn topic(name: &'static str, dark: u32, light: u32) -> Topic {
    Topic { name, dark: Rgb::hex(dark), light: Rgb::hex(light) }
}

/// The topics of `verbose/1`. The light colours are the dark ones, darkened until they can be
/// read on white.
pub(crate) const KNOWN: [Topic; 18] = [
    topic("TIMR", 0x9a_9a_99, 0x75_75_74),
    topic("VOTE", 0x67_a0_b2, 0x47_7c_8c),
    topic("LEAD", 0xd0_b3_43, 0x87_72_22),
    topic("TERM", 0x70_c4_3f, 0x49_81_28),
    topic("LOG1", 0x48_78_bc, 0x45_76_bb),
    topic("LOG2", 0x39_82_80, 0x38_7f_7d),
    topic("REPL", 0x5f_d7_af, 0x21_84_63),
    topic("CMIT", 0x98_71_9f, 0x90_66_97),
    topic("PERS", 0xd0_83_41, 0xa8_64_2a),
    topic("SNAP", 0xfd_97_1f, 0xb0_60_02),
    topic("DROP", 0xff_61_5c, 0xeb_07_00),
    topic("CLNT", 0x00_89_40, 0x00_81_3c),
    topic("RPC", 0xfe_2c_79, 0xe6_01_55),
    topic("INFO", 0xff_ff_ff, 0x30_30_30),
    topic("STATE", 0xe0_8b_d8, 0xc4_34_b7),
    topic("ERRO", 0xfe_26_26, 0xea_01_01),
    topic("CONSIST", 0xb5_a0_ff, 0x79_52_ff),
    topic("TEST", 0xe6_db_74, 0x7f_75_17),
];

/// The colours of all other topics, chosen by a hash of their names.
pub(crate) const OTHER: [Topic; 12] = [
    topic("rose", 0xde_73_73, 0xd2_40_40),
    topic("blue", 0x73_92_de, 0x46_6f_d3),
    topic("lime", 0xb1_de_73, 0x56_7f_1e),
    topic("magenta", 0xde_73_d1, 0xc8_2f_b5),
    topic("aqua", 0x73_de_cc, 0x1f_83_72),
    topic("orange", 0xde_ad_73, 0xa0_68_26),
    topic("violet", 0x8d_73_de, 0x7d_5f_d9),
    topic("green", 0x77_de_73, 0x23_86_20),
    topic("pink", 0xde_73_96, 0xd1_3b_6c),
    topic("sky", 0x73_b6_de, 0x29_7b_ac),
    topic("olive", 0xd5_de_73, 0x73_7a_1d),
    topic("orchid", 0xc8_73_de, 0xb3_3e_d2),
];

/// The levels, which are the topics of events without one. `INFO` is a topic of its own.
pub(crate) const LEVELS: [Topic; 5] = [
    topic("TRACE", 0x8a_8a_8a, 0x70_70_70),
    topic("DEBUG", 0x8a_9c_ae, 0x5a_6a_7a),
    topic("WARN", 0xff_af_00, 0x8a_5a_00),
    topic("ERROR", 0xff_50_50, 0xd0_00_00),
    topic("FATAL", 0xff_5f_ff, 0xa8_00_90),
];
