//! Which addresses are the public internet, and which are not.
//!
//! The answer errs towards «not public»: an IPv6 address outside the space that is
//! handed out to networks (`2000::/3`) is never public, and an address that carries
//! an IPv4 address inside is refused whatever it carries, because the route that
//! unpacks it is not ours to see.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is for, as far as a proxy must care.
///
/// Sources: the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 and its
/// updates); cloud metadata addresses from their vendors' manuals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AddressClass {
    /// Reachable on the public internet.
    Public,
    /// «This host»: `0.0.0.0/8` and `::`, which Linux dials as loopback.
    Unspecified,
    /// `127.0.0.0/8` and `::1`.
    Loopback,
    /// RFC 1918, `fc00::/7`, and the site-local `fec0::/10` of old.
    Private,
    /// `100.64.0.0/10`, shared behind a carrier's NAT and by overlay networks.
    Shared,
    /// `169.254.0.0/16` and `fe80::/10`.
    LinkLocal,
    /// A cloud's metadata or host service, which hands out credentials.
    Metadata,
    /// `224.0.0.0/4` and `ff00::/8`.
    Multicast,
    /// `255.255.255.255`.
    Broadcast,
    /// Set aside for documentation and benchmarks.
    Documentation,
    /// Set aside for protocols or for nothing yet.
    Reserved,
    /// An IPv6 address that carries an IPv4 address: mapped, compatible, NAT64,
    /// 6to4, Teredo.
    Embedding,
}

impl AddressClass {
    /// Classifies an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }

    /// Says the class as it stands in a sentence: «a loopback address».
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Public => "a public address",
            Self::Unspecified => "the address of no host",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::Shared => "a carrier's shared address",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "a cloud metadata address",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "the broadcast address",
            Self::Documentation => "an address for documentation or benchmarks",
            Self::Reserved => "a reserved address",
            Self::Embedding => "an IPv6 address that carries an IPv4 address",
        }
    }
}

/// Whether an address is reachable on the public internet, and is nothing else.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    AddressClass::of(address) == AddressClass::Public
}

/// The IPv4 address that an IPv6 address carries by one of the embedding schemes.
#[must_use]
pub fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let embedded = match address.octets() {
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 | 1] => return None,
        // Compatible and mapped (RFC 4291, 2.5.5), translated (RFC 2765), NAT64 by the
        // well-known prefix (RFC 6052) and by the local one (RFC 8215), 6to4 (RFC 3056).
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, inner @ ..]
        | [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, inner @ ..]
        | [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, inner @ ..]
        | [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, inner @ ..]
        | [0, 0x64, 0xff, 0x9b, 0, 1, _, _, _, _, _, _, inner @ ..]
        | [0x20, 2, inner @ .., _, _, _, _, _, _, _, _, _, _] => inner,
        // Teredo (RFC 4380) inverts it.
        [0x20, 1, 0, 0, _, _, _, _, _, _, _, _, inner @ ..] => inner.map(|byte| !byte),
        _ => return None,
    };
    Some(Ipv4Addr::from(embedded))
}

