//! Partitions of AWS: groups of regions that share accounts, names of ARNs and a domain. From
//! `partitions.json`, which AWS publishes with its SDKs.

/// One partition.
#[derive(Debug, PartialEq, Eq)]
pub struct Partition {
    /// The second part of an ARN.
    pub name: &'static str,
    /// The domain of its services.
    pub domain: &'static str,
    /// What the names of its regions begin with; a word and a number follow.
    prefixes: &'static [&'static str],
    /// The regions that were open when this version was made.
    regions: &'static [&'static str],
}

/// All of them.
pub const PARTITIONS: &[Partition] = &[
    Partition {
        name: "aws-cn",
        domain: "amazonaws.com.cn",
        prefixes: &["cn-"],
        regions: &["cn-north-1", "cn-northwest-1"],
    },
    Partition {
        name: "aws-us-gov",
        domain: "amazonaws.com",
        prefixes: &["us-gov-"],
        regions: &["us-gov-east-1", "us-gov-west-1"],
    },
    Partition {
        name: "aws-eusc",
        domain: "amazonaws.eu",
        prefixes: &["eusc-de-"],
        regions: &["eusc-de-east-1"],
    },
    Partition {
        name: "aws-iso",
        domain: "c2s.ic.gov",
        prefixes: &["us-iso-"],
        regions: &["us-iso-east-1", "us-iso-west-1"],
    },
    Partition {
        name: "aws-iso-b",
        domain: "sc2s.sgov.gov",
        prefixes: &["us-isob-"],
        regions: &["us-isob-east-1", "us-isob-west-1"],
    },
    Partition {
        name: "aws-iso-e",
        domain: "cloud.adc-e.uk",
        prefixes: &["eu-isoe-"],
        regions: &["eu-isoe-west-1"],
    },
    Partition {
        name: "aws-iso-f",
        domain: "csp.hci.ic.gov",
        prefixes: &["us-isof-"],
        regions: &["us-isof-east-1", "us-isof-south-1"],
    },
    Partition {
        name: "aws",
        domain: "amazonaws.com",
        prefixes: &["us-", "eu-", "ap-", "sa-", "ca-", "me-", "af-", "il-", "mx-"],
        regions: &[
            "af-south-1",
            "ap-east-1",
            "ap-east-2",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-south-2",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-central-1",
            "ca-west-1",
            "eu-central-1",
            "eu-central-2",
            "eu-north-1",
            "eu-south-1",
            "eu-south-2",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "il-central-1",
            "me-central-1",
            "me-south-1",
            "mx-central-1",
            "sa-east-1",
            "us-east-1",
            "us-east-2",
            "us-west-1",
            "us-west-2",
        ],
    },
];

/// The last word in the name of a region.
const DIRECTIONS: [&str; 9] = [
    "central",
    "east",
    "north",
    "northeast",
    "northwest",
    "south",
    "southeast",
    "southwest",
    "west",
];

/// Tells whether a text has the form of a region, such as `us-east-1` or `us-gov-west-1`.
pub fn is_region(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    parts(text).is_some_and(|Parts { area, direction, number }| {
        let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        area.split('-').all(is_word) && DIRECTIONS.contains(&direction) && is_number
    })
}

/// Returns the region that was probably meant by a text without the form of one.
pub fn meant(text: &str) -> Option<String> {
    let text = text.to_lowercase().replace('_', "-");
    let Parts { area, direction, number } = parts(&text)?;
    // A zone ends with a letter.
    let number = number.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let distance = |word: &&str| strsim::damerau_levenshtein(word, direction);
    let near = DIRECTIONS.into_iter().min_by_key(distance).filter(|word| distance(word) <= 2)?;
    let meant = format!("{area}-{near}-{number}");
    Partition::of(&meant).map(|_| meant)
}

/// Returns the known regions nearest to one that is not known: those that differ in the number alone, or else
/// those of the same area. `None`: the region is known.
pub fn instead_of(region: &str) -> Option<Vec<&'static str>> {
    let known = || PARTITIONS.iter().flat_map(|partition| partition.regions.iter().copied());
    if known().any(|one| one == region) {
        return None;
    }
    let Some(Parts { area, direction, .. }) = parts(region) else { return Some(Vec::new()) };
    let of_area = |one: &&str| parts(one).is_some_and(|parts| parts.area == area);
    let nearest = |one: &&str| parts(one).is_some_and(|parts| parts.direction == direction);
    let all: Vec<&str> = known().filter(of_area).collect();
    let near: Vec<&str> = all.iter().copied().filter(nearest).collect();
    Some(if near.is_empty() { all } else { near })
}

/// `us-gov`, `west`, `1`.
struct Parts<'a> {
    area: &'a str,
    direction: &'a str,
    number: &'a str,
}

fn parts(text: &str) -> Option<Parts<'_>> {
    let (rest, number) = text.rsplit_once('-')?;
    let (area, direction) = rest.rsplit_once('-')?;
    Some(Parts { area, direction, number })
}

impl Partition {
    /// Returns the partition of a region; `None` for what is not the name of a region. Regions that AWS
    /// opens later are known by the form of their names.
    pub fn of(region: &str) -> Option<&'static Self> {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let is_word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase());
        PARTITIONS.iter().find(|partition| {
            partition.prefixes.iter().any(|start| {
                let rest = region.strip_prefix(start).and_then(|rest| rest.split_once('-'));
                rest.is_some_and(|(word, number)| is_word(word) && is_number(number))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_is_in_its_partition() {
        for (region, partition) in [
            ("us-east-1", "aws"),
            ("ap-southeast-7", "aws"),
            ("mx-central-1", "aws"),
            ("cn-northwest-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("eusc-de-east-1", "aws-eusc"),
            ("us-iso-west-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
        ] {
            assert_eq!(Partition::of(region).map(|partition| partition.name), Some(partition));
        }
        for text in ["us-east-1", "us-gov-west-1", "eusc-de-east-1", "xx-south-12"] {
            assert!(is_region(text), "{text}");
        }
        for text in ["", "us-east", "us-esat-1", "us-east-1a", "US-EAST-1", "east-1", "us--east-1"]
        {
            assert!(!is_region(text), "{text}");
        }
        for (text, region) in [
            ("us-esat-1", Some("us-east-1")),
            ("eu-central-1b", Some("eu-central-1")),
            ("US_WEST_2", Some("us-west-2")),
            ("ap-sotheast-2", Some("ap-southeast-2")),
            ("mars", None),
            ("xx-esat-1", None),
        ] {
            assert_eq!(meant(text).as_deref(), region, "{text}");
        }
        for text in ["", "us-east", "us-east-1a", "us--1", "US-EAST-1", "xx-east-1", "aws-global"] {
            assert_eq!(Partition::of(text), None, "{text}");
        }
    }

    #[test]
    fn known_regions_are_in_their_partition_and_are_named_instead_of_others() {
        for partition in PARTITIONS {
            for region in partition.regions {
                assert_eq!(Partition::of(region), Some(partition), "{region}");
                assert_eq!(instead_of(region), None, "{region}");
            }
        }
        for (region, near) in [
            ("us-east-5", &["us-east-1", "us-east-2"][..]),
            ("eu-central-9", &["eu-central-1", "eu-central-2"]),
            ("us-gov-central-1", &["us-gov-east-1", "us-gov-west-1"]),
            ("xx-east-1", &[]),
        ] {
            assert_eq!(instead_of(region).as_deref(), Some(near), "{region}");
        }
    }
}