fn of_v4(address: Ipv4Addr) -> AddressClass {
    if is_metadata_v4(address) {
        return AddressClass::Metadata;
    }
    match address.octets() {
        [0, ..] => AddressClass::Unspecified,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressClass::Private,
        [100, 64..=127, ..] => AddressClass::Shared,
        [127, ..] => AddressClass::Loopback,
        [169, 254, ..] => AddressClass::LinkLocal,
        [192, 0, 2, _] | [198, 18..=19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => {
            AddressClass::Documentation
        }
        [224..=239, ..] => AddressClass::Multicast,
        [255, 255, 255, 255] => AddressClass::Broadcast,
        // Protocol assignments, 6to4 anycast, AS112 and AMT, and what is not given out.
        [192, 0, 0, _]
        | [192, 88, 99, _]
        | [192, 31, 196, _]
        | [192, 52, 193, _]
        | [192, 175, 48, _]
        | [240..=255, ..] => AddressClass::Reserved,
        _ => AddressClass::Public,
    }
}

/// AWS, GCP, Azure and others share the first; the rest are AWS container
/// credentials, Alibaba, Azure's host service (a public number!) and Oracle.
fn is_metadata_v4(address: Ipv4Addr) -> bool {
    matches!(
        address.octets(),
        [169, 254, 169, 254]
            | [169, 254, 170, 2 | 23]
            | [100, 100, 100, 200]
            | [168, 63, 129, 16]
            | [192, 0, 0, 192]
    )
}

fn of_v6(address: Ipv6Addr) -> AddressClass {
    let segments = address.segments();
    if embedded_v4(address).is_some() {
        return AddressClass::Embedding;
    }
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => AddressClass::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressClass::Loopback,
        // AWS (instance, container) and Google.
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254 | 0x23] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => {
            AddressClass::Metadata
        }
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => AddressClass::Private,
        [0xfe80..=0xfebf, ..] => AddressClass::LinkLocal,
        [0xff00..=0xffff, ..] => AddressClass::Multicast,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] | [0x2001, 2, 0, ..] => {
            AddressClass::Documentation
        }
        // 2001::/23 is for protocols; 100::/64 and all else outside 2000::/3 is reserved.
        [0x2001, 0..=0x01ff, ..] => AddressClass::Reserved,
        [0x2000..=0x3fff, ..] => AddressClass::Public,
        _ => AddressClass::Reserved,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn class(text: &str) -> AddressClass {
        AddressClass::of(text.parse().unwrap())
    }

    use AddressClass as C;

    /// First and last address of each block, and the neighbours that lie outside.
    const EDGES: &[(&str, C)] = &[
        ("0.0.0.0", C::Unspecified),
        ("0.255.255.255", C::Unspecified),
        ("1.0.0.0", C::Public),
        ("9.255.255.255", C::Public),
        ("10.0.0.0", C::Private),
        ("10.255.255.255", C::Private),
        ("11.0.0.0", C::Public),
        ("100.63.255.255", C::Public),
        ("100.64.0.0", C::Shared),
        ("100.127.255.255", C::Shared),
        ("100.128.0.0", C::Public),
        ("127.0.0.1", C::Loopback),
        ("127.255.255.255", C::Loopback),
        ("128.0.0.0", C::Public),
        ("169.253.255.255", C::Public),
        ("169.254.0.0", C::LinkLocal),
        ("169.254.255.255", C::LinkLocal),
        ("169.255.0.0", C::Public),
        ("172.15.255.255", C::Public),
        ("172.16.0.0", C::Private),
        ("172.31.255.255", C::Private),
        ("172.32.0.0", C::Public),
        ("192.0.0.0", C::Reserved),
        ("192.0.0.255", C::Reserved),
        ("192.0.1.0", C::Public),
        ("192.0.2.0", C::Documentation),
        ("192.0.2.255", C::Documentation),
        ("192.0.3.0", C::Public),
        ("192.88.98.255", C::Public),
        ("192.88.99.0", C::Reserved),
        ("192.88.99.255", C::Reserved),
        ("192.168.0.0", C::Private),
        ("192.168.255.255", C::Private),
        ("192.169.0.0", C::Public),
        ("198.17.255.255", C::Public),
        ("198.18.0.0", C::Documentation),
        ("198.19.255.255", C::Documentation),
        ("198.20.0.0", C::Public),
        ("198.51.100.0", C::Documentation),
        ("198.51.101.0", C::Public),
        ("203.0.113.255", C::Documentation),
        ("203.0.114.0", C::Public),
        ("223.255.255.255", C::Public),
        ("224.0.0.0", C::Multicast),
        ("239.255.255.255", C::Multicast),
        ("240.0.0.0", C::Reserved),
        ("255.255.255.254", C::Reserved),
        ("255.255.255.255", C::Broadcast),
        ("::", C::Unspecified),
        ("::1", C::Loopback),
        ("::2", C::Embedding),
        ("::127.0.0.1", C::Embedding),
        ("::ffff:127.0.0.1", C::Embedding),
        ("::ffff:8.8.8.8", C::Embedding),
        ("::ffff:0:8.8.8.8", C::Embedding),
        ("64:ff9b::8.8.8.8", C::Embedding),
        ("64:ff9b::10.0.0.1", C::Embedding),
        ("64:ff9b:1::10.0.0.1", C::Embedding),
        ("64:ff9b:1:ffff::1", C::Embedding),
        ("64:ff9b:2::1", C::Reserved),
        ("100::", C::Reserved),
        ("100::ffff", C::Reserved),
        ("2000::1", C::Public),
        ("2001::1", C::Embedding),
        ("2001:2::1", C::Documentation),
        ("2001:10::1", C::Reserved),
        ("2001:1ff:ffff::", C::Reserved),
        ("2001:200::1", C::Public),
        ("2001:db8::", C::Documentation),
        ("2001:db9::", C::Public),
        ("2002:7f00:1::", C::Embedding),
        ("2002:808:808::1", C::Embedding),
        ("2606:4700::1111", C::Public),
        ("3fff::1", C::Documentation),
        ("3fff:1000::", C::Public),
        ("4000::", C::Reserved),
        ("5f00::1", C::Reserved),
        ("fbff::1", C::Reserved),
        ("fc00::", C::Private),
        ("fdff:ffff::1", C::Private),
        ("fe80::1", C::LinkLocal),
        ("febf:ffff::", C::LinkLocal),
        ("fec0::1", C::Private),
        ("feff::1", C::Private),
        ("ff02::1", C::Multicast),
    ];

    #[test]
    fn each_special_block_is_known_to_its_edges() {
        for (text, expected) in EDGES {
            assert_eq!(class(text), *expected, "{text}");
        }
    }

    #[test]
    fn metadata_services_are_named_as_such() {
        for text in [
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
        ] {
            assert_eq!(class(text), AddressClass::Metadata, "{text}");
        }
    }

    #[test]
    fn the_carried_address_is_found() {
        for (text, inner) in [
            ("::ffff:10.1.2.3", Some("10.1.2.3")),
            ("::10.1.2.3", Some("10.1.2.3")),
            ("64:ff9b::10.1.2.3", Some("10.1.2.3")),
            ("64:ff9b:1::10.1.2.3", Some("10.1.2.3")),
            ("2002:a01:203::1", Some("10.1.2.3")),
            ("2001::f5fe:fdfc", Some("10.1.2.3")),
            ("2606:4700::1111", None),
            ("::1", None),
        ] {
            let expected = inner.map(|inner| inner.parse().unwrap());
            assert_eq!(embedded_v4(text.parse().unwrap()), expected, "{text}");
        }
    }

    proptest! {
        /// The standard library's own predicates never find a public address special.
        #[test]
        fn what_is_public_in_v4_is_special_to_nobody(bits: u32) {
            let address = Ipv4Addr::from(bits);
            if is_public(IpAddr::V4(address)) {
                prop_assert!(!address.is_private() && !address.is_loopback());
                prop_assert!(!address.is_link_local() && !address.is_multicast());
                prop_assert!(!address.is_broadcast() && !address.is_documentation());
                prop_assert!(!address.is_unspecified());
            }
        }

        #[test]
        fn what_is_public_in_v6_is_global_unicast_and_carries_nothing(bits: u128) {
            let address = Ipv6Addr::from(bits);
            if is_public(IpAddr::V6(address)) {
                prop_assert_eq!(address.octets()[0] >> 5, 1);
                prop_assert_eq!(embedded_v4(address), None);
            }
        }

        /// No way to write an IPv4 address inside an IPv6 one makes it dialable.
        #[test]
        fn no_embedding_is_public(bits: u32, low: u64) {
            let [w, x, y, z] = Ipv4Addr::from(bits).octets();
            let (high, end) = (u16::from_be_bytes([w, x]), u16::from_be_bytes([y, z]));
            let tail: [u16; 4] = std::array::from_fn(|i| u16::try_from((low >> (16 * i)) & 0xffff).unwrap());
            let forms = [
                Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, end),
                Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, end),
                Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, end),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, end),
                Ipv6Addr::new(0x64, 0xff9b, 1, tail[0], tail[1], tail[2], high, end),
                Ipv6Addr::new(0x2002, high, end, tail[0], tail[1], tail[2], tail[3], 1),
                Ipv6Addr::new(0x2001, 0, tail[0], tail[1], tail[2], tail[3], !high, !end),
            ];
            for form in forms {
                prop_assert!(!is_public(IpAddr::V6(form)), "{}", form);
            }
        }
    }
}
